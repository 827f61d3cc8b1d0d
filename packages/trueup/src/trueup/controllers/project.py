"""The project reconciler: a project that is being deleted goes once no application needs it, and tokens go with their
roles."""

import msgspec
import structlog

from trueup.kube.cache import WatchCache
from trueup.kube.client import Client
from trueup.kube.errors import Conflict, NotFound
from trueup.model.live import LiveObject
from trueup.plan.deletion import propagation_of
from trueup.runtime.clock import Clock
from trueup.runtime.outcome import Requeue
from trueup.store.applications import Applications
from trueup.store.events import Recorder
from trueup.store.install import PROJECT
from trueup.store.projects import orphaned_tokens

log = structlog.get_logger("trueup.project")
MOST_NAMED = 5


class ProjectReconciler:
    """Takes Argo CD's finalizer off a project (Argo CD ``finalizeProjectDeletion``), and tokens of roles out of it that
    somebody has taken away without them."""

    def __init__(
        self, applications: Applications, client: Client, cache: WatchCache, recorder: Recorder, clock: Clock
    ) -> None:
        self._applications = applications
        self._client, self._cache = client, cache
        self._recorder, self._clock = recorder, clock

    async def reconcile(self, name: str) -> Requeue:
        """One pass over one project of the control namespace."""
        live = self._applications.live_project(name)
        if live is not None and not live.deletion_timestamp and (roles := orphaned_tokens(live)):
            return await self._without_tokens(live, roles)
        if live is None or not live.deletion_timestamp or not propagation_of(live.finalizers):
            return Requeue.never()
        users = self._applications.needing(live)
        if users:
            # An application that goes, or moves to another project, brings us back.
            self._told(live, users)
            return Requeue.never()
        kept = [finalizer for finalizer in live.finalizers if not propagation_of([finalizer])]
        body = {"metadata": {"finalizers": kept, "resourceVersion": live.resource_version}}
        try:
            after = await self._client.patch(PROJECT, live.key.namespace, name, msgspec.json.encode(body), kind="merge")
        except Conflict:
            return Requeue.after(0.05)
        except NotFound:
            return Requeue.never()
        if after.finalizers:
            self._cache.stored(after)
        else:
            self._cache.removed(after.key, after.uid)
        log.info("project released", project=name)
        return Requeue.never()

    async def _without_tokens(self, live: LiveObject, roles: list[str]) -> Requeue:
        body = {
            "metadata": {"resourceVersion": live.resource_version},
            "status": {"jwtTokensByRole": dict.fromkeys(roles)},
        }
        name = live.key.name
        try:
            after = await self._client.patch(PROJECT, live.key.namespace, name, msgspec.json.encode(body), kind="merge")
        except Conflict:
            return Requeue.after(0.05)
        except NotFound:
            return Requeue.never()
        self._cache.stored(after)
        log.info("tokens of roles that are gone removed", project=name, roles=roles)
        return Requeue.never()

    def _told(self, live: LiveObject, users: list[str]) -> None:
        more = f" and {len(users) - MOST_NAMED} more" if len(users) > MOST_NAMED else ""
        message = f"project {live.key.name} stays until no application uses it: {', '.join(users[:MOST_NAMED])}{more}"
        log.info("project in use", project=live.key.name, applications=len(users))
        self._recorder.record(live, "DeletionHeld", message, now=self._clock.now())
