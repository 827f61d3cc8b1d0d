"""A pytest plugin: the fixture ``cluster`` is a Kubernetes API for a session of tests.

The embedded one by default; ``--cluster kubernetes`` takes etcd, kube-apiserver and kube-controller-manager from
``KUBEBUILDER_ASSETS``. On both Pods come up, though no container runs.
"""

import asyncio
import os
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

EMBEDDED, KUBERNETES = "embedded", "kubernetes"
START_SECONDS = 180.0


class TestCluster(msgspec.Struct, frozen=True):
    """Where a cluster is.

    Attributes:
        kubeconfig: the administrator's.
        url, token: the same, for clients that read none.
        ca_data: PEM of the authority that signed the server's certificate.
    """

    __test__ = False

    kubeconfig: Path
    url: str
    token: str
    ca_data: bytes


def pytest_addoption(parser: pytest.Parser) -> None:
    """``--cluster``."""
    parser.addoption(
        "--cluster", choices=(EMBEDDED, KUBERNETES), default=EMBEDDED, help="what the fixture `cluster` is"
    )


@pytest.fixture(scope="session")
def cluster(pytestconfig: pytest.Config) -> Iterator[TestCluster]:
    """A cluster for the session; it is gone afterwards, however that ends."""
    with _Life(pytestconfig.getoption("--cluster")) as found:
        yield found


@asynccontextmanager
async def running(kind: str) -> AsyncIterator[TestCluster]:
    """A cluster for as long as the block lasts.

    Raises:
        ClusterError: it does not start; a real one whose programs are nowhere says so.
    """
    # Imported only now: every run of pytest loads this module.
    from pocketkube.cluster.embedded import EmbeddedCluster
    from pocketkube.controlplane import ControlPlane, default_folders
    from pocketkube.player.lifecycle import beside, read_lifecycles
    from pocketkube.player.outside import OutsideCluster
    from pocketkube.player.player import CONTROLLER_MANAGER, Player
    from pocketkube.serving import now

    if kind == EMBEDDED:
        async with EmbeddedCluster(workloads=True) as embedded:
            yield TestCluster(embedded.kubeconfig, embedded.url, embedded.token, embedded.ca_data)
        return
    async with ControlPlane(default_folders(os.environ, Path.home())) as plane:
        lifecycles = beside(read_lifecycles(), CONTROLLER_MANAGER)
        async with Player(OutsideCluster.by_kubeconfig(plane.kubeconfig_of("pod-simulator")), lifecycles, now):
            yield TestCluster(plane.kubeconfig, plane.url, plane.token, plane.ca_data)


class _Life:
    """A cluster in a thread with an event loop of its own: tests may be synchronous, or bring their own."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="cluster", daemon=True)
        self._context = running(kind)

    def __enter__(self) -> TestCluster:
        self._thread.start()
        try:
            return asyncio.run_coroutine_threadsafe(self._context.__aenter__(), self._loop).result(START_SECONDS)
        except BaseException:
            self._end()
            raise

    def __exit__(self, *_: object) -> None:
        try:
            asyncio.run_coroutine_threadsafe(self._context.__aexit__(None, None, None), self._loop).result()
        finally:
            self._end()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
