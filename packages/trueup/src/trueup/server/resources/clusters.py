"""``ClusterService``: destinations, as far as they are known; nobody is shown what they are reached with."""

from collections.abc import Callable
from typing import Protocol

import msgspec

from trueup.server.errors import Code, Fault, denied
from trueup.server.gate import may
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


def cluster_functions(reads: ClusterReads, state: Callable[[ClusterEntry], ClusterState]) -> Functions:
    """List and Get."""

    def shown(entry: ClusterEntry) -> Json:
        found = state(entry)
        connection = {"status": found.status, "message": found.message, "attemptedAt": None}
        body: Json = {
            "server": entry.server,
            "name": entry.name,
            "config": {"tlsClientConfig": {"insecure": False}},
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
        return body

    async def get_list(request: Request) -> Json:
        message = request.message
        found = [
            shown(each)
            for each in reads.all()
            if message.get("server", "") in ("", each.server)
            and message.get("name", "") in ("", each.name)
            and may(request.caller, RESOURCE, "get", object_of(each))
        ]
        return {"metadata": {}, "items": found}

    async def get(request: Request) -> Json:
        message = request.message
        wanted = message.get("id") or {}
        value, by_name = wanted.get("value", ""), wanted.get("type", "") in ("name", "name_escaped")
        if not value:
            value, by_name = (
                (message.get("name", ""), True) if message.get("name") else (message.get("server", ""), False)
            )
        for each in reads.all():
            mine = value == (each.name if by_name else each.server)
            if value and mine and may(request.caller, RESOURCE, "get", object_of(each)):
                return shown(each)
        if not by_name and may(request.caller, RESOURCE, "get", value):
            raise Fault(Code.NOT_FOUND, f"cluster {value[:200]!r} not found")
        raise denied()

    return {"ClusterService.List": get_list, "ClusterService.Get": get}


def object_of(entry: ClusterEntry) -> str:
    """As policies name it: with its project, where it is one's own."""
    return f"{entry.project}/{entry.server}" if entry.project else entry.server
