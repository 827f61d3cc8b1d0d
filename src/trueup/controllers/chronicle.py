"""What goes on record: observations and steps as entries of the audit trail."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

import msgspec

from trueup import policy
from trueup.controllers.entries import ENGINE, asked_by, author_of, field_changes, last_manager, spelt
from trueup.diff.ownership import owners
from trueup.formats.time import format_exact_time, format_time
from trueup.model.annotations import AGENT, PUSHED, REFRESH
from trueup.model.audit import ROLLBACK_TRAILER, Action, Actor, Entry, FieldChange, Why
from trueup.model.comparison import ComparedResource
from trueup.model.repository import RepositoryOf
from trueup.model.resource import ResourceKey
from trueup.model.status import OperationState, ResourceResult, SyncCode
from trueup.observe.observation import Observation
from trueup.plan.task import Act, ApplyTask, CreateNamespaceTask, PruneTask, RunHookTask
from trueup.policy import Drift
from trueup.runtime.clock import Clock
from trueup.sources.commit import CommitInfo
from trueup.store.applications import StoredApplication

CARRIED_OUT = "carried out by an engine that ended before it could say so"
PERHAPS = "begun by an engine that ended before it could say so"
PLACE = ("status", "operationState")
"""Where an Application says what operation is running."""


class Record(Protocol):
    """The audit trail. A trail that cannot be written stops nothing: none of these raises."""

    async def write(self, *entries: Entry, settles: str = "") -> list[int]:
        """Append entries; their ids once they are safe. ``settles`` names an application whose intents have ended."""

    async def intend(self, application: str, intents: Sequence[Entry]) -> None:
        """Note what is about to be done to an application's objects."""

    async def intended(self, application: str) -> list[Entry]:
        """What was noted, by an engine that is gone, and came to no end."""

    async def last_operation(self, application: str) -> Entry | None:
        """The newest entry that tells of an operation's start or end."""


