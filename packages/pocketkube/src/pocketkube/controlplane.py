"""A real Kubernetes control plane without nodes: etcd, kube-apiserver and kube-controller-manager on loopback."""

import asyncio
import base64
import random
import secrets
import ssl
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from os import X_OK, access
from pathlib import Path
from socket import AF_INET, SO_REUSEADDR, SOCK_STREAM, SOL_SOCKET, socket
from types import TracebackType

import aiohttp
import msgspec

from pocketkube.errors import ClusterError, ProcessFailed
from pocketkube.processes import Nest, Process
from pocketkube.users import USERS

BINARIES = ("etcd", "kube-apiserver", "kube-controller-manager")
CONTEXT = "pocketkube"
PORTS = range(20000, 30000)
"""Below the range from which systems take ports for outgoing connections: a client that reconnects to a stopped API
server must not be given that server's port."""

VARIABLES = {"GOGC": "400"}
"""A fifth less processor time for half as much memory again: a plane is started often, and lives for minutes."""

CONTROLLERS = (
    "*",
    # Nodes, volumes and metrics do not exist here: these would fight the simulator or fill the log.
    "-node-ipam-controller",
    "-node-lifecycle-controller",
    "-taint-eviction-controller",
    "-device-taint-eviction-controller",
    "-ttl-controller",
    "-persistentvolume-binder-controller",
    "-persistentvolume-attach-detach-controller",
    "-persistentvolume-expander-controller",
    "-horizontal-pod-autoscaler-controller",
)


class ControlPlaneMissing(ClusterError):
    """A binary of the control plane was not found."""


def find_binaries(folders: Iterable[Path]) -> dict[str, Path]:
    """Paths of the three programs by name; the first folder that has one wins.

    Raises:
        ControlPlaneMissing: naming what no folder has.
    """
    found: dict[str, Path] = {}
    searched = list(folders)
    for name in BINARIES:
        path = next((folder / name for folder in searched if access(folder / name, X_OK)), None)
        if path is None:
            raise ControlPlaneMissing(
                f"{name} is not in {', '.join(map(str, searched)) or 'any folder'}", hint="Run `make controlplane`"
            )
        found[name] = path
    return found


def default_folders(environment: Mapping[str, str], home: Path) -> list[Path]:
    """Where ``make controlplane`` leaves the binaries, the newest build first, after ``KUBEBUILDER_ASSETS``."""
    assets = environment.get("KUBEBUILDER_ASSETS", "")
    base = environment.get("XDG_CACHE_HOME", "")
    cache = (Path(base) if base.startswith("/") else home / ".cache") / "trueup" / "controlplane"
    builds = sorted(cache.glob("kubernetes-*"), key=lambda folder: folder.stat().st_mtime, reverse=True)
    return [*([Path(assets)] if assets else []), *builds]


