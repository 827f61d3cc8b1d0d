"""What became of a status, as changes that are told. Pure."""

from collections.abc import Iterator
from typing import Any

from trueup.model.progress import Change, ConditionBegan, ConditionEnded, Retried, VerdictChanged

Json = dict[str, Any]


def changes_of(before: Json, after: Json) -> Iterator[Change]:
    """Verdicts, conditions and attempts that differ between two statuses of one application."""
    for verdict in ("sync", "health"):
        old, new = _status(before, verdict), _status(after, verdict)
        if old != new:
            message = str((after.get(verdict) or {}).get("message") or "")
            yield VerdictChanged(verdict=verdict, before=old, after=new, message=message)
    known, found = _conditions(before), _conditions(after)
    for kind, message in sorted(found - known):
        yield ConditionBegan(kind=kind, message=message)
    for kind in sorted({kind for kind, _ in known} - {kind for kind, _ in found}):
        yield ConditionEnded(kind=kind)
    state, last = after.get("operationState") or {}, before.get("operationState") or {}
    # Another operation's attempts do not count.
    so_far = (last.get("retryCount") or 0) if last.get("startedAt") == state.get("startedAt") else 0
    if (attempt := state.get("retryCount") or 0) > so_far:
        yield Retried(attempt=attempt, message=str(state.get("message") or ""))


def _status(raw: Json, verdict: str) -> str:
    return str((raw.get(verdict) or {}).get("status") or "")


def _conditions(raw: Json) -> set[tuple[str, str]]:
    return {(str(each.get("type")), str(each.get("message"))) for each in raw.get("conditions") or []}
