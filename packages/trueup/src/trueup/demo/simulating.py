"""Nodes are played on a control plane that has none."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pocketkube.player.lifecycle import beside, read_lifecycles
from pocketkube.player.outside import OutsideCluster
from pocketkube.player.player import CONTROLLER_MANAGER, Player
from trueup.kube.config import ClusterConfig
from trueup.kube.credentials import Authorization, tls_context
from trueup.runtime.clock import SystemClock


@asynccontextmanager
async def simulated(config: ClusterConfig, *, controllers: bool) -> AsyncIterator[None]:
    """Pods come up while the block lasts.

    Args:
        controllers: those of Kubernetes are played too: for a server without kube-controller-manager.

    Raises:
        ClusterError: the cluster does not answer at the start. Later it is waited for.
    """
    lifecycles = read_lifecycles()
    if not controllers:
        lifecycles = beside(lifecycles, CONTROLLER_MANAGER)
    headers = Authorization(config).headers
    name = config.tls_server_name
    cluster = OutsideCluster(config.server, tls_context(config), headers, proxy=config.proxy, name=name)
    async with Player(cluster, lifecycles, SystemClock().now):
        yield
