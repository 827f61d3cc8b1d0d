"""Applications on several clusters: deployed and healed on each, while one is frozen, replaced or forgotten."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from tests.conftest import EMBEDDED
from tests.e2e.estate import Estate
from tests.e2e.manifests import config
from tests.support.patience import looks

from pocketkube.cluster.embedded import EmbeddedCluster
from trueup.cli.cluster.secret import config_json, secret_object
from trueup.kube.client import Client
from trueup.kube.config import load_kubeconfig
from trueup.kube.discovery import ResourceType
from trueup.kube.errors import NotFound
from trueup.store.credentials import SECRET

CONFIG_MAPS = ResourceType("", "v1", "ConfigMap", "configmaps", True)
NAMESPACES = ResourceType("", "v1", "Namespace", "namespaces", False)


class Far:
    """Another cluster, and the Secret that makes it known."""

    def __init__(self, estate: Estate, cluster: EmbeddedCluster, client: Client, name: str) -> None:
        self.cluster, self.client, self.name = cluster, client, name
        self._estate = estate

    async def known(self, **fields: str) -> None:
        """Write its Secret."""
        here = load_kubeconfig(self.cluster.kubeconfig, None)
        data = {"name": self.name, "server": here.server, "config": config_json(here), **fields}
        made = secret_object(self._estate.engine.namespace, self.name, data, {})
        body, namespace = msgspec.json.encode(made), self._estate.engine.namespace
        try:
            await self._estate.client.replace(SECRET, namespace, self.name, body)
        except NotFound:
            await self._estate.client.create(SECRET, namespace, body)

    async def forgotten(self) -> None:
        """Delete its Secret."""
        await self._estate.client.delete(SECRET, self._estate.engine.namespace, self.name, propagation="Background")

    def destination(self, namespace: str) -> dict[str, Any]:
        """It as an application names it."""
        return {"destination": {"name": self.name, "namespace": namespace}}

    async def colour(self, namespace: str, name: str = "settings") -> str:
        """What the settings there say; empty where there are none."""
        try:
            live = await self.client.get(CONFIG_MAPS, namespace, name)
        except NotFound:
            return ""
        return str(live.object()["data"]["colour"])

    async def paint(self, namespace: str, colour: str, name: str = "settings") -> None:
        """Change the settings by hand."""
        patch = msgspec.json.encode({"data": {"colour": colour}})
        await self.client.patch(CONFIG_MAPS, namespace, name, patch, kind="merge")

    async def becomes(self, namespace: str, colour: str, name: str = "settings") -> float:
        """Wait until the settings there say so; gives the seconds."""
        began = time.monotonic()
        async for _ in looks(30):
            if await self.colour(namespace, name) == colour:
                return time.monotonic() - began
        raise AssertionError(f"{self.name} is not {colour}: {self._estate.engine.tail()}")


@asynccontextmanager
async def another(estate: Estate, name: str) -> AsyncIterator[Far]:
    """An embedded cluster of that name, known to the engine."""
    async with EmbeddedCluster() as cluster, Client(load_kubeconfig(cluster.kubeconfig, None)) as client:
        found = Far(estate, cluster, client, f"{name}-{estate.name}")
        await found.known()
        yield found
        # What is deployed there goes with it: the applications need not wait for a cluster that is gone.
        for name in estate.made:
            with suppress(NotFound):
                await estate.patch({"metadata": {"finalizers": None}}, name)
        with suppress(NotFound):
            await found.forgotten()


@pytest_asyncio.fixture
async def far(estate: Estate) -> AsyncIterator[Far]:
    async with another(estate, "far") as found:
        yield found


async def test_an_application_lives_on_the_cluster_that_it_names_and_nowhere_else(estate: Estate, far: Far) -> None:
    revision = await estate.given({"app/settings.yaml": config()})
    await estate.app("app", spec=far.destination(estate.name))
    await estate.settled(revision)
    assert await far.colour(estate.name) == "red"
    assert await estate.live("ConfigMap", "settings") is None

    await far.paint(estate.name, "by hand")
    await far.becomes(estate.name, "red")

    await estate.commit({"app/settings.yaml": config(value="blue")})
    await estate.refresh()
    await far.becomes(estate.name, "blue")

    await estate.remove_application()
    await estate.application_gone()
    assert await far.colour(estate.name) == ""


async def test_the_same_objects_on_two_clusters_are_two_applications_affairs(estate: Estate, far: Far) -> None:
    await estate.given({"app/settings.yaml": config()})
    other = f"{estate.name}-far"
    await estate.app("app")
    await estate.app("app", name=other, spec=far.destination(estate.name))
    await estate.settled()
    view = await estate.settled(name=other)
    assert view.status.conditions == []
    # A change here concerns nobody there.
    await estate.change("ConfigMap", "settings", {"data": {"colour": "by hand"}})
    await estate.eventually(lambda: _is_red(estate), what="healed")
    assert await far.colour(estate.name) == "red"


async def _is_red(estate: Estate) -> bool:
    live = await estate.live("ConfigMap", "settings")
    return live is not None and live.object()["data"]["colour"] == "red"


@pytest.mark.parametrize("cluster", [EMBEDDED], indirect=True)
async def test_a_cluster_that_is_forgotten_keeps_what_runs_there(estate: Estate, far: Far) -> None:
    await estate.given({"app/settings.yaml": config()})
    await estate.app("app", spec=far.destination(estate.name))
    await estate.settled()
    await far.forgotten()
    assert f"there is no cluster '{far.name}'" in await estate.condition("InvalidSpecError")
    assert await far.colour(estate.name) == "red"
    # Nor does the end of the application: there is no cluster to take anything from.
    await estate.remove_application()
    await estate.application_gone()
    assert await far.colour(estate.name) == "red"


@pytest.mark.parametrize("cluster", [EMBEDDED], indirect=True)
async def test_a_secret_that_changes_is_followed_within_seconds(estate: Estate, far: Far) -> None:
    await estate.given({"app/settings.yaml": config()})
    await far.known(config='{"bearerToken": "of-yesterday", "tlsClientConfig": {"insecure": true}}')
    await estate.app("app", spec=far.destination(estate.name))
    assert "cannot be used" in await estate.condition("ComparisonError")
    await far.known()
    await estate.settled()
    await far.known(project="others")
    assert "there is no cluster" in await estate.condition("InvalidSpecError")
    await far.known(namespaces="elsewhere")
    await estate.commit({"app/settings.yaml": config(value="blue")})
    await estate.refresh()
    await estate.until(lambda view: str(view.status.sync and view.status.sync.status) == "OutOfSync", what="refused")
    assert await far.colour(estate.name) == "red"


@pytest.mark.parametrize("cluster", [EMBEDDED], indirect=True)
async def test_on_a_namespaced_cluster_the_namespaces_that_are_there_are_used(estate: Estate, far: Far) -> None:
    await estate.given({"app/settings.yaml": config()})
    made = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": estate.name}}
    await far.client.create(NAMESPACES, "", msgspec.json.encode(made))
    await far.known(namespaces=estate.name)
    await estate.app("app", spec=far.destination(estate.name))
    await estate.settled()
    assert await far.colour(estate.name) == "red"