class ControlPlane:
    """A control plane for as long as an ``async with`` block lasts.

    Args:
        folders: where the binaries are looked for.
        audit_level: ``Metadata``, ``Request`` or ``RequestResponse``.
        audit_reads: whether gets, lists and watches are in the audit log too.
        start_timeout: seconds within which each start must be ready.
        apiserver_args, etcd_args: further flags, after the built-in ones.
        controllers: those that kube-controller-manager runs.

    Raises (on entry):
        ControlPlaneMissing: a binary was not found.
        ProcessFailed: a process ended or did not become ready; the message has the end of its log.
    """

    def __init__(
        self,
        folders: Iterable[Path],
        *,
        audit_level: str = "Metadata",
        audit_reads: bool = False,
        start_timeout: float = 180.0,
        apiserver_args: Sequence[str] = (),
        etcd_args: Sequence[str] = (),
        controllers: Sequence[str] = CONTROLLERS,
    ) -> None:
        self._binaries = find_binaries(folders)
        self._audit_level = audit_level
        self._audit_reads = audit_reads
        self._start_timeout = start_timeout
        self._apiserver_args = tuple(apiserver_args)
        self._etcd_args = tuple(etcd_args)
        self._controllers = tuple(controllers)
        self._tokens = {user: secrets.token_urlsafe(24) for user in USERS}
        self._nest: Nest | None = None
        self._etcd: Process | None = None
        self._apiserver: Process | None = None
        self._port = self._etcd_port = 0

    @property
    def url(self) -> str:
        """``https://127.0.0.1:PORT``; stays over a restart of the API server."""
        return f"https://127.0.0.1:{self._port}"

    @property
    def folder(self) -> Path:
        """The temporary folder with logs, certificates and data."""
        assert self._nest, "the control plane is not running"
        return self._nest.folder

    @property
    def audit_log(self) -> Path:
        """One JSON object a line, written before the answer is sent (``audit.k8s.io/v1``)."""
        return self.folder / "audit.log"

    @property
    def ca_data(self) -> bytes:
        """The PEM certificates that a client trusts."""
        return (self.folder / "certificates" / "apiserver.crt").read_bytes()

    @property
    def token(self) -> str:
        """The administrator's bearer token."""
        return self._tokens["admin"]

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.kubeconfig_of("admin")

    @property
    def pids(self) -> dict[str, int]:
        """Process ids of etcd and, while it runs, the API server; for signals such as SIGSTOP."""
        running = {"etcd": self._etcd, "kube-apiserver": self._apiserver}
        return {name: process.pid for name, process in running.items() if process}

    def token_of(self, user: str) -> str:
        """The bearer token of one of :data:`USERS`."""
        return self._tokens[user]

    def kubeconfig_of(self, user: str) -> Path:
        """A kubeconfig of one of :data:`USERS`."""
        return self.folder / f"{user.rpartition(':')[2]}.kubeconfig"

    async def __aenter__(self) -> "ControlPlane":
        # Between choosing a port and its use somebody else may take it.
        for attempt in range(3):
            self._port, self._etcd_port, peer_port = _free_ports(3)
            self._nest = await Nest.open("pocketkube-plane-")
            try:
                await self._start(self._nest, peer_port)
                return self
            except ProcessFailed as error:
                await self.close()
                if "address already in use" not in str(error) or attempt == 2:
                    raise
            except BaseException:
                await self.close()
                raise
        raise AssertionError("unreachable")

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Kills the processes and removes the folder."""
        if self._nest:
            await self._nest.close()
        self._nest = self._etcd = self._apiserver = None

    async def stop_apiserver(self) -> None:
        """Stops the API server as a crash would; etcd keeps what is stored."""
        assert self._nest and self._apiserver, "the API server is not running"
        await self._nest.stop(self._apiserver)
        self._apiserver = None

    async def start_apiserver(self) -> None:
        """Starts the API server, on the same port with the same credentials, and waits until it is ready."""
        assert self._nest and self._etcd and self._apiserver is None, "the API server is running, or nothing is"
        self._apiserver = await self._nest.start(
            "kube-apiserver", self._apiserver_command(self._nest.folder), VARIABLES
        )
        await self._until("kube-apiserver is ready", "/readyz", [self._etcd, self._apiserver])

    async def compact(self) -> int:
        """Drops etcd's history, so that older resource versions are gone; returns the revision compacted to.

        A watch that is open goes on; one that resumes from an older version is answered 410 once the API server's own
        window of recent events does not reach back to it: restart the API server to have that at once.
        """
        base = f"http://127.0.0.1:{self._etcd_port}/v3"
        async with aiohttp.ClientSession(raise_for_status=True) as session:
            async with session.post(f"{base}/kv/range", json={"key": base64.b64encode(b"\0").decode()}) as answer:
                revision = int((await answer.json())["header"]["revision"])
            async with session.post(f"{base}/kv/compaction", json={"revision": revision, "physical": True}):
                return revision

    async def _start(self, nest: Nest, peer_port: int) -> None:
        self._write_inputs(nest.folder)
        self._etcd = await nest.start("etcd", self._etcd_command(nest.folder, peer_port), VARIABLES)
        # The API server waits for etcd itself.
        self._apiserver = await nest.start("kube-apiserver", self._apiserver_command(nest.folder), VARIABLES)
        processes = [self._etcd, self._apiserver]
        await self._until("kube-apiserver is ready", "/readyz", processes)
        for user in USERS:
            self._write_kubeconfig(user)
        processes.append(await nest.start("kube-controller-manager", self._manager_command(nest.folder), VARIABLES))
        # Admission refuses pods in a namespace until the service account controller has been there.
        account = "/api/v1/namespaces/default/serviceaccounts/default"
        await self._until("the controllers run", account, processes)

    async def _until(self, what: str, path: str, processes: Sequence[Process]) -> None:
        """Waits for a 200, and for our own processes to have given it: a stranger may hold the port."""
        deadline = asyncio.get_running_loop().time() + self._start_timeout
        headers = {"Authorization": f"Bearer {self.token}"}
        async with aiohttp.ClientSession(headers=headers) as session:
            while True:
                ready = await self._answers(session, path)
                for process in processes:
                    process.check()
                if ready:
                    return
                if asyncio.get_running_loop().time() > deadline:
                    last = processes[-1]
                    raise ProcessFailed(
                        f"waited {self._start_timeout:g} s until {what}; {last.name} says:\n{last.tail()}"
                    )
                await asyncio.sleep(0.05)

    async def _answers(self, session: aiohttp.ClientSession, path: str) -> bool:
        try:
            trust = ssl.create_default_context(cadata=self.ca_data.decode())
            async with session.get(self.url + path, ssl=trust, timeout=aiohttp.ClientTimeout(5)) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, OSError, TimeoutError, ssl.SSLError):
            return False

    def _write_inputs(self, folder: Path) -> None:
        lines = [f'{self._tokens[user]},{user},{user},"{",".join(groups)}"' for user, groups in USERS.items()]
        (folder / "tokens.csv").write_text("\n".join(lines) + "\n")
        rules: list[dict[str, object]] = [{"level": self._audit_level}]
        if not self._audit_reads:
            rules.insert(0, {"level": "None", "verbs": ["get", "list", "watch"]})
        policy = {
            "apiVersion": "audit.k8s.io/v1",
            "kind": "Policy",
            "omitStages": ["RequestReceived"],
            "omitManagedFields": True,
            "rules": rules,
        }
        (folder / "audit-policy.yaml").write_bytes(msgspec.json.encode(policy))
        (folder / "audit.log").touch()

    def _write_kubeconfig(self, user: str) -> None:
        cluster = {"server": self.url, "certificate-authority-data": base64.b64encode(self.ca_data).decode()}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": CONTEXT,
            "clusters": [{"name": CONTEXT, "cluster": cluster}],
            "users": [{"name": user, "user": {"token": self.token_of(user)}}],
            "contexts": [{"name": CONTEXT, "context": {"cluster": CONTEXT, "user": user}}],
        }
        # JSON is YAML.
        self.kubeconfig_of(user).write_bytes(msgspec.json.format(msgspec.json.encode(config)))

    def _etcd_command(self, folder: Path, peer_port: int) -> list[str | Path]:
        client, peer = f"http://127.0.0.1:{self._etcd_port}", f"http://127.0.0.1:{peer_port}"
        return [
            self._binaries["etcd"],
            f"--data-dir={folder / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--log-level=warn",
            "--unsafe-no-fsync",
            *self._etcd_args,
        ]

    def _apiserver_command(self, folder: Path) -> list[str | Path]:
        certificates = folder / "certificates"
        return [
            self._binaries["kube-apiserver"],
            f"--etcd-servers=http://127.0.0.1:{self._etcd_port}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",
            f"--secure-port={self._port}",
            # The server signs a certificate for itself; its key also signs service account tokens.
            f"--cert-dir={certificates}",
            f"--service-account-signing-key-file={certificates / 'apiserver.key'}",
            f"--service-account-key-file={certificates / 'apiserver.key'}",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--token-auth-file={folder / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            # As every distribution does: Pod Security says where privileged containers may run.
            "--allow-privileged=true",
            "--service-cluster-ip-range=10.96.0.0/12",
            # A loopback address is no endpoint that the reconciler accepts.
            "--endpoint-reconciler-type=none",
            "--event-ttl=15m",
            "--profiling=false",
            f"--audit-policy-file={folder / 'audit-policy.yaml'}",
            f"--audit-log-path={folder / 'audit.log'}",
            "--audit-log-maxsize=0",
            *self._apiserver_args,
        ]

    def _manager_command(self, folder: Path) -> list[str | Path]:
        certificates = folder / "certificates"
        return [
            self._binaries["kube-controller-manager"],
            f"--kubeconfig={self.kubeconfig_of('system:kube-controller-manager')}",
            f"--root-ca-file={certificates / 'apiserver.crt'}",
            f"--service-account-private-key-file={certificates / 'apiserver.key'}",
            f"--controllers={','.join(self._controllers)}",
            "--secure-port=0",
            "--leader-elect=false",
            "--kube-api-qps=500",
            "--kube-api-burst=1000",
            "--profiling=false",
        ]


def _free_ports(count: int) -> list[int]:
    """Ports of the loopback interface that nobody listens on now."""
    found: list[int] = []
    for port in random.sample(PORTS, len(PORTS)):
        with closing(socket(AF_INET, SOCK_STREAM)) as probe:
            probe.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise ProcessFailed(f"no free port from {PORTS.start} to {PORTS.stop - 1}")
