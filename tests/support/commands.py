"""Starts ``trueup`` as its users do, many times in a run: by forks of a process that has imported it.

A command has its own arguments, folder, environment, standard streams, session, exit code and signals, as one that was
started anew; what differs is that its modules are there when it begins. What is about the start itself (the executable,
variables that Python reads, imports, memory) starts a process of its own.
"""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

EXECUTABLE = Path(sys.executable).parent / "trueup"
PIPE, STDOUT, DEVNULL = subprocess.PIPE, subprocess.STDOUT, subprocess.DEVNULL
SERVER = Path(__file__).parent / "forkserver.py"


class Forks:
    """The process that forks, and the way to it."""

    def __init__(self) -> None:
        self._python = _read_by_python(os.environ)
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", SERVER, str(theirs.fileno())], pass_fds=[theirs.fileno()], stdin=DEVNULL
            )

    def fork(
        self, words: tuple[str, ...], environment: Mapping[str, str], folder: Path, streams: list[int], session: bool
    ) -> tuple[int, int, socket.socket]:
        """Begin a command: its process, a descriptor of it, and the socket on which its exit code comes.

        Args:
            streams: standard input, output and errors.

        Raises:
            ValueError: it has variables that Python reads when it starts.
            OSError: the folder is none.
        """
        if _read_by_python(environment).items() - self._python.items():
            raise ValueError("PYTHON… variables are for a process of its own")
        command = {"words": words, "environment": dict(environment), "folder": str(folder), "session": session}
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self._control, [json.dumps(command).encode()], [*streams, theirs.fileno()])
        body, descriptors, _, _ = socket.recv_fds(ours, 100, 1)
        kind, _, number = body.decode().partition(" ")
        if kind != "pid":
            ours.close()
            if kind == "error":
                raise OSError(int(number), os.strerror(int(number)), str(folder))
            raise ChildProcessError("no process was forked")
        return int(number), descriptors[0], ours

    def close(self) -> None:
        """End it, and all commands."""
        self._control.close()
        self._process.wait()


@cache
def forks() -> Forks:
    """The one of this process."""
    return Forks()


def close() -> None:
    """End what was started, with the run."""
    if forks.cache_info().currsize:
        forks().close()
        forks.cache_clear()


class Running:
    """A command, as :class:`asyncio.subprocess.Process` shows one."""

    def __init__(self, pid: int, descriptor: int, answers: socket.socket) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self.stdout: asyncio.StreamReader | None = None
        self.stderr: asyncio.StreamReader | None = None
        self._descriptor, self._answers = descriptor, answers
        self._ended = asyncio.Event()
        answers.setblocking(False)
        asyncio.get_running_loop().add_reader(answers, self._end)

    def _end(self) -> None:
        said = self._answers.recv(100)
        asyncio.get_running_loop().remove_reader(self._answers)
        self._answers.close()
        os.close(self._descriptor)
        self.returncode = int(said) if said else -signal.SIGKILL
        self._ended.set()

    def send_signal(self, number: int) -> None:
        """Raises ProcessLookupError: it has ended."""
        if self.returncode is not None:
            raise ProcessLookupError
        signal.pidfd_send_signal(self._descriptor, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    async def wait(self) -> int:
        await self._ended.wait()
        assert self.returncode is not None
        return self.returncode

    async def communicate(self) -> tuple[bytes, bytes]:
        """What it printed as output and as errors, to their ends."""
        out, err = await asyncio.gather(_rest(self.stdout), _rest(self.stderr))
        await self.wait()
        return out, err


async def start(
    *args: str | Path,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    stdin: int = DEVNULL,
    stdout: int = PIPE,
    stderr: int = PIPE,
    session: bool = False,
) -> Running:
    """Start ``trueup`` with arguments.

    Args:
        environment: all variables of the command; those of this process by default.
        stdin: a descriptor or ``DEVNULL``.
        stdout: ``PIPE`` too, which is then read from here.
        stderr: ``STDOUT`` too.
        session: it leads a session of its own.
    """
    read: dict[int, int] = {}
    streams: list[int] = []
    lent: list[int] = []
    try:
        for standard, stream in enumerate((stdin, stdout, stderr)):
            if stream == PIPE:
                read[standard], writing = os.pipe()
                lent.append(writing)
            elif stream == DEVNULL:
                lent.append(os.open(os.devnull, os.O_RDWR))
            streams.append(streams[1] if stream == STDOUT else lent[-1] if stream in (PIPE, DEVNULL) else stream)
        # In a thread: the first one waits for the imports.
        begun = await asyncio.to_thread(_begin, args, environment, folder, streams, session)
    except BaseException:
        for each in read.values():
            os.close(each)
        raise
    finally:
        for each in lent:
            os.close(each)
    running = Running(*begun)
    running.stdout, running.stderr = [_reader(read[each]) if each in read else None for each in (1, 2)]
    return running


def run(
    *args: str | Path, environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run ``trueup`` with arguments to its end, where nothing else is to be done meanwhile."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err, Path(os.devnull).open() as nothing:
        streams = [each.fileno() for each in (nothing, out, err)]
        _, descriptor, answers = _begin(args, environment, folder, streams, False)
        os.close(descriptor)
        with answers:
            code = int(answers.recv(100) or -signal.SIGKILL)
        for each in (out, err):
            each.seek(0)
        return subprocess.CompletedProcess([str(EXECUTABLE), *args], code, out.read().decode(), err.read().decode())


def _begin(
    args: tuple[str | Path, ...],
    environment: Mapping[str, str] | None,
    folder: Path | None,
    streams: list[int],
    session: bool,
) -> tuple[int, int, socket.socket]:
    words = (str(EXECUTABLE), *map(str, args))
    return forks().fork(
        words, os.environ if environment is None else environment, folder or Path.cwd(), streams, session
    )


def _read_by_python(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name.startswith("PYTHON") and value}


def _reader(descriptor: int) -> asyncio.StreamReader:
    loop, stream = asyncio.get_running_loop(), asyncio.StreamReader(limit=1 << 20)

    def feed() -> None:
        if content := os.read(descriptor, 1 << 16):
            stream.feed_data(content)
        else:
            stream.feed_eof()
            loop.remove_reader(descriptor)
            os.close(descriptor)

    loop.add_reader(descriptor, feed)
    return stream


async def _rest(stream: asyncio.StreamReader | None) -> bytes:
    return await stream.read() if stream is not None else b""
