"""The application reconciler: one pass observes, decides, takes one step and leaves."""

from datetime import datetime, timedelta

import msgspec
import structlog

from trueup import policy
from trueup.controllers.observe import Observation
from trueup.controllers.operation import Operations, about_source, approved
from trueup.controllers.ports import LONGEST_REST, Ports
from trueup.controllers.record import record
from trueup.controllers.target import NotFetched
from trueup.formats.time import parse_time
from trueup.kube.errors import Conflict, NotFound
from trueup.model.annotations import REFRESH
from trueup.model.application import Application
from trueup.model.errors import InvalidSpec, SourceUnavailable, Stalled, TrueupError
from trueup.model.health import HealthCode
from trueup.model.live import LiveObject
from trueup.model.project import Project
from trueup.model.status import (
    ResultCode,
    SyncCode,
)
from trueup.plan.deletion import DeletionWait, Gone, deletion_step, propagation_of
from trueup.runtime.outcome import Requeue
from trueup.store import status as build
from trueup.store.applications import StoredApplication
from trueup.store.write import ApplicationWrite

log = structlog.get_logger("trueup.application")

GRACE_SECONDS = 180.0
"""How long the last good state is kept when a repository cannot be read (Argo CD's controller.repo.error.grace…)."""


class ApplicationReconciler:
    """Reconciles Applications by key.

    The little it remembers between passes only saves work or time: losing it costs a comparison or a pause.
    """

    def __init__(self, ports: Ports) -> None:
        self.ports = ports
        self._refreshing: dict[str, _Refresh] = {}
        self._operations = Operations(ports)

    async def reconcile(self, key: str) -> Requeue:
        """One pass over one Application."""
        ports = self.ports
        live = ports.applications.live(key)
        if live is None:
            self._forget(key)
            return Requeue.never()
        if reason := self._hands_off(live):
            log.debug("left alone", application=key, reason=reason)
            return Requeue.after(LONGEST_REST)
        stored = ports.applications.get(key)
        assert stored is not None
        write = ApplicationWrite(stored, ports.cluster.client, ports.cluster.cache, ports.clock.now())
        try:
            requeue = await self._pass(stored, write)
        except (Conflict, NotFound) as error:
            if not error.subject_is(stored.live.key):
                raise
            # The application moved under this pass: the watch brings the newer one, and the pass begins again.
            return Requeue.after(0.05)
        for change in _changes(stored, write):
            self.ports.tell(write, "ResourceUpdated", change)
        return requeue

    async def _pass(self, stored: StoredApplication, write: ApplicationWrite) -> Requeue:
        ports, app = self.ports, stored.app
        if app.metadata.deletion_timestamp:
            return await self._delete(stored, write)
        try:
            project = self.ports.applications.project_of(app)
            policy.admit(app, project)
            self.ports.cluster.require_destination(app.spec.destination)
        except InvalidSpec as error:
            return await self._invalid(stored, write, error)
        if not self._refresh_is_due(stored):
            return Requeue.never()
        try:
            seen = await ports.observer.observe(stored, project, fresh=self._hard(stored))
        except NotFetched:
            self._request_sources(stored)
            return Requeue.never()
        except TrueupError as error:
            if not about_source(error):
                raise
            return await self._unrenderable(stored, write, error)
        await ports.chronicle.observed(stored, seen)
        self._record(stored, write, seen)
        return await self._operations.advance(stored, project, write, seen)

    # --- what was seen -------------------------------------------------------------------------------------------

    def _record(self, stored: StoredApplication, write: ApplicationWrite, seen: Observation) -> None:
        record(stored.app, write, seen, self.ports.applications.control_namespace)
        refresh = self._refreshing.pop(stored.key, None)
        if refresh or REFRESH in stored.app.metadata.annotations:
            write.refreshed()

    async def _invalid(self, stored: StoredApplication, write: ApplicationWrite, error: InvalidSpec) -> Requeue:
        """The specification cannot be worked on: nothing is compared, nothing touched."""
        write.set("sync", build.unknown_sync(stored.app, stored.status.sync))
        if not stored.status.health:
            write.health(str(HealthCode.UNKNOWN))
        write.conditions([("InvalidSpecError", str(error))])
        if REFRESH in stored.app.metadata.annotations:
            write.refreshed()
        await self._operations.abandon(stored, write, str(error))
        await write.flush()
        # A project may be corrected without the application changing.
        return Requeue.after(60.0)

    async def _unrenderable(self, stored: StoredApplication, write: ApplicationWrite, error: TrueupError) -> Requeue:
        """There are no manifests: Unknown, the last good facts stay, nothing is pruned."""
        now = self.ports.clock.now()
        passing = isinstance(error, SourceUnavailable) and not isinstance(error, Stalled)
        if not (passing and self._in_grace(stored, now)):
            write.set("sync", build.unknown_sync(stored.app, stored.status.sync))
        if not stored.status.health:
            # Argo CD: an application that never rendered is Healthy, a comparison error leaves health as it was.
            write.health(str(HealthCode.HEALTHY))
        write.conditions([("ComparisonError", str(error))])
        self._refreshing.pop(stored.key, None)
        if REFRESH in stored.app.metadata.annotations:
            write.refreshed()
        await self._operations.abandon(stored, write, f"ComparisonError: {error}")
        if await write.flush():
            self.ports.tell(write, "ComparisonError", str(error), warning=True)
        self._request_missing(stored)
        return Requeue.never()

    def _in_grace(self, stored: StoredApplication, now: datetime) -> bool:
        condition = next((c for c in stored.status.conditions if c.type == "ComparisonError"), None)
        since = condition.last_transition_time if condition else None
        known = stored.status.sync is not None and stored.status.sync.status is not SyncCode.UNKNOWN
        return known and (since is None or now - parse_time(since) < timedelta(seconds=GRACE_SECONDS))

    # --- refresh -------------------------------------------------------------------------------------------------

    def _refresh_is_due(self, stored: StoredApplication) -> bool:
        """False while the repositories are asked on behalf of a refresh: they wake us when they know."""
        wanted = stored.app.metadata.annotations.get(REFRESH)
        if wanted is None:
            self._refreshing.pop(stored.key, None)
            return True
        refresh = self._refreshing.get(stored.key)
        urls = [source.repo_url for source in stored.app.spec.all_sources()]
        if refresh is None:
            refresh = _Refresh({url: self.ports.repositories.looks(url) for url in urls})
            self._refreshing[stored.key] = refresh
            self._request_sources(stored)
            return False
        return all(self.ports.repositories.looks(url) > before for url, before in refresh.looks.items())

    def _hard(self, stored: StoredApplication) -> bool:
        return stored.app.metadata.annotations.get(REFRESH) == "hard"

    def _request_sources(self, stored: StoredApplication) -> None:
        for source in stored.app.spec.all_sources():
            self.ports.repositories.request(source.repo_url, stored.key)

    def _request_missing(self, stored: StoredApplication) -> None:
        """Repositories nobody polls yet (an application's first pass failed on another of its sources)."""
        for source in stored.app.spec.all_sources():
            if not self.ports.repositories.polls(source.repo_url):
                self.ports.repositories.request(source.repo_url, stored.key)

    # --- the end -------------------------------------------------------------------------------------------------

    async def _delete(self, stored: StoredApplication, write: ApplicationWrite) -> Requeue:
        """The cascade, one wave a pass; without our finalizer the application just goes."""
        app, observer = stored.app, self.ports.observer
        if not propagation_of(app.metadata.finalizers):
            self._forget(stored.key)
            return Requeue.never()
        await observer.watch_known(stored)
        managed = observer.managed(stored)
        project = self._project_or_none(app)
        forbidden = observer.forbidden(project, list(managed)) if project else {}
        step = deletion_step(app, managed, forbidden=frozenset(forbidden), approved_at=approved(app))
        if isinstance(step, Gone):
            write.finalizers([name for name in app.metadata.finalizers if not propagation_of([name])])
            await self.ports.chronicle.deleted(stored)
            await write.flush()
            self._forget(stored.key)
            return Requeue.never()
        if isinstance(step, DeletionWait):
            return Requeue.after(step.after)
        performed = await self.ports.cluster.perform(step)
        await self.ports.chronicle.removed(stored, performed.results)
        refused = [result for result in performed.results if result.status == ResultCode.SYNC_FAILED.value]
        write.conditions([("DeletionError", f"{r.kind} {r.name}: {r.message}") for r in refused])
        await write.flush()
        return Requeue.after(step.settles_in)

    def _hands_off(self, live: LiveObject) -> str:
        entries = live.object()["metadata"].get("managedFields") or []
        return policy.hands_off(live.annotations, policy.last_write_by(entries), self.ports.clock.now())

    def _forget(self, key: str) -> None:
        self._refreshing.pop(key, None)
        self._operations.forget(key)

    # --- small things --------------------------------------------------------------------------------------------

    def _project_or_none(self, app: Application) -> Project | None:
        try:
            return self.ports.applications.project_of(app)
        except InvalidSpec:
            return None


class _Refresh(msgspec.Struct, frozen=True):
    """A refresh under way: looks at each repository when it was asked for."""

    looks: dict[str, int]


def _changes(stored: StoredApplication, write: ApplicationWrite) -> list[str]:
    """What a pass changed, in Argo CD's words."""
    found = []
    for name in ("sync", "health"):
        before = (stored.raw_status.get(name) or {}).get("status") or ""
        after = (write.status.get(name) or {}).get("status") or ""
        if before != after:
            found.append(f"Updated {name} status: {before} -> {after}")
    return found
