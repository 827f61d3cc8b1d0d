"""Clusters as commands reach them: straight on Kubernetes, or through an API server. One port, two fillings."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, Protocol

from trueup.cli.connect import ClusterAccess, connected

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


@asynccontextmanager
async def clusters_of(access: ClusterAccess) -> AsyncIterator[ClustersPort]:
    """The clusters that a command is about.

    Raises:
        TrueupError: there is no way to them.
    """
    if access.served is not None:
        from trueup.cli.servers.clusters import ServedClusters
        from trueup.cli.servers.session import ServerSession

        async with ServerSession(access.served) as session:
            yield ServedClusters(session)
        return
    from trueup.cli.cluster.direct import DirectClusters

    async with connected(access) as client:
        yield DirectClusters(client, access.namespace)
