"""Spawn, limit, kill: one run of a tool in a process group of its own.

A run ends in one of three ways: the tool ended by itself, its deadline passed, or it printed more than it may.
Whichever it is, and also when the caller is cancelled, nothing of the group is left running afterwards.
"""

import asyncio
import functools
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import msgspec

from trueup.workers import processor

MEBIBYTE = 1 << 20
ERRORS_KEPT = 64 * 1024
"""Bytes of standard error kept: the last ones, where tools put the reason."""
_REAP_SECONDS = 5.0

PIPE_CLOSED: tuple[type[Exception], ...] = (ConnectionError, RuntimeError)
"""What a write to a pipe raises whose reader has gone: asyncio ConnectionError, uvloop RuntimeError once it knows."""


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What the kernel allows each process of a run; 0 leaves a limit as it is.

    Args:
        cpu: seconds of processor time.
        memory: bytes of address space (Linux only; other kernels do not enforce it).
        file_size: bytes of any one file written.
        open_files: descriptors open at once.
    """

    cpu: int = 0
    memory: int = 0
    file_size: int = 0
    open_files: int = 0


class Ended(msgspec.Struct, frozen=True):
    """A tool that ended by itself. ``returncode`` is negative for a signal, as in :mod:`subprocess`."""

    returncode: int
    output: bytes
    errors: bytes


class ProcessError(Exception):
    """A run that did not end by itself, or never began. ``errors`` is the tail of its standard error."""

    def __init__(self, message: str, errors: bytes = b"") -> None:
        super().__init__(message)
        self.errors = errors


class StartFailed(ProcessError):
    """The program is missing or may not be executed."""


class DeadlinePassed(ProcessError):
    """Killed: it ran longer than it may."""


class Stopped(ProcessError):
    """Killed: what watches it says why."""


class OutputTooLarge(ProcessError):
    """Killed: it printed more than it may."""


def limited(command: Sequence[str], limits: Limits) -> list[str]:
    """The command line that runs ``command`` under ``limits``.

    A shell sets the limits and then becomes the command, so they hold from its first instruction; the alternative,
    code run between fork and exec, may deadlock in a process with threads. The command travels as arguments:
    nothing of it is read by the shell.
    """
    kib = 1024
    settings = ["-c 0"]
    if limits.cpu:
        settings.append(f"-t {limits.cpu}")
    if limits.memory and sys.platform == "linux":
        settings.append(f"-v {max(1, limits.memory // kib)}")
    if limits.file_size:
        settings.append(f"-f {max(1, limits.file_size // 512)}")
    if limits.open_files:
        settings.append(f"-n {limits.open_files}")
    script = " && ".join(f"ulimit {each}" for each in settings) + ' && exec "$@"'
    return ["/bin/sh", "-c", script, "sh", *command]


def kill_group(pid: int) -> None:
    """Kill every process of the group that ``pid`` leads; a group already gone is fine."""
    try:
        os.killpg(pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # macOS answers EPERM for a group of zombies
        return


async def write_all(pipe: asyncio.StreamWriter, data: bytes) -> None:
    """Write to a process's standard input, no faster than it reads.

    Raises:
        ConnectionError: it reads no more.
    """
    try:
        pipe.write(data)
        await pipe.drain()
    except RuntimeError as error:
        raise BrokenPipeError("standard input is closed") from error


class _Collector(asyncio.SubprocessProtocol):
    """Collects a run's output up to its cap."""

    def __init__(self, max_output: int) -> None:
        loop = asyncio.get_running_loop()
        self.finished: asyncio.Future[None] = loop.create_future()
        self.exited: asyncio.Future[None] = loop.create_future()
        self.output = bytearray()
        self.errors = bytearray()
        self._max_output = max_output
        self._overflown = False
        self._pid = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._pid = cast(asyncio.SubprocessTransport, transport).get_pid()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 2:
            self.errors += data
            del self.errors[:-ERRORS_KEPT]
        elif not self._overflown:
            self.output += data
            if len(self.output) > self._max_output:
                self._overflown = True
                self.output.clear()
                if not self.finished.done():
                    self.finished.set_exception(OutputTooLarge(f"printed more than {self._max_output} bytes"))

    def process_exited(self) -> None:
        """The command has ended: what it left in the background ends now, or its pipes might never close."""
        kill_group(self._pid)
        if not self.exited.done():
            self.exited.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        """Called once the process has ended and its pipes are closed."""
        if not self.finished.done():
            self.finished.set_result(None)


