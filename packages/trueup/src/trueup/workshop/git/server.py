"""Bare repositories over HTTP, and the news of each push."""

import asyncio
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote

import msgspec
import pygit2
from aiohttp import web

from trueup.model.errors import TrueupError
from trueup.workers.git import run_git
from trueup.workers.process import kill_group, write_all

PREFIX = "/git/"
MAIN = "main"
ZERO = "0" * 40
SECONDS = 600.0
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")
_ROUTE = re.compile(r"/git/([^/]+?)(?:\.git)?/(info/refs|git-upload-pack|git-receive-pack)")
_SEARCH = "/usr/local/bin:/usr/bin:/bin" + (":/opt/homebrew/bin" if sys.platform == "darwin" else "")
_CHUNK = 64 * 1024
_HEAD_LIMIT = 64 * 1024
_IDENTITY = ("-c", "user.name=Trueup sandbox", "-c", "user.email=sandbox@trueup.invalid", "-c", "commit.gpgsign=false")
_CONFIG = {
    "safe.directory": "*",
    # No hook of a repository runs: pushes are seen here.
    "core.hooksPath": "/dev/null",
    "http.receivepack": "true",
    "http.getanyfile": "false",
    "receive.fsckObjects": "true",
    "receive.autogc": "false",
    "uploadpack.allowAnySHA1InWant": "true",
}


class Push(msgspec.Struct, frozen=True):
    """A branch or tag that a push moved.

    Attributes:
        before, after: commits; zeros where there is none.
    """

    repository: str
    ref: str
    before: str
    after: str

    @property
    def branch(self) -> str:
        """The branch's name; empty for anything else."""
        return self.ref.removeprefix("refs/heads/") if self.ref.startswith("refs/heads/") else ""


