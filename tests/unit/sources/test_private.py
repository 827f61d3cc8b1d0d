"""Private repositories: read and written over smart HTTP and ssh, with credentials that stay where they belong."""

import asyncio
import base64
import os
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from aiohttp import web
from tests.support.githttp import GitHttpServer
from tests.support.gitrepo import GitRepo
from tests.support.gitssh import GitSshServer
from tests.support.httpserver import serving

from trueup.model.errors import InvalidSpec, SourceUnavailable
from trueup.model.repository import RepositoryOf
from trueup.sources.credential import Credential
from trueup.sources.mirrors import Mirrors
from trueup.sources.writer import PushRefused, WantedCommit, write
from trueup.workers.git import run_git

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ASK = WantedCommit(branch="main", message=lambda changes: f"Change {', '.join(changes)}")


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    repo = GitRepo(tmp_path / "remote" / "repo.git")
    repo.git("config", "http.receivepack", "true")
    return repo


@pytest.fixture
def http(tmp_path: Path) -> Iterator[GitHttpServer]:
    with GitHttpServer(tmp_path / "remote") as server:
        server.credentials = "ada:s3cret/+ word"
        yield server


@pytest.fixture
async def ssh(tmp_path: Path) -> AsyncIterator[GitSshServer]:
    async with GitSshServer(tmp_path / "remote") as server:
        yield server


def mirrors(tmp_path: Path, credential: Credential | None) -> Mirrors:
    return Mirrors(tmp_path / "mirrors", run_git, credential=lambda _: credential)


async def test_https_with_user_and_password(tmp_path: Path, repo: GitRepo, http: GitHttpServer) -> None:
    sha = repo.commit({"a": b"1"})
    mirror = mirrors(tmp_path, Credential(username="ada", password="s3cret/+ word")).get(f"{http.url}/repo.git")
    await mirror.update()
    assert mirror.resolve("main") == sha
    written = await write(mirror, ASK, lambda _: {"a": b"2"}, now=lambda: NOW)
    assert repo.git("show", "main:a") == "2"
    assert repo.git("rev-parse", "main") == written.sha


async def test_a_user_in_the_url_is_a_name_and_the_secret_answers(
    tmp_path: Path, repo: GitRepo, http: GitHttpServer
) -> None:
    sha = repo.commit({"a": b"1"})
    known = mirrors(tmp_path, Credential(username="ada", password="s3cret/+ word"))
    url = f"{http.url}/repo.git"
    mirror = known.get(url.replace("://", "://org@"))
    await mirror.update()
    assert mirror.resolve("main") == sha
    assert known.get(url) is mirror
    assert {base64.b64encode(b"org:").decode(), "org"} & set(" ".join(http.authorizations).split()) == set()


@pytest.mark.parametrize(
    "credential",
    [None, Credential(username="ada", password="wrong"), Credential(bearer_token="nonsense")],
    ids=["without credentials", "with a wrong password", "with a token that is none"],
)
async def test_https_is_refused(
    tmp_path: Path, repo: GitRepo, http: GitHttpServer, credential: Credential | None
) -> None:
    repo.commit({"a": b"1"})
    with pytest.raises(SourceUnavailable) as caught:
        await mirrors(tmp_path, credential).get(f"{http.url}/repo.git").update()
    assert "wrong" not in str(caught.value) and "nonsense" not in str(caught.value)


async def test_ssh_with_a_key_and_known_hosts(tmp_path: Path, repo: GitRepo, ssh: GitSshServer) -> None:
    sha = repo.commit({"a": b"1"})
    credential = Credential(ssh_private_key=ssh.private_key, known_hosts=ssh.known_hosts)
    mirror = mirrors(tmp_path, credential).get(ssh.url("repo.git"))
    await mirror.update()
    assert mirror.resolve("main") == sha
    await write(mirror, ASK, lambda _: {"deep/er/b": b"new"}, now=lambda: NOW)
    assert repo.git("show", "main:deep/er/b") == "new"
    assert repo.git("show", "main:a") == "1"


