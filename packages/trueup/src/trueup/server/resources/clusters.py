"""``ClusterService``: destinations, as far as they are known; nobody is shown what they are reached with."""

from collections.abc import Callable
from typing import Protocol
from urllib.parse import unquote

import msgspec

from trueup.server.errors import Code, Fault, denied
from trueup.server.gate import may, refused
from trueup.server.request import Functions, Json, Request
from trueup.store.clusters.secret import ClusterEntry

RESOURCE = "clusters"


class ClusterState(msgspec.Struct, frozen=True):
    """How a cluster answers.

    Attributes:
        status: ``Successful``, ``Failed`` or ``Unknown``.
        version: of its API server; empty where it is not known.
        applications: that go to it.
    """

    status: str = "Unknown"
    message: str = ""
    version: str = ""
    applications: int = 0


class ClusterReads(Protocol):
    """Clusters that are known."""

    def all(self) -> list[ClusterEntry]: ...


class ClusterFinding:
    """Finds the cluster that a request is about, as the caller may, and shows it.

    Args:
        state: how a cluster answers.
    """

    def __init__(self, reads: ClusterReads, state: Callable[[ClusterEntry], ClusterState]) -> None:
        self._reads, self._state = reads, state

    def all(self) -> list[ClusterEntry]:
        """Those that are known, whoever asks."""
        return self._reads.all()

    def find(self, request: Request, action: str) -> ClusterEntry:
        """The cluster of a request, by server or by name.

        Args:
            action: which has to be allowed.

        Raises:
            Fault: it is not there, or the caller may not.
        """
        message, caller = request.message, request.caller
        wanted = message.get("id") or {}
        value, kind = wanted.get("value", ""), wanted.get("type", "")
        by_name = kind in ("name", "name_escaped")
        if kind == "name_escaped":
            value = unquote(value)
        if not value:
            value, by_name = (
                (message.get("name", ""), True) if message.get("name") else (message.get("server", ""), False)
            )
        mine = [each for each in self.all() if value and value == (each.name if by_name else each.server)]
        for each in mine:
            if may(caller, RESOURCE, action, object_of(each)):
                return each
        for each in mine:
            if may(caller, RESOURCE, "get", object_of(each)):
                raise refused(caller, RESOURCE, action, object_of(each))
        if not by_name and may(caller, RESOURCE, action, value):
            raise Fault(Code.NOT_FOUND, f"cluster {value[:200]!r} not found")
        raise denied()

    def shown(self, entry: ClusterEntry) -> Json:
        """A cluster as it is answered, with nothing that is secret."""
        found, config = self._state(entry), entry.config
        connection = {"status": found.status, "message": found.message, "attemptedAt": None}
        tls: Json = {"insecure": config.insecure if config is not None else False}
        if config is not None and config.tls_server_name:
            tls["serverName"] = config.tls_server_name
        body: Json = {
            "server": entry.server,
            "name": entry.name,
            "config": {"tlsClientConfig": tls},
            "connectionState": connection,
            "serverVersion": found.version,
            "info": {
                "connectionState": connection,
                "serverVersion": found.version,
                "cacheInfo": {},
                "applicationsCount": found.applications,
            },
        }
        if entry.project:
            body["project"] = entry.project
        if entry.namespaces:
            body["namespaces"] = list(entry.namespaces)
        if entry.cluster_resources:
            body["clusterResources"] = True
        if entry.shard is not None:
            body["shard"] = entry.shard
        for field, texts in (("labels", entry.labels), ("annotations", entry.annotations)):
            said = {name: text for name, text in texts.items() if name not in _OURS}
            if said:
                body[field] = said
        return body


_OURS = ("argocd.argoproj.io/secret-type", "managed-by")


def cluster_functions(finding: ClusterFinding) -> Functions:
    """List and Get."""

    async def get_list(request: Request) -> Json:
        message = request.message
        found = [
            finding.shown(each)
            for each in finding.all()
            if message.get("server", "") in ("", each.server)
            and message.get("name", "") in ("", each.name)
            and may(request.caller, RESOURCE, "get", object_of(each))
        ]
        return {"metadata": {}, "items": found}

    async def get(request: Request) -> Json:
        return finding.shown(finding.find(request, "get"))

    return {"ClusterService.List": get_list, "ClusterService.Get": get}


def object_of(entry: ClusterEntry) -> str:
    """As policies name it: with its project, where it is one's own."""
    return f"{entry.project}/{entry.server}" if entry.project else entry.server
