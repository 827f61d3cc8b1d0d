"""``ClusterService`` where it writes: the Secrets of clusters. What is secret of them is written, and never shown."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import Any, Final, Protocol

import msgspec

from trueup.kube.errors import AlreadyExists, ConfigError
from trueup.kube.object import read_object
from trueup.model.application import IN_CLUSTER_NAME, IN_CLUSTER_SERVER
from trueup.model.live import LiveObject
from trueup.model.server import canonical_server
from trueup.runtime.secrecy import told
from trueup.server.caller import Caller
from trueup.server.errors import Code, Fault
from trueup.server.gate import may, refused, require
from trueup.server.request import Functions, Json, Request
from trueup.server.resources.clusters import RESOURCE, ClusterFinding, object_of
from trueup.store.clusters.secret import ClusterEntry, read_entry
from trueup.store.clusters.written import makes_more_of_it, secret_name, secret_object
from trueup.store.credentials import decoded

_FIELDS: Final = ("name", "namespaces", "config", "clusterResources", "shard", "labels", "annotations", "project")
"""That an update may name; the server is what a cluster is known by."""
_CREDENTIALS: Final = ("username", "password", "bearerToken", "awsAuthConfig", "execProviderConfig")
_TLS_CREDENTIALS: Final = ("certData", "keyData")


class ClusterSecretWrites(Protocol):
    """The Secrets of clusters: :class:`trueup.store.edits.Edits`."""

    async def create(self, body: dict[str, Any]) -> LiveObject: ...

    async def edit(self, key: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> LiveObject: ...

    async def delete(self, key: str, uid: str) -> None: ...

    async def get(self, name: str) -> LiveObject | None:
        """The Secret of a name; None where there is none."""
        ...


class ClusterWrites:
    """The functions, over their ports.

    Args:
        programs: credential plug-ins that a Secret may name.
        renew: gives a cluster another token of its service account; what comes back is its configuration then, as the
            Secret has it. Raises TrueupError.
        reopen: forgets what is known of a cluster's objects and asks for them anew.
    """

    def __init__(
        self,
        finding: ClusterFinding,
        secrets: ClusterSecretWrites,
        namespace: str,
        programs: Callable[[], Collection[str]],
        renew: Callable[[ClusterEntry, Callable[[str], Awaitable[None]]], Awaitable[None]],
        reopen: Callable[[ClusterEntry], None],
    ) -> None:
        self._finding, self._secrets, self._namespace = finding, secrets, namespace
        self._programs, self._renew, self._reopen = programs, renew, reopen

    def functions(self) -> Functions:
        """By their methods."""
        return {
            "ClusterService.Create": self.create,
            "ClusterService.Update": self.update,
            "ClusterService.Delete": self.delete,
            "ClusterService.RotateAuth": self.rotate,
            "ClusterService.InvalidateCache": self.invalidate,
        }

    async def create(self, request: Request) -> Json:
        """A cluster; the same again changes nothing, and another one in its place is asked for by ``upsert``."""
        given, caller = request.message.get("cluster") or {}, request.caller
        server, project = canonical_server(given.get("server", "")), given.get("project", "")
        require(caller, RESOURCE, "create", f"{project}/{server}" if project else server)
        data = data_of({**given, "server": server})
        made = self._checked(server, project, data, given)
        there = next((each for each in self._finding.all() if each.secret and _is(each, server, project)), None)
        if there is None:
            self._room(caller, server)
            try:
                return self._finding.shown(self._read(await self._secrets.create(made)))
            except AlreadyExists as error:
                raise Fault(
                    Code.ALREADY_EXISTS, f"Secret {made['metadata']['name']} is there, and is no cluster's"
                ) from error
        live = await self._live(there)
        if {**decoded(live.object())} == decoded(made):
            require(caller, RESOURCE, "get", object_of(there))
            return self._finding.shown(there)
        if not request.message.get("upsert"):
            raise Fault(Code.INVALID_ARGUMENT, "existing cluster spec is different; use upsert flag to force update")
        require(caller, RESOURCE, "update", object_of(there))
        return await self._written(there, data, given, _FIELDS)

    async def update(self, request: Request) -> Json:
        """All of a cluster, or the fields that are named."""
        message, caller = request.message, request.caller
        given = message.get("cluster") or {}
        asked = message if (message.get("id") or {}).get("value") else {"server": given.get("server", "")}
        there = self._finding.find(Request(caller, asked), "update")
        if canonical_server(given.get("server", "")) not in ("", there.server):
            raise Fault(Code.INVALID_ARGUMENT, "server in body does not match the cluster that is named")
        fields = message.get("updatedFields") or list(_FIELDS)
        if odd := [each for each in fields if each not in _FIELDS]:
            raise Fault(Code.INVALID_ARGUMENT, f"field '{odd[0][:80]}' of a cluster cannot be updated")
        project = given.get("project", "")
        if "project" in fields and project != there.project:
            require(caller, RESOURCE, "update", f"{project}/{there.server}" if project else there.server)
            self._room(caller, there.server)
        return await self._written(there, data_of({**given, "server": there.server}), given, fields)

    async def delete(self, request: Request) -> Json:
        """Forget a cluster; nothing that runs there is touched."""
        there = self._finding.find(request, "delete")
        live = await self._live(there)
        await self._secrets.delete(f"{live.key.namespace}/{live.key.name}", live.uid)
        return {}

    async def rotate(self, request: Request) -> Json:
        """Another token of the cluster's service account; the one that was there ends."""
        there = self._finding.find(request, "update")
        if there.config is None or not there.config.token:
            raise Fault(Code.FAILED_PRECONDITION, f"cluster {there.name[:200]} has no token that could be renewed")
        live = await self._live(there)

        async def keep(config: str) -> None:
            made = secret_object(self._namespace, live.key.name, {"config": config}, {})["data"]
            await self._secrets.edit(
                f"{live.key.namespace}/{live.key.name}",
                lambda now: {**now, "data": {**(now.get("data") or {}), **made}},
            )

        await self._renew(there, keep)
        return {}

    async def invalidate(self, request: Request) -> Json:
        """List a cluster's objects anew."""
        there = self._finding.find(request, "update")
        self._reopen(there)
        return self._finding.shown(there)

    async def _written(
        self, there: ClusterEntry, data: Mapping[str, str], given: Json, fields: Collection[str]
    ) -> Json:
        """Write some fields into a cluster's Secret; the engine's own cluster gets one."""
        if not there.secret:
            whole = {"name": there.name, **{field: data[field] for field in fields if field in data}}
            whole = {**whole, "server": there.server, "config": "{}"}
            made = self._checked(there.server, whole.get("project", ""), whole, given)
            return self._finding.shown(self._read(await self._secrets.create(made)))
        _check_marks(given, there)
        chosen = {name: data.get(name, "") for name in fields if name not in ("labels", "annotations")}

        def replaced(live: dict[str, Any]) -> dict[str, Any]:
            now = decoded(live)
            values = dict(chosen)
            if "config" in values:
                values["config"] = with_credentials(values["config"], now.get("config", ""))
            metadata = {
                field: {**(live["metadata"].get(field) or {}), **(given.get(field) or {})}
                for field in ("labels", "annotations")
                if field in fields
            }
            whole = secret_object(self._namespace, live["metadata"]["name"], {**now, **values}, metadata)
            self._read(read_object(msgspec.json.encode(whole)))
            gone = {field: None for field, value in values.items() if not value}
            merged = {**live["metadata"], **{field: whole["metadata"][field] for field in metadata}}
            return {**live, "metadata": merged, "data": {**whole["data"], **gone}}

        return self._finding.shown(self._read(await self._secrets.edit(f"{self._namespace}/{there.secret}", replaced)))

    async def _live(self, there: ClusterEntry) -> LiveObject:
        live = await self._secrets.get(there.secret) if there.secret else None
        if live is None:
            raise Fault(Code.INVALID_ARGUMENT, f"cluster {there.name[:200]} has no Secret: it is the server's own")
        return live

    def _checked(self, server: str, project: str, data: Mapping[str, str], given: Json) -> dict[str, Any]:
        name = "cluster-in-cluster" if server == IN_CLUSTER_SERVER else secret_name(server)
        _check_marks(given)
        made = secret_object(self._namespace, f"{name}-{project}" if project else name, data, given)
        self._read(read_object(msgspec.json.encode(made)))
        return made

    def _read(self, live: LiveObject) -> ClusterEntry:
        try:
            entry = read_entry(live, decoded(live.object()), programs=self._programs())
        except ConfigError as error:
            raise Fault(Code.INVALID_ARGUMENT, told(str(error))) from error
        if entry.name == IN_CLUSTER_NAME and not entry.in_cluster:
            raise Fault(Code.INVALID_ARGUMENT, f"{IN_CLUSTER_NAME} is the name of the engine's own cluster alone")
        if not entry.server.startswith(("https://", "http://")) or "/" in entry.project:
            # Rights name a cluster PROJECT/SERVER: neither part may look like both.
            raise Fault(Code.INVALID_ARGUMENT, "server has to be a URL, and project the name of a project")
        return entry

    def _room(self, caller: Caller, server: str) -> None:
        """A server that has a Secret gets another one, for another project, from who may change those that it has."""
        for each in self._finding.all():
            if each.secret and each.server == server and not may(caller, RESOURCE, "update", object_of(each)):
                raise refused(caller, RESOURCE, "update", object_of(each))


