"""What TAB offers beside commands and options: names that the cluster knows.

Whatever goes wrong, TAB offers nothing: there is no place for an error in the middle of a line that is being typed.
"""

import asyncio
import base64
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import click
import msgspec

from trueup.cli.connect import CONTROL_NAMESPACE, ClusterAccess, connected
from trueup.kube.discovery import ResourceType
from trueup.model.errors import TrueupError
from trueup.store.kinds import APPLICATION, PROJECT

SECRET = ResourceType("", "v1", "Secret", "secrets", True)
CLUSTER_SECRETS = "argocd.argoproj.io/secret-type=cluster"
SECONDS = 2.0
"""A cluster that has not answered by then offers nothing."""
MOST = 500
"""Names offered at once."""

Complete = Callable[[click.Context, click.Parameter, str], list[str]]


def _names_of(kind: ResourceType) -> Complete:
    def complete(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
        access = _access(ctx)
        names: list[str] = []
        # As they are listed, and may be given: NAMESPACE/NAME.
        place, slash, _ = incomplete.rpartition("/")
        namespace = place or ctx.params.get("app_namespace") or access.namespace
        with suppress(TrueupError, OSError, TimeoutError, msgspec.MsgspecError):
            names = [f"{place}{slash}{name}" for name in asyncio.run(_listed(access, kind, namespace))]
        taken = ctx.params.get(param.name or "") or ()
        return [n for n in sorted(names) if n.startswith(incomplete) and n not in taken][:MOST]

    return complete


async def _listed(access: ClusterAccess, kind: ResourceType, namespace: str) -> list[str]:
    async with asyncio.timeout(SECONDS), connected(access) as client:
        listing = await client.list(kind, namespace, attempts=1, metadata_only=True)
        return [live.key.name for live in listing.objects]


def _access(ctx: click.Context) -> ClusterAccess:
    given: dict[str, Any] = ctx.params
    namespace = given.get("control_namespace") or os.environ.get("ARGOCD_NAMESPACE") or CONTROL_NAMESPACE
    return ClusterAccess(given.get("kubeconfig") or "", given.get("kube_context") or "", namespace)


applications = _names_of(APPLICATION)
projects = _names_of(PROJECT)


def clusters(ctx: click.Context, param: click.Parameter, incomplete: str) -> list[str]:
    """Names of clusters that have a Secret, and the engine's own."""
    names = ["in-cluster"]
    with suppress(TrueupError, OSError, TimeoutError, msgspec.MsgspecError, ValueError):
        names += asyncio.run(_cluster_names(_access(ctx)))
    taken = ctx.params.get(param.name or "") or ()
    return [name for name in sorted(set(names)) if name.startswith(incomplete) and name not in taken][:MOST]


class _Cluster(msgspec.Struct):
    data: dict[str, str] = {}


async def _cluster_names(access: ClusterAccess) -> list[str]:
    async with asyncio.timeout(SECONDS), connected(access) as client:
        listing = await client.list(SECRET, access.namespace, CLUSTER_SECRETS, attempts=1)
        found = [msgspec.json.decode(live.body, type=_Cluster).data for live in listing.objects]
        return [base64.b64decode(data.get("name") or data.get("server") or "").decode() for data in found]
