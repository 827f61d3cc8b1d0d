"""Cron schedules of five fields as Kubernetes reads them (robfig/cron v3, ``ParseStandard``)."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

import msgspec

from kubegrammar import pattern
from kubegrammar.duration import parse_duration

_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: Final = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of week", 0, 6, _DAYS),
)
_SHORT: Final = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_RANGE: Final = pattern.compile(r"(\*|\?|[a-zA-Z0-9]+)(?:-([a-zA-Z0-9]+))?(?:/([0-9]{1,4}))?")
_LONGEST: Final = 400
_DAYS_AHEAD: Final = 366 * 5
"""How far a moment is looked for: a leap day may be eight years away only around a century."""


class Schedule(msgspec.Struct, frozen=True):
    """A parsed schedule.

    Attributes:
        both_days: whether the day of the month and the day of the week must both fit, since one of them is ``*``;
            otherwise either is enough.
        every: seconds of ``@every``; the fields do not count then.
    """

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    both_days: bool = False
    every: float = 0.0

    def next(self, after: datetime) -> datetime | None:
        """The first moment of the schedule after another, in its time zone; None within five years.

        An hour that a change of clocks leaves out is left out.
        """
        if self.every:
            return after.replace(microsecond=0) + timedelta(seconds=self.every)
        zone = after.tzinfo
        moment = after.replace(tzinfo=None, second=0, microsecond=0) + timedelta(minutes=1)
        last = moment + timedelta(days=_DAYS_AHEAD)
        while moment < last:
            if moment.month not in self.months or not self._day_fits(moment):
                moment = moment.replace(hour=0, minute=0) + timedelta(days=1)
            elif moment.hour not in self.hours:
                moment = moment.replace(minute=0) + timedelta(hours=1)
            elif moment.minute not in self.minutes:
                moment += timedelta(minutes=1)
            else:
                found = moment.replace(tzinfo=zone)
                if zone is None or (_exists(found) and found.timestamp() > after.timestamp()):
                    return found
                moment += timedelta(minutes=1)
        return None

    def _day_fits(self, moment: datetime) -> bool:
        of_month = moment.day in self.days
        of_week = (moment.weekday() + 1) % 7 in self.weekdays
        return of_month and of_week if self.both_days else of_month or of_week


def parse_cron(text: str) -> Schedule:
    """A schedule: five fields with lists, ranges, steps and names, a name such as ``@daily``, or ``@every 90s``.

    Raises:
        ValueError: no schedule; the message names the field.
    """
    if len(text) > _LONGEST:
        raise ValueError("a schedule is not that long")
    text = text.strip()
    if text.startswith("@every "):
        seconds = parse_duration(text.removeprefix("@every "))
        if seconds < 1:
            raise ValueError(f'"{text}": less than a second')
        none: frozenset[int] = frozenset()
        return Schedule(none, none, none, none, none, every=float(int(seconds)))
    parts = _SHORT.get(text, text).split()
    if len(parts) != len(_FIELDS):
        raise ValueError(f'"{text}": expected exactly 5 fields, found {len(parts)}')
    minutes, hours, days, months, weekdays = (
        _field(part, *bounds) for part, bounds in zip(parts, _FIELDS, strict=True)
    )
    both = any(part[0] in "*?" for part in (parts[2], parts[4]))
    return Schedule(minutes, hours, days, months, weekdays, both_days=both)


def _field(text: str, what: str, low: int, high: int, names: tuple[str, ...]) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        found.update(_range(part, what, low, high, names))
    return frozenset(found)


def _range(text: str, what: str, low: int, high: int, names: tuple[str, ...]) -> Iterable[int]:
    match = _RANGE.fullmatch(text)
    if match is None or (match[1] in "*?" and match[2]):
        raise ValueError(f'{what}: "{text}" is no value, range or step')
    step = int(match[3] or 1)
    if match[1] in "*?":
        first, last = low, high
    else:
        first = _value(match[1], what, low, names)
        last = _value(match[2], what, low, names) if match[2] else high if match[3] else first
    if not (low <= first <= last <= high and step):
        raise ValueError(f'{what}: "{text}" is outside {low} to {high}')
    return range(first, last + 1, step)


def _value(text: str, what: str, low: int, names: tuple[str, ...]) -> int:
    if text.lower() in names:
        return names.index(text.lower()) + low
    if not (text.isascii() and text.isdecimal() and len(text) <= 4):
        raise ValueError(f'{what}: "{text}" is no number')
    return int(text)


def _exists(moment: datetime) -> bool:
    """Whether a local time is on the clock: it survives the way to UTC and back."""
    offset = moment.utcoffset()
    if offset is None:
        return True
    there = (moment.replace(tzinfo=None) - offset).replace(tzinfo=moment.tzinfo)
    assert moment.tzinfo
    return moment.tzinfo.fromutc(there).replace(tzinfo=None) == moment.replace(tzinfo=None)
