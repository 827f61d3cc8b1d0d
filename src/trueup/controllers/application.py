"""The application reconciler: one pass observes, decides, takes one step and leaves."""

from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
import structlog

from trueup import policy
from trueup.controllers.cluster import ManagedCluster
from trueup.controllers.observe import Observation, Observer
from trueup.controllers.repository import Repositories
from trueup.controllers.target import NotFetched
from trueup.formats.time import format_time, parse_time
from trueup.kube.errors import ApiError, Conflict, NotFound
from trueup.model.annotations import DELETION_APPROVED, REFRESH
from trueup.model.application import Application, Operation, SyncOperation
from trueup.model.errors import InvalidSpec, SourceUnavailable, Stalled, TrueupError
from trueup.model.health import HealthCode
from trueup.model.live import LiveObject
from trueup.model.project import Project
from trueup.model.status import (
    OperationPhase,
    OperationState,
    ResourceResult,
    ResultCode,
    SyncCode,
    SyncOperationResult,
)
from trueup.plan.deletion import DeletionWait, Gone, deletion_step, propagation_of
from trueup.plan.facts import Facts, options_for
from trueup.plan.record import advance
from trueup.plan.step import next_step
from trueup.plan.task import Act, Finish, Step, Wait
from trueup.runtime.clock import Clock
from trueup.runtime.outcome import Requeue
from trueup.store import status as build
from trueup.store.applications import Applications, StoredApplication
from trueup.store.events import Recorder
from trueup.store.settings import Settings
from trueup.store.write import ApplicationWrite

log = structlog.get_logger("trueup.application")

LONGEST_REST = 3600.0
"""Seconds after which an application is looked at again though nothing woke it and polling is off."""
GRACE_SECONDS = 180.0
"""How long the last good state is kept when a repository cannot be read (Argo CD's controller.repo.error.grace…)."""


class Ports(msgspec.Struct, frozen=True, kw_only=True):
    """What the reconciler works with."""

    clock: Clock
    settings: Callable[[], Settings]
    applications: Applications
    repositories: Repositories
    observer: Observer
    cluster: ManagedCluster
    recorder: Recorder
    wave_delay: float = 2.0


