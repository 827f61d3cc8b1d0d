"""What becomes of a pass that fails: one table from an error's reason to condition, Event and the next try."""

from datetime import datetime
from typing import Final

import msgspec

from trueup.kube.errors import Conflict, NotFound
from trueup.model.errors import TrueupError, Waiting
from trueup.model.live import LiveObject
from trueup.runtime.outcome import LONGEST_RETRY, STALLED_RETRY, Requeue, Severity, backoff

GRACE: Final = 180.0
"""Seconds for which the last good state is kept where nobody can look (Argo CD's controller.repo.error.grace…)."""
QUIET: Final = 10.0
"""Seconds for which a cluster may be out of reach before anybody is told: a server that starts anew is."""


class After(msgspec.Struct, frozen=True, tag=True):
    """The next try is so many seconds later."""

    seconds: float


class RetryDelay(msgspec.Struct, frozen=True, tag=True):
    """The next try is later each time, up to so many seconds."""

    longest: float = LONGEST_RETRY


class AsTold(msgspec.Struct, frozen=True, tag=True):
    """The error says itself when the next try is due; as a backoff where it does not."""


Again = After | RetryDelay | AsTold


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What follows from an error.

    Attributes:
        condition: its type; empty where there is nothing to tell.
        event: reason of the Kubernetes Event that tells of it when it begins; empty for none.
        severity: of that Event.
        again: when the next pass is due, though nothing wakes the application.
        grace: seconds for which the last verdict over sync stays; it is Unknown then.
        quiet: seconds for which it has to last before it is told.
    """

    condition: str = ""
    event: str = ""
    severity: Severity = Severity.WARNING
    again: Again = RetryDelay()
    grace: float = GRACE
    quiet: float = 0.0


def _api(reason: str) -> Row:
    return Row(condition="ComparisonError", event=reason)


INTERNAL: Final = "InternalError"
"""Of everything that is no error of ours to foresee."""
MOVED: Final = "Moved"
"""The application was changed, or went, while the pass was under way."""

TABLE: Final = {
    # The specification, or its project.
    "InvalidSpecError": Row(condition="InvalidSpecError", event="InvalidSpecError", again=After(60.0), grace=0.0),
    # The source.
    "RenderFailed": Row(condition="ComparisonError", event="ComparisonError", again=After(STALLED_RETRY), grace=0.0),
    "SourceUnavailable": Row(condition="ComparisonError", event="ComparisonError"),
    # The cluster.
    "ApiError": _api("ApiError"),
    "BadRequest": _api("BadRequest"),
    "Unauthorized": _api("Unauthorized"),
    "Forbidden": _api("Forbidden"),
    "NotFound": _api("NotFound"),
    "AlreadyExists": _api("AlreadyExists"),
    "Conflict": _api("Conflict"),
    "Expired": _api("Expired"),
    "Invalid": _api("Invalid"),
    "TooManyRequests": _api("TooManyRequests"),
    "ServerError": _api("ServerError"),
    "ResponseTooLarge": _api("ResponseTooLarge"),
    "TypedPatchRefused": _api("TypedPatchRefused"),
    "UndeclaredField": _api("UndeclaredField"),
    "DuplicateKey": _api("DuplicateKey"),
    "Unreachable": Row(condition="ComparisonError", event="Unreachable", again=RetryDelay(5.0), quiet=QUIET),
    "ClusterOpening": Row(again=AsTold()),
    "ClusterOutOfReach": Row(condition="ComparisonError", event="ClusterOutOfReach", again=AsTold(), quiet=QUIET),
    # Our own records.
    "StatusWriteError": Row(event="StatusWriteError", again=After(60.0)),  # its condition is written by who is refused
    MOVED: Row(again=After(0.05)),  # the watch brings the newer one
    "LeaseLost": Row(again=AsTold()),  # another engine tells
    # Whatever else there is.
    "Stalled": Row(condition="UnknownError", event="Stalled", again=After(STALLED_RETRY), grace=0.0),
    "Waiting": Row(condition="UnknownError", event="Waiting", severity=Severity.NORMAL, again=AsTold()),
    "Error": Row(condition="UnknownError", event="Error"),
    INTERNAL: Row(condition="UnknownError", event=INTERNAL),
}
"""By the error's reason; where there is none, by that of what it is a kind of."""


def reason_of(error: Exception, about: LiveObject | None = None) -> str:
    """The row that an error belongs to.

    Args:
        about: the application that the pass was for.
    """
    if not isinstance(error, TrueupError):
        return INTERNAL
    if about is not None and isinstance(error, Conflict | NotFound) and error.subject_is(about.key):
        return MOVED
    reasons = (error.reason, *(str(vars(kind).get("reason")) for kind in type(error).__mro__))
    return next(reason for reason in reasons if reason in TABLE)


def comparing(error: TrueupError) -> Row:
    """The row of an error about a source, whatever kind of error it is: there is nothing to compare with."""
    return msgspec.structs.replace(TABLE[reason_of(error)], condition="ComparisonError", event="ComparisonError")


def message_of(error: Exception) -> str:
    """What is told of an error. What a fault of our own says may hold anything."""
    if isinstance(error, TrueupError):
        return str(error)
    return f"internal error: {type(error).__name__} (the engine's log has more)"


def again(row: Row, error: Exception, failures: int) -> Requeue:
    """When the next pass is due.

    Args:
        failures: in a row, this one included.
    """
    match row.again:
        case After(seconds):
            return Requeue.after(seconds)
        case AsTold() if isinstance(error, Waiting):
            return Requeue.after(error.after)
        case AsTold():
            return Requeue.after(backoff(failures))
        case RetryDelay(longest):
            return Requeue.after(backoff(failures, longest))


class Failing(msgspec.Struct, frozen=True):
    """Passes of an application that have failed in a row.

    Attributes:
        since: when the first failed for the reason that the last one did.
        faults: how many of them in a row were faults of our own.
    """

    reason: str
    since: datetime
    count: int = 0
    faults: int = 0
