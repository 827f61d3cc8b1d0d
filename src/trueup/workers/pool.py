"""Children that render: spawned, limited, reused while they behave, killed and replaced when they do not.

Helm and Kustomize cannot be interrupted inside a process, and a chart may loop or eat memory: so every render has a
process to lose.
"""

import asyncio
import math
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

import msgspec

import trueup
from trueup.model.errors import RenderFailed, TrueupError
from trueup.model.manifest import Rendering
from trueup.render.job import ClosureTooNarrow, Recipe
from trueup.workers.frame import HEADER, MAX_FRAME, READY, Answer, Done, Task, pack, unpack_answer
from trueup.workers.process import MEBIBYTE, Limits, kill_group, limited, write_all

_ERRORS_SHOWN = 2000
_START_SECONDS = 30.0
# Go collects garbage on other cores: processor time may outrun the clock. It is the second lock, for a tool left alone.
_THREADS = 8


class PoolLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What one render may use.

    Args:
        seconds: wall-clock time.
        memory: bytes of address space of a child, and again of a tool it starts.
        file_size: bytes of any one file written.
        open_files: descriptors open at once.
        jobs: renders after which a child is replaced by a fresh one.
    """

    seconds: float = 60.0
    memory: int = 2048 * MEBIBYTE
    file_size: int = 128 * MEBIBYTE
    open_files: int = 256
    jobs: int = 500


class Pool:
    """Renders recipes in up to ``size`` processes; further renders wait.

    Children start when first needed. Each has an empty environment, a private folder, a session of its own, and dies
    with this process.

    Args:
        size: processes at a time.
        limits: of each render.
        root: where the private folders are made; the system's temporary folder by default.
    """

    def __init__(self, size: int = 2, *, limits: PoolLimits | None = None, root: Path | None = None) -> None:
        self._limits = limits or PoolLimits()
        self._root = root
        # Last in, first out: the child used last is the warmest.
        self._slots: asyncio.LifoQueue[_Child | None] = asyncio.LifoQueue()
        for _ in range(size):
            self._slots.put_nowait(None)
        self._children: set[_Child] = set()
        self._closed = False

    async def render(self, recipe: Recipe, files: Mapping[str, bytes]) -> Rendering:
        """The manifests of one recipe.

        Args:
            files: the bytes of every input by its path.

        Raises:
            ClosureTooNarrow: a file outside the inputs is needed; make the recipe again with ``whole_tree``.
            RenderFailed: the source cannot become manifests, or took too much time or memory.
            TrueupError: no worker could be started.
        """
        if recipe.job is None:
            return Rendering(key=recipe.key, source_type=recipe.tool, manifests=(), warnings=recipe.warnings)
        task = Task(recipe, dict(files), cpu_seconds=math.ceil(self._limits.seconds) * _THREADS)
        child = await self._slots.get()
        try:
            child = await self._ready(child)
            answer = await self._ask(child, pack(task))
            if child.jobs >= self._limits.jobs:
                await self._discard(child)
        except BaseException:
            # Cancelled or failed in the middle: what the child would answer now, nobody reads.
            await self._discard(child)
            raise
        finally:
            self._slots.put_nowait(child)
        if isinstance(answer, Done):
            return answer.rendering
        kind = ClosureTooNarrow if answer.narrow else RenderFailed
        raise kind(answer.message, hint=answer.hint)

    async def warm(self) -> None:
        """Start one child now, so that the first render does not wait for it."""
        child = await self._slots.get()
        try:
            child = await self._ready(child)
        finally:
            self._slots.put_nowait(child)

    async def close(self) -> None:
        """Kill all children and remove their folders. Renders under way fail."""
        self._closed = True
        await asyncio.gather(*(child.stop() for child in list(self._children)))
        self._children.clear()

    async def _ready(self, child: "_Child | None") -> "_Child":
        if child is not None and child.alive:
            return child
        await self._discard(child)
        if self._closed:
            raise RuntimeError("the worker pool is closed")
        child = await _Child.spawn(self._limits, self._root)
        self._children.add(child)
        if not await child.ready():
            failure = TrueupError(
                "a render worker did not start", hint="check the installation and the memory it may use"
            )
            failure.add_note(await child.stop())
            self._children.discard(child)
            raise failure
        return child

    async def _discard(self, child: "_Child | None") -> None:
        if child is not None:
            await child.stop()
            self._children.discard(child)

    async def _ask(self, child: "_Child", frame: bytes) -> Answer:
        limits = self._limits
        try:
            async with asyncio.timeout(limits.seconds):
                return await child.ask(frame)
        except TimeoutError:
            raise RenderFailed(
                f"rendering stopped: took longer than {limits.seconds:g} s", hint="make the source smaller, or split it"
            ) from None
        except (EOFError, ConnectionError):
            errors = await child.stop()
            failure = RenderFailed(
                f"rendering stopped: the tool crashed or reached the memory limit of {limits.memory // MEBIBYTE} MiB",
                hint="make the source smaller, or split it",
            )
            failure.add_note(errors)
            raise failure from None


def scratch(folder: Path) -> Path:
    """An empty folder for the renders of one engine: what a killed one left there is removed."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


class _Child:
    """One process and its folder."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self.jobs = 0
        self._stopped = False
        self._process = process
        self._folder = folder

    @classmethod
    async def spawn(cls, limits: PoolLimits, root: Path | None) -> "_Child":
        folder = Path(tempfile.mkdtemp(prefix="trueup-render-", dir=root))
        command = [sys.executable, "-m", "trueup.workers.child", str(os.getpid())]
        allowed = Limits(memory=limits.memory, file_size=limits.file_size, open_files=limits.open_files)
        errors = _open_errors(folder)
        try:
            process = await asyncio.create_subprocess_exec(
                *limited(command, allowed),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                cwd=folder,
                env={
                    "PYTHONPATH": str(Path(trueup.__file__).parents[1]),
                    "TMPDIR": str(folder),
                    "PYTHONUTF8": "1",
                },
                start_new_session=True,
            )
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        finally:
            os.close(errors)
        return cls(process, folder)

    @property
    def alive(self) -> bool:
        return self._process.returncode is None and not self._stopped

    async def ready(self) -> bool:
        """Whether the child came up."""
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(_START_SECONDS):
                return await self._process.stdout.read(len(READY)) == READY
        except TimeoutError:
            return False

    async def ask(self, frame: bytes) -> Answer:
        """Send a task, read its answer.

        Raises:
            EOFError, ConnectionError: the child ended.
        """
        self.jobs += 1
        assert self._process.stdin is not None and self._process.stdout is not None
        await write_all(self._process.stdin, frame)
        (length,) = HEADER.unpack(await self._process.stdout.readexactly(HEADER.size))
        if length > MAX_FRAME:
            raise EOFError("the child announced more than it may answer")
        return unpack_answer(await self._process.stdout.readexactly(length))

    async def stop(self) -> str:
        """Kill the child and every tool it started, remove its folder; the end of what it printed as errors."""
        self._stopped = True
        kill_group(self._process.pid)
        await self._process.wait()
        errors = _tail(self._folder / "errors")
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)
        return errors


def _open_errors(folder: Path) -> int:
    return os.open(folder / "errors", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def _tail(path: Path) -> str:
    try:
        return path.read_bytes()[-_ERRORS_SHOWN:].decode("utf-8", "replace")
    except OSError:
        return ""
