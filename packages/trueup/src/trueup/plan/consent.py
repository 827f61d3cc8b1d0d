"""Whether a person's approval of a deletion is for what is about to be deleted."""

from datetime import datetime

from kubegrammar.time import past_time

RECENT = 600.0
"""Seconds for which an approval counts where nobody knows when that began which it is for."""


def consents(approved_at: datetime | None, since: str | None, now: datetime) -> bool:
    """Whether an approval is no older than what it is for.

    Args:
        approved_at: the ``deletion-approved`` annotation.
        since: RFC 3339: when the operation or the deletion began; None where that does not matter. One that lies ahead
            is of another clock: no approval of today could ever follow it, and only a recent one is known to be for it.
    """
    if approved_at is None or since is None:
        return approved_at is not None
    began = past_time(since, now)
    return approved_at >= began if began is not None else (now - approved_at).total_seconds() <= RECENT
