"""Operations: decided on, put on record, stepped forward, ended."""

from datetime import datetime
from functools import partial

import msgspec

from kubegrammar.json import canonical, digest
from kubegrammar.time import past_time
from trueup import policy
from trueup.apply.perform import Performed
from trueup.controllers import steps
from trueup.controllers.begin import about_source, asked_for, begun, operation_sources, overwritten, pinned, refused
from trueup.controllers.beginnings import PLACE, Beginnings
from trueup.controllers.ended import failure_of, is_history, told_local
from trueup.controllers.facts import facts_of
from trueup.controllers.looks import PendingLooks
from trueup.controllers.noticing import Noticing, drift_of
from trueup.controllers.ports import SYNCING_AS, Ports
from trueup.controllers.record import record
from trueup.controllers.resuming import Resuming
from trueup.controllers.sight import Head, Sight
from trueup.diff.ownership import owners
from trueup.model.annotations import AGENT
from trueup.model.application import Application
from trueup.model.errors import TrueupError
from trueup.model.progress import Applied, Finished, Healed, Started, Warned
from trueup.model.project import Project
from trueup.model.status import OperationPhase, OperationState, ResourceResult, SyncCode
from trueup.observe.observation import Observation
from trueup.observe.remotes import NotFetched
from trueup.plan.facts import Facts
from trueup.plan.record import advance, failed
from trueup.plan.results import MESSAGE_LIMIT
from trueup.plan.retry import retry_in
from trueup.plan.step import next_step
from trueup.plan.task import Act, AnyTask, DeleteHookTask, Finish, ReleaseHookTask, RunHookTask, Step, Wait
from trueup.runtime.outcome import Requeue
from trueup.sources.revision import UnknownRevision
from trueup.store import status as build
from trueup.store.applications import StoredApplication
from trueup.store.write import ApplicationWrite

SWAPPED = "the manifests that the operation brings were changed while it ran: no more of it is done"
NOT_KEPT = "manifests that come along are not kept until a window opens, for Secrets may be among them"