def data_of(cluster: Json) -> dict[str, str]:
    """The data of a Secret, from a cluster as a client sends it."""
    config = cluster.get("config") or {}
    shard = cluster.get("shard")
    return {
        "name": cluster.get("name", ""),
        "server": cluster["server"],
        "config": msgspec.json.encode(config).decode(),
        "namespaces": ",".join(cluster.get("namespaces") or []),
        "clusterResources": "true" if cluster.get("clusterResources") else "",
        "project": cluster.get("project", ""),
        "shard": "" if shard is None else str(shard),
    }


def with_credentials(given: str, now: str) -> str:
    """A configuration, with the credentials that are there where it brings none: nobody can send what nobody is shown.
    But they go no other way than the one that they were given for."""
    new, old = _decoded(given), _decoded(now)
    tls, old_tls = _part(new, "tlsClientConfig"), _part(old, "tlsClientConfig")
    brings = any(new.get(name) for name in _CREDENTIALS) or any(tls.get(name) for name in _TLS_CREDENTIALS)
    if brings or _way(new, tls) != _way(old, old_tls):
        return given
    kept = {name: old[name] for name in _CREDENTIALS if old.get(name)}
    kept_tls = {name: old_tls[name] for name in _TLS_CREDENTIALS if old_tls.get(name)}
    return msgspec.json.encode({**new, **kept, "tlsClientConfig": {**tls, **kept_tls}}).decode()


def _way(config: Json, tls: Json) -> tuple[Any, ...]:
    return (
        config.get("proxyUrl", ""),
        tls.get("serverName", ""),
        bool(tls.get("insecure")),
        tls.get("caData", "") or "",
    )


def _decoded(text: str) -> Json:
    try:
        found = msgspec.json.decode(text or "{}")
    except msgspec.DecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _part(config: Json, name: str) -> Json:
    found = config.get(name)
    return found if isinstance(found, dict) else {}


def _check_marks(given: Json, there: ClusterEntry | None = None) -> None:
    """Refuse labels and annotations that make more of a Secret than a cluster, where it does not have them already."""
    for field, has in (("labels", there and there.labels), ("annotations", there and there.annotations)):
        for key, value in (given.get(field) or {}).items():
            if makes_more_of_it(key) and (has or {}).get(key) != value:
                raise Fault(Code.INVALID_ARGUMENT, f"{field}: {key[:100]!r} is not for clusters: leave it out")


def _is(entry: ClusterEntry, server: str, project: str) -> bool:
    return entry.server == server and entry.project == project