async def run(
    command: Sequence[str],
    *,
    env: Mapping[str, str],
    timeout: float,
    max_output: int,
    cwd: Path | str = "/",
    stdin: bytes = b"",
    limits: Limits | None = None,
    hold: Sequence[int] = (),
    watch: Callable[[int], Coroutine[Any, Any, ProcessError]] | None = None,
) -> Ended:
    """Run a command to its end.

    Args:
        command: program and arguments; never read by a shell.
        env: the whole environment; nothing is inherited.
        timeout: seconds until the process group is killed.
        max_output: bytes of standard output until the process group is killed.
        stdin: written to standard input, which is then closed.
        limits: enforced by the kernel on each process of the run.
        hold: file descriptors the process keeps open, for locks that must outlive this process.
        watch: in place of the timeout: given the process id, it comes back with the error that ends the run.

    Raises:
        StartFailed, DeadlinePassed, OutputTooLarge; what ``watch`` gives.
    """
    loop = asyncio.get_running_loop()
    argv = limited(command, limits) if limits else list(command)
    starting = loop.create_task(
        loop.subprocess_exec(
            lambda: _Collector(max_output),
            *argv,
            stdin=asyncio.subprocess.PIPE if stdin else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=dict(env),
            cwd=str(cwd),
            start_new_session=True,
            pass_fds=tuple(hold),
        )
    )
    try:
        transport, collector = await asyncio.shield(starting)
    except OSError as error:
        raise StartFailed(f"cannot start {command[0]}: {error.strerror or error}") from error
    except asyncio.CancelledError:
        await _abandon(starting)
        raise
    pid = transport.get_pid()
    try:
        with processor.short(pid, functools.partial(processor.let_others_first, pid)):
            if stdin:
                _feed(transport, stdin)
            if watch is not None:
                await _watched(collector, watch(pid))
            else:
                async with asyncio.timeout(timeout):
                    await collector.finished
        return Ended(transport.get_returncode() or 0, bytes(collector.output), bytes(collector.errors))
    except TimeoutError:
        raise DeadlinePassed(f"not done after {timeout:g} s", bytes(collector.errors)) from None
    except ProcessError as error:
        error.errors = bytes(collector.errors)
        raise
    finally:
        await _end(transport, collector)


async def _watched(collector: _Collector, watch: Coroutine[Any, Any, ProcessError]) -> None:
    """Wait for the end of a run, unless what watches it ends it."""
    watcher = asyncio.ensure_future(watch)
    try:
        both: list[asyncio.Future[Any]] = [collector.finished, watcher]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        if not collector.finished.done():
            raise watcher.result()
        collector.finished.result()
    finally:
        watcher.cancel()
        await asyncio.gather(watcher, return_exceptions=True)


_Started = tuple[asyncio.SubprocessTransport, _Collector]


async def _abandon(starting: asyncio.Task[_Started]) -> None:
    """A caller cancelled while the process was being made: it may run already, and nobody else knows its group."""
    await asyncio.wait([starting])
    if starting.exception() is None:
        await _end(*starting.result())


async def _end(transport: asyncio.SubprocessTransport, collector: _Collector) -> None:
    kill_group(transport.get_pid())
    await asyncio.wait([collector.exited], timeout=_REAP_SECONDS)
    transport.close()


def _feed(transport: asyncio.SubprocessTransport, data: bytes) -> None:
    """Write all of standard input. A tool may end, or close it, without reading: that is no failure of the run."""
    pipe = cast(asyncio.WriteTransport | None, transport.get_pipe_transport(0))
    if pipe is None:
        return
    with suppress(*PIPE_CLOSED):
        pipe.write(data)
        pipe.close()
