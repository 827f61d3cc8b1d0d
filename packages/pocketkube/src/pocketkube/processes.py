"""Processes that live in a temporary folder and end, with it, when their starter ends, however that happens."""

import asyncio
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from pocketkube.errors import ProcessFailed

GUARD = Path(__file__).with_name("guard.py")
TAIL_BYTES = 4096
"""How much of a log's end goes into an error."""


PIPE_CLOSED: tuple[type[Exception], ...] = (ConnectionError, RuntimeError)
"""What writing to a process that has gone raises; uvloop's answer is the second."""


class Process:
    """A running program with a log file."""

    def __init__(self, name: str, log: Path, handle: asyncio.subprocess.Process) -> None:
        self.name = name
        self.log = log
        self._handle = handle

    @property
    def pid(self) -> int:
        return self._handle.pid

    @property
    def alive(self) -> bool:
        return self._handle.returncode is None

    def tail(self) -> str:
        """The last lines of the log."""
        data = self.log.read_bytes()[-TAIL_BYTES:]
        return "\n".join(data.decode(errors="replace").splitlines()[-15:])

    def check(self) -> None:
        """Raises ProcessFailed when the process is no longer there."""
        if not self.alive:
            raise ProcessFailed(f"{self.name} ended with status {self._handle.returncode}:\n{self.tail()}")

    def send(self, number: signal.Signals) -> None:
        """Sends a signal; nothing happens when the process is gone."""
        with suppress(ProcessLookupError):
            self._handle.send_signal(number)

    async def stop(self, grace: float = 0.0) -> None:
        """Ends the process: asks first when it has ``grace`` seconds, then kills."""
        if self.alive and grace:
            self.send(signal.SIGTERM)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._handle.wait(), grace)
        if self.alive:
            self.send(signal.SIGKILL)
        await self._handle.wait()


class Nest:
    """A temporary folder and the processes in it. Both are gone after :meth:`close`, and after the starter's death.

    The kernel ties a process to the thread that started it: start processes from a thread that lasts, as the main one.
    """

    def __init__(self, folder: Path, sweeper: asyncio.subprocess.Process) -> None:
        self.folder = folder
        self._sweeper = sweeper
        self._processes: list[Process] = []

    @classmethod
    async def open(cls, prefix: str) -> "Nest":
        """Makes the folder (readable by its owner only) and the process that watches over it."""
        folder = Path(tempfile.mkdtemp(prefix=prefix))
        try:
            sweeper = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", str(GUARD), "sweep", str(folder)),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return cls(folder, sweeper)

    async def start(
        self, name: str, command: Sequence[str | Path], variables: Mapping[str, str] | None = None
    ) -> Process:
        """Starts a program; its output goes to ``NAME.log`` in the folder, after that of earlier runs.

        Args:
            variables: of its environment, besides those of this process.
        """
        path = self.folder / f"{name}.log"
        with path.open("ab") as log:
            handle = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", str(GUARD), "exec", str(os.getpid()), *map(str, command)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env={**os.environ, **(variables or {})},
                start_new_session=True,
            )
        process = Process(name, path, handle)
        self._processes.append(process)
        self._register("+", process)
        return process

    async def stop(self, process: Process, grace: float = 0.0) -> None:
        """Ends one process before the others."""
        await process.stop(grace)
        self._processes.remove(process)
        self._register("-", process)

    async def close(self) -> None:
        """Kills every process and removes the folder."""
        for process in self._processes:
            process.send(signal.SIGKILL)
        for process in self._processes:
            await process.stop()
            self._register("-", process)
        self._processes.clear()
        if self._sweeper.stdin:
            self._sweeper.stdin.close()
        await self._sweeper.wait()

    def _register(self, sign: str, process: Process) -> None:
        if self._sweeper.stdin:
            # One that was killed sweeps no more; what it watched still ends with us.
            with suppress(*PIPE_CLOSED):
                self._sweeper.stdin.write(f"{sign}{process.pid}\n".encode())
