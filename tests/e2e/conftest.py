"""Fixtures of the end-to-end tests: one engine for the run, one estate a test."""

import itertools
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from tests.conftest import Cluster
from tests.e2e.estate import EngineProcess, Estate, engine_process, play_repository

from trueup.kube.client import Client
from trueup.kube.discovery import Discovery
from trueup.store.install import install

NAMESPACE = "argocd"
POLLING = {"timeout.reconciliation": "1s", "timeout.reconciliation.jitter": "0s"}
COUNTER = itertools.count(1)


async def prepare(client: Client, namespace: str, settings: Mapping[str, str]) -> None:
    """Put our kinds and settings on a cluster."""
    await install(client, namespace, lambda _: None)
    discovery = Discovery(client)
    await discovery.refresh()
    config_maps = discovery.find("", "ConfigMap")
    assert config_maps is not None
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "argocd-cm", "namespace": namespace},
        "data": dict(settings),
    }
    await client.apply(config_maps, namespace, "argocd-cm", msgspec.json.encode(body), manager="tests")


@pytest_asyncio.fixture(scope="session")
async def client(admin: Client) -> Client:
    """The administrator's client, with our kinds installed."""
    await prepare(admin, NAMESPACE, POLLING)
    return admin


@pytest_asyncio.fixture(scope="session")
async def repositories(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where repositories are made; each cluster's engine has a folder of its own."""
    return tmp_path_factory.mktemp("repositories")


@pytest_asyncio.fixture(scope="session")
async def engine(
    cluster: Cluster, client: Client, repositories: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[EngineProcess]:
    """The engine that most tests share."""
    folder = tmp_path_factory.mktemp("engine")
    async with engine_process(cluster.kubeconfig_of("trueup"), folder, repositories, NAMESPACE) as running:
        yield running


@pytest_asyncio.fixture
async def estate(engine: EngineProcess, client: Client, repositories: Path) -> AsyncIterator[Estate]:
    """A repository and applications of one test."""
    discovery = Discovery(client)
    await discovery.refresh()
    name = f"t{next(COUNTER)}"
    made = Estate(client, discovery, engine, play_repository(repositories / name), name)
    yield made
    await made.close()
