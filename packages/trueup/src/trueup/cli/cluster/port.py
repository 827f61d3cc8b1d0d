"""Clusters as commands reach them: straight on Kubernetes, or through an API server. One port, two fillings."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from trueup.cli.connect import ClusterAccess, filling
from trueup.kube.client import Client

if TYPE_CHECKING:
    from trueup.cli.servers.session import ServerSession

Body = dict[str, Any]
"""A cluster by the fields of Argo CD's API: ``name``, ``server``, ``config``, ``namespaces``, ``clusterResources``,
``project``, ``shard``, ``labels``, ``annotations``."""


class ClusterView(NamedTuple):
    """A cluster, with nothing that is secret.

    Attributes:
        status: how it answers, ``Successful``, ``Failed``, ``Unknown``; empty where nobody has asked.
        version: of its API server.
        body: all that is known of it, by the fields of Argo CD's API.
    """

    server: str
    name: str
    project: str
    namespaces: int
    status: str
    version: str
    message: str
    body: Body


class ClustersPort(Protocol):
    """The clusters that are known.

    Raises:
        TrueupError: there is none of that name, it is refused, or nobody answers.
    """

    async def all(self, *, looks: bool) -> list[ClusterView]:
        """All; ``looks``: with how they answer."""
        ...

    async def get(self, named: str) -> ClusterView:
        """One, by its name or server, with how it answers."""
        ...

    async def require_room(self, server: str, project: str, *, upsert: bool) -> None:
        """Refuse one that is known already, as far as that is seen before anything is made for it."""
        ...

    async def add(self, body: Body, *, upsert: bool) -> None:
        """Make one known."""
        ...

    async def set(self, named: str, body: Body) -> None:
        """Change some fields of one: what is in ``body``; labels and annotations are added."""
        ...

    async def remove(self, named: str, ask: Callable[[list[str]], None]) -> None:
        """Forget one.

        Args:
            ask: is told which applications go there, and raises where it is not to be.
        """
        ...

    async def rotate(self, named: str, account: str, system: str) -> str:
        """Give one a new token of its service account; when that ends, empty for never."""
        ...


def clusters_of(access: ClusterAccess) -> AbstractAsyncContextManager[ClustersPort]:
    """The clusters that a command is about.

    Raises:
        TrueupError: there is no way to them.
    """

    def served(session: "ServerSession") -> ClustersPort:
        from trueup.cli.servers.clusters import ServedClusters

        return ServedClusters(session)

    def direct(client: Client) -> ClustersPort:
        from trueup.cli.cluster.direct import DirectClusters

        return DirectClusters(client, access.namespace)

    return filling(access, served, direct)
