"""The log as a reader of what is told. Values of fields are the trail's; the log names the fields."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import structlog

from trueup.controllers.telling.entries import entry_of
from trueup.model.audit import Action, AuditRecord
from trueup.model.live import LiveObject
from trueup.model.progress import ConditionBegan, ConditionEnded, Retried, Told, VerdictChanged
from trueup.store.applications import StoredApplication

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


class LogReader:
    """Logs what happened at once, and what the status came to when it has it."""

    async def happened(self, stored: StoredApplication, told: Sequence[Told]) -> None:
        """What has an entry in the trail has a line."""
        log_entries([entry for each in told if (entry := entry_of(each)) is not None])

    def recorded(self, stored: StoredApplication, live: LiveObject, told: Sequence[Told]) -> None:
        """What a pass made of an application: its verdicts, its conditions, a new attempt of its operation."""
        for each in told:
            match each.change:
                case VerdictChanged(verdict=verdict, before=before, after=after, message=message):
                    facts = _some(message=message)
                    log.info(f"{verdict} changed", application=stored.key, before=before, after=after, **facts)
                case ConditionBegan(kind=kind, message=message):
                    log.warning("condition", application=stored.key, type=kind, message=message)
                case ConditionEnded(kind=kind):
                    log.info("condition cleared", application=stored.key, type=kind)
                case Retried(attempt=attempt, message=message):
                    log.warning("operation retried", application=stored.key, attempt=attempt, message=message)
                case _:
                    pass


def log_entries(entries: Sequence[AuditRecord]) -> None:
    """What goes on record."""
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


def _facts(entry: AuditRecord) -> dict[str, Any]:
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
