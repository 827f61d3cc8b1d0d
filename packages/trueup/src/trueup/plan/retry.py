"""When a failed operation is tried again. Waiting is written as phase Running with ``finishedAt`` set (Argo CD)."""

from datetime import datetime

from kubegrammar.duration import grown, parse_duration
from kubegrammar.time import past_time, rest_of
from trueup.model.application import Retry
from trueup.model.status import OperationPhase, OperationState

AUTOMATED_LIMIT = 5
SHORTEST = 1.0
"""Seconds between two attempts at least, whatever a block says."""
UNCAPPED = 86_400.0
"""Seconds between two attempts at most where ``maxDuration`` is 0: what has failed for that long is looked at daily."""
_FIRST, _FACTOR, _LONGEST = 5.0, 2, 180.0
_COUNTED = 2**31


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


def next_attempt(state: OperationState) -> int:
    """The number of the attempt after this one. A count that nobody can have reached begins anew."""
    return state.retry_count + 1 if 0 <= state.retry_count < _COUNTED else 1


def pause(attempt: int, block: Retry | None) -> float:
    """Seconds before an attempt, counted from 0: ``duration · factorⁿ``, at most ``maxDuration``; 5 s · 2ⁿ, 3 min.

    A ``maxDuration`` of 0 is none (Argo CD ``NextRetryAt``).

    Raises:
        ValueError: a duration of the block cannot be read; its text is named.
    """
    backoff = block.backoff if block else None
    first = parse_duration(_seconds(backoff.duration)) if backoff and backoff.duration else _FIRST
    longest = parse_duration(_seconds(backoff.max_duration)) if backoff and backoff.max_duration else _LONGEST
    factor = backoff.factor if backoff and backoff.factor else _FACTOR
    return max(grown(first, factor, attempt, longest if longest > 0 else UNCAPPED), SHORTEST)


def retry_in(state: OperationState, fallback: Retry | None, now: datetime) -> float:
    """Seconds until the next attempt, 0 when it is due or the operation does not wait for one.

    Raises:
        ValueError: a duration cannot be read.
    """
    if state.phase is not OperationPhase.RUNNING or not state.finished_at:
        return 0.0
    # Its end is written to the second, and may have been the later by one.
    wait = max(pause(max(state.retry_count - 1, 0), state.operation.retry or fallback), 2 * SHORTEST)
    return rest_of(wait, past_time(state.finished_at, now), now)


def _seconds(text: str) -> str:
    """A bare number is seconds in a retry block."""
    return f"{text}s" if text.isdecimal() else text
