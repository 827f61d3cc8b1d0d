"""What is new in an observation: commits, drift, health that is another."""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from kubegrammar.time import format_time
from trueup.controllers.entries import author_of, field_changes, last_manager
from trueup.controllers.telling.audit import Audit
from trueup.controllers.telling.entries import spelt
from trueup.diff.literal import NO_LITERALS, Literals
from trueup.model.annotations import CHANGED_BY, PUSHED, REFRESH
from trueup.model.audit import ROLLBACK_TRAILER, Action, Actor, FieldChange
from trueup.model.changed import LastChange, read_change
from trueup.model.comparison import ComparedResource
from trueup.model.progress import Change, CommitSeen, Drifted, HealthChanged, RolledBack
from trueup.model.repository import RepositoryOf
from trueup.model.resource import ResourceKey
from trueup.model.status import SyncCode
from trueup.observe.observation import Observation
from trueup.policy import Drift
from trueup.sources.commit import CommitInfo
from trueup.store.applications import StoredApplication

Describe = Callable[[RepositoryOf, str], CommitInfo | None]
"""What a commit of a repository says, by its SHA; None where that is not known."""


class Noticed(NamedTuple):
    """A drift that was told.

    Attributes:
        version: of the object, when it was; empty where an engine before this one told it.
        changes: as they were told.
    """

    version: str
    changes: tuple[FieldChange, ...]


