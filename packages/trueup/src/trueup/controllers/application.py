"""The application reconciler: one pass observes, decides, takes one step and leaves."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec
import structlog

from kubegrammar.hidden import leaves
from kubegrammar.json import digest
from kubegrammar.time import past_time, rest_of
from trueup import policy
from trueup.controllers import failing
from trueup.controllers.begin import about_source, operation_sources
from trueup.controllers.commits import Commits
from trueup.controllers.deletion import Deletion
from trueup.controllers.entries import managed_fields
from trueup.controllers.looks import PendingLooks
from trueup.controllers.noticing import Noticing
from trueup.controllers.operation import Operations, running
from trueup.controllers.pace import HealthPace
from trueup.controllers.ports import Ports
from trueup.controllers.record import aged, record
from trueup.controllers.resuming import Resuming
from trueup.controllers.sight import Head, Sight
from trueup.controllers.steps import sync_of
from trueup.kube.errors import ApiError
from trueup.model.annotations import PUSHED, REFRESH, REFRESH_TIMESTAMP
from trueup.model.errors import InvalidSpec, TrueupError
from trueup.model.health import HealthCode
from trueup.model.live import LiveObject
from trueup.model.progress import Change, Finished, Warned
from trueup.model.project import Project
from trueup.model.repository import RepositoryOf
from trueup.model.share import Urgency
from trueup.model.status import SyncCode
from trueup.observe.observation import Observation
from trueup.observe.remotes import NotFetched
from trueup.plan.delete_hooks import applied_finalizers, with_hook_finalizers
from trueup.plan.held import HELD_AFTER
from trueup.render.confidential import spec_secrets
from trueup.runtime import secrecy
from trueup.runtime.outcome import FIRST_RETRY, Requeue, Severity
from trueup.store import status as build
from trueup.store.applications import StoredApplication
from trueup.store.refusal import StatusRefused
from trueup.store.write import ApplicationWrite

log = structlog.get_logger("trueup.application")

MOST_FAULTS = 5
"""Faults of our own in a row after which an operation is ended."""
HANDS_OFF_SECONDS = 60.0
"""How often it is looked whether an application is another engine's still: nothing tells when that one stops."""


