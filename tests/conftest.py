"""Fixtures of every test that needs a Kubernetes API server: shared ones of both kinds, and fresh ones to break."""

import asyncio
import gc
import itertools
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from _pytest.unraisableexception import collect_unraisable
from hypothesis import HealthCheck, settings
from hypothesis.internal.conjecture import providers
from tests.support import commands, tiers
from tests.support.deadline import bound
from tests.support.loop import Loop
from tests.support.patience import looks, stretched
from tests.support.rewriting import rewrite_share
from tests.support.sharing import Recorder, SharedByLength
from xdist.remote import Producer

from pocketkube.cluster.embedded import EmbeddedCluster
from pocketkube.controlplane import ControlPlane
from trueup.demo.simulating import simulated as playing
from trueup.kube.client import Client
from trueup.kube.config import load_kubeconfig
from trueup.kube.discovery import Discovery
from trueup.kube.errors import Conflict, NotFound
from trueup.store.install import DEFINITION

BUILD = Path(__file__).parents[1] / "tools" / "controlplane" / "build.py"
NAMESPACES = "/api/v1/namespaces"

KUBERNETES, EMBEDDED, SPARE = "kubernetes", "embedded", "spare"
Cluster = ControlPlane | EmbeddedCluster

on_kubernetes = pytest.mark.parametrize("cluster", [KUBERNETES], indirect=True)
"""For tests of what only the real server has: rights that are enforced, admission policies, an audit log."""

on_embedded = pytest.mark.parametrize("cluster", [EMBEDDED], indirect=True)
"""For tests of what no server has a say in: what is read from Git, when something is done, what is said of it."""

COLLECTED = pytest.StashKey[Sequence[str]]()
"""All tests of this run, before a tier of them was chosen."""
DIVIDED = pytest.StashKey[Mapping[str, Sequence[str]]]()
"""The same, by tier."""


def pytest_asyncio_loop_factories(config: pytest.Config, item: pytest.Item) -> Mapping[str, Callable[[], Any]]:
    """Tests run on the loop that the product runs on."""
    return {"uvloop": Loop}


# How long an example takes is the machine's affair: what else runs beside it is no fault of the code. A run tries the
# same examples as the one before, so that a change is judged by itself; `make laws` looks for others, and more of them.
settings.register_profile(
    "known", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True, max_examples=60
)
settings.register_profile("new", settings.get_profile("known"), derandomize=False, max_examples=1000)
PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "known")
settings.load_profile(PROFILE)
if PROFILE == "known":
    # Hypothesis also tries the constants of every module that happens to be imported: other examples for each choice of
    # tests, and the whole source is parsed for them in each worker.
    providers._get_local_constants = lambda: providers._local_constants


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--tier", choices=tiers.TIERS, help="of the tests, those of `make test` or of `make test-everywhere`"
    )


def pytest_sessionstart(session: pytest.Session) -> None:
    rewrite_share(session.config, Path(__file__).parent)


def pytest_configure(config: pytest.Config) -> None:
    if "UPDATE_DURATIONS" in os.environ and not hasattr(config, "workerinput"):
        config.pluginmanager.register(Recorder())