class Chronicle:
    """Writes what applications go through.

    It remembers which drift it has told, so that one drift is one entry; losing that costs a repeated entry.

    Args:
        record: the trail.
        commit: describes a commit of a repository, by URL and SHA; None where it cannot.
        deployed: told of each sync that succeeded.
    """

    def __init__(
        self,
        record: Record,
        clock: Clock,
        *,
        commit: Callable[[RepositoryOf, str], CommitInfo | None],
        deployed: Callable[[StoredApplication, OperationState], None] = lambda _stored, _state: None,
    ) -> None:
        self._record, self._write, self._clock = record, record.write, clock
        self._commit, self._deployed = commit, deployed
        self._drifts: dict[tuple[str, ResourceKey], tuple[str, int, tuple[FieldChange, ...]]] = {}
        self._last: dict[str, tuple[tuple[str, ...], str]] = {}
        self._resumed: set[str] = set()
        self._begun: dict[str, _Begun] = {}

    async def observed(self, stored: StoredApplication, seen: Observation, *, health: bool = True) -> None:
        """A look at an application: new commits, drift, health that changed. One pass may look twice.

        Args:
            health: False where a change of health is not told yet.
        """
        entries = [*self._commits(stored, seen), *(self._health(stored, seen) if health else ())]
        drifted = list(self._new_drift(stored, seen))
        told = str(seen.vitals.status) if health else self._told_health(stored)
        self._last[stored.key] = (seen.comparison.revisions, told)
        ids = await self._write(*entries, *(entry for entry, _, _ in drifted))
        for (entry, resource, version), given in zip(drifted, ids[len(entries) :], strict=True):
            self._drifts[(stored.key, resource.key)] = (version, given, entry.changes)

    async def started(self, stored: StoredApplication, state: OperationState) -> None:
        """An operation is about to begin, or was found to have been begun by somebody else."""
        self._begun[stored.key] = self._mark(state)
        await self._write(self._operation(stored, state, Action.STARTED))

    async def began(self, stored: StoredApplication, state: OperationState) -> bool:
        """Whether an operation that an Application says is running is one that an engine has begun, this one or one
        before it: anybody who may write the Application can write such a status, too.

        So it is where the trail says so, or where nobody but an engine is on record as its writer: the trail of another
        node is not to be had.
        """
        begun = await self._on_record(stored.key, state)
        return _continues(begun, self._mark(state)) if begun else set(owners(stored.live, *PLACE)) == {AGENT}

    async def swapped(self, stored: StoredApplication, state: OperationState) -> bool:
        """Whether an operation that is on record as begun brings other manifests by now, some or none."""
        begun = await self._on_record(stored.key, state)
        return begun is not None and begun.brought != self._mark(state).brought

    async def _on_record(self, application: str, state: OperationState) -> "_Begun | None":
        """How an operation began, by memory or by the trail; None where neither knows of it."""
        known = self._begun.get(application)
        if known is None or known.started != state.started_at:
            last = await self._record.last_operation(application)
            if last is None or last.action is not Action.STARTED or last.operation != state.started_at:
                return None
            known = _Begun(last.operation, last.revision, last.by.kind == ENGINE.kind, last.message)
            self._begun[application] = known
        return known

    async def resumed(self, stored: StoredApplication, state: OperationState, seen: Observation) -> None:
        """An operation is about to be stepped: what an engine that is gone did of it, and could not say, is told now.

        ``seen`` is of the operation's own revision: it says which of the intents were carried out. The others are done
        again by the step, and told then.
        """
        if stored.key in self._resumed:
            return
        self._resumed.add(stored.key)
        left = await self._record.intended(stored.key)
        if not left:
            return
        compared = {spelt(resource.key): resource for resource in seen.comparison.compared}
        live = {spelt(key) for key in seen.live}
        entries = []
        for intent in left:
            resource = compared.get(intent.object)
            if intent.operation != state.started_at:
                done, message = True, PERHAPS
            elif intent.action is Action.PRUNED:
                done, message = intent.object not in live, CARRIED_OUT
            elif intent.action is Action.HOOK:
                done, message = intent.object in live, CARRIED_OUT
            else:
                done, message = resource is not None and resource.status is SyncCode.SYNCED, CARRIED_OUT
            if done:
                entries.append(msgspec.structs.replace(intent, at=self._now(), message=message))
        await self._write(*entries, settles=stored.key)

    async def performing(self, stored: StoredApplication, state: OperationState, seen: Observation, step: Act) -> None:
        """A step is about to be taken."""
        intents = [] if step.dry_run else list(self._intents(stored, state, seen, step))
        if intents:
            await self._record.intend(stored.key, intents)

    async def performed(
        self, stored: StoredApplication, state: OperationState, seen: Observation, results: Sequence[ResourceResult]
    ) -> None:
        """A step has been taken."""
        compared = {resource.key: resource for resource in seen.comparison.compared}
        entries = []
        for result in results:
            key = ResourceKey(result.group, result.kind, result.namespace, result.name)
            resource = compared.get(key)
            if result.hook_type:
                action = Action.HOOK
            elif result.status == "Pruned":
                action = Action.PRUNED
            elif result.status == "PruneSkipped" or (resource and resource.status is SyncCode.SYNCED):
                continue  # nothing was changed
            else:
                action = Action.APPLIED
            told = self._drifts.pop((stored.key, key), None)
            entry = self._step_entry(stored, state, action, key, resource, told if result.status == "Synced" else None)
            status = result.hook_phase if action is Action.HOOK else result.status
            entries.append(msgspec.structs.replace(entry, result=status, message=result.message))
        await self._write(*entries, settles=stored.key)

    async def finished(self, stored: StoredApplication, state: OperationState, health: str) -> None:
        """An operation has ended."""
        self._begun.pop(stored.key, None)
        result = str(state.phase)
        entry = self._operation(stored, state, Action.FINISHED)
        message = health if result == "Succeeded" else state.message
        await self._write(msgspec.structs.replace(entry, result=result, message=message))
        if result == "Succeeded":
            self._deployed(stored, state)

    async def removing(
        self, stored: StoredApplication, keys: Sequence[ResourceKey], left: Iterable[ResourceKey]
    ) -> None:
        """Objects of an application that is being deleted are about to be deleted; ``left`` are those still there."""
        await self._resumed_deletion(stored, left)
        intents = [msgspec.structs.replace(self._removal(stored, key), result="Pruned") for key in keys]
        await self._record.intend(stored.key, intents)

    async def removed(self, stored: StoredApplication, results: Sequence[ResourceResult]) -> None:
        """Objects of an application that is being deleted have been deleted, or refused to be."""
        entries = []
        for result in results:
            entry = self._removal(stored, ResourceKey(result.group, result.kind, result.namespace, result.name))
            entries.append(msgspec.structs.replace(entry, result=result.status, message=result.message))
        await self._write(*entries, settles=stored.key)

    async def _resumed_deletion(self, stored: StoredApplication, left: Iterable[ResourceKey]) -> None:
        if stored.key in self._resumed:
            return
        self._resumed.add(stored.key)
        there = {spelt(key) for key in left}
        told = []
        for intent in await self._record.intended(stored.key):
            if intent.action is not Action.PRUNED:
                told.append(msgspec.structs.replace(intent, at=self._now(), message=PERHAPS))
            elif intent.object not in there:
                told.append(msgspec.structs.replace(intent, at=self._now(), message=CARRIED_OUT))
        await self._write(*told, settles=stored.key)

    def _removal(self, stored: StoredApplication, key: ResourceKey) -> Entry:
        return Entry(at=self._now(), action=Action.PRUNED, application=stored.key, object=spelt(key), by=ENGINE)

    async def hooks_of_deletion(self, stored: StoredApplication, phase: str, results: Sequence[ResourceResult]) -> None:
        """Hooks of an application that is being deleted have been started, refused, or have ended."""
        await self._write(
            *(
                Entry(
                    at=self._now(),
                    action=Action.HOOK,
                    application=stored.key,
                    object=spelt(ResourceKey(result.group, result.kind, result.namespace, result.name)),
                    by=ENGINE,
                    result=result.hook_phase,
                    message=f"{phase}: {result.message}",
                )
                for result in results
            )
        )

    async def deleted(self, stored: StoredApplication) -> None:
        """An application is gone."""
        await self._resumed_deletion(stored, ())
        self._last.pop(stored.key, None)
        self._resumed.discard(stored.key)
        self._begun.pop(stored.key, None)
        self._drifts = {slot: told for slot, told in self._drifts.items() if slot[0] != stored.key}
        await self._write(Entry(at=self._now(), action=Action.DELETED, application=stored.key, by=ENGINE))

    def _intents(
        self, stored: StoredApplication, state: OperationState, seen: Observation, step: Act
    ) -> Iterable[Entry]:
        """What a step will have done when all goes well, as :meth:`performed` would tell it."""
        compared = {resource.key: resource for resource in seen.comparison.compared}
        for task in step.tasks:
            resource = compared.get(task.key)
            match task:
                case RunHookTask():
                    action, result = Action.HOOK, "Running"
                case PruneTask():
                    action, result = Action.PRUNED, "Pruned"
                case ApplyTask() | CreateNamespaceTask() if (
                    resource is not None and resource.status is not SyncCode.SYNCED
                ):
                    action, result = Action.APPLIED, "Synced"
                case _:
                    continue
            entry = self._step_entry(
                stored, state, action, task.key, resource, self._drifts.get((stored.key, task.key))
            )
            yield msgspec.structs.replace(entry, result=result)

    def _step_entry(
        self,
        stored: StoredApplication,
        state: OperationState,
        action: Action,
        key: ResourceKey,
        resource: ComparedResource | None,
        drift: tuple[str, int, tuple[FieldChange, ...]] | None,
    ) -> Entry:
        """What is done to one object; an apply that undoes a drift is a heal, and answers it."""
        changes = self._reversed(resource) if resource and resource.live else ()
        links: tuple[int, ...] = ()
        if action is Action.APPLIED and drift is not None:
            action, links = Action.HEALED, (drift[1],)
            changes = tuple(FieldChange(c.path, c.after, c.before) for c in drift[2])
        return Entry(
            at=self._now(),
            action=action,
            application=stored.key,
            object=spelt(key),
            why=self._why(stored, state),
            by=ENGINE,
            changes=changes,
            revision=self._revision(state),
            operation=state.started_at,
            links=links,
        )

    def drift(self, resource: ComparedResource) -> Drift:
        """How an object differs from what Git declares, and who wrote it last."""
        manager = last_manager(resource.live) if resource.live else ""
        changes = self._changes(resource) if resource.live and resource.target else ()
        return Drift(key=resource.key, fields=tuple(change.path for change in changes), manager=manager)

    # --- entries -------------------------------------------------------------------------------------------------

    def _commits(self, stored: StoredApplication, seen: Observation) -> Iterable[Entry]:
        sync = stored.status.sync
        before = tuple(sync.revisions or ([sync.revision] if sync.revision else [])) if sync else ()
        if stored.key in self._last:
            before = self._last[stored.key][0]
        annotations = stored.app.metadata.annotations
        for number, source in enumerate(stored.app.spec.all_sources()):
            revision = seen.comparison.revisions[number] if number < len(seen.comparison.revisions) else ""
            old = before[number] if number < len(before) else ""
            if not revision or revision == old:
                continue
            info = self._commit(stored.app.spec.repository(source), revision)
            pushed = REFRESH in annotations and annotations.get(PUSHED) == revision
            yield Entry(
                at=self._now(),
                action=Action.COMMIT,
                application=stored.key,
                why=Why.PUSH if pushed else Why.POLL,
                by=author_of(info),
                repository=source.repo_url,
                from_revision=old,
                revision=revision,
                committed_at=format_time(info.date) if info else "",
                message=info.message.partition("\n")[0][:200] if info else "",
            )
            trailer = f"\n{ROLLBACK_TRAILER}: {stored.key} "
            if info and trailer in info.message:
                bad, _, good = info.message.rpartition(trailer)[2].partition("\n")[0].partition("..")
                yield Entry(
                    at=self._now(),
                    action=Action.ROLLBACK,
                    application=stored.key,
                    why=Why.ROLLBACK,
                    by=author_of(info),
                    repository=source.repo_url,
                    from_revision=bad,
                    revision=revision,
                    message=f"as at {good}",
                )

    def _told_health(self, stored: StoredApplication) -> str:
        if stored.key in self._last:
            return self._last[stored.key][1]
        return (stored.raw_status.get("health") or {}).get("status") or ""

    def _health(self, stored: StoredApplication, seen: Observation) -> Iterable[Entry]:
        before = self._told_health(stored)
        after = str(seen.vitals.status)
        if before != after:
            yield Entry(
                at=self._now(),
                action=Action.HEALTH,
                application=stored.key,
                by=ENGINE,
                changes=(FieldChange("health", before, after),),
                revision=next(iter(seen.comparison.revisions), ""),
                result=after,
                message=seen.vitals.message,
            )

    def _new_drift(self, stored: StoredApplication, seen: Observation) -> Iterable[tuple[Entry, ComparedResource, str]]:
        """What somebody changed: out of sync although Git declares what was synced last."""
        state = stored.status.operation_state
        deployed = state.sync_result if state and state.phase.completed and str(state.phase) == "Succeeded" else None
        revisions = tuple(deployed.revisions or ([deployed.revision] if deployed.revision else [])) if deployed else ()
        if revisions != seen.comparison.revisions or stored.app.operation is not None:
            return
        for resource in seen.comparison.compared:
            slot = (stored.key, resource.key)
            if resource.status is not SyncCode.OUT_OF_SYNC or resource.target is None:
                self._drifts.pop(slot, None)
                continue
            version = resource.live.resource_version if resource.live else "gone"
            told = self._drifts.get(slot)
            changes = self._changes(resource)
            if told is not None and (told[0] == version or told[2] == changes):
                continue
            yield (
                Entry(
                    at=self._now(),
                    action=Action.DRIFTED,
                    application=stored.key,
                    object=spelt(resource.key),
                    by=Actor(name=last_manager(resource.live), kind="manager") if resource.live else Actor(),
                    changes=changes,
                    revision=next(iter(revisions), ""),
                    message="" if resource.live else "deleted",
                ),
                resource,
                version,
            )

    def _operation(self, stored: StoredApplication, state: OperationState, action: Action) -> Entry:
        origin = policy.local_origin(state.operation)
        sources = [] if origin else stored.app.spec.all_sources()
        return Entry(
            at=self._now(),
            action=action,
            application=stored.key,
            why=self._why(stored, state),
            by=asked_by(state),
            repository=next((source.repo_url for source in sources), ""),
            from_revision=_deployed(stored),
            revision=self._revision(state),
            message=origin,
            operation=state.started_at,
        )

    def _why(self, stored: StoredApplication, state: OperationState) -> Why:
        if policy.is_local(state.operation):
            return Why.LOCAL
        if asked_by(state) != ENGINE:
            return Why.MANUAL
        last = _deployed(stored)
        return Why.SELF_HEAL if last and last == self._revision(state) else Why.AUTOMATED

    def _revision(self, state: OperationState) -> str:
        result = state.sync_result
        return (result.revision or next(iter(result.revisions), "")) if result else ""

    def _mark(self, state: OperationState) -> "_Begun":
        """What an operation is known again by. What it brings is looked at anew: its own note may be anybody's."""
        brought = policy.local_origin(policy.marked_local(state.operation))
        return _Begun(state.started_at, self._revision(state), asked_by(state) == ENGINE, brought)

    def _changes(self, resource: ComparedResource) -> tuple[FieldChange, ...]:
        """From what Git declares to what is there."""
        if resource.live is None:
            return (FieldChange("the whole object", "declared", ""),)
        wanted = resource.becoming()
        return field_changes(wanted, resource.live.object()) if wanted is not None else ()

    def _reversed(self, resource: ComparedResource) -> tuple[FieldChange, ...]:
        wanted = resource.becoming()
        return field_changes(resource.live.object(), wanted) if wanted is not None and resource.live else ()

    def _now(self) -> str:
        return format_exact_time(self._clock.now())


class _Begun(NamedTuple):
    """What an operation is known again by.

    Attributes:
        engine: it is told as the engine's own.
        brought: what it said of manifests that came along; empty for none.
    """

    started: str
    revision: str
    engine: bool
    brought: str


def _continues(begun: _Begun, mark: _Begun) -> bool:
    """Whether an operation is the one that began. One that came without a revision was given it later."""
    return begun._replace(revision="") == mark._replace(revision="") and begun.revision in ("", mark.revision)


def _deployed(stored: StoredApplication) -> str:
    """The commit that was deployed last, of the first source; empty before the first."""
    last = stored.status.history[-1] if stored.status.history else None
    return (last.revision or next(iter(last.revisions), "")) if last else ""