class ApplicationReconciler:
    """Reconciles Applications by key.

    The little it remembers between passes only saves work or time: losing it costs a comparison or a pause.
    """

    def __init__(self, ports: Ports) -> None:
        self.ports = ports
        self._refreshing: dict[str, _Refresh] = {}
        self._acted: dict[str, datetime] = {}
        self._attempted: dict[str, str] = {}

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
            self._tell(write, "ResourceUpdated", change)
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
            if not _about_source(error):
                raise
            return await self._unrenderable(stored, write, error)
        self._record(stored, write, seen)
        return await self._operate(stored, project, write, seen)

    # --- what was seen -------------------------------------------------------------------------------------------

    def _record(self, stored: StoredApplication, write: ApplicationWrite, seen: Observation) -> None:
        app = stored.app
        write.set("sync", build.sync_status(app, seen.comparison))
        write.set("resources", build.resources(seen.comparison, seen.health))
        write.health(str(seen.vitals.status), seen.vitals.message)
        for field, value in build.source_types(app, seen.comparison).items():
            write.set(field, value)
        write.set("summary", build.summary(seen.live))
        write.set("controllerNamespace", self.ports.applications.control_namespace)
        write.conditions(list(seen.warnings))
        refresh = self._refreshing.pop(stored.key, None)
        if refresh or REFRESH in app.metadata.annotations:
            write.refreshed()

    async def _invalid(self, stored: StoredApplication, write: ApplicationWrite, error: InvalidSpec) -> Requeue:
        """The specification cannot be worked on: nothing is compared, nothing touched."""
        write.set("sync", build.unknown_sync(stored.app, stored.status.sync))
        if not stored.status.health:
            write.health(str(HealthCode.UNKNOWN))
        write.conditions([("InvalidSpecError", str(error))])
        if REFRESH in stored.app.metadata.annotations:
            write.refreshed()
        await self._abandon(stored, write, str(error))
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
        await self._abandon(stored, write, f"ComparisonError: {error}")
        if await write.flush():
            self._tell(write, "ComparisonError", str(error), warning=True)
        self._request_missing(stored)
        return Requeue.never()

    async def _abandon(
        self, stored: StoredApplication, write: ApplicationWrite, message: str, state: OperationState | None = None
    ) -> None:
        """An operation without manifests ends in Error; what it began stays as it is."""
        state = state or _running(stored)
        if state is None and stored.app.operation is None:
            return
        now = format_time(self.ports.clock.now())
        state = state or OperationState(
            operation=stored.app.operation or Operation(), phase=OperationPhase.RUNNING, started_at=now
        )
        ended = msgspec.structs.replace(state, phase=OperationPhase.ERROR, message=message[:1024], finished_at=now)
        write.set("operationState", ended)
        write.operation(None)

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

    # --- operations ----------------------------------------------------------------------------------------------

    async def _operate(
        self, stored: StoredApplication, project: Project, write: ApplicationWrite, seen: Observation
    ) -> Requeue:
        now = self.ports.clock.now()
        state = _running(stored)
        if state is None:
            operation = stored.app.operation
            if operation is None:
                decision = policy.automatic_sync(
                    stored.app,
                    stored.status,
                    seen.comparison,
                    now,
                    manifests_changed=self._attempted.get(stored.key) != seen.content,
                )
                if decision.condition:
                    write.conditions([*seen.warnings, decision.condition])
                operation = decision.operation
                if operation is None:
                    await write.flush()
                    return Requeue.after(min(decision.again, self.ports.settings().resync_seconds or LONGEST_REST))
            state = self._started(stored, operation, seen, now)
            self._attempted[stored.key] = seen.content
            write.set("operationState", state)
            write.operation(operation)
            # On record before any effect: a crashed pass is resumed, not begun again.
            await write.flush()
            self._tell(write, "OperationStarted", _initiated(state))
        try:
            running = await self._of_operation(stored, project, state, seen)
        except TrueupError as error:
            if not _about_source(error):
                raise
            await self._abandon(stored, write, str(error), state)
            await write.flush()
            return Requeue.after(0.0)
        return await self._step(stored, write, running, state)

    async def _of_operation(
        self, stored: StoredApplication, project: Project, state: OperationState, seen: Observation
    ) -> Observation:
        """The facts of the revision that the operation runs: the one just compared, or another."""
        result = state.sync_result or SyncOperationResult()
        revisions = tuple(result.revisions or ([result.revision] if result.revision else []))
        sync = state.operation.sync
        sources = (sync.sources or ([sync.source] if sync.source else [])) if sync else []
        own = stored.app.spec.all_sources()
        if (sources and sources != own) or (revisions and revisions != seen.comparison.revisions):
            seen = await self.ports.observer.observe(stored, project, sources=sources, revisions=revisions)
        return self.ports.observer.with_hooks(seen, state)

    async def _step(
        self, stored: StoredApplication, write: ApplicationWrite, seen: Observation, state: OperationState
    ) -> Requeue:
        """Decide the next step of an operation, take it, record what came of it."""
        cluster, app, sync_policy = self.ports.cluster, stored.app, stored.app.spec.sync_policy
        now = self.ports.clock.now()
        facts = Facts(
            comparison=seen.comparison,
            live=seen.live,
            health=seen.health,
            serves=cluster.serves,
            options=options_for(state.operation, sync_policy),
            destination_namespace=app.spec.destination.namespace,
            namespace_metadata=sync_policy.managed_namespace_metadata if sync_policy else None,
            refused=seen.refused,
            unwatched=cluster.unwatched(),
            wave_delay=self.ports.wave_delay,
            acted_at=self._acted.get(stored.key),
            approved_at=_approved(app),
            retry=sync_policy.retry if sync_policy else None,
        )
        step = next_step(state, facts, now)
        outcomes: tuple[ResourceResult, ...] = ()
        if isinstance(step, Act):
            performed = await cluster.perform(step)
            self._acted[stored.key] = self.ports.clock.now()
            outcomes = performed.results
        elif isinstance(step, Finish):
            # The hooks' ends are on record since the pass before: their objects may go, and must before the verdict
            # is written, or a crash in between would leave our finalizer on them.
            await cluster.perform(step)
        after = advance(state, step, outcomes, self.ports.clock.now(), facts.retry)
        return await self._progressed(stored, write, seen, step, after)

    async def _progressed(
        self,
        stored: StoredApplication,
        write: ApplicationWrite,
        seen: Observation,
        step: Step,
        after: OperationState,
    ) -> Requeue:
        write.set("operationState", after)
        if not after.phase.completed:
            await write.flush()
            seconds = step.after if isinstance(step, Wait) else step.settles_in if isinstance(step, Act) else 0.0
            return Requeue.after(seconds)
        write.operation(None)
        self._acted.pop(stored.key, None)
        if after.phase is OperationPhase.SUCCEEDED and _full(after):
            write.set("history", build.history(stored.app, stored.status, after))
        if after.phase is not OperationPhase.SUCCEEDED and after.operation.initiated_by.automated:
            write.conditions([*seen.warnings, ("SyncError", _failed(after))])
        await write.flush()
        warning = after.phase is not OperationPhase.SUCCEEDED
        self._tell(write, "OperationCompleted", f"{_initiated(after)}: {after.phase}: {after.message}", warning=warning)
        return Requeue.after(0.0)

    def _started(
        self, stored: StoredApplication, operation: Operation, seen: Observation, now: datetime
    ) -> OperationState:
        """A new operation. Its revision is fixed here: it cannot move while the operation lasts."""
        sync = operation.sync or SyncOperation()
        several = len(seen.comparison.revisions) > 1
        revisions = seen.comparison.revisions
        if (sync.revision or sync.revisions) and not sync.sources and not sync.source:
            sources = stored.app.spec.all_sources()
            revisions = self.ports.observer.resolve(sources, sync.revisions or [sync.revision])
        elif sync.source or sync.sources:
            revisions = tuple(sync.revisions or ([sync.revision] if sync.revision else [])) or revisions
        result = SyncOperationResult(
            revision="" if several else "".join(revisions[:1]),
            revisions=list(revisions) if several else [],
            source=None if several else sync.source or stored.app.spec.source,
            sources=(sync.sources or stored.app.spec.sources) if several else [],
        )
        return OperationState(
            operation=operation,
            phase=OperationPhase.RUNNING,
            message="waiting to start",
            sync_result=result,
            started_at=format_time(now),
        )

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
        step = deletion_step(app, managed, forbidden=frozenset(forbidden), approved_at=_approved(app))
        if isinstance(step, Gone):
            write.finalizers([name for name in app.metadata.finalizers if not propagation_of([name])])
            await write.flush()
            self._forget(stored.key)
            return Requeue.never()
        if isinstance(step, DeletionWait):
            return Requeue.after(step.after)
        performed = await self.ports.cluster.perform(step)
        refused = [result for result in performed.results if result.status == ResultCode.SYNC_FAILED.value]
        write.conditions([("DeletionError", f"{r.kind} {r.name}: {r.message}") for r in refused])
        await write.flush()
        return Requeue.after(step.settles_in)

    def _hands_off(self, live: LiveObject) -> str:
        entries = live.object()["metadata"].get("managedFields") or []
        return policy.hands_off(live.annotations, policy.last_write_by(entries), self.ports.clock.now())

    def _forget(self, key: str) -> None:
        self._refreshing.pop(key, None)
        self._acted.pop(key, None)
        self._attempted.pop(key, None)

    # --- small things --------------------------------------------------------------------------------------------

    def _project_or_none(self, app: Application) -> Project | None:
        try:
            return self.ports.applications.project_of(app)
        except InvalidSpec:
            return None

    def _tell(self, write: ApplicationWrite, reason: str, message: str, *, warning: bool = False) -> None:
        self.ports.recorder.record(write.live, reason, message, now=self.ports.clock.now(), warning=warning)


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


