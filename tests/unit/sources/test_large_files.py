"""Files of Git LFS: whatever a server does, a content is the one that its pointer names, or is refused."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from tests.support.httpserver import serving

from trueup.model.errors import InvalidSpec, RenderFailed, SourceUnavailable, TrueupError
from trueup.model.tree import MAX_FILE
from trueup.render.large_files import LargeFile, pointed
from trueup.sources import large_store
from trueup.sources.credential import Credential
from trueup.sources.large_files import LargeFiles
from trueup.sources.outgoing import AddressRefused
from trueup.sources.quota import Allowance, Growth, Quota
from trueup.sources.url import admit

CONTENT = b"kind: ConfigMap\n" * 100
FILE = LargeFile(hashlib.sha256(CONTENT).hexdigest(), len(CONTENT))
OURS = Credential(username="robot", password="s3cr3t-of-the-repository", large_files=True)
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{FILE.oid}\nsize {FILE.size}\n"

Answer = Callable[["Server", web.BaseRequest], Awaitable[web.StreamResponse]]


class Server:
    """A server of contents, and another one beside it.

    Attributes:
        said: what the API answers of the object, beside its digest.
        content: what is given for it.
        seen: path and Authorization of each request, of the other one with a plus.
    """

    def __init__(self) -> None:
        self.url = self.other = ""
        self.said: dict[str, Any] = {}
        self.status, self.content = 200, CONTENT
        self.to = ""
        self.seen: list[tuple[str, str]] = []

    def actions(self, href: str, **header: str) -> None:
        self.said = {"actions": {"download": {"href": href, "header": header}}}

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.seen.append((request.path, request.headers.get("Authorization", "")))
        if request.path.endswith("/batch"):
            assert request.headers["Content-Type"] == "application/vnd.git-lfs+json"
            objects = (
                [{**each, **self.said} for each in (await request.json())["objects"]]
                if request.method == "POST"
                else []
            )
            return web.json_response({"objects": objects}, status=self.status)
        if self.to:
            to, self.to = self.to, ""
            return web.Response(status=302, headers={"Location": to})
        return web.Response(body=self.content)

    async def beside(self, request: web.BaseRequest) -> web.StreamResponse:
        self.seen.append((f"+{request.path}", request.headers.get("Authorization", "")))
        return web.Response(body=self.content)


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    async with serving(made.answer) as own, serving(made.beside) as other:
        made.url, made.other = f"http://{own}", f"http://{other}"
        made.actions(f"{made.url}/content")
        yield made


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    return tmp_path / "mirrors" / "one" / "repo.git"


def files_of(url: str, repository: Path, *, guarded: bool = False, each: int = 1 << 30) -> LargeFiles:
    quota = Quota(repository.parents[1], Allowance(each=each))
    return LargeFiles(admit(url, ()), repository, Growth(quota, repository.parent), guarded=guarded)


async def bring(server: Server, repository: Path, credential: Credential | None = OURS) -> bytes:
    await files_of(f"{server.url}/org/app", repository).bring(FILE, credential)
    return large_store.read(repository, FILE, "x")


async def test_a_content_is_asked_for_once_and_kept(server: Server, repository: Path) -> None:
    assert await bring(server, repository) == CONTENT
    assert [path for path, _ in server.seen] == ["/org/app.git/info/lfs/objects/batch", "/content"]
    assert {shown for _, shown in server.seen} == {OURS.authorization}
    assert await bring(server, repository) == CONTENT
    assert len(server.seen) == 2


async def test_another_host_sees_what_the_answer_says_and_nothing_of_ours(server: Server, repository: Path) -> None:
    server.actions(f"{server.other}/content", Authorization="Bearer theirs", Host="evil", Cookie="a=b")
    await bring(server, repository)
    assert server.seen[1] == ("+/content", "Bearer theirs")
    server.actions(f"{server.other}/content")
    large_store.kept(repository, FILE).unlink()
    await bring(server, repository)
    assert server.seen[3] == ("+/content", "")


async def test_who_is_led_away_shows_nothing_there(server: Server, repository: Path) -> None:
    server.actions(f"{server.url}/content", Authorization="Bearer theirs")
    server.to = f"{server.other}/elsewhere"
    await bring(server, repository)
    assert server.seen[1:] == [("/content", "Bearer theirs"), ("+/elsewhere", "")]


@pytest.mark.parametrize(
    ("said", "status", "content", "error", "says"),
    [
        pytest.param({"error": {"code": 404, "message": "none"}}, 200, b"", RenderFailed, "says 404 'none'", id="none"),
        pytest.param({}, 200, b"", RenderFailed, "does not say where", id="no place"),
        pytest.param({"oid": "x"}, 200, b"", RenderFailed, "does not say where", id="another object"),
        pytest.param({"actions": 1}, 200, b"", SourceUnavailable, "cannot be read", id="another form"),
        pytest.param({}, 401, b"", SourceUnavailable, "answers 401", id="not let in"),
        pytest.param({}, 404, b"", SourceUnavailable, "answers 404 to the question", id="no LFS there"),
        pytest.param(None, 200, CONTENT[:-1] + b"x", RenderFailed, "something else", id="another content"),
        pytest.param(None, 200, CONTENT[:-1], RenderFailed, "something else", id="cut off"),
        pytest.param(None, 200, CONTENT + b"x", RenderFailed, "more than was said", id="endless"),
        pytest.param(
            {"error": {"code": 1, "message": f"you are {OURS.authorization}"}},
            200,
            b"",
            RenderFailed,
            "you are",
            id="echo",
        ),
        pytest.param(
            {"actions": {"download": {"href": "file:///etc/passwd"}}},
            200,
            b"",
            SourceUnavailable,
            "leads to",
            id="a file",
        ),
    ],
)
async def test_what_is_not_the_content_is_refused_and_nothing_is_kept(
    server: Server,
    repository: Path,
    said: dict[str, Any] | None,
    status: int,
    content: bytes,
    error: type[TrueupError],
    says: str,
) -> None:
    server.said = server.said if said is None else said
    server.status, server.content = status, content
    with pytest.raises(error, match=says) as refused:
        await bring(server, repository)
    assert OURS.password not in str(refused.value) and OURS.authorization not in str(refused.value)
    assert FILE.oid[:12] in refused.value.message or "more than" in refused.value.message
    assert not large_store.kept(repository, FILE).exists()


async def test_what_may_not_be_asked_or_kept_is_not_asked_for(server: Server, repository: Path) -> None:
    url = f"{server.url}/org/app"
    with pytest.raises(RenderFailed, match="a file may have 64 MiB"):
        await files_of(url, repository).bring(LargeFile("0" * 64, MAX_FILE + 1), None)
    with pytest.raises(InvalidSpec, match="over HTTPS alone"):
        await files_of("git@h:org/app", repository).bring(FILE, None)
    with pytest.raises(AddressRefused):
        await files_of(url, repository, guarded=True).bring(FILE, None)
    with pytest.raises(RenderFailed, match="--mirror-quota"):
        await files_of(url, repository, each=1).bring(LargeFile("0" * 64, 8 << 20), None)
    assert server.seen == []


async def test_a_server_that_leads_a_stranger_to_this_machine_is_not_followed(
    server: Server, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.actions("http://169.254.169.254/latest")
    files = files_of(f"{server.url}/org/app", repository, guarded=True)
    monkeypatch.setattr("trueup.sources.large_files.require_outside", lambda url: _but(server.url, str(url)))
    with pytest.raises(AddressRefused):
        await files.bring(FILE, None)


def _but(home: str, url: str) -> None:
    if not url.startswith(home):
        raise AddressRefused("it is of this machine")


def test_a_local_copy_that_is_damaged_is_told_and_dropped(repository: Path) -> None:
    large_store.keep(repository, FILE, CONTENT)
    large_store.drop_damaged(repository)
    assert large_store.read(repository, FILE, "x") == CONTENT
    large_store.kept(repository, FILE).write_bytes(b"other")
    with pytest.raises(SourceUnavailable, match="damaged"):
        large_store.read(repository, FILE, "x")
    large_store.drop_damaged(repository)
    with pytest.raises(SourceUnavailable, match="not here any more"):
        large_store.read(repository, FILE, "x")


def test_of_too_many_those_that_came_first_go(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_store, "KEPT", 20)
    for number in range(4):
        large_store.keep(repository, LargeFile(str(number), 8), b"8 bytes.")
    assert sorted(each.name for each in large_store.kept(repository, FILE).parent.iterdir()) == ["2", "3"]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (POINTER, FILE),
        (POINTER.replace("\n", "\r\n"), FILE),
        (POINTER.replace("oid sha256", "ext-0-x sha256:1\noid sha256"), FILE),
        (POINTER.replace("sha256", "sha1"), None),
        (POINTER.replace(f"size {FILE.size}", "size -1"), None),
        (POINTER.replace(FILE.oid, "../../etc/passwd"), None),
        (POINTER + "x" * 1024, None),
        ("kind: ConfigMap\n", None),
    ],
)
def test_a_pointer_is_read(text: str, found: LargeFile | None) -> None:
    assert pointed(text.encode()) == found
