"""When a failed operation is tried again. Waiting is written as phase Running with ``finishedAt`` set (Argo CD)."""

from datetime import datetime, timedelta

from trueup.formats.duration import parse_duration
from trueup.formats.time import parse_time
from trueup.model.application import Retry
from trueup.model.status import OperationPhase, OperationState

AUTOMATED_LIMIT = 5
_FIRST, _FACTOR, _LONGEST = 5.0, 2, 180.0


def limit_of(state: OperationState, fallback: Retry | None) -> int:
    """How often the operation may be tried again; negative is for ever.

    The operation's own block counts, else the specification's; with neither 5 for automation and 0 for people.
    """
    block = state.operation.retry or fallback
    if block is not None:
        return block.limit
    return AUTOMATED_LIMIT if state.operation.initiated_by.automated else 0


def attempts_left(state: OperationState, fallback: Retry | None) -> bool:
    """Whether a failure now is followed by another attempt."""
    limit = limit_of(state, fallback)
    return limit < 0 or state.retry_count < limit


def pause(attempt: int, block: Retry | None) -> float:
    """Seconds before an attempt, counted from 0: ``duration · factorⁿ``, at most ``maxDuration``; 5 s · 2ⁿ, 3 min.

    Raises:
        ValueError: a duration of the block cannot be read; its text is named.
    """
    backoff = block.backoff if block else None
    first = parse_duration(_seconds(backoff.duration)) if backoff and backoff.duration else _FIRST
    longest = parse_duration(_seconds(backoff.max_duration)) if backoff and backoff.max_duration else _LONGEST
    factor = backoff.factor if backoff and backoff.factor else _FACTOR
    # Ten thousand doublings are no float; the cap is reached long before.
    return min(first * float(factor) ** min(attempt, 64), longest)


def retry_at(state: OperationState, fallback: Retry | None) -> datetime | None:
    """When the next attempt begins, None when the operation does not wait for one.

    Raises:
        ValueError: a duration cannot be read.
    """
    if state.phase is not OperationPhase.RUNNING or not state.finished_at:
        return None
    wait = pause(max(state.retry_count - 1, 0), state.operation.retry or fallback)
    return parse_time(state.finished_at) + timedelta(seconds=wait)


def retry_in(state: OperationState, fallback: Retry | None, now: datetime) -> float:
    """Seconds until the next attempt, 0 when it is due or the operation does not wait for one."""
    try:
        due = retry_at(state, fallback)
    except ValueError:
        return 0.0
    return max((due - now).total_seconds(), 0.0) if due else 0.0


def _seconds(text: str) -> str:
    """A bare number is seconds in a retry block."""
    return f"{text}s" if text.isdecimal() else text
