"""A check says of a repository what a real API server says."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest_asyncio
from tests.conftest import without_definitions
from tests.golden.render.golden import checkout
from tests.support.broken import FOUND, break_everything

from pocketkube.cluster.embedded import EmbeddedCluster
from pocketkube.controlplane import ControlPlane
from trueup.kube.client import Client
from trueup.kube.config import load_kubeconfig
from trueup.kube.discovery import Discovery
from trueup.offline.applications import CONTROL_NAMESPACE, find_applications
from trueup.offline.check import Check
from trueup.offline.kubernetes import embedded
from trueup.offline.rendered import DeclaredApplications
from trueup.offline.renderer import OfflineRenderer
from trueup.offline.report import Report
from trueup.offline.repositories import OfflineRepositories
from trueup.offline.trial import Trial
from trueup.sources.checkout import open_checkout
from trueup.store.install import install


@asynccontextmanager
async def trial(kubeconfig: Path) -> AsyncIterator[Trial]:
    async with Client(load_kubeconfig(kubeconfig, None)) as client:
        await install(client, CONTROL_NAMESPACE, lambda _: None)
        discovery = Discovery(client)
        await discovery.refresh()
        yield Trial(client, discovery)


async def checked(folder: Path, renderer: OfflineRenderer, kubeconfig: Path) -> Report:
    files = open_checkout(folder)
    found = find_applications(files.tree, "")
    rendered = await DeclaredApplications(renderer, OfflineRepositories(files), embedded()).render(found)
    async with trial(kubeconfig) as cluster:
        return await Check(cluster, embedded(), lambda _: []).run(found, rendered)


@pytest_asyncio.fixture
async def real(spare: ControlPlane) -> ControlPlane:
    """A cluster on which nothing has been installed."""
    async with Client(load_kubeconfig(spare.kubeconfig, None)) as client:
        await without_definitions(client)
    return spare


async def test_what_is_assumed_offline_is_what_a_cluster_says(real: ControlPlane) -> None:
    assumed = embedded()
    async with Client(load_kubeconfig(real.kubeconfig, None)) as client:
        discovery = Discovery(client)
        await discovery.refresh()
    assert assumed.version == discovery.server_version
    assert assumed.scopes == {type_.group_kind: type_.namespaced for type_ in discovery.types()}
    assert assumed.api_versions == discovery.api_versions()


async def test_both_clusters_find_the_same_mistakes_in_the_same_words(real: ControlPlane, tmp_path: Path) -> None:
    folder = checkout(tmp_path / "examples")
    break_everything(folder)
    async with OfflineRenderer() as renderer, EmbeddedCluster() as ours:
        truth = await checked(folder, renderer, real.kubeconfig)
        report = await checked(folder, renderer, ours.kubeconfig)
    assert {(item.application, item.file, item.object, item.field) for item in truth.problems} == FOUND
    assert report == truth
