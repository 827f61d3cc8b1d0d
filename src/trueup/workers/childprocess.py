"""Children that do hostile work: spawned, limited, reused while they behave, killed and replaced when they do not.

What cannot be interrupted inside a process (Helm, Kustomize, jq) has a process to lose. Each child has an empty
environment, a private folder, a session of its own, a wall around it (:mod:`trueup.workers.wall`), and dies with this
process; it speaks in frames (:mod:`trueup.workers.frame`).
"""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

import trueup
from trueup.model.errors import TrueupError
from trueup.workers.frame import HEADER, MAX_FRAME, READY
from trueup.workers.process import Limits, kill_group, limited, write_all
from trueup.workers.wall import Isolation

_ERRORS_SHOWN = 2000
_START_SECONDS = 30.0
_GENTLE = 10
"""How nice a child is that works beside those whose turn it is: it gets a tenth of their time where they want it."""

Yielding = Callable[[Callable[[], None]], None]
"""Is told of something to call when a task has to step aside."""


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


class NotIsolated(TrueupError):
    """A child that does hostile work would do it without a whole wall around it, and that was ruled out."""


class Children:
    """Up to ``size`` processes of one module; further tasks wait.

    Args:
        module: run with ``-m``; ends in :func:`trueup.workers.worker.serve`.
        limits: what the kernel allows each.
        jobs: tasks after which a child is replaced by a fresh one.
        root: where the private folders are made; the system's temporary folder by default.
        reads: files and folders that a child may read beside its own folder and Python's.
        isolated: refuse children whose wall is not whole.
    """

    def __init__(
        self,
        module: str,
        size: int,
        *,
        limits: Limits,
        jobs: int,
        root: Path | None = None,
        reads: Sequence[Path] = (),
        isolated: bool = False,
    ) -> None:
        self._command = [
            sys.executable,
            "-P",
            "-m",
            module,
            str(os.getpid()),
            *(str(each.absolute()) for each in reads),
        ]
        self._limits = limits
        self._jobs = jobs
        self._root = root.absolute() if root else None
        self._isolated = isolated
        # Last in, first out: the child used last is the warmest.
        self._slots: asyncio.LifoQueue[_Child | None] = asyncio.LifoQueue()
        for _ in range(size):
            self._slots.put_nowait(None)
        self._children: set[_Child] = set()
        self._closed = False

    async def ask(
        self, frame: bytes, seconds: float, yielding: Yielding | None = None, *, patient: bool = False
    ) -> bytes:
        """The answer to one frame. A caller that is cancelled kills the child.

        Args:
            yielding: told how to let other processes go first, should the task last.
            patient: the child that is ready is left to others while a new one can be started.

        Raises:
            TimeoutError: none within so many seconds; the child is gone.
            ChildEnded: the child ended instead.
            NotIsolated: a whole wall is asked for, and the kernel has none.
            TrueupError: no child could be started.
        """
        child = await self._slots.get()
        if patient:
            child = self._left_to_others(child)
        try:
            child = await self._ready(child)
            if yielding is not None:
                yielding(child.be_gentle)
            async with asyncio.timeout(seconds):
                answer = await child.ask(frame)
            if child.gentle or child.jobs >= self._jobs:
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

    async def warm(self) -> Isolation:
        """Start one child now, so that the first task does not wait for it; what stands around it."""
        child = await self._slots.get()
        try:
            child = await self._ready(child)
        finally:
            self._slots.put_nowait(child)
        return child.isolation

    async def close(self) -> None:
        """Kill all children and remove their folders. Tasks under way fail."""
        self._closed = True
        await asyncio.gather(*(child.stop() for child in list(self._children)))
        self._children.clear()

    def _left_to_others(self, child: "_Child | None") -> "_Child | None":
        """Another slot in place of this one, whose child has yet to be started; the same where there is none."""
        passed = []
        while child is not None and child.alive and not self._slots.empty():
            passed.append(child)
            child = self._slots.get_nowait()
        if child is not None and child.alive:
            passed.append(child)
            child = passed.pop(0)
        for other in reversed(passed):
            self._slots.put_nowait(other)
        return child

    async def _ready(self, child: "_Child | None") -> "_Child":
        if child is not None and child.alive:
            return child
        await self._discard(child)
        if self._closed:
            raise RuntimeError("the worker pool is closed")
        child = await _Child.spawn(self._command, self._limits, self._root)
        self._children.add(child)
        started = await child.ready()
        if started and (child.isolation.whole or not self._isolated):
            return child
        errors = await child.stop()
        self._children.discard(child)
        if started:
            why = "; ".join(child.isolation.lacking) or "no reason is known"
            raise NotIsolated(
                f"worker processes are not isolated here: {why}",
                hint="see 'trueup doctor'; or run without --require-isolation",
            )
        failure = TrueupError("a worker process did not start", hint="check the installation and the memory it may use")
        failure.add_note(errors)
        raise failure

    async def _discard(self, child: "_Child | None") -> None:
        if child is not None:
            await child.stop()
            self._children.discard(child)