def _running(stored: StoredApplication) -> OperationState | None:
    state = stored.status.operation_state
    return state if state is not None and not state.phase.completed else None


def _about_source(error: TrueupError) -> bool:
    """Whether an error says that there are no manifests, rather than that the cluster does not answer."""
    return isinstance(error, Stalled | SourceUnavailable) and not isinstance(error, ApiError)


def _approved(app: Application) -> datetime | None:
    text = app.metadata.annotations.get(DELETION_APPROVED, "")
    try:
        return parse_time(text) if text else None
    except ValueError:
        return None


def _full(state: OperationState) -> bool:
    """Whether a sync was of the whole application and for real: only such a one is history."""
    sync = state.operation.sync
    return sync is not None and not sync.resources and not sync.dry_run


def _initiated(state: OperationState) -> str:
    by = state.operation.initiated_by
    who = "automated sync" if by.automated else f"{by.username or 'unknown user'} initiated sync"
    result = state.sync_result
    revision = (result.revision or ",".join(result.revisions)) if result else ""
    return f"{who} to {revision[:12]}" if revision else who


def _failed(state: OperationState) -> str:
    """Argo CD's words for an automated sync that failed and will not be tried again."""
    result = state.sync_result
    revision = (result.revision or ",".join(result.revisions)) if result else ""
    return f"Failed sync attempt to {revision}: {state.message}"
