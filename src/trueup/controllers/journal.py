"""Where what applications go through is told: the audit trail, and the log, which reads the same entries."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import structlog

from trueup.model.audit import Action, Entry
from trueup.model.status import OperationState
from trueup.store.applications import StoredApplication
from trueup.store.audit import Trail
from trueup.store.audit.trail import AuditFailed
from trueup.store.write import ApplicationWrite

log = structlog.get_logger("trueup.application")

STEPS = frozenset({Action.APPLIED, Action.PRUNED, Action.HOOK, Action.HEALED})
"""Told one by one where they failed, and else as one line a step: a sync of a thousand objects is not a thousand."""
FAILED = frozenset({"SyncFailed", "Failed", "Error"})
EVENTS = {
    Action.COMMIT: "commit seen",
    Action.STARTED: "operation started",
    Action.FINISHED: "operation finished",
    Action.DRIFTED: "drift seen",
    Action.IMAGE: "images updated",
    Action.ROLLBACK: "rollback seen",
    Action.DELETED: "application deleted",
    Action.ERROR: "error",
}


class Journal:
    """The audit trail as the reconcilers write it: each entry is a line of the log as well.

    One that cannot be written is told loudly, and stops no delivery.
    """

    def __init__(self, trail: Trail) -> None:
        self._trail = trail

    async def write(self, *entries: Entry, settles: str = "") -> list[int]:
        """As the trail's; ids are 0 where it failed."""
        log_entries(entries)
        try:
            return await self._trail.write(*entries, settles=settles)
        except AuditFailed as error:
            log.error("not on record", entries=len(entries), error=str(error))
            return [0] * len(entries)

    async def intend(self, application: str, intents: Sequence[Entry]) -> None:
        """As the trail's."""
        try:
            await self._trail.intend(application, intents)
        except AuditFailed as error:
            log.error("not on record", entries=len(intents), error=str(error))

    async def intended(self, application: str) -> list[Entry]:
        """As the trail's; nothing where it cannot be read."""
        try:
            return await self._trail.intended(application)
        except AuditFailed as error:
            log.error("the audit trail cannot be read", error=str(error))
            return []

    async def last_operation(self, application: str) -> Entry | None:
        """As the trail's; None where it cannot be read."""
        try:
            return await self._trail.last_operation(application)
        except AuditFailed as error:
            log.error("the audit trail cannot be read", error=str(error))
            return None


def log_entries(entries: Sequence[Entry]) -> None:
    """What has just gone on record. Values of fields are the trail's; the log names the fields."""
    for entry in entries:
        if entry.action in EVENTS:
            failed = entry.action is Action.ERROR or (entry.action is Action.FINISHED and entry.result != "Succeeded")
            (log.warning if failed else log.info)(EVENTS[entry.action], **_facts(entry))
        elif entry.action in STEPS and entry.result in FAILED:
            log.warning("object refused", action=str(entry.action), **_facts(entry))
        elif entry.action in STEPS:
            log.debug("object done", action=str(entry.action), **_facts(entry))
    steps = [entry for entry in entries if entry.action in STEPS]
    for application, operation in dict.fromkeys((entry.application, entry.operation) for entry in steps):
        own = [e for e in steps if (e.application, e.operation) == (application, operation)]
        done = Counter("failed" if e.result in FAILED else str(e.action) for e in own)
        what = "operation progressed" if operation else "deletion progressed"
        log.info(what, application=application, operation=operation, objects=[e.object for e in own[:10]], **done)


def log_changes(stored: StoredApplication, write: ApplicationWrite) -> None:
    """What a pass made of an application: its verdicts, its conditions, a new attempt of its operation."""
    before, after = stored.raw_status, write.status
    for verdict in ("sync", "health"):
        old, new = _status(before, verdict), _status(after, verdict)
        if old != new:
            told = str((after.get(verdict) or {}).get("message") or "")
            log.info(f"{verdict} changed", application=stored.key, before=old, after=new, **_some(message=told))
    known, found = set(_conditions(before)), set(_conditions(after))
    for kind, message in sorted(found - known):
        log.warning("condition", application=stored.key, type=kind, message=message)
    for kind in sorted({kind for kind, _ in known} - {kind for kind, _ in found}):
        log.info("condition cleared", application=stored.key, type=kind)
    attempt = (after.get("operationState") or {}).get("retryCount") or 0
    state = stored.status.operation_state
    if attempt > _attempts(state, after):
        message = str((after.get("operationState") or {}).get("message") or "")
        log.warning("operation retried", application=stored.key, attempt=attempt, message=message)


def _attempts(state: OperationState | None, after: dict[str, Any]) -> int:
    """Attempts of this very operation so far; another one's do not count."""
    same = state is not None and state.started_at == (after.get("operationState") or {}).get("startedAt")
    return state.retry_count if state is not None and same else 0


def _facts(entry: Entry) -> dict[str, Any]:
    return _some(
        application=entry.application,
        object=entry.object,
        revision=entry.revision,
        operation=entry.operation,
        why=str(entry.why or ""),
        by=entry.by.name,
        result=entry.result,
        message=entry.message,
        fields=[change.path for change in entry.changes],
    )


def _some(**facts: Any) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value}


def _status(raw: dict[str, Any], verdict: str) -> str:
    return str((raw.get(verdict) or {}).get("status") or "")


def _conditions(raw: dict[str, Any]) -> Iterable[tuple[str, str]]:
    return ((str(c.get("type")), str(c.get("message"))) for c in raw.get("conditions") or [])