async def test_ssh_refuses_a_host_nobody_knows(tmp_path: Path, repo: GitRepo, ssh: GitSshServer) -> None:
    repo.commit({"a": b"1"})
    with pytest.raises(SourceUnavailable, match=r"[Hh]ost key verification"):
        await mirrors(tmp_path, Credential(ssh_private_key=ssh.private_key)).get(ssh.url("repo.git")).update()


async def test_ssh_takes_any_host_where_the_secret_says_insecure(
    tmp_path: Path, repo: GitRepo, ssh: GitSshServer
) -> None:
    sha = repo.commit({"a": b"1"})
    mirror = mirrors(tmp_path, Credential(ssh_private_key=ssh.private_key, insecure=True)).get(ssh.url("repo.git"))
    await mirror.update()
    assert mirror.resolve("main") == sha


async def test_no_key_is_left_behind(tmp_path: Path, repo: GitRepo, ssh: GitSshServer) -> None:
    repo.commit({"a": b"1"})
    credential = Credential(ssh_private_key=ssh.private_key, known_hosts=ssh.known_hosts)
    await mirrors(tmp_path, credential).get(ssh.url("repo.git")).update()
    secret = ssh.private_key.splitlines()[2].encode()
    assert not [p for p in (tmp_path / "mirrors").rglob("*") if p.is_file() and secret in p.read_bytes()]


class TestRefusedPushes:
    async def test_a_key_that_may_only_read_is_told_where_to_put_another(self, tmp_path: Path, repo: GitRepo) -> None:
        repo.commit({"a": b"1"})
        async with GitSshServer(tmp_path / "remote", read_only=True) as server:
            credential = Credential(ssh_private_key=server.private_key, known_hosts=server.known_hosts)
            mirror = mirrors(tmp_path, credential).get(server.url("repo.git"))
            with pytest.raises(PushRefused, match=r"repository-write"):
                await write(mirror, ASK, lambda _: {"a": b"2"}, now=lambda: NOW)

    async def test_an_http_server_that_takes_no_pushes(
        self, tmp_path: Path, repo: GitRepo, http: GitHttpServer
    ) -> None:
        repo.git("config", "http.receivepack", "false")
        repo.commit({"a": b"1"})
        mirror = mirrors(tmp_path, Credential(username="ada", password="s3cret/+ word")).get(f"{http.url}/repo.git")
        with pytest.raises(PushRefused, match="403"):
            await write(mirror, ASK, lambda _: {"a": b"2"}, now=lambda: NOW)

    async def test_a_protected_branch_is_named_with_the_servers_words(
        self, tmp_path: Path, repo: GitRepo, http: GitHttpServer
    ) -> None:
        sha = repo.commit({"a": b"1"})
        hook = repo.path / "hooks" / "pre-receive"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text("#!/bin/sh\necho main is protected >&2\nexit 1\n")
        hook.chmod(0o755)
        mirror = mirrors(tmp_path, Credential(username="ada", password="s3cret/+ word")).get(f"{http.url}/repo.git")
        with pytest.raises(PushRefused, match=r"branch main cannot be pushed.*hook declined"):
            await write(mirror, ASK, lambda _: {"a": b"2"}, now=lambda: NOW)
        assert repo.git("rev-parse", "main") == sha


async def test_what_a_projects_credential_fetched_is_in_no_other_projects_mirror(
    tmp_path: Path, repo: GitRepo, http: GitHttpServer
) -> None:
    sha = repo.commit({"a": b"1"})
    own = Credential(username="ada", password="s3cret/+ word")
    mirrors = Mirrors(
        tmp_path / "mirrors",
        run_git,
        credential=lambda each: own if each.project == "team-b" else None,
        scope=lambda each: "team-b" if each.project == "team-b" else "",
    )
    theirs, others, nobodys = (
        mirrors.get(RepositoryOf(f"{http.url}/repo.git", "team-b")),
        mirrors.get(RepositoryOf(f"{http.url}/repo", "team-x")),
        mirrors.get(f"{http.url}/repo"),
    )
    await theirs.update()
    assert theirs.resolve("main") == sha
    for mirror in (others, nobodys):
        with pytest.raises(SourceUnavailable):
            await mirror.update()
        with pytest.raises(SourceUnavailable, match="not been fetched"):
            mirror.resolve("main")
    assert others is nobodys and others is not theirs


