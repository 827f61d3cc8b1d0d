"""git runs in an environment of ours and tells its reason without credentials."""

import os
import socket
import sys
from pathlib import Path

import pytest
from tests.support.githttp import GitHttpServer
from tests.support.gitrepo import GitRepo
from tests.support.patience import looks

from trueup.model.errors import SourceUnavailable
from trueup.workers.git import GitFailed, run_git


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    repo = GitRepo(tmp_path / "repo.git")
    repo.commit({"a": b"1"})
    return repo


async def test_output_comes_back(repo: GitRepo) -> None:
    assert (await run_git(["rev-parse", "--is-bare-repository"], cwd=repo.path)).strip() == b"true"


async def test_a_failure_has_the_reason_on_one_line() -> None:
    with pytest.raises(GitFailed, match=r"^git ls-remote failed: [^\n]*nowhere[^\n]*$") as caught:
        await run_git(["ls-remote", "--", "file:///nowhere"], protocols=["file"])
    assert isinstance(caught.value, SourceUnavailable)
    assert "fatal:" not in str(caught.value)


async def test_the_same_failure_is_told_in_the_same_words_however_long_it_took() -> None:
    with pytest.raises(GitFailed, match=r"Failed to connect to 127\.0\.0\.1 port 1: "):
        await run_git(["ls-remote", "--", "http://127.0.0.1:1/r"], protocols=["http"])


async def test_configuration_of_user_system_and_environment_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".gitconfig").write_text("[canary]\n\tfrom = home\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", str(tmp_path / ".gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_PARAMETERS", "'canary.from'='environment'")
    listing = await run_git(["config", "--list", "--show-origin"])
    assert b"canary" not in listing
    assert b"hookspath=/dev/null" in listing


async def test_a_repository_in_a_parent_folder_is_not_found(repo: GitRepo) -> None:
    (repo.path / "below").mkdir()
    with pytest.raises(GitFailed):
        await run_git(["rev-parse", "--git-dir"], cwd=repo.path / "below")


@pytest.mark.parametrize(
    ("url", "protocols"),
    [
        ("file://{}", ["https", "http"]),
        ("{}", ["https", "http"]),
        ("ext::sh -c 'touch {}/canary'", ["file", "https", "http"]),
        ("ssh://git@127.0.0.1/r", ["file", "https", "http"]),
        ("git://127.0.0.1/r", ["file", "https", "http"]),
        ("file://{}", []),
    ],
)
async def test_a_transport_not_named_is_refused_by_git(repo: GitRepo, url: str, protocols: list[str]) -> None:
    with pytest.raises(GitFailed, match="not allowed"):
        await run_git(["ls-remote", "--", url.format(repo.path)], protocols=protocols)
    assert not (repo.path / "canary").exists()


async def test_hooks_of_a_repository_do_not_run(repo: GitRepo, tmp_path: Path) -> None:
    target = GitRepo(tmp_path / "target.git")
    template = tmp_path / "template" / "hooks"
    template.mkdir(parents=True)
    (target.path / "hooks").mkdir(exist_ok=True)
    for hook in ("reference-transaction", "post-update", "pre-auto-gc"):
        (target.path / "hooks" / hook).write_text(f"#!/bin/sh\ntouch {tmp_path}/canary\n")
        (target.path / "hooks" / hook).chmod(0o755)
    await run_git(["fetch", "--", repo.url, "+refs/heads/*:refs/heads/*"], cwd=target.path, protocols=["file"])
    assert target.git("rev-parse", "main") == repo.git("rev-parse", "main")
    assert not (tmp_path / "canary").exists()


async def test_a_repository_of_another_user_is_read(repo: GitRepo) -> None:
    if os.getuid() == 0:
        os.chown(repo.path, 12345, 12345)
    assert b"refs/heads/main" in await run_git(["ls-remote", "--", repo.url], protocols=["file"])


async def test_credentials_demanded_are_not_asked_for_at_a_terminal(repo: GitRepo, tmp_path: Path) -> None:
    with GitHttpServer(tmp_path) as server:
        server.credentials = "u:p"
        with pytest.raises(GitFailed, match=r"ls-remote failed"):
            await run_git(["ls-remote", "--", f"{server.url}/repo.git"], protocols=["http"], timeout=10)


async def test_credentials_in_a_url_are_refused_and_masked(repo: GitRepo) -> None:
    with pytest.raises(GitFailed) as caught:
        await run_git(["ls-remote", "--", "http://user:canary@127.0.0.1:9/r"], protocols=["http"])
    assert "canary" not in str(caught.value)


async def test_configuration_given_reaches_git_and_is_on_no_command_line(repo: GitRepo) -> None:
    out = await run_git(["config", "--get", "http.extraHeader"], config={"http.extraHeader": "Authorization: x"})
    assert out == b"Authorization: x\n"


async def test_a_hanging_server_is_given_up_and_its_processes_are_gone(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/canary-{os.getpid()}"
        with pytest.raises(GitFailed, match=r"git ls-remote: not done after 0\.5 s"):
            await run_git(["ls-remote", "--", url], protocols=["http"], timeout=0.5)
    if sys.platform == "linux":
        async for _ in looks(5):
            if not _processes(url):
                return
        assert not _processes(url)


def _processes(word: str) -> list[Path]:
    places = Path("/proc").glob("[0-9]*/cmdline")
    return [place for place in places if word.encode() in _read(place).replace(b"\0", b" ")]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


async def test_output_past_the_cap_is_refused(repo: GitRepo) -> None:
    with pytest.raises(GitFailed, match="more than 10 bytes"):
        await run_git(["ls-remote", "--", repo.url], protocols=["file"], max_output=10)