class GitServer:
    """Answers requests below ``/git/``: ``/git/NAME.git``.

    Args:
        folder: of the bare repositories.
        admit: whether a request shows the token.
        pushed: told of each moved ref, before the client is.
    """

    def __init__(
        self, folder: Path, *, admit: Callable[[web.BaseRequest], bool], pushed: Callable[[Push], None]
    ) -> None:
        self._folder, self._admit, self._pushed = folder, admit, pushed
        self._turns: dict[str, asyncio.Lock] = {}

    def names(self) -> list[str]:
        """The repositories, sorted."""
        return sorted(each.name.removesuffix(".git") for each in self._folder.glob("*.git"))

    def path(self, name: str) -> Path:
        """Where a repository lies.

        Raises:
            TrueupError: it cannot have that name.
        """
        if not _NAME.fullmatch(name) or name.endswith(".git"):
            raise TrueupError(f"{name[:100]!r} is no name of a repository", hint="use letters, digits, - and _")
        return self._folder / f"{name}.git"

    async def create(self, name: str, content: Path | None = None) -> str:
        """Make a repository, with a first commit of a folder's files where one is given; returns that commit.

        Raises:
            TrueupError: it is there already, or cannot be made.
        """
        path = self.path(name)
        if path.exists():
            raise TrueupError(f"repository {name} is there already", hint="choose another name")
        self._folder.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(prefix=".new-", dir=self._folder))
        try:
            await run_git(["init", "--quiet", "--bare", f"--initial-branch={MAIN}", "--", str(fresh / "bare")])
            commit = ""
            if content is not None:
                work = fresh / "work"
                ignored = shutil.ignore_patterns(".git")
                await asyncio.to_thread(shutil.copytree, content, work, ignore=ignored, symlinks=True)
                await run_git(["init", "--quiet", f"--initial-branch={MAIN}"], cwd=work)
                await run_git(["add", "--all"], cwd=work)
                await run_git([*_IDENTITY, "commit", "--quiet", "--allow-empty", "-m", "The first state"], cwd=work)
                commit = (await run_git(["rev-parse", "HEAD"], cwd=work)).decode().strip()
                place = f"file://{fresh / 'bare'}"
                await run_git(["push", "--quiet", "--", place, MAIN], cwd=work, protocols=("file",))
            await asyncio.to_thread((fresh / "bare").rename, path)
            return commit
        finally:
            await asyncio.to_thread(shutil.rmtree, fresh, ignore_errors=True)

    def refs(self, name: str) -> dict[str, str]:
        """Branches and tags of a repository, with their commits."""
        repository = pygit2.Repository(str(self.path(name)))
        return {
            reference.name: str(reference.target)
            for reference in repository.references.iterator()
            if reference.name.startswith(("refs/heads/", "refs/tags/"))
        }

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        if not self._admit(request):
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="trueup sandbox"'})
        route = _ROUTE.fullmatch(unquote(request.raw_path.partition("?")[0]))
        if route is None or not _NAME.fullmatch(route[1]) or not self.path(route[1]).exists():
            return web.Response(status=404, text="no such repository\n")
        name, service = route[1], route[2]
        if request.method != ("GET" if service == "info/refs" else "POST"):
            return web.Response(status=405)
        if service != "git-receive-pack":
            return await self._backend(request, name, service)
        async with self._turns.setdefault(name, asyncio.Lock()):
            before = await asyncio.to_thread(self.refs, name)
            # What the client is told last waits until the push is known here.
            return await self._backend(request, name, service, end=lambda: self._told(name, before))

    async def _told(self, name: str, before: dict[str, str]) -> None:
        after = await asyncio.to_thread(self.refs, name)
        for ref in sorted(before.keys() | after.keys()):
            old, new = before.get(ref, ZERO), after.get(ref, ZERO)
            if old != new:
                self._pushed(Push(name, ref, old, new))

    async def _backend(
        self, request: web.BaseRequest, name: str, service: str, end: Callable[[], object] | None = None
    ) -> web.StreamResponse:
        environment = {
            "PATH": _SEARCH,
            "HOME": "/nonexistent",
            "GIT_PROJECT_ROOT": str(self._folder),
            "GIT_HTTP_EXPORT_ALL": "1",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": "/dev/null",
            "REQUEST_METHOD": request.method,
            "PATH_INFO": f"/{name}.git/{service}",
            "QUERY_STRING": request.raw_path.partition("?")[2],
            "CONTENT_TYPE": request.headers.get("Content-Type", ""),
            "HTTP_CONTENT_ENCODING": request.headers.get("Content-Encoding", ""),
            "GIT_PROTOCOL": request.headers.get("Git-Protocol", ""),
            "REMOTE_USER": "sandbox",
            "REMOTE_ADDR": "127.0.0.1",
            "GIT_CONFIG_COUNT": str(len(_CONFIG)),
        }
        for number, (key, value) in enumerate(_CONFIG.items()):
            environment[f"GIT_CONFIG_KEY_{number}"], environment[f"GIT_CONFIG_VALUE_{number}"] = key, value
        process = await asyncio.create_subprocess_exec(
            *("git", "http-backend"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=environment,
            cwd=self._folder,
            start_new_session=True,
        )
        feeding = asyncio.create_task(_feed(request, process))
        try:
            async with asyncio.timeout(SECONDS):
                return await _answer(request, process, end)
        except TimeoutError:
            return web.Response(status=504)
        finally:
            feeding.cancel()
            await asyncio.gather(feeding, return_exceptions=True)
            kill_group(process.pid)
            await process.wait()


async def _feed(request: web.BaseRequest, process: asyncio.subprocess.Process) -> None:
    assert process.stdin
    with suppress(ConnectionError):
        async for chunk in request.content.iter_chunked(_CHUNK):
            await write_all(process.stdin, chunk)
    process.stdin.close()


async def _answer(
    request: web.BaseRequest, process: asyncio.subprocess.Process, end: Callable[[], object] | None
) -> web.StreamResponse:
    assert process.stdout
    try:
        head = await process.stdout.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return web.Response(status=502)
    response = web.StreamResponse()
    for line in head.decode("latin-1").split("\r\n"):
        name, colon, value = line.partition(": ")
        if name == "Status":
            response.set_status(int(value.split()[0]))
        elif colon:
            response.headers[name] = value
    await response.prepare(request)
    kept = b""
    while chunk := await process.stdout.read(_CHUNK):
        if end is None:
            await response.write(chunk)
        else:
            kept += chunk  # the report of a push is small
    if end is not None:
        result = end()
        if asyncio.iscoroutine(result):
            await result
        await response.write(kept)
    await response.write_eof()
    return response
