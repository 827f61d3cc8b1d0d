"""The demo on somebody else's cluster: in namespaces of its own, which go with it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from trueup.demo.sites import Report, SandboxSite
from trueup.kube.client import Client
from trueup.kube.config import load_kubeconfig
from trueup.kube.discovery import Discovery, ResourceType
from trueup.kube.errors import ApiError, NotFound
from trueup.kube.plugin import RunPlugin
from trueup.model.annotations import API_VERSION, HOOK_FINALIZER
from trueup.model.errors import TrueupError
from trueup.store.install import APPLICATION, DEFINITION, PROJECT
from trueup.store.kinds import NAMESPACE

NAME = "trueup-demo"
"""The control namespace; the applications' begin with it and a dash."""
GONE_SECONDS = 60.0
SOON_SECONDS = 2.0
"""What the cluster needs to delete a namespace in which nothing waits."""
POLL_SECONDS = 0.2


@asynccontextmanager
async def guest(report: Report, kubeconfig: Path, context: str, plugins: RunPlugin) -> AsyncIterator[SandboxSite]:
    """A context of the user's kubeconfig. Afterwards the demo's namespaces are deleted, and the definitions it brought.

    Raises:
        ConfigError: there is no such context.
        TrueupError: namespaces of the demo are there already.
    """
    async with Client(load_kubeconfig(kubeconfig, context), plugins=plugins) as client:
        if left := await _namespaces(client):
            raise TrueupError(
                f"context {context} has namespaces of the demo: {', '.join(left)}",
                hint=f"if no demo runs there: kubectl --context {context} delete namespace {' '.join(left)}",
            )
        brought = [type_ for type_ in (APPLICATION, PROJECT) if not await _defined(client, type_)]
        report(f"using context {context}: namespaces {NAME} and {NAME}-* only; they are deleted at the end")
        try:
            yield SandboxSite(
                kubeconfig=kubeconfig,
                context=context,
                namespace=NAME,
                prefix=f"{NAME}-",
                simulate=None,
                guest=True,
                plugins=plugins,
            )
        finally:
            report("deleting the demo's namespaces")
            await _clean(client, brought, report)


def confined_project() -> dict[str, Any]:
    """The project of the demo's applications: no namespaces but its own, nothing outside of namespaces."""
    return {
        "apiVersion": API_VERSION,
        "kind": "AppProject",
        "metadata": {"name": "default", "namespace": NAME},
        "spec": {
            "sourceRepos": ["*"],
            "destinations": [
                {"server": "*", "namespace": NAME},
                {"server": "*", "namespace": f"{NAME}-*"},
            ],
            "clusterResourceWhitelist": [{"group": "", "kind": "Namespace"}],
        },
    }


async def remove_applications(client: Client, namespace: str) -> None:
    """Delete the demo's applications until none comes back; the engine, which must run, deletes theirs."""
    with suppress(NotFound, TimeoutError):
        async with asyncio.timeout(GONE_SECONDS):
            while names := await _names(client, APPLICATION, namespace):
                for name in names:
                    with suppress(NotFound):
                        await client.delete(APPLICATION, namespace, name)
                await asyncio.sleep(POLL_SECONDS)


async def _clean(client: Client, brought: list[ResourceType], report: Report) -> None:
    try:
        for name in await _names(client, APPLICATION, NAME):
            # An engine that is gone releases nothing.
            with suppress(NotFound):
                body = b'{"metadata":{"finalizers":null}}'
                await client.patch(APPLICATION, NAME, name, body, kind="merge")
        for name in await _namespaces(client):
            with suppress(NotFound):
                await client.delete(NAMESPACE, "", name, propagation="Background")
        left = await _until_gone(client, SOON_SECONDS)
        if left:
            await _release_hooks(client, left)
            left = await _until_gone(client, GONE_SECONDS)
        for type_ in brought:
            if not await _names(client, type_, ""):
                with suppress(NotFound):
                    await client.delete(DEFINITION, "", f"{type_.plural}.{type_.group}", propagation="Background")
    except ApiError as error:
        report(f"not everything could be deleted: {error}")
        return
    if left:
        report(f"still being deleted by the cluster: {', '.join(left)}")


async def _release_hooks(client: Client, namespaces: list[str]) -> None:
    """Hooks of a sync that was under way wait for an engine that is gone."""
    discovery = Discovery(client)
    await discovery.refresh()
    for type_ in discovery.types():
        if not type_.namespaced or not {"list", "patch"} <= type_.verbs:
            continue
        for namespace in namespaces:
            for live in (await client.list(type_, namespace)).objects:
                finalizers = live.object()["metadata"].get("finalizers") or []
                if HOOK_FINALIZER in finalizers:
                    kept = [name for name in finalizers if name != HOOK_FINALIZER]
                    body = msgspec.json.encode({"metadata": {"finalizers": kept}})
                    with suppress(NotFound):
                        await client.patch(type_, namespace, live.key.name, body, kind="merge")


async def _until_gone(client: Client, seconds: float) -> list[str]:
    """The demo's namespaces that are still there after a while."""
    left = await _namespaces(client)
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while left:
                await asyncio.sleep(POLL_SECONDS)
                left = await _namespaces(client)
    return left


async def _namespaces(client: Client) -> list[str]:
    return [name for name in await _names(client, NAMESPACE, "") if name == NAME or name.startswith(f"{NAME}-")]


async def _names(client: Client, type_: ResourceType, namespace: str) -> list[str]:
    """Names of a kind's objects; none where the kind is not served."""
    try:
        listing = await client.list(type_, namespace)
    except NotFound:
        return []
    return [live.key.name for live in listing.objects]


async def _defined(client: Client, type_: ResourceType) -> bool:
    try:
        await client.get(DEFINITION, "", f"{type_.plural}.{type_.group}")
    except NotFound:
        return False
    return True
