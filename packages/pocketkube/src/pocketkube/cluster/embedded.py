"""The embedded cluster as a process of its own, for as long as an ``async with`` block lasts."""

import asyncio
import sys
from pathlib import Path
from types import TracebackType

import msgspec

from pocketkube.errors import ProcessFailed
from pocketkube.processes import Nest, Process
from pocketkube.users import USERS

SERVER = "cluster"


class EmbeddedCluster:
    """A Kubernetes API in a child process, which ends with the one that started it.

    Args:
        data: a folder that keeps objects, CA and tokens; None keeps nothing.
        workloads: Pods come up, and controllers act.
        start_timeout: seconds within which each start must be ready.

    Raises (on entry):
        ProcessFailed: the process ended or did not become ready; the message has the end of its log.
    """

    def __init__(self, *, data: Path | None = None, workloads: bool = False, start_timeout: float = 120.0) -> None:
        self._workloads = workloads
        self._data = data.resolve() if data else None
        self._start_timeout = start_timeout
        self._nest: Nest | None = None
        self._server: Process | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """``https://127.0.0.1:PORT``; stays over a restart of the server."""
        return f"https://127.0.0.1:{self._port}"

    @property
    def folder(self) -> Path:
        """The temporary folder with kubeconfigs and the log."""
        assert self._nest, "the cluster is not running"
        return self._nest.folder

    @property
    def ca_data(self) -> bytes:
        """The PEM certificates that a client trusts."""
        return ((self._data or self.folder) / "certificates" / "ca.crt").read_bytes()

    @property
    def token(self) -> str:
        """The administrator's bearer token."""
        return self.token_of("admin")

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.kubeconfig_of("admin")

    @property
    def pids(self) -> dict[str, int]:
        """The server's process id while it runs; for signals such as SIGSTOP."""
        return {SERVER: self._server.pid} if self._server else {}

    def token_of(self, user: str) -> str:
        """The bearer token of one of :data:`pocketkube.users.USERS`."""
        config = msgspec.json.decode(self.kubeconfig_of(user).read_bytes())
        token: str = config["users"][0]["user"]["token"]
        return token

    def kubeconfig_of(self, user: str) -> Path:
        """A kubeconfig of one of :data:`pocketkube.users.USERS`. Rights are not enforced: all may do all."""
        return self.folder / f"{user.rpartition(':')[2]}.kubeconfig"

    async def __aenter__(self) -> "EmbeddedCluster":
        self._nest = await Nest.open("pocketkube-cluster-")
        try:
            await self.start_apiserver()
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Kills the process and removes the temporary folder."""
        if self._nest:
            await self._nest.close()
        self._nest = self._server = None

    async def stop_apiserver(self) -> None:
        """Stops the server as a crash would; with ``data`` it comes back with all that it acknowledged."""
        assert self._nest and self._server, "the server is not running"
        await self._nest.stop(self._server)
        self._server = None

    async def start_apiserver(self) -> None:
        """Starts the server, on the port that it had, and waits until it is ready."""
        assert self._nest and self._server is None, "the server is running, or nothing is"
        for user in USERS:
            self.kubeconfig_of(user).unlink(missing_ok=True)
        command = [sys.executable, "-m", "pocketkube", "serve"]
        command += ["--folder", str(self.folder), "--port", str(self._port)]
        if self._data:
            command += ["--data", str(self._data)]
        if self._workloads:
            command.append("--workloads")
        self._server = await self._nest.start(SERVER, command)
        await self._until_ready(self._server)
        config = msgspec.json.decode(self.kubeconfig.read_bytes())
        self._port = int(config["clusters"][0]["cluster"]["server"].rpartition(":")[2])

    async def _until_ready(self, server: Process) -> None:
        """The server writes the kubeconfigs when it listens."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._start_timeout
        while not all(self.kubeconfig_of(user).exists() for user in USERS):
            server.check()
            if loop.time() > deadline:
                raise ProcessFailed(f"waited {self._start_timeout:g} s for the cluster; it says:\n{server.tail()}")
            await asyncio.sleep(0.01)
