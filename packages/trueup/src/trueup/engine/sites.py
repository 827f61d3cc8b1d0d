"""Who works on what goes to which cluster: an observer and a reconciler for each, made when first needed."""

from collections.abc import Callable

import msgspec

from trueup.clusters.clusters import Clusters
from trueup.clusters.connection import ClusterOpening
from trueup.clusters.managed import ManagedCluster
from trueup.controllers.application import HANDS_OFF_SECONDS, ApplicationReconciler
from trueup.model.application import Application
from trueup.model.errors import TrueupError
from trueup.observe.observer import Observer
from trueup.runtime.fair import lingering
from trueup.runtime.outcome import Requeue
from trueup.store.applications import Applications, StoredApplication

MOVED_SECONDS = 0.05
"""Until a pass over an application begins again whose cluster has become another one meanwhile."""

PASSES_OF_A_CLUSTER = 64
"""Passes over applications of one cluster at a time, beside the slots that they began in."""
PATIENCE = 0.1
"""Seconds that such a pass keeps its slot: as many as may be under way take less than half a second of all."""
CROWDED_SECONDS = 1.0
"""Until an application is looked at again that found as many."""


class Site(msgspec.Struct, frozen=True):
    """One cluster, and who works on it.

    Attributes:
        passes: the applications that a pass is under way of.
    """

    cluster: ManagedCluster
    observer: Observer
    reconciler: ApplicationReconciler
    passes: set[str] = msgspec.field(default_factory=set)

    async def reconcile(self, key: str) -> Requeue:
        """A pass over an application.

        A cluster that answers slowly, or some questions and not others, keeps no slot from the applications of another
        one: a pass on it gives its own up after a moment. So many may be under way, and no more.
        """
        if not self.cluster.secret:
            return await self.reconciler.reconcile(key)
        if len(self.passes) >= PASSES_OF_A_CLUSTER:
            return Requeue.after(CROWDED_SECONDS)
        self.passes.add(key)
        try:
            with lingering(PATIENCE):
                return await self.reconciler.reconcile(key)
        finally:
            self.passes.discard(key)


class Sites:
    """Sites by their clusters, as they are registered: projects may each have a Secret of their own for one server.

    Args:
        make: the parts of a site.
        shared: other engines look after some of the applications.
    """

    def __init__(
        self,
        applications: Applications,
        clusters: Clusters,
        make: Callable[[ManagedCluster], tuple[Observer, ApplicationReconciler]],
        *,
        shared: bool = False,
    ) -> None:
        self._applications, self._clusters, self._make = applications, clusters, make
        self._shared = shared
        self._sites: dict[tuple[str, str], Site] = {}
        self._where: dict[str, Site] = {}

    @property
    def own(self) -> Site:
        """That of the cluster that the engine runs on."""
        return self.at(self._clusters.own)

    def all(self) -> list[Site]:
        """Those that applications were worked on at."""
        return list(self._sites.values())

    def at(self, cluster: ManagedCluster) -> Site:
        """The site of a cluster. One that was opened anew gets another, which remembers nothing of it."""
        registered = (cluster.secret, cluster.name)
        site = self._sites.get(registered)
        if site is None or site.cluster is not cluster:
            site = self._sites[registered] = Site(cluster, *self._make(cluster))
        return site

    async def reconcile(self, key: str) -> Requeue:
        """A pass over an application, where it goes."""
        stored = self._applications.get(key)
        if not (self._clusters.mine(stored.app) if stored is not None else self._met(key)):
            return self._left(key)
        if stored is not None and stored.fault is None and self._clusters.skipped(stored.app):
            return Requeue.after(HANDS_OFF_SECONDS)
        site, former = self._site_of(key, stored), self._where.get(key)
        if former is not None and former is not site:
            former.reconciler.forget(key)
        if stored is None:
            self._where.pop(key, None)
        else:
            self._where[key] = site
        return await site.reconcile(key)

    def _met(self, key: str) -> bool:
        """Whether an application that is gone was this engine's, as far as is known."""
        return not self._shared or key in self._where

    def _left(self, key: str) -> Requeue:
        """Another engine looks after it, from now on or always. What changes that wakes it."""
        former = self._where.pop(key, None)
        if former is not None:
            former.reconciler.forget(key)
        return Requeue.never()

    def leaves_alone(self, key: str) -> bool:
        """Whether the commits that an application's sources mean now leave it as it is, as far as is known."""
        site = self._where.get(key)
        return site is not None and site.reconciler.leaves_alone(key)

    async def opened(self, app: Application) -> Site:
        """The site of an application, for who asks once.

        Raises:
            InvalidSpec, ClusterOutOfReach: there is none at present.
        """
        return self.at(await self._clusters.opened(app))

    def of(self, app: Application) -> Site:
        """The site of an application.

        Raises:
            InvalidSpec, ClusterOpening, ClusterOutOfReach: there is none at present.
        """
        return self.at(self._clusters.of(app))

    def reach(self, cluster: ManagedCluster, app: Application) -> None:
        """Asked by a pass on a cluster, of an application that names one.

        Raises:
            ClusterOpening: it is being opened, or has become another one since the pass began.
            ClusterOutOfReach: it does not answer at present.
        """
        destination = app.spec.destination
        if (destination.server or destination.name) and self._clusters.of(app) is not cluster:
            raise ClusterOpening(f"application {app.key} goes to another cluster now", after=MOVED_SECONDS)

    def _site_of(self, key: str, stored: StoredApplication | None) -> Site:
        if stored is not None and stored.fault is None:
            try:
                return self.of(stored.app)
            except TrueupError:
                pass  # the pass says why, wherever it is made
        return self._where.get(key) or self.own
