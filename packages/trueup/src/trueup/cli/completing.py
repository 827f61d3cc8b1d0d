"""What TAB offers beside commands and options: names that the cluster knows, or the API server that is asked.

Whatever goes wrong, TAB offers nothing: there is no place for an error in the middle of a line that is being typed.
"""

import asyncio
import base64
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import click
import msgspec

from trueup.cli.connect import CONTROL_NAMESPACE, ClusterAccess, connected
from trueup.cli.servers.known import KnownServer
from trueup.cli.servers.options import always, said_by
from trueup.kube.discovery import ResourceType
from trueup.model.errors import TrueupError
from trueup.store.kinds import APPLICATION, PROJECT

SECRET = ResourceType("", "v1", "Secret", "secrets", True)
CLUSTER_SECRETS = "argocd.argoproj.io/secret-type=cluster"
SECONDS = 2.0
"""A cluster that has not answered by then offers nothing."""
MOST = 500
"""Names offered at once."""

_SERVED = {APPLICATION.plural: "/api/v1/applications", PROJECT.plural: "/api/v1/projects"}
"""Where an API server lists them."""

Complete = Callable[[click.Context, click.Parameter, str], list[str]]


def _names_of(kind: ResourceType) -> Complete:
    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
        names: list[str] = []
        # As they are listed, and may be given: NAMESPACE/NAME.
        place, slash, _ = incomplete.rpartition("/")
        with suppress(TrueupError, OSError, TimeoutError, msgspec.MsgspecError, click.UsageError):
            access = _access(ctx)
            namespace = place or ctx.params.get("app_namespace") or ("" if access.served else access.namespace)
            names = [f"{place}{slash}{name}" for name in asyncio.run(_listed(access, kind, namespace))]
        taken = ctx.params.get(param.name or "") or ()
        return [n for n in sorted(names) if n.startswith(incomplete) and n not in taken][:MOST]

    return complete


async def _listed(access: ClusterAccess, kind: ResourceType, namespace: str) -> list[str]:
    if access.served is not None:
        query = {"appNamespace": namespace} if kind == APPLICATION else {}
        return [str(each["metadata"]["name"]) for each in await _told(access.served, _SERVED[kind.plural], query)]
    async with asyncio.timeout(SECONDS), connected(access) as client:
        listing = await client.list(kind, namespace, attempts=1, metadata_only=True)
        return [live.key.name for live in listing.objects]


async def _told(server: KnownServer, path: str, query: Mapping[str, str]) -> list[Any]:
    from trueup.cli.servers.session import ServerSession

    fields = "items.metadata.name,items.name"
    async with asyncio.timeout(SECONDS), ServerSession(server) as session:
        return list((await session.get(path, {**query, "fields": fields})).get("items") or [])


def _access(ctx: click.Context) -> ClusterAccess:
    """As the command would have it, as far as its line goes."""
    given: dict[str, Any] = ctx.params
    namespace = given.get("control_namespace") or os.environ.get("ARGOCD_NAMESPACE") or CONTROL_NAMESPACE
    kubeconfig, context = given.get("kubeconfig") or "", given.get("kube_context") or ""
    asks = "server_address" in given and not (kubeconfig or context or given.get("core") or always().get("core"))
    return ClusterAccess(kubeconfig, context, namespace, said_by(given).chosen() if asks else None)


applications = _names_of(APPLICATION)
projects = _names_of(PROJECT)


def clusters(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names of clusters that have a Secret, and the engine's own."""
    names = ["in-cluster"]
    with suppress(TrueupError, OSError, TimeoutError, msgspec.MsgspecError, ValueError, click.UsageError):
        names += asyncio.run(_cluster_names(_access(ctx)))
    taken = ctx.params.get(param.name or "") or ()
    return [name for name in sorted(set(names)) if name.startswith(incomplete) and name not in taken][:MOST]


class _Cluster(msgspec.Struct):
    data: dict[str, str] = {}


async def _cluster_names(access: ClusterAccess) -> list[str]:
    if access.served is not None:
        return [str(each["name"]) for each in await _told(access.served, "/api/v1/clusters", {})]
    async with asyncio.timeout(SECONDS), connected(access) as client:
        listing = await client.list(SECRET, access.namespace, CLUSTER_SECRETS, attempts=1)
        found = [msgspec.json.decode(live.body, type=_Cluster).data for live in listing.objects]
        return [base64.b64decode(data.get("name") or data.get("server") or "").decode() for data in found]