async def test_a_password_is_in_no_process_list(tmp_path: Path, repo: GitRepo, http: GitHttpServer) -> None:
    repo.commit({"a": b"1"})
    http.gate.clear()
    mirror = mirrors(tmp_path, Credential(username="ada", password="s3cret/+ word")).get(
        http.url.replace("://", "://ada:s3cret%2F+%20word@") + "/repo.git"
    )
    update = asyncio.create_task(mirror.update())
    while len(http.requests) < 2:
        await asyncio.sleep(0.01)
    arguments = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if os.access(path, os.R_OK)]
    http.gate.set()
    await update
    words = [b"s3cret", b"Authorization", base64.b64encode(b"ada:s3cret/+ word")]
    assert any(b"ls-remote" in line or b"upload-pack" in line for line in arguments)
    assert not [line for line in arguments if any(word in line for word in words)]


async def test_a_credential_is_shown_to_its_own_host_whoever_lends_it(
    tmp_path: Path, repo: GitRepo, http: GitHttpServer
) -> None:
    repo.commit({"a": b"1"})
    other = Credential(username="ada", password="s3cret/+ word", host="git.example")
    with pytest.raises(InvalidSpec, match=r"is for git\.example"):
        await mirrors(tmp_path, other).get(f"{http.url}/repo.git").update()
    assert http.requests == []


async def test_a_server_without_a_backend_names_no_other_to_fetch_from(
    tmp_path: Path, repo: GitRepo, http: GitHttpServer
) -> None:
    """Git's older protocol lets a server say where its objects are."""
    sha = repo.commit({"a": b"1"})
    asked: list[str] = []

    async def evil(request: web.BaseRequest) -> web.StreamResponse:
        asked.append(request.path)
        if request.path.endswith("/info/refs"):
            return web.Response(text=f"{sha}\trefs/heads/main\n", content_type="text/plain")
        if request.path.endswith("alternates"):
            return web.Response(text=f"{http.url}/repo.git/objects\n")
        return web.Response(status=404)

    async with serving(evil) as host:
        with pytest.raises(SourceUnavailable):
            await (
                mirrors(tmp_path, Credential(username="ada", password="s3cret/+ word")).get(f"http://{host}/x").update()
            )
    assert any(path.endswith("alternates") for path in asked)
    assert http.requests == []


async def test_what_a_server_repeats_of_the_credential_is_not_told_and_no_guess_is_confirmed(tmp_path: Path) -> None:
    """It answers with the words of its path, which who writes the URL chooses, and with what it was shown."""

    async def parrot(request: web.BaseRequest) -> web.StreamResponse:
        shown = request.headers.get("Authorization", "nobody")
        error = f"ERR no {request.path.split('/')[1]} for {shown}"
        lines = "".join(f"{len(line) + 4:04x}{line}" for line in ("# service=git-upload-pack\n",))
        body = f"{lines}0000{len(error) + 4:04x}{error}"
        return web.Response(body=body.encode(), content_type="application/x-git-upload-pack-advertisement")

    async def told(token: str) -> str:
        async with serving(parrot) as host:
            mirror = mirrors(tmp_path / token, Credential(bearer_token=token)).get(f"http://{host}/summer2024/x")
            with pytest.raises(SourceUnavailable, match="remote error") as caught:
                await mirror.update()
            return str(caught.value)

    other, guessed = await told("glowing-otter-22"), await told("summer2024")
    assert "no summer2024 for ******" in other
    assert "no summer2024 for" in guessed
