"""Operations: decided on, put on record, stepped forward, ended."""

from datetime import datetime

import msgspec

from trueup import policy
from trueup.controllers.observe import Observation
from trueup.controllers.ports import LONGEST_REST, SHORTEST_REST, Ports
from trueup.controllers.record import record
from trueup.formats.time import format_time, parse_time
from trueup.kube.errors import ApiError
from trueup.model.annotations import DELETION_APPROVED
from trueup.model.application import Application, Operation, SyncOperation
from trueup.model.errors import SourceUnavailable, Stalled, TrueupError
from trueup.model.project import Project
from trueup.model.status import OperationPhase, OperationState, ResourceResult, SyncOperationResult
from trueup.plan.facts import Facts, options_for
from trueup.plan.record import advance
from trueup.plan.step import next_step
from trueup.plan.task import Act, AnyTask, DeleteHookTask, Finish, ReleaseHookTask, RunHookTask, Step, Wait
from trueup.runtime.outcome import Requeue
from trueup.store import status as build
from trueup.store.applications import StoredApplication
from trueup.store.write import ApplicationWrite


class Operations:
    """Runs the operations of Applications, one step a pass.

    What it remembers (when it last acted, what it last attempted) is lost at no cost but a pause or a try.
    """

    def __init__(self, ports: Ports) -> None:
        self.ports = ports
        self._acted: dict[str, datetime] = {}
        self._attempted: dict[str, str] = {}

    def forget(self, key: str) -> None:
        """The application is gone."""
        self._acted.pop(key, None)
        self._attempted.pop(key, None)

    async def advance(
        self, stored: StoredApplication, project: Project, write: ApplicationWrite, seen: Observation
    ) -> Requeue:
        """Start an operation where one is asked for or due, and take the next step of the one that runs."""
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
                    return Requeue.after(min(decision.again, self._rest()))
            state = self._started(stored, operation, seen, now)
            self._attempted[stored.key] = seen.content
            write.set("operationState", state)
            write.operation(operation)
            # On record before any effect: a crashed pass is resumed, not begun again.
            await self.ports.chronicle.started(stored, state)
            await write.flush()
            self.ports.tell(write, "OperationStarted", _initiated(state))
        try:
            running = await self._of_operation(stored, project, state, seen)
        except TrueupError as error:
            if not about_source(error):
                raise
            await self.abandon(stored, write, str(error), state)
            await write.flush()
            return Requeue.after(0.0)
        step, after = await self._step(stored, running, state)
        if isinstance(step, Act) and not after.phase.completed and not any(map(_is_hook, step.tasks)):
            seen, step, after = await self._verdict(stored, project, write, seen, step, after)
        return await self._progressed(stored, write, seen, step, after)

    def _rest(self) -> float:
        """Seconds after which an application is looked at though nothing woke it.

        Watches and the repositories' polls wake it; this only catches what they cannot tell. A short polling interval
        is no reason to compare a fleet that often.
        """
        polling = self.ports.settings().resync_seconds
        return max(polling, SHORTEST_REST) if polling else LONGEST_REST

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
        self, stored: StoredApplication, seen: Observation, state: OperationState
    ) -> tuple[Step, OperationState]:
        """Decide the next step of an operation and take it; what came of it is yet to be put on record."""
        cluster = self.ports.cluster
        facts = self._facts(stored, seen, state)
        step = next_step(state, facts, self.ports.clock.now())
        outcomes: tuple[ResourceResult, ...] = ()
        if isinstance(step, Act):
            performed = await cluster.perform(step)
            self._acted[stored.key] = self.ports.clock.now()
            outcomes = performed.results
            await self.ports.chronicle.performed(stored, state, seen, outcomes)
        elif isinstance(step, Finish):
            # The hooks' ends are on record since the pass before: their objects may go, and must before the verdict
            # is written, or a crash in between would leave our finalizer on them.
            await cluster.perform(step)
        return step, advance(state, step, outcomes, self.ports.clock.now(), facts.retry)

    async def _verdict(
        self,
        stored: StoredApplication,
        project: Project,
        write: ApplicationWrite,
        seen: Observation,
        step: Step,
        after: OperationState,
    ) -> tuple[Observation, Step, OperationState]:
        """Look again after the objects were written, and end the operation at once where nothing is left to do.

        The status is the dearest write of a sync (cluster-truths 6), so that its result and its end share one. A
        crash in between costs an apply that changes nothing. Hooks are not for this: their results go on record
        before anything follows from them.
        """
        try:
            fresh = await self.ports.observer.observe(stored, project)
            running = await self._of_operation(stored, project, after, fresh)
        except TrueupError:
            # What was done must be put on record whatever the cluster or the repository says now.
            return seen, step, after
        await self.ports.chronicle.observed(stored, fresh)
        record(stored.app, write, fresh, self.ports.applications.control_namespace)
        facts = self._facts(stored, running, after)
        now = self.ports.clock.now()
        following = next_step(after, facts, now)
        if isinstance(following, Finish) and not following.cleanup:
            return fresh, following, advance(after, following, (), now, facts.retry)
        return fresh, step, after

    def _facts(self, stored: StoredApplication, seen: Observation, state: OperationState) -> Facts:
        cluster, app, sync_policy = self.ports.cluster, stored.app, stored.app.spec.sync_policy
        return Facts(
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
            approved_at=approved(app),
            retry=sync_policy.retry if sync_policy else None,
        )

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
        await self.ports.chronicle.finished(stored, after, str(seen.vitals.status))
        self._acted.pop(stored.key, None)
        if after.phase is OperationPhase.SUCCEEDED and _full(after):
            write.set("history", build.history(stored.app, stored.status, after))
        if after.phase is not OperationPhase.SUCCEEDED and after.operation.initiated_by.automated:
            write.conditions([*seen.warnings, ("SyncError", _failed(after))])
        await write.flush()
        warning = after.phase is not OperationPhase.SUCCEEDED
        self.ports.tell(
            write, "OperationCompleted", f"{_initiated(after)}: {after.phase}: {after.message}", warning=warning
        )
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

    async def abandon(
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
        await self.ports.chronicle.finished(stored, ended, "")


def _is_hook(task: AnyTask) -> bool:
    return isinstance(task, RunHookTask | DeleteHookTask | ReleaseHookTask)


def _running(stored: StoredApplication) -> OperationState | None:
    state = stored.status.operation_state
    return state if state is not None and not state.phase.completed else None


def about_source(error: TrueupError) -> bool:
    """Whether an error says that there are no manifests, rather than that the cluster does not answer."""
    return isinstance(error, Stalled | SourceUnavailable) and not isinstance(error, ApiError)


def approved(app: Application) -> datetime | None:
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
