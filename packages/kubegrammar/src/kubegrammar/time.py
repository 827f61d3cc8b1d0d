"""Moments as Kubernetes writes them: RFC 3339."""

from datetime import UTC, datetime, timedelta
from typing import Final

from kubegrammar import pattern

_RFC3339: Final = pattern.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})(?:[.,]([0-9]+))?"
    r"(?:Z|([+-])([0-9]{2}):([0-9]{2}))"
)
_MICROSECOND_DIGITS: Final = 6
_ROUNDING: Final = 1.0
"""Seconds by which a moment may lie ahead: some are written to the second, rounded up."""


def parse_time(text: str) -> datetime:
    """The moment that an RFC 3339 text names, in UTC. Digits below the microsecond are dropped.

    Raises:
        ValueError: not RFC 3339, no such day or hour, or a moment before the year 1; the message names the text.
    """
    match = _RFC3339.fullmatch(text)
    if match is None:
        raise ValueError(f'"{text[:80]}" is no RFC 3339 time')
    sign, hours, minutes = match[8], int(match[9] or 0), int(match[10] or 0)
    microsecond = int((match[7] or "")[:_MICROSECOND_DIGITS].ljust(_MICROSECOND_DIGITS, "0"))
    try:
        if hours > 24 or minutes > 60:
            raise ValueError("time zone offset out of range")
        offset = timedelta(hours=hours, minutes=minutes) * (-1 if sign == "-" else 1)
        year, month, day, hour, minute, second = (int(match[part]) for part in range(1, 7))
        return datetime(year, month, day, hour, minute, second, microsecond, UTC) - offset
    except (ValueError, OverflowError) as error:
        raise ValueError(f'"{text}" is no RFC 3339 time: {error}') from None


def past_time(text: str | None, now: datetime) -> datetime | None:
    """The moment that a text names if it has been; None where it names none, or one that lies ahead.

    Times in an object may have been written by anybody, or by a clock that was set back since. What they say of the
    future is no fact, and whoever waited for it would wait for years.
    """
    if not text:
        return None
    try:
        moment = parse_time(text)
    except ValueError:
        return None
    return moment if (moment - now).total_seconds() <= _ROUNDING else None


def rest_of(wait: float, since: datetime | None, now: datetime) -> float:
    """Seconds that are left of a wait, 0 when it is over; never more than the wait.

    Args:
        wait: seconds.
        since: when it began. Where that is not known, or lies ahead, the wait is over: to begin it anew each time one
            looks would be to wait for ever.
    """
    if since is None:
        return 0.0
    left = wait - (now - since).total_seconds()
    return min(left, wait) if 0 < left <= wait + _ROUNDING else 0.0


def format_time(moment: datetime) -> str:
    """RFC 3339 in UTC to the second, ending in ``Z``.

    Raises:
        ValueError: the moment does not know its time zone.
    """
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone has no RFC 3339 form")
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"


def format_exact_time(moment: datetime) -> str:
    """RFC 3339 in UTC to the microsecond, ending in ``Z``.

    Raises:
        ValueError: the moment does not know its time zone.
    """
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone has no RFC 3339 form")
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
