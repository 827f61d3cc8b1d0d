"""The audit trail as a reader of what is told, and what it answers to those who have to know what was told before."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from trueup.controllers.telling.entries import entry_of
from trueup.model.audit import Action, AuditRecord
from trueup.model.live import LiveObject
from trueup.model.progress import Told
from trueup.store.applications import StoredApplication

STANDING = frozenset({Action.COMMIT, Action.HEALTH, Action.DRIFTED, Action.APPLIED, Action.HEALED, Action.PRUNED})
"""Entries that tell how things stand until another one of their kind follows."""


class AuditSink(Protocol):
    """The audit trail. A trail that cannot be written stops nothing: none of these raises."""

    async def write(self, *entries: AuditRecord, settles: str = "") -> list[int]:
        """Append entries; their ids once they are safe. ``settles`` names an application whose intents have ended."""

    async def intend(self, application: str, intents: Sequence[AuditRecord]) -> None:
        """Note what is about to be done to an application's objects."""

    async def intended(self, application: str) -> list[AuditRecord]:
        """What was noted, by an engine that is gone, and came to no end."""

    async def last_operation(self, application: str) -> AuditRecord | None:
        """The newest entry that tells of an operation's start or end."""

    async def latest(self, application: str) -> list[AuditRecord]:
        """The newest entries about an application, the newest first: enough of them to tell how things stand."""


class Audit:
    """Writes what is told, before the status has it.

    It remembers which entry tells of a drift that stands, so that the heal is linked to it; losing that, the trail is
    asked.
    """

    def __init__(self, record: AuditSink) -> None:
        self._record = record
        self._meant: set[str] = set()
        self._drifts: dict[str, dict[str, int]] = {}
        self._recalled: dict[str, list[AuditRecord]] = {}
        self._operations: dict[str, AuditRecord] = {}

    async def happened(self, stored: StoredApplication, told: Sequence[Told]) -> None:
        """Append the entries; with them ends what was meant."""
        key = stored.key
        entries = [self._linked(key, entry) for each in told if (entry := entry_of(each)) is not None]
        entries = [entry for entry in entries if not await self._ended_already(entry)]
        gone = any(entry.action is Action.DELETED for entry in entries)
        settles = key if gone or key in self._meant else ""
        if not entries and not settles:
            return
        self._meant.discard(key)
        ids = await self._record.write(*entries, settles=settles)
        for entry, given in zip(entries, ids, strict=True):
            if entry.action is Action.DRIFTED:
                self._drifts.setdefault(key, {})[entry.object] = given
        if gone:
            self.forget(key)

    async def _ended_already(self, entry: AuditRecord) -> bool:
        """Whether this very end was told, by a pass whose status was never written."""
        if entry.action is Action.STARTED:
            self._operations[entry.application] = entry
        if entry.action is not Action.FINISHED:
            return False
        last = self._operations.get(entry.application)
        if last is None or last.operation != entry.operation:
            last = await self._record.last_operation(entry.application)
        self._operations[entry.application] = entry
        known = (last.action, last.operation, last.result) if last else None
        return known == (Action.FINISHED, entry.operation, entry.result)

    def recorded(self, stored: StoredApplication, live: LiveObject, told: Sequence[Told]) -> None:
        """Nothing: all of it is history by now."""

    def _linked(self, application: str, entry: AuditRecord) -> AuditRecord:
        """A heal answers the entry of its drift."""
        if entry.action not in (Action.APPLIED, Action.HEALED, Action.PRUNED, Action.HOOK):
            return entry
        drift = self._drifts.get(application, {}).pop(entry.object, None)
        linked = drift is not None and entry.action is Action.HEALED
        return msgspec.structs.replace(entry, links=(drift,)) if linked and drift is not None else entry

    # --- what is meant -------------------------------------------------------------------------------------------

    async def intend(self, application: str, told: Sequence[Told]) -> None:
        """Note what is about to be done, as it will be told when all goes well."""
        drifts = self._drifts.get(application, {})
        intents = []
        for each in told:
            entry = entry_of(each)
            assert entry is not None
            drift = drifts.get(entry.object) if entry.action is Action.HEALED else None
            intents.append(msgspec.structs.replace(entry, links=(drift,)) if drift is not None else entry)
        self._meant.add(application)
        await self._record.intend(application, intents)

    async def intended(self, application: str) -> list[AuditRecord]:
        """What an engine that is gone was about to do. It is settled by what is told next."""
        found = await self._record.intended(application)
        if found:
            self._meant.add(application)
        return found

    # --- what was told -------------------------------------------------------------------------------------------

    async def last_operation(self, application: str) -> AuditRecord | None:
        """As the trail's."""
        return await self._record.last_operation(application)

    async def standing(self, application: str) -> list[AuditRecord]:
        """How things stand by what engines before this one told: the last commit of each repository, the last health,
        and the drifts that nothing has answered."""
        if application not in self._recalled:
            self._recalled[application] = found = list(standing(await self._record.latest(application)))
            drifts = self._drifts.setdefault(application, {})
            for entry in found:
                if entry.action is Action.DRIFTED:
                    drifts.setdefault(entry.object, entry.id)
        return self._recalled[application]

    def forget(self, application: str) -> None:
        """The application is gone."""
        self._meant.discard(application)
        self._drifts.pop(application, None)
        self._recalled.pop(application, None)
        self._operations.pop(application, None)


def standing(entries: Sequence[AuditRecord]) -> list[AuditRecord]:
    """Of these entries, the newest first, those that no later one replaces."""
    known: set[tuple[str, str]] = set()
    found = []
    for entry in entries:
        if entry.action not in STANDING:
            continue
        about = ("object", entry.object) if entry.object else (str(entry.action), entry.repository)
        if about not in known:
            known.add(about)
            found.append(entry)
    return [each for each in found if not each.object or each.action is Action.DRIFTED]
