"""How a reconcile ends, and the one policy that turns an error into what happens next."""

import random
from enum import StrEnum

import msgspec

from trueup.model.errors import Stalled, TrueupError, Waiting

FIRST_RETRY = 1.0
LONGEST_RETRY = 300.0
STALLED_RETRY = 300.0
"""Only an edit can help, and it wakes the key. But an error may be wrong about that, and no key is given up."""


class Severity(StrEnum):
    """What an Event about the outcome is typed as."""

    NORMAL = "Normal"
    WARNING = "Warning"


class Requeue(msgspec.Struct, frozen=True, gc=False):
    """When to look at a key again: after so many seconds, or only when something wakes it (None)."""

    seconds: float | None = None

    @classmethod
    def after(cls, seconds: float) -> "Requeue":
        return cls(max(0.0, seconds))

    def within(self, seconds: float) -> "Requeue":
        """The same, or the sooner."""
        return self.after(seconds if self.seconds is None else min(seconds, self.seconds))

    @classmethod
    def never(cls) -> "Requeue":
        return cls(None)


class Outcome(msgspec.Struct, frozen=True, gc=False):
    """The policy's answer to an error."""

    requeue: Requeue
    reason: str
    severity: Severity


def outcome_of(error: BaseException, failures: int) -> Outcome:
    """What follows from an error.

    Args:
        error: whatever the reconcile raised.
        failures: consecutive failures of this key, this one included.
    """
    reason = error.reason if isinstance(error, TrueupError) else "InternalError"
    match error:
        case Stalled():
            return Outcome(Requeue.after(STALLED_RETRY), reason, Severity.WARNING)
        case Waiting(after=after):
            return Outcome(Requeue.after(after), reason, Severity.NORMAL)
        case _:
            longest = error.longest_retry if isinstance(error, TrueupError) else LONGEST_RETRY
            return Outcome(Requeue.after(backoff(failures, longest)), reason, Severity.WARNING)


def backoff(failures: int, longest: float = LONGEST_RETRY) -> float:
    """Seconds to wait after so many consecutive failures: doubling, capped, spread by half."""
    delay = min(longest, FIRST_RETRY * 2.0 ** min(max(failures - 1, 0), 20))
    return delay * (0.75 + random.random() / 2)  # noqa: S311 - jitter is no secret