class _Child:
    """One process, its folder, and the file of what it prints as errors, which has no name."""

    def __init__(self, process: asyncio.subprocess.Process, folder: Path, errors: int) -> None:
        self.jobs = 0
        self.gentle = False
        self.isolation = Isolation()
        self._stopped = False
        self._process = process
        self._folder = folder
        self._errors = errors

    @classmethod
    async def spawn(cls, command: Sequence[str], limits: Limits, root: Path | None) -> "_Child":
        folder = Path(tempfile.mkdtemp(prefix="trueup-worker-", dir=root))
        file = folder / "errors"
        errors = os.open(file, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC, 0o600)
        # Without a name: what one task made the child print, the next one must not find.
        file.unlink()
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
            os.close(errors)
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return cls(process, folder, errors)

    @property
    def alive(self) -> bool:
        return self._process.returncode is None and not self._stopped

    @property
    def returncode(self) -> int:
        return self._process.returncode or 0

    def be_gentle(self) -> None:
        """Let other processes go first, from now on for good: a child cannot become less nice again."""
        self.gentle = True
        with suppress(OSError):
            os.setpriority(os.PRIO_PGRP, self._process.pid, _GENTLE)

    async def ready(self) -> bool:
        """Whether the child came up; it says what it is enclosed by."""
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(_START_SECONDS):
                if await self._process.stdout.readexactly(len(READY)) != READY:
                    return False
                self.isolation = msgspec.json.decode(await self._answer(), type=Isolation)
        except (TimeoutError, EOFError, msgspec.DecodeError):
            return False
        return True

    async def ask(self, frame: bytes) -> bytes:
        """Send a task, read its answer.

        Raises:
            EOFError, ConnectionError: the child ended.
        """
        self.jobs += 1
        assert self._process.stdin is not None
        await write_all(self._process.stdin, frame)
        return await self._answer()

    async def _answer(self) -> bytes:
        assert self._process.stdout is not None
        (length,) = HEADER.unpack(await self._process.stdout.readexactly(HEADER.size))
        if length > MAX_FRAME:
            raise EOFError("the child announced more than it may answer")
        return await self._process.stdout.readexactly(length)

    async def stop(self) -> str:
        """Kill the child and every tool it started, remove its folder; the end of what it printed as errors."""
        stopped, self._stopped = self._stopped, True
        kill_group(self._process.pid)
        await self._process.wait()
        if stopped:
            return ""
        errors = _tail(self._errors)
        os.close(self._errors)
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)
        return errors


def _tail(descriptor: int) -> str:
    try:
        size = os.fstat(descriptor).st_size
        return os.pread(descriptor, _ERRORS_SHOWN, max(0, size - _ERRORS_SHOWN)).decode("utf-8", "replace")
    except OSError:
        return ""