class Operations:
    """Runs the operations of Applications, one step a pass.

    What it remembers (exactly when it last acted, what it has asked the repositories) is lost at no cost but a second
    or a look.
    """

    def __init__(self, ports: Ports, sight: Sight, noticing: Noticing, resuming: Resuming) -> None:
        self.ports, self._sight = ports, sight
        self._noticing, self._resuming = noticing, resuming
        self._beginnings = Beginnings(ports.audit)
        self._acted: dict[str, datetime] = {}
        self._revisions = PendingLooks(ports.repositories)

    def forget(self, key: str) -> None:
        """The application is gone."""
        self._acted.pop(key, None)
        self._revisions.forget(key)
        self._beginnings.forget(key)

    async def advance(
        self, stored: StoredApplication, project: Project, write: ApplicationWrite, head: Head
    ) -> Requeue:
        """Start an operation where one is asked for or due, and take the next step of the one that runs.

        An operation that brings its revision, or runs already, needs no readable head: what is declared now may be
        broken, and a sync to an older revision the remedy.
        """
        found = running(stored)
        if found is not None and await self._beginnings.swapped(stored, found):
            return await self.refuse(stored, write, SWAPPED)
        state = await self._running(stored, write)
        if state is None:
            operation = asked_for(stored)
            if operation is None:
                decision = await self._automatic(stored, project, write, head)
                operation = decision.operation
                if operation is None:
                    return Requeue.after(min(decision.again, self.ports.rest()))
            left = head.withheld if isinstance(head, Observation) else policy.noted(stored.status)
            operation = policy.noting(operation, left)
            try:
                state = begun(stored, project, operation, head, self.ports)
            except UnknownRevision as error:
                if self._looked_for(stored):
                    return await self.refuse(stored, write, str(error))
                return Requeue.after(self.ports.rest())
            except TrueupError as error:
                if not about_source(error):
                    raise
                return await self.refuse(stored, write, str(error))
            await self._started(stored, write, state)
        verdict = _windows(stored.app, project, state, self.ports.clock.now())
        if not verdict.allowed and policy.is_local(state.operation):
            return await self.refuse(stored, write, f"{policy.BLOCKED}: {NOT_KEPT}")
        if not verdict.allowed:
            fault = f": {policy.in_project(verdict, project)}" if verdict.fault else ""
            write.set("operationState", msgspec.structs.replace(state, message=f"{policy.BLOCKED}{fault}"))
            return Requeue.after(min(verdict.again, self.ports.rest()))
        try:
            seen = await self._sight.of_operation(stored, project, state, head)
            account = self.ports.account(stored.app, SYNCING_AS)
        except TrueupError as error:
            if not about_source(error):
                raise
            return await self._without_manifests(stored, write, state, head, error)
        state = pinned(stored, state, seen.comparison.revisions)
        step, after = await self._step(stored, write, seen, state, account)
        # What came along is compared with nothing that is declared: there is no second look at it.
        declared = not policy.is_local(state.operation)
        if declared and isinstance(step, Act) and not any(map(_is_hook, step.tasks)):
            head, step, after = await self._verdict(stored, project, write, head, step, after)
        return await self._progressed(stored, write, step, after)

    async def _running(self, stored: StoredApplication, write: ApplicationWrite) -> OperationState | None:
        """The operation that is on record as not ended; with a note of who wrote that where no engine began it."""
        state = running(stored)
        if state is None:
            return None
        if await self._beginnings.by_engine(stored, state):
            return msgspec.structs.replace(state, operation=policy.marked_local(state.operation))
        others = [manager for manager in owners(stored.live, *PLACE) if manager != AGENT]
        writer = next(iter(others), "unknown")
        operation = policy.marked_local(policy.foreign(state.operation, writer))
        state = msgspec.structs.replace(state, operation=operation)
        self._beginnings.started(stored.key, state)
        write.tell(Started(state=state, sync=steps.sync_of(stored, state), found=True))
        return state

    async def _automatic(
        self, stored: StoredApplication, project: Project, write: ApplicationWrite, head: Head
    ) -> policy.Decision:
        if not isinstance(head, Observation):
            return policy.Decision(reason="there is nothing to compare with")
        if head.unbuilt:
            return policy.Decision(reason=f"{head.unbuilt[0]}")
        decision = policy.automatic_sync(
            stored.app,
            stored.status,
            head.comparison,
            write.now,
            heal=self.ports.settings().heal,
            manifests_changed=not await self._same_as_attempted(stored, project, head),
            drift_of=drift_of,
            taken=head.taken,
            prunes=not head.withheld,
        )
        decision = policy.held(decision, policy.assigned(project, stored.app), project, write.now)
        for kind, message in [*([decision.condition] if decision.condition else []), *decision.warnings]:
            write.condition(kind, message)
            if kind == policy.LOOP and decision.operation is not None:
                write.tell(Warned(reason="SelfHealLoop", message=message))
        return decision

    async def _same_as_attempted(self, stored: StoredApplication, project: Project, head: Observation) -> bool:
        """Whether another revision than the last operation's declares just the same: a commit elsewhere in a monorepo.

        Asked of the recorded revision, which is rendered again where that is not in the cache.
        """
        tried = policy.attempted_revisions(stored.status)
        if head.comparison.status is not SyncCode.OUT_OF_SYNC or not tried or tried == head.comparison.revisions:
            return False
        try:
            return await self._sight.content(stored, project, tried) == head.content
        except TrueupError as error:
            if not about_source(error) and not isinstance(error, NotFetched):
                raise
            return False

    def _looked_for(self, stored: StoredApplication) -> bool:
        """Whether the repositories have been looked at since the operation was asked for: a revision that is not
        there yet may have been pushed a moment ago."""
        repositories = [stored.app.spec.repository(source) for source in operation_sources(stored)]
        question = digest(canonical(msgspec.to_builtins(stored.app.operation)))
        return self._revisions.answered(stored.key, question, repositories)

    async def _started(self, stored: StoredApplication, write: ApplicationWrite, state: OperationState) -> None:
        """Put on record before any effect: a crashed pass is resumed, not begun again."""
        self._revisions.forget(stored.key)
        write.set("operationState", state)
        write.operation(state.operation)
        self._beginnings.started(stored.key, state)
        write.tell(Started(state=state, sync=steps.sync_of(stored, state)))
        await write.flush()

    async def _step(
        self, stored: StoredApplication, write: ApplicationWrite, seen: Observation, state: OperationState, account: str
    ) -> tuple[Step, OperationState]:
        """Decide the next step of an operation and take it; what came of it is yet to be put on record."""
        if resumed := await self._resuming.operation(stored, state, seen):
            write.tell(*resumed)
            await write.hand_on()
        facts = self._facts(stored, seen, state)
        step = next_step(state, facts, self.ports.clock.now())
        outcomes: tuple[ResourceResult, ...] = ()
        if isinstance(step, Act):
            performed = await self._act(stored, write, seen, state, step, account)
            outcomes = performed.results
        elif isinstance(step, Finish):
            # The hooks' ends are on record since the pass before: their objects may go, and must before the verdict
            # is written, or a crash in between would leave our finalizer on them.
            await self.ports.perform(step, account)
        return step, advance(state, step, outcomes, self.ports.clock.now(), facts.retry)

    async def _act(
        self,
        stored: StoredApplication,
        write: ApplicationWrite,
        seen: Observation,
        state: OperationState,
        step: Act,
        account: str,
    ) -> Performed:
        """Carry a step out, between what is meant and what came of it."""
        key, sync = stored.key, steps.sync_of(stored, state)
        healing = partial(self._noticing.healing, key)
        meant = [] if step.dry_run else write.told(*steps.meant(sync, seen, step, healing))
        if meant:
            await self.ports.audit.intend(key, meant)
        performed = await self.ports.perform(step, account)
        self._acted[key] = self.ports.clock.now()
        for change in steps.outcomes(sync, seen, performed.results, healing):
            write.tell(change)
            if isinstance(change, Applied | Healed):
                self._noticing.settled(key, change.key)
        return performed

    async def _verdict(
        self,
        stored: StoredApplication,
        project: Project,
        write: ApplicationWrite,
        head: Head,
        step: Step,
        after: OperationState,
    ) -> tuple[Head, Step, OperationState]:
        """Look again after the objects were written, and end the operation at once where nothing is left to do.

        The status is the dearest write of a sync (cluster-truths 6), so that its result and its end share one. A
        crash in between costs an apply that changes nothing. Hooks are not for this: their results go on record
        before anything follows from them.
        """
        try:
            fresh: Head = head
            if isinstance(head, Observation):
                fresh = await self._sight.head(stored, project)
            running = await self._sight.of_operation(stored, project, after, fresh)
        except TrueupError:
            # What was done must be put on record whatever the cluster or the repository says now.
            return head, step, after
        if isinstance(fresh, Observation):
            write.tell(*await self._noticing.observed(stored, fresh))
            record(stored.app, write, fresh, self.ports.applications.control_namespace)
        if after.phase.completed:
            # The last apply was the end: beside it stands what was found after it, not what was found before.
            return fresh, step, after
        facts = self._facts(stored, running, after)
        now = self.ports.clock.now()
        following = next_step(after, facts, now)
        if isinstance(following, Finish) and not following.cleanup:
            return fresh, following, advance(after, following, (), now, facts.retry)
        return fresh, step, after

    def _facts(self, stored: StoredApplication, seen: Observation, state: OperationState) -> Facts:
        return facts_of(self.ports, stored, seen, state, self._acted.get(stored.key))

    async def _progressed(
        self, stored: StoredApplication, write: ApplicationWrite, step: Step, after: OperationState
    ) -> Requeue:
        if after.phase.completed:
            # Who waits for the end takes the health beside it for that of what was deployed.
            write.tell_health()
            return await self._ended(stored, write, after, str((write.status.get("health") or {}).get("status") or ""))
        if write.held and (before := running(stored)) is not None and isinstance(step, Wait):
            # What it waits for flaps, and so does the sentence that names it.
            after = msgspec.structs.replace(after, message=before.message)
        write.set("operationState", after)
        seconds = step.after if isinstance(step, Wait) else step.settles_in if isinstance(step, Act) else 0.0
        return Requeue.after(min(seconds, self.ports.rest()))

    async def _without_manifests(
        self, stored: StoredApplication, write: ApplicationWrite, state: OperationState, head: Head, error: TrueupError
    ) -> Requeue:
        """An attempt for which there are no manifests ends in Error; what it began stays as it is.

        It is tried again as any other, unless a newer commit is there to be had instead.
        """
        now, sync_policy = self.ports.clock.now(), stored.app.spec.sync_policy
        retry = sync_policy.retry if sync_policy else None
        try:
            left = retry_in(state, retry, now)
        except ValueError:
            left = 0.0  # to end with just that
        if left <= 0:
            superseded = isinstance(head, Observation) and state.operation.initiated_by.automated
            state = failed(state, str(error)[:MESSAGE_LIMIT], now, retry, last=superseded)
            if state.phase.completed:
                return await self._ended(stored, write, state)
            write.set("operationState", state)
            left = retry_in(state, retry, now)
        return Requeue.after(min(left, self.ports.rest()))

    async def refuse(self, stored: StoredApplication, write: ApplicationWrite, message: str) -> Requeue:
        """End the operation that runs or is asked for, if any, in Error: it cannot go on, or not even start."""
        self._revisions.forget(stored.key)
        ended = refused(stored, await self._running(stored, write), message[:MESSAGE_LIMIT], self.ports.clock.now())
        if ended is None:
            return Requeue.after(self.ports.rest())
        return await self._ended(stored, write, ended)

    async def _ended(
        self, stored: StoredApplication, write: ApplicationWrite, after: OperationState, health: str = ""
    ) -> Requeue:
        """Put an operation's end on record."""
        succeeded, deployed, message = after.phase is OperationPhase.SUCCEEDED, is_history(after), after.message
        after = told_local(after)
        write.set("operationState", after)
        if lost := overwritten(stored, after):
            write.tell(Warned(reason="OperationDropped", message=lost))
        write.operation(None)
        self._beginnings.forget(stored.key)
        write.tell(Finished(state=after, sync=steps.sync_of(stored, after), message=message, health=health))
        self._acted.pop(stored.key, None)
        if succeeded and deployed:
            write.set("history", build.history(stored.app, stored.status, after))
        if not succeeded and after.operation.initiated_by.automated:
            write.condition("SyncError", failure_of(after))
        return Requeue.after(0.0)


def _windows(app: Application, project: Project, state: OperationState, now: datetime) -> policy.WindowVerdict:
    """Whether the sync windows let an operation take its next step; one that is to end is never held."""
    if state.phase is not OperationPhase.RUNNING:
        return policy.WindowVerdict()
    manual = not state.operation.initiated_by.automated
    started = past_time(state.started_at, now)
    return policy.may_sync(policy.assigned(project, app), manual=manual, now=now, started_at=started)


def _is_hook(task: AnyTask) -> bool:
    return isinstance(task, RunHookTask | DeleteHookTask | ReleaseHookTask)


def running(stored: StoredApplication) -> OperationState | None:
    """The operation that is on record as not ended."""
    state = stored.status.operation_state
    return state if state is not None and not state.phase.completed else None
