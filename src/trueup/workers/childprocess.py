"""Children that do hostile work: spawned, limited, reused while they behave, killed and replaced when they do not.

What cannot be interrupted inside a process (Helm, Kustomize, jq) has a process to lose. Each child has an empty
environment, a private folder, a session of its own, and dies with this process; it speaks in frames
(:mod:`trueup.workers.frame`).
"""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import trueup
from trueup.model.errors import TrueupError
from trueup.workers.frame import HEADER, MAX_FRAME, READY
from trueup.workers.process import Limits, kill_group, limited, write_all

_ERRORS_SHOWN = 2000
_START_SECONDS = 30.0


class ChildEnded(Exception):
    """A child ended in the middle of a task.

    Attributes:
        returncode: negative for a signal, as in :mod:`subprocess`.
        errors: the end of what it printed as errors.
    """

    def __init__(self, returncode: int, errors: str) -> None:
        super().__init__(f"a child ended with {returncode}")
        self.returncode = returncode
        self.errors = errors

    @property
    def timed_out(self) -> bool:
        """Whether the kernel ended it for its processor time."""
        return self.returncode in (-signal.SIGPROF, -signal.SIGXCPU)


class Children:
    """Up to ``size`` processes of one module; further tasks wait.

    Args:
        module: run with ``-m`` and the process id of this process; says ``READY``, then answers frame by frame.
        limits: what the kernel allows each.
        jobs: tasks after which a child is replaced by a fresh one.
        root: where the private folders are made; the system's temporary folder by default.
    """

    def __init__(self, module: str, size: int, *, limits: Limits, jobs: int, root: Path | None = None) -> None:
        self._module = module
        self._limits = limits
        self._jobs = jobs
        self._root = root
        # Last in, first out: the child used last is the warmest.
        self._slots: asyncio.LifoQueue[_Child | None] = asyncio.LifoQueue()
        for _ in range(size):
            self._slots.put_nowait(None)
        self._children: set[_Child] = set()
        self._closed = False

    async def ask(self, frame: bytes, seconds: float) -> bytes:
        """The answer to one frame.

        Raises:
            TimeoutError: none within so many seconds; the child is gone.
            ChildEnded: the child ended instead.
            TrueupError: no child could be started.
        """
        child = await self._slots.get()
        try:
            child = await self._ready(child)
            async with asyncio.timeout(seconds):
                answer = await child.ask(frame)
            if child.jobs >= self._jobs:
                await self._discard(child)
            return answer
        except (EOFError, ConnectionError):
            assert child is not None
            errors = await child.stop()
            raise ChildEnded(child.returncode, errors) from None
        except BaseException:
            # Cancelled or failed in the middle: what the child would answer now, nobody reads.
            await self._discard(child)
            raise
        finally:
            self._slots.put_nowait(child)

    async def warm(self) -> None:
        """Start one child now, so that the first task does not wait for it."""
        child = await self._slots.get()
        try:
            child = await self._ready(child)
        finally:
            self._slots.put_nowait(child)

    async def close(self) -> None:
        """Kill all children and remove their folders. Tasks under way fail."""
        self._closed = True
        await asyncio.gather(*(child.stop() for child in list(self._children)))
        self._children.clear()

    async def _ready(self, child: "_Child | None") -> "_Child":
        if child is not None and child.alive:
            return child
        await self._discard(child)
        if self._closed:
            raise RuntimeError("the worker pool is closed")
        child = await _Child.spawn(self._module, self._limits, self._root)
        self._children.add(child)
        if not await child.ready():
            failure = TrueupError(
                "a worker process did not start", hint="check the installation and the memory it may use"
            )
            failure.add_note(await child.stop())
            self._children.discard(child)
            raise failure
        return child

    async def _discard(self, child: "_Child | None") -> None:
        if child is not None:
            await child.stop()
            self._children.discard(child)


class _Child:
    """One process and its folder."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path) -> None:
        self.jobs = 0
        self._stopped = False
        self._process = process
        self._folder = folder

    @classmethod
    async def spawn(cls, module: str, limits: Limits, root: Path | None) -> "_Child":
        folder = Path(tempfile.mkdtemp(prefix="trueup-worker-", dir=root))
        command = [sys.executable, "-m", module, str(os.getpid())]
        errors = _open_errors(folder)
        try:
            process = await asyncio.create_subprocess_exec(
                *limited(command, limits),
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

    @property
    def returncode(self) -> int:
        return self._process.returncode or 0

    async def ready(self) -> bool:
        """Whether the child came up."""
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(_START_SECONDS):
                return await self._process.stdout.read(len(READY)) == READY
        except TimeoutError:
            return False

    async def ask(self, frame: bytes) -> bytes:
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
        return await self._process.stdout.readexactly(length)

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
