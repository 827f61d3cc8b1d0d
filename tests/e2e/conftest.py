"""Fixtures of the end-to-end tests: one engine for the run, one estate a test."""

import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from tests.conftest import KUBERNETES, Cluster, simulated
from tests.e2e.afresh import Standby, agrees_afresh
from tests.e2e.estate import EngineProcess, Estate, engine_process, play_repository
from tests.support import argocd
from tests.support.apiserver import Served
from tests.support.patience import looks

from pocketkube.cluster.embedded import EmbeddedCluster
from pocketkube.controlplane import ControlPlane
from trueup.kube.client import Client
from trueup.kube.config import load_kubeconfig
from trueup.kube.discovery import Discovery
from trueup.store.install import DEFINITION, install

NAMESPACE = "argocd"
POLLING = {"timeout.reconciliation": "1s", "timeout.reconciliation.jitter": "0s"}
COUNTER = itertools.count(1)

Migrate = Callable[[str, Iterable[Mapping[str, Any]]], Awaitable[Estate]]
"""``await migrate(kind of cluster, definitions)``."""


async def define(client: Client, definitions: Iterable[Mapping[str, Any]]) -> None:
    """Put somebody else's definitions of our kinds on a cluster, before ours are."""
    for definition in definitions:
        name = definition["metadata"]["name"]
        await client.apply(DEFINITION, "", name, msgspec.json.encode(definition), manager="argocd")


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
async def client(cluster: Cluster, admin: Client) -> Client:
    """The administrator's client, with our kinds installed.

    The real API server has Argo CD's own definitions of them, as every migration meets them, and installing keeps
    those; the embedded cluster has ours.
    """
    if isinstance(cluster, ControlPlane) and argocd.PRESENT:
        await define(admin, [argocd.definition("application"), argocd.definition("appproject")])
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


@pytest_asyncio.fixture(scope="session")
async def standby(engine: EngineProcess, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Standby]:
    """The engine that takes over when a test has passed."""
    waiting = Standby(tmp_path_factory.mktemp("standby") / "engine")
    yield waiting
    await waiting.close()


PASSED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.when == "call":
        item.stash[PASSED] = report.passed
    return report


@pytest_asyncio.fixture
async def estate(
    request: pytest.FixtureRequest,
    engine: EngineProcess,
    standby: Standby,
    client: Client,
    repositories: Path,
    tmp_path: Path,
) -> AsyncIterator[Estate]:
    """A repository and applications of one test. However it ends, a fresh engine says the same and writes nothing."""
    discovery = Discovery(client)
    await discovery.refresh()
    name = f"t{next(COUNTER)}"
    made = Estate(client, discovery, engine, play_repository(repositories / name), name)
    yield made
    try:
        if request.node.stash.get(PASSED, False):
            await agrees_afresh(made, tmp_path / "afresh", standby)
    finally:
        await made.close()


@pytest_asyncio.fixture
async def migrate(controlplane_folders: list[Path], tmp_path: Path) -> AsyncIterator[Migrate]:
    """An engine on a cluster of the test's own, on which these definitions were before it was installed."""
    async with AsyncExitStack() as stack:

        async def start(kind: str, definitions: Iterable[Mapping[str, Any]]) -> Estate:
            plane: Cluster
            if kind == KUBERNETES:
                real = await stack.enter_async_context(ControlPlane(controlplane_folders))
                await stack.enter_async_context(simulated(real))
                plane = real
            else:
                plane = await stack.enter_async_context(EmbeddedCluster(workloads=True))
            client = await stack.enter_async_context(Client(load_kubeconfig(plane.kubeconfig, None)))
            await define(client, definitions)
            await prepare(client, NAMESPACE, POLLING)
            discovery = Discovery(client)
            await discovery.refresh()
            repositories = tmp_path / "repositories"
            for folder in (repositories, tmp_path / "engine"):
                folder.mkdir()
            engine = await stack.enter_async_context(
                engine_process(plane.kubeconfig_of("trueup"), tmp_path / "engine", repositories, NAMESPACE, 0.3)
            )
            name = f"d{next(COUNTER)}"
            return Estate(client, discovery, engine, play_repository(repositories / name), name)

        yield start


@pytest_asyncio.fixture
async def served(cluster: Cluster, client: Client, repositories: Path, tmp_path: Path) -> AsyncIterator[Served]:
    """The API alone; another process reconciles."""
    arguments = ("--listen", "127.0.0.1:0", "--insecure", "--no-engine")
    folder = tmp_path / "api"
    folder.mkdir()
    kubeconfig = cluster.kubeconfig_of("trueup")
    async with engine_process(kubeconfig, folder, repositories, NAMESPACE, arguments=arguments) as engine:
        lines: list[str] = []
        async for _ in looks(60):
            lines = [line for line in engine.log.read_text().splitlines() if "API served" in line]
            if lines:
                break
        assert lines, engine.tail()
        yield Served(json.loads(lines[0])["port"], [])
        assert await engine.stop() == 0