def pytest_unconfigure() -> None:
    commands.close()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, Any, Any]:
    """What is collected stays to the end: nobody looks through it for what could go."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None]:
    """What a module has left open (a task, a socket, a process) fails its last test, not one of another module."""
    yield
    if nextitem is None or nextitem.path != item.path:
        gc.collect()
        collect_unraisable(item.config)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    divided = tiers.divide(items)
    config.stash[DIVIDED] = {tier: [item.nodeid for item in found] for tier, found in divided.items()}
    config.stash[COLLECTED] = [item.nodeid for item in items]
    if tier := config.getoption("--tier"):
        kept = {item.nodeid for item in divided[tier]}
        config.hook.pytest_deselected(items=[item for item in items if item.nodeid not in kept])
        items[:] = divided[tier]
        if tier == tiers.ONCE:
            tiers.try_some(items)
    for item in items:
        bound(item)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> SharedByLength:
    """Tests that need the same cluster run in the same worker."""
    return SharedByLength(config, log)


@pytest.fixture(scope="session")
def controlplane_folders(pytestconfig: pytest.Config) -> list[Path]:
    """Where the binaries of the control plane are. They are built when they are missing: minutes, once per machine."""
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        built = subprocess.run(
            [sys.executable, str(BUILD), "--print"], stdout=subprocess.PIPE, text=True, check=False, env=os.environ
        )
    if built.returncode:
        pytest.exit(f"{BUILD.name} could not build the control plane", returncode=1)
    return [Path(line) for line in built.stdout.splitlines()]


@pytest_asyncio.fixture(scope="session", params=[KUBERNETES, EMBEDDED])
async def cluster(request: pytest.FixtureRequest, controlplane_folders: list[Path]) -> AsyncIterator[Cluster]:
    """The clusters that the tests of a run share, with Pods that come up: the real one, and the embedded one."""
    if request.param == KUBERNETES:
        async with ControlPlane(controlplane_folders) as plane, simulated(plane):
            yield plane
    else:
        async with EmbeddedCluster(workloads=True) as embedded:
            yield embedded


@pytest_asyncio.fixture(scope="session", params=[SPARE])
async def spare(controlplane_folders: list[Path]) -> AsyncIterator[ControlPlane]:
    """A real control plane that tests may break, one after the other: stopped, frozen and compacted, rights given away
    and definitions taken. Pods stay pending. Each leaves it running, and takes away itself what must not be there.
    """
    async with ControlPlane(controlplane_folders) as plane:
        yield plane


@pytest_asyncio.fixture(scope="session")
async def admin(cluster: Cluster) -> AsyncIterator[Client]:
    """The administrator's client of the shared cluster."""
    async with Client(load_kubeconfig(cluster.kubeconfig, None)) as client:
        yield client


@pytest_asyncio.fixture
async def namespace(admin: Client, namespace_names: "itertools.count[int]") -> str:
    """A namespace of the test's own, in which Pods may be created. It goes with the cluster: to delete one costs the
    real control plane as much as most tests do.
    """
    name = f"test-{next(namespace_names)}"
    await make_namespace(admin, name)
    return name


@pytest.fixture(scope="session")
def namespace_names() -> "itertools.count[int]":
    return itertools.count(1)


async def without_definitions(client: Client) -> None:
    """Take every definition of a spare cluster away with what is of its kind, whoever left it, until none is there."""
    discovery = Discovery(client)
    async for _ in looks(pause=0.2):
        definitions = (await client.list(DEFINITION)).objects
        if not definitions:
            return
        await discovery.refresh()
        groups = {live.key.name.partition(".")[2] for live in definitions}
        with suppress(NotFound, Conflict):  # it goes meanwhile
            for type_ in [type_ for type_ in discovery.types() if type_.group in groups]:
                for live in (await client.list(type_)).objects:
                    if live.finalizers:
                        free = b'{"metadata":{"finalizers":null}}'
                        await client.patch(type_, live.key.namespace, live.key.name, free, kind="merge")
        for live in definitions:
            with suppress(NotFound):
                await client.delete(DEFINITION, "", live.key.name, propagation="Background")
    raise AssertionError("definitions are still there")


async def make_namespace(client: Client, name: str) -> None:
    """Creates a namespace and waits for its service account, without which admission refuses Pods."""
    await client.request("POST", NAMESPACES, body=b'{"metadata":{"name":"%s"}}' % name.encode())
    async with asyncio.timeout(stretched(30)):
        while True:
            try:
                await client.request("GET", f"{NAMESPACES}/{name}/serviceaccounts/default")
                return
            except NotFound:
                await asyncio.sleep(0.01)


@asynccontextmanager
async def simulated(plane: ControlPlane) -> AsyncIterator[None]:
    """Pods come up while the block lasts. An embedded cluster plays its nodes and controllers itself."""
    async with playing(load_kubeconfig(plane.kubeconfig_of("pod-simulator"), None), controllers=False):
        yield