class ApplicationReconciler:
    """Reconciles Applications by key.

    The little it remembers between passes only saves work or time: losing it costs a comparison or a pause. However
    a pass ends, it is not the last one: what nothing wakes is looked at again after a while.
    """

    def __init__(self, ports: Ports) -> None:
        self.ports = ports
        self._there = frozenset(ports.applications.names())
        self._refreshes = PendingLooks(ports.repositories)
        self._pace = HealthPace()
        self._noticing = Noticing(ports.audit, ports.describe, ports.repositories.was_told)
        self._resuming = Resuming(ports.audit)
        self._sight = Sight(ports.observer)
        self._operations = Operations(ports, self._sight, self._noticing, self._resuming)
        self._commits = Commits(ports, self._noticing)
        self._deletion = Deletion(ports, self._resuming, self.forget)
        self._failing: dict[str, failing.Failing] = {}
        self._secrets: dict[str, tuple[str, tuple[str, ...]]] = {}

    async def reconcile(self, key: str) -> Requeue:
        """One pass over one Application of the control namespace; what marks in a cluster name is not always one.

        What it tells holds no secret that it meets.
        """
        with secrecy.keeping():
            return await self._reconcile(key)

    async def _reconcile(self, key: str) -> Requeue:
        ports = self.ports
        if not ports.applications.ours(key):
            return Requeue.never()
        by_news, live = ports.woken.take(key), ports.applications.live(key)
        if live is None:
            return await self._deletion.gone(key)
        if by_news and (requeue := await self._passed_by(key)) is not None:
            return requeue
        self._commits.forget(key)
        if reason := self._hands_off(live):
            log.debug("left alone", application=key, reason=reason)
            return Requeue.after(HANDS_OFF_SECONDS)
        stored = ports.applications.get(key)
        assert stored is not None
        secrecy.wrote("application", lambda: _words(live), lambda: self._spec_secrets(stored))
        try:
            async with ports.writes.writing(stored) as write:
                try:
                    requeue = await self._pass(stored, write)
                except NotFetched as error:
                    # The repositories tell when they have been read for the first time.
                    self._request_sources(stored, error.repositories)
                    requeue = Requeue.after(ports.rest())
        except Exception as error:
            return await self._failed(stored, error)
        self._failing.pop(key, None)
        self._commits.written(write.live, key)
        if REFRESH in stored.app.metadata.annotations and REFRESH not in write.live.annotations:
            for repository in self._read(stored):
                ports.repositories.look_once_more(repository)
        return requeue

    async def _passed_by(self, key: str) -> Requeue | None:
        """A pass that a commit has asked for and that need not look at anything; None where it has to."""
        stored = self.ports.applications.get(key)
        assert stored is not None
        try:
            return await self._commits.passed_by(stored)
        except (ApiError, StatusRefused) as error:
            log.info("commit not on record", application=key, error=str(error))
            return None

    def leaves_alone(self, key: str) -> bool:
        """Whether the commits that an application's sources mean now leave it as it is, as far as is known."""
        return self._commits.leave_alone(key)

    def _spec_secrets(self, stored: StoredApplication) -> tuple[str, ...]:
        """Looked for once in each specification: a long one takes a good part of a second."""
        spec = digest(msgspec.json.encode(stored.app.spec))
        known = self._secrets.get(stored.key)
        if known is None or known[0] != spec:
            known = self._secrets[stored.key] = (spec, tuple(spec_secrets(stored.app.spec)))
        return known[1]

    async def _pass(self, stored: StoredApplication, write: ApplicationWrite) -> Requeue:
        ports, app = self.ports, stored.app
        if app.metadata.deletion_timestamp:
            return await self._deletion.advance(stored, write)
        try:
            if stored.fault is not None:
                raise stored.fault
            project = ports.applications.project_of(app)
            # Before the project is asked: it would only say that it does not permit what does not exist.
            policy.admit(app, project, ports.place(app))
        except InvalidSpec as error:
            return await self._invalid(stored, write, error)
        ports.reach(app)
        if not self._refresh_is_due(stored):
            return Requeue.after(ports.rest())
        head: Head
        try:
            head = await self._sight.head(stored, project, fresh=self._hard(stored))
            problem = self._unread_source(stored)
        except TrueupError as error:
            if not about_source(error):
                raise
            head = problem = error
        return await self._compared(stored, project, write, head, problem)

    async def _compared(
        self,
        stored: StoredApplication,
        project: Project,
        write: ApplicationWrite,
        head: Head,
        problem: TrueupError | None,
    ) -> Requeue:
        """Record what was seen, or why it could not be, and go on with the operation."""
        row = failing.comparing(problem) if problem is not None else None
        grace = self._grace(stored, write.now, row) if row is not None else 0.0
        if problem is not None and (grace <= 0 or REFRESH in stored.app.metadata.annotations):
            head = problem
        held = 0.0
        if isinstance(head, Observation):
            record(stored.app, write, head, self.ports.applications.control_namespace)
            declared = applied_finalizers(stored.live)
            finalizers = with_hook_finalizers(stored.app.metadata.finalizers, head.comparison.hooks, declared)
            if finalizers != stored.app.metadata.finalizers:
                write.finalizers(finalizers)
            held = self._pace.hold(stored.key, write)
            write.tell(*await self._noticing.observed(stored, head, health=not write.held))
        else:
            self._unknown(stored, write, keep=grace > 0 and REFRESH not in stored.app.metadata.annotations)
        if problem is not None and row is not None:
            text = str(problem)
            write.condition(row.condition, text if isinstance(head, Observation) else aged(write, row.condition, text))
            self._request_missing(stored)
        self._refreshed(stored, write)
        requeue = await self._operations.advance(stored, project, write, head)
        if write.status.get("operationState") != stored.raw_status.get("operationState"):
            self._pace.forget(stored.key)  # what a sync brings about is news
        if problem is not None and row is not None:
            self._tell_error(write, row, str(problem))
        if isinstance(head, Observation) and head.leaving:
            requeue = requeue.within(HELD_AFTER)
        for seconds in (grace, held):
            requeue = requeue.within(seconds) if seconds > 0 else requeue
        if isinstance(head, Observation):
            self._commits.looked(stored, write, head, requeue)
        return requeue

    # --- what was seen -------------------------------------------------------------------------------------------

    def _unread_source(self, stored: StoredApplication) -> TrueupError | None:
        """Why a repository of the application cannot be read at present, though a mirror tells what it held last."""
        errors = [self.ports.repositories.error(repository) for repository in self._read(stored)]
        return next((error for error in errors if error is not None), None)

    def _unknown(self, stored: StoredApplication, write: ApplicationWrite, *, keep: bool = False) -> None:
        """There is nothing to compare with: the last good facts stay, nothing is pruned."""
        if not keep:
            write.set("sync", build.unknown_sync(stored.app, stored.status.sync))
        if not stored.status.health:
            # Argo CD: an application that never rendered is Healthy, a comparison error leaves health as it was.
            write.health(str(HealthCode.HEALTHY))
        write.conditions([])

    async def _invalid(self, stored: StoredApplication, write: ApplicationWrite, error: InvalidSpec) -> Requeue:
        """The specification cannot be worked on: nothing is compared, nothing touched."""
        if stored.fault is None:
            write.set("sync", build.unknown_sync(stored.app, stored.status.sync))
        if not stored.status.health:
            write.health(str(HealthCode.UNKNOWN))
        row = failing.TABLE[failing.reason_of(error)]
        write.conditions([(row.condition, aged(write, row.condition, str(error)))])
        self._refreshed(stored, write)
        await self._operations.refuse(stored, write, str(error))
        self._tell_error(write, row, str(error))
        # A project may be corrected without the application changing.
        return failing.again(row, error, 1)

    # --- what failed ---------------------------------------------------------------------------------------------

    async def _failed(self, stored: StoredApplication, error: Exception) -> Requeue:
        """A pass that ended in an error says so, as far as the server takes it, and is not the last one."""
        key, now = stored.key, self.ports.clock.now()
        reason = failing.reason_of(error, stored.live)
        row = failing.TABLE[reason]
        if reason == failing.MOVED:
            return failing.again(row, error, 1)
        before = self._failing.get(key, failing.Failing(reason, now))
        since = before.since if before.reason == reason else now
        faults = before.faults + 1 if reason == failing.INTERNAL else 0
        state = self._failing[key] = failing.Failing(reason, since, before.count + 1, faults)
        requeue, message = failing.again(row, error, state.count), failing.message_of(error)
        if isinstance(error, StatusRefused):
            return await self._unrecorded(stored, row, error, requeue)
        if reason == failing.INTERNAL:
            log.error("reconcile failed", application=key, exc_info=error)
        log.warning("application not reconciled", application=key, error=message, again=requeue.seconds)
        stored_now = self.ports.applications.get(key)
        if not row.condition or stored_now is None or (now - since).total_seconds() < row.quiet:
            return requeue
        try:
            async with self.ports.writes.writing(stored_now) as write:
                self._record_failure(stored_now, write, row, message)
                if await self._given_up(stored_now, write, faults, message):
                    requeue = Requeue.after(FIRST_RETRY)
                self._tell_error(write, row, message)
        except (ApiError, StatusRefused) as refused:
            log.info("failure not on record", application=key, error=str(refused))
        return requeue

    def _record_failure(
        self, stored: StoredApplication, write: ApplicationWrite, row: failing.Row, message: str
    ) -> None:
        if stored.fault is None and self._grace(stored, write.now, row) <= 0:
            write.set("sync", build.unknown_sync(stored.app, stored.status.sync))
        write.conditions([(row.condition, aged(write, row.condition, message))])

    def _tell_error(self, write: ApplicationWrite, row: failing.Row, message: str) -> None:
        """An Event when an error begins; while it lasts the condition is there."""
        if row.event and write.is_news(row.condition, message):
            passing = row.severity is Severity.NORMAL
            write.tell(Warned(reason=row.event, message=message, passing=passing))

    async def _given_up(self, stored: StoredApplication, write: ApplicationWrite, faults: int, message: str) -> bool:
        """After some faults of our own in a row: whether an operation is ended that might never have got further.

        Nothing else could begin while it is on record as running, neither a sync that somebody asks for nor one to the
        commit that has the remedy.
        """
        if faults < MOST_FAULTS or (running(stored) is None and stored.app.operation is None):
            return False
        try:
            await self._operations.refuse(stored, write, message)
        except Exception:
            log.exception("operation not ended", application=stored.key)
            return False
        self._failing.pop(stored.key, None)
        log.warning("operation ended", application=stored.key, reason=message)
        return True

    def _grace(self, stored: StoredApplication, now: datetime, row: failing.Row) -> float:
        """Seconds for which the last good state is kept still, in spite of an error."""
        if stored.status.sync is None or stored.status.sync.status is SyncCode.UNKNOWN:
            return 0.0
        condition = next((c for c in stored.status.conditions if c.type == row.condition), None)
        since = past_time(condition.last_transition_time if condition else None, now)
        return rest_of(row.grace, since or now, now)

    async def _unrecorded(
        self, stored: StoredApplication, row: failing.Row, error: StatusRefused, requeue: Requeue
    ) -> Requeue:
        """The status was refused: told, and tried again, for a definition or a policy may be corrected meanwhile."""
        log.warning("status refused", application=stored.key, error=str(error))
        news: list[Change] = [Warned(reason=row.event, message=str(error))] if error.told else []
        if (ended := error.ended) is not None:
            news.append(Finished(state=ended, sync=sync_of(stored, ended), message=ended.message))
        await self.ports.writes.tell(stored, *news)
        return requeue

    # --- refresh -------------------------------------------------------------------------------------------------

    def _refresh_is_due(self, stored: StoredApplication) -> bool:
        """False while the repositories are asked on behalf of a refresh: they wake us when they know.

        So is a new application's first look: it was made for what its repository holds now, not at the last poll.
        """
        annotations = stored.app.metadata.annotations
        if REFRESH not in annotations and (stored.status.sync is not None or self._looked_since_start(stored)):
            self._refreshes.forget(stored.key)
            return True
        # Who asks anew while one is on record is heard: a look that began before is no answer.
        question = "\n".join(annotations.get(name, "") for name in (REFRESH, REFRESH_TIMESTAMP, PUSHED))
        urgency = Urgency.PERSON if REFRESH in annotations else Urgency.NEWS
        repositories = self._read(stored, moving=not self._hard(stored))
        return self._refreshes.answered(stored.key, question, repositories, urgency)

    def _looked_since_start(self, stored: StoredApplication) -> bool:
        """Whether an application that was there when this engine began has had its repositories looked at since."""
        repositories = stored.app.spec.repositories()
        return stored.key in self._there and all(self.ports.repositories.ended(each) > 0 for each in repositories)

    def _refreshed(self, stored: StoredApplication, write: ApplicationWrite) -> None:
        self._refreshes.forget(stored.key)
        if REFRESH in stored.app.metadata.annotations:
            write.refreshed()

    def _hard(self, stored: StoredApplication) -> bool:
        return stored.app.metadata.annotations.get(REFRESH) == "hard"

    def _request_sources(self, stored: StoredApplication, elsewhere: Sequence[RepositoryOf]) -> None:
        sources = [*stored.app.spec.all_sources(), *operation_sources(stored)]
        for repository in (*(stored.app.spec.repository(source) for source in sources), *elsewhere):
            self.ports.repositories.need(repository, stored.key)

    def _read(self, stored: StoredApplication, *, moving: bool = True) -> list[RepositoryOf]:
        """The repositories that an application reads, those of bases elsewhere among them."""
        return [*stored.app.spec.repositories(), *self.ports.observer.elsewhere(stored.key, moving=moving)]

    def _request_missing(self, stored: StoredApplication) -> None:
        """Repositories nobody polls yet (an application's first pass failed on another of its sources)."""
        for repository in stored.app.spec.repositories():
            if not self.ports.repositories.polls(repository):
                self.ports.repositories.need(repository, stored.key)

    def _hands_off(self, live: LiveObject) -> str:
        return policy.hands_off(live.annotations, policy.last_write_by(managed_fields(live)), self.ports.clock.now())

    def forget(self, key: str) -> None:
        """An application is gone, or is another destination's from now on."""
        self._failing.pop(key, None)
        self._secrets.pop(key, None)
        self._commits.forget(key)
        self._refreshes.forget(key)
        self._pace.forget(key)
        self._operations.forget(key)
        self._deletion.forget(key)
        self._noticing.forget(key)
        self._resuming.forget(key)
        self.ports.audit.forget(key)
        self.ports.observer.forget(key)


def _words(live: LiveObject) -> Iterator[str]:
    """What the authors of an Application say in it, as it is spelt and as it is meant."""
    said = {name: each for name, each in live.object().items() if name != "status"}
    operation = said.get("operation")
    if isinstance(operation, dict) and isinstance(sync := operation.get("sync"), dict):
        # Manifests that come along are no words about themselves: Secrets may be among them.
        said["operation"] = {**operation, "sync": {name: each for name, each in sync.items() if name != "manifests"}}
    yield msgspec.json.encode(said).decode()
    yield from leaves(said)