class Noticing:
    """Tells each new thing once. What it forgets, the trail knows."""

    def __init__(
        self,
        audit: Audit,
        describe: Describe,
        was_told: Callable[[RepositoryOf, str], bool] = lambda _of, _commit: False,
    ) -> None:
        self._audit, self._describe, self._was_told = audit, describe, was_told
        self._last: dict[str, tuple[tuple[str, ...], str]] = {}
        self._drifts: dict[str, dict[ResourceKey, Noticed]] = {}
        self._known: set[str] = set()

    async def observed(self, stored: StoredApplication, seen: Observation, *, health: bool = True) -> list[Change]:
        """A look at an application, of which one pass may take two.

        Args:
            health: False where a change of health is not told yet.
        """
        revisions = seen.comparison.revisions
        found: list[Change] = [
            *self._commits(stored, revisions, seen.changed),
            *(self._health(stored, seen) if health else ()),
        ]
        drifted = list(self._new_drift(stored, seen))
        if (found or drifted) and stored.key not in self._known:
            found, drifted = await self._untold(stored, found, drifted)
        told = str(seen.vitals.status) if health else self._told_health(stored)
        self._last[stored.key] = (revisions, told)
        for drift, resource in drifted:
            version = resource.live.resource_version if resource.live else "gone"
            self._drifts.setdefault(stored.key, {})[resource.key] = Noticed(version, drift.changes)
        return [*found, *(drift for drift, _ in drifted)]

    async def passed_by(self, stored: StoredApplication, revisions: tuple[str, ...]) -> list[Change]:
        """Commits that leave an application as it is."""
        changed = read_change(stored.app.metadata.annotations.get(CHANGED_BY, ""))
        found: list[Change] = list(self._commits(stored, revisions, changed))
        if found and stored.key not in self._known:
            found, _ = await self._untold(stored, found, [])
        self._last[stored.key] = (revisions, self._told_health(stored))
        return found

    def healing(self, application: str, key: ResourceKey) -> tuple[FieldChange, ...] | None:
        """The drift of an object that an apply undoes; None where it had none."""
        noticed = self._drifts.get(application, {}).get(key)
        return noticed.changes if noticed is not None else None

    def settled(self, application: str, key: ResourceKey) -> None:
        """Something was done to an object: what it drifts to from now on is new."""
        self._drifts.get(application, {}).pop(key, None)

    def forget(self, application: str) -> None:
        """The application is gone."""
        self._last.pop(application, None)
        self._drifts.pop(application, None)
        self._known.discard(application)

    async def _untold(
        self, stored: StoredApplication, found: list[Change], drifted: list[tuple[Drifted, ComparedResource]]
    ) -> tuple[list[Change], list[tuple[Drifted, ComparedResource]]]:
        """Without what an engine before this one has told: its status may not have been written any more."""
        self._known.add(stored.key)
        entries = await self._audit.standing(stored.key)
        commits = {(each.repository, each.revision) for each in entries if each.action is Action.COMMIT}
        health = next((each.result for each in entries if each.action is Action.HEALTH), None)
        drifts = {each.object: each for each in entries if each.action is Action.DRIFTED}

        def is_new(change: Change) -> bool:
            match change:
                case CommitSeen() | RolledBack():
                    return (change.repository, change.revision) not in commits
                case HealthChanged():
                    return change.after != health
                case Drifted():
                    entry = drifts.get(spelt(change.key))
                    # Values are masked and cut in the trail.
                    return entry is None or [e.path for e in entry.changes] != [c.path for c in change.changes]
                case _:
                    return True

        for drift, resource in drifted:
            if not is_new(drift):
                self._drifts.setdefault(stored.key, {})[resource.key] = Noticed("", drift.changes)
        return [each for each in found if is_new(each)], [each for each in drifted if is_new(each[0])]

    def _commits(
        self, stored: StoredApplication, revisions: tuple[str, ...], changed: LastChange | None
    ) -> Iterator[Change]:
        sync = stored.status.sync
        before = tuple(sync.revisions or ([sync.revision] if sync.revision else [])) if sync else ()
        if stored.key in self._last:
            before = self._last[stored.key][0]
        annotations = stored.app.metadata.annotations
        for number, source in enumerate(stored.app.spec.all_sources()):
            revision = revisions[number] if number < len(revisions) else ""
            old = before[number] if number < len(before) else ""
            if not revision or revision == old:
                continue
            repository = stored.app.spec.repository(source)
            info = self._describe(repository, revision)
            asked = REFRESH in annotations and annotations.get(PUSHED) == revision
            yield CommitSeen(
                repository=source.repo_url,
                revision=revision,
                before=old,
                by=author_of(info),
                committed_at=format_time(info.date) if info else "",
                subject=info.message.partition("\n")[0][:200] if info else "",
                pushed=asked or self._was_told(repository, revision),
                changed=changed,
            )
            trailer = f"\n{ROLLBACK_TRAILER}: {stored.key} "
            if info and trailer in info.message:
                bad, _, good = info.message.rpartition(trailer)[2].partition("\n")[0].partition("..")
                yield RolledBack(repository=source.repo_url, revision=revision, bad=bad, good=good, by=author_of(info))

    def _told_health(self, stored: StoredApplication) -> str:
        if stored.key in self._last:
            return self._last[stored.key][1]
        return (stored.raw_status.get("health") or {}).get("status") or ""

    def _health(self, stored: StoredApplication, seen: Observation) -> Iterable[Change]:
        before, after = self._told_health(stored), str(seen.vitals.status)
        if before != after:
            revision = next(iter(seen.comparison.revisions), "")
            yield HealthChanged(before=before, after=after, message=seen.vitals.message, revision=revision)

    def _new_drift(self, stored: StoredApplication, seen: Observation) -> Iterator[tuple[Drifted, ComparedResource]]:
        """What somebody changed: out of sync although Git declares what was synced last."""
        state = stored.status.operation_state
        deployed = state.sync_result if state and state.phase.completed and str(state.phase) == "Succeeded" else None
        revisions = tuple(deployed.revisions or ([deployed.revision] if deployed.revision else [])) if deployed else ()
        if revisions != seen.comparison.revisions or stored.app.operation is not None:
            return
        for resource in seen.comparison.compared:
            if resource.status is not SyncCode.OUT_OF_SYNC or resource.target is None:
                self.settled(stored.key, resource.key)
                continue
            version = resource.live.resource_version if resource.live else "gone"
            told = self._drifts.get(stored.key, {}).get(resource.key)
            changes = changes_of(resource, seen.lent)
            if told is not None and (told.version == version or told.changes == changes):
                continue
            by = Actor(name=last_manager(resource.live), kind="manager") if resource.live else Actor()
            drift = Drifted(
                key=resource.key,
                by=by,
                changes=changes,
                revision=next(iter(revisions), ""),
                gone=resource.live is None,
            )
            yield drift, resource


def drift_of(resource: ComparedResource) -> Drift:
    """How an object differs from what Git declares, and who wrote it last."""
    manager = last_manager(resource.live) if resource.live else ""
    changes = changes_of(resource) if resource.live and resource.target else ()
    return Drift(key=resource.key, fields=tuple(change.path for change in changes), manager=manager)


def changes_of(resource: ComparedResource, lent: Literals = NO_LITERALS) -> tuple[FieldChange, ...]:
    """From what Git declares to what is there.

    Args:
        lent: texts of Secrets that are masked wherever they stand.
    """
    if resource.live is None:
        return (FieldChange("the whole object", "declared", ""),)
    wanted = resource.becoming()
    return field_changes(wanted, resource.live.object(), lent) if wanted is not None else ()
