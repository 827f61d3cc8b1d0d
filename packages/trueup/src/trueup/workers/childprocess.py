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

import kubegrammar
import trueup
from trueup.model.errors import TrueupError
from trueup.workers import processor
from trueup.workers.frame import HEADER, MAX_FRAME, READY
from trueup.workers.process import Limits, kill_group, limited, write_all
from trueup.workers.turns import nobody
from trueup.workers.wall import Isolation

_ERRORS_SHOWN = 2000
_START_SECONDS = 30.0
REST_SECONDS = 60.0
"""Without a task, after which children end: each takes 30 to 40 MiB, and one more start costs 0.2 s."""

PACKAGES = tuple(dict.fromkeys(str(Path(file).parents[1]) for file in (trueup.__file__, kubegrammar.__file__)))
"""Folders that a child finds our own modules in."""

Yielding = Callable[[Callable[[], None]], Callable[[], None]]
"""Is told of something to call when a task has to step aside; gives what to call when it is seen to last."""


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
        rest: seconds without a task after which those that are ready end.
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
        rest: float = REST_SECONDS,
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
        self._size = size
        self._turns = asyncio.Semaphore(size)
        # Of those that are ready, the one used last is the warmest.
        self._idle: list[_Child] = []
        self._children: set[_Child] = set()
        self._starting = 0
        self._spare: asyncio.Task[None] | None = None
        self._rest = rest
        self._resting: asyncio.TimerHandle | None = None
        self._leaving: set[asyncio.Task[None]] = set()
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
        try:
            async with self._turns:
                return await self._asked(await self._obtained(patient=patient), frame, seconds, yielding)
        finally:
            self._have_one_ready()
            self._rest_later()

    async def _asked(self, child: "_Child", frame: bytes, seconds: float, yielding: Yielding | None) -> bytes:
        try:
            lasts = yielding(child.be_gentle) if yielding is not None else nobody

            def seen() -> None:
                lasts()
                self._have_one_ready()

            async with asyncio.timeout(seconds):
                answer = await child.ask(frame, seen)
        except (EOFError, ConnectionError):
            errors = await child.stop()
            self._children.discard(child)
            raise ChildEnded(child.returncode, errors) from None
        except BaseException:
            # Cancelled or failed in the middle: what the child would answer now, nobody reads.
            await self._discard(child)
            raise
        if child.gentle or child.jobs >= self._jobs:
            await self._discard(child)
        else:
            self._idle.append(child)
        return answer

    def expect(self) -> None:
        """A task is about to come: where none are left, a child is started already."""
        if not self._children and not self._starting:
            self._have_one_ready()

    async def warm(self) -> Isolation:
        """Start one child now, so that the first task does not wait for it; what stands around it."""
        async with self._turns:
            child = await self._obtained()
            self._idle.append(child)
        self._rest_later()
        return child.isolation

    async def close(self) -> None:
        """Kill all children and remove their folders. Tasks under way fail."""
        self._closed = True
        if self._resting is not None:
            self._resting.cancel()
        if self._spare is not None:
            self._spare.cancel()
            await asyncio.wait([self._spare])
        await asyncio.gather(*self._leaving)
        await asyncio.gather(*(child.stop() for child in list(self._children)))
        self._children.clear()

    def _have_one_ready(self) -> None:
        """Where all that were ready are gone, resting or at work that lasts, the next short task need not wait for a
        start."""
        if self._closed or self._idle or self._turns.locked() or (self._spare and not self._spare.done()):
            return
        self._spare = asyncio.create_task(self._start_spare())

    async def _start_spare(self) -> None:
        with suppress(TrueupError, OSError):  # who needs one is told
            await self.warm()

    def _rest_later(self) -> None:
        """An engine with nothing to do keeps no processes for it: each task puts that off."""
        if self._resting is not None:
            self._resting.cancel()
        if not self._closed:
            self._resting = asyncio.get_running_loop().call_later(self._rest, self._rest_now)

    def _rest_now(self) -> None:
        idle, self._idle = self._idle, []
        for child in idle:
            task = asyncio.create_task(self._discard(child))
            self._leaving.add(task)
            task.add_done_callback(self._leaving.discard)

    async def _obtained(self, *, patient: bool = False) -> "_Child":
        """A child for one task: the one that is ready, unless that is left to others while another can be started."""
        if patient and len(self._children) + self._starting < self._size:
            return await self._started(gentle=True)
        while self._idle:
            child = self._idle.pop(0 if patient else -1)
            if child.alive:
                return child
            await self._discard(child)
        return await self._started(gentle=patient)

    async def _started(self, *, gentle: bool) -> "_Child":
        if self._closed:
            raise RuntimeError("the worker pool is closed")
        self._starting += 1
        spawning = asyncio.ensure_future(_Child.spawn(self._command, self._limits, self._root))
        try:
            child = await asyncio.shield(spawning)
        except asyncio.CancelledError:
            # A process that is being made cannot be unmade: it is ended as soon as it is there.
            await asyncio.wait([spawning])
            if spawning.exception() is None:
                await spawning.result().stop()
            raise
        finally:
            self._starting -= 1
        self._children.add(child)
        if gentle:
            child.be_gentle()
        try:
            started = await child.ready()
        except BaseException:  # who asked has gone, and nobody else knows of the child
            await self._discard(child)
            raise
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

    async def _discard(self, child: "_Child") -> None:
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
                    "PYTHONPATH": os.pathsep.join(PACKAGES),
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
        if self.alive:
            processor.let_others_first(self._process.pid)

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

    async def ask(self, frame: bytes, lasts: Callable[[], None]) -> bytes:
        """Send a task, read its answer. A task that lasts lets others go first.

        Args:
            lasts: called when that is seen.

        Raises:
            EOFError, ConnectionError: the child ended.
        """
        self.jobs += 1
        assert self._process.stdin is not None

        def seen() -> None:
            self.be_gentle()
            lasts()

        with processor.short(self._process.pid, seen):
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
