"""Every destination there is: opened when an application first goes there, closed when its Secret goes or changes."""

import asyncio
import contextvars

import msgspec

from trueup.clusters.connection import Connection, Surroundings
from trueup.clusters.managed import ManagedCluster
from trueup.model.application import DEFAULT_PROJECT, Application, Destination
from trueup.model.errors import InvalidSpec
from trueup.store.clusters.known import ClustersUnread, KnownClusters
from trueup.store.clusters.secret import ClusterEntry


class ClusterCondition(msgspec.Struct, frozen=True):
    """How a cluster does.

    Attributes:
        version: of its Kubernetes; empty where it has never answered.
        usable: whether it can be worked on at present.
    """

    name: str
    server: str
    version: str
    usable: bool


class Clusters:
    """Destinations by their names and servers.

    Args:
        own: the cluster that the engine runs on.
        known: the Secrets.
    """

    def __init__(self, own: ManagedCluster, known: KnownClusters, surroundings: Surroundings) -> None:
        self._own, self._known, self._around = own, known, surroundings
        self._connections: dict[str, Connection] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._closing: set[asyncio.Task[None]] = set()
        self._named: dict[str, ManagedCluster] = {}

    @property
    def own(self) -> ManagedCluster:
        """The cluster that the engine runs on, by the name that a Secret gives it."""
        return self._renamed(next(entry.name for entry in self._known.all() if entry.in_cluster))

    def of(self, app: Application) -> ManagedCluster:
        """The cluster that an application goes to. It is opened when it is first asked for.

        Raises:
            InvalidSpec: there is none, more than one, or it is another project's.
            ClustersUnread: the Secrets have never been read.
            ClusterOpening: it is being read for the first time.
            ClusterOutOfReach: it does not answer at present.
        """
        entry = self._known.of(app.spec.destination, project_name(app))
        return self._renamed(entry.name) if entry.in_cluster else self._connection(entry).usable()

    def place(self, app: Application) -> Destination:
        """Where an application goes, by server and name both.

        Raises:
            InvalidSpec, ClustersUnread: as :meth:`of`.
        """
        return self._known.place(app.spec.destination, project_name(app))

    def place_on(self, server: str, app: Application) -> Destination | None:
        """Where an application goes, if that is the cluster of this server."""
        try:
            place = self.place(app)
        except (InvalidSpec, ClustersUnread):
            return None
        return place if place.server == server else None

    def mine(self, app: Application) -> bool:
        """Whether this engine is to look after an application, of those that share the clusters."""
        return self._known.mine(app.spec.destination, project_name(app))

    def skipped(self, app: Application) -> bool:
        """Whether the Secret of an application's cluster says to leave it alone."""
        try:
            return self._known.of(app.spec.destination, project_name(app)).skipped
        except (InvalidSpec, ClustersUnread):
            return False

    async def opened(self, app: Application) -> ManagedCluster:
        """As :meth:`of`, for who asks once: a cluster that is being opened is waited for."""
        entry = self._known.of(app.spec.destination, project_name(app))
        if not entry.in_cluster:
            await self._connection(entry).settled()
        return self.of(app)

    def reconsider(self) -> None:
        """The Secrets have changed: close what is gone or another. Who needs it asks anew."""
        known = {entry.secret: entry for entry in self._known.all()}
        for secret, connection in list(self._connections.items()):
            entry = known.get(secret)
            if entry is None or entry.way != connection.entry.way:
                self._close(secret)

    def reopen(self, secret: str) -> None:
        """Forget what is known of a cluster, by its Secret. Who needs it asks anew."""
        if secret in self._connections:
            self._close(secret)

    def conditions(self) -> list[ClusterCondition]:
        """Of the clusters that applications go to."""
        own = self.own
        return [
            ClusterCondition(own.name, own.server, own.discovery.server_version, usable=True),
            *(
                ClusterCondition(each.entry.name, each.entry.server, each.version, usable=each.trouble is None)
                for each in self._connections.values()
            ),
        ]

    def unwatch(self) -> None:
        """What is excluded has changed."""
        for connection in self._connections.values():
            connection.unwatch()

    def _connection(self, entry: ClusterEntry) -> Connection:
        connection = self._connections.get(entry.secret)
        if connection is not None and connection.entry.way != entry.way:
            self._close(entry.secret)
            connection = None
        if connection is None:
            connection = self._connections[entry.secret] = Connection(entry, self._around)
            # A context of its own: it lives longer than the pass that happens to need it first.
            self._tasks[entry.secret] = asyncio.create_task(
                connection.run(), name=f"cluster {entry.name}", context=contextvars.Context()
            )
        return connection

    def _close(self, secret: str) -> None:
        del self._connections[secret]
        task = self._tasks.pop(secret)
        task.cancel()
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    async def close(self) -> None:
        """Close every connection."""
        tasks = [*self._tasks.values(), *self._closing]
        self._tasks.clear()
        self._connections.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _renamed(self, name: str) -> ManagedCluster:
        if name == self._own.name:
            return self._own
        if name not in self._named:
            # Kept: a pass knows its cluster by its identity, and projects may each have a name of their own for it.
            self._named[name] = msgspec.structs.replace(self._own, name=name)
        return self._named[name]


def project_name(app: Application) -> str:
    """The project that an application names, ``default`` where it names none."""
    return app.spec.project or DEFAULT_PROJECT
