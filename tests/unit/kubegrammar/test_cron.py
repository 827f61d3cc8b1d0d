"""Cron schedules by the rules of robfig/cron, which Kubernetes reads them with."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from kubegrammar.cron import parse_cron

BERLIN = ZoneInfo("Europe/Berlin")
NEXT: dict[str, tuple[str, str, str]] = {
    "every minute": ("* * * * *", "2026-01-02T03:04:05", "2026-01-02T03:05:00"),
    "a moment that is now counts for the next time": ("4 3 * * *", "2026-01-02T03:04:00", "2026-01-03T03:04:00"),
    "a step goes over the whole range": ("*/20 * * * *", "2026-01-02T03:04:05", "2026-01-02T03:20:00"),
    "a step from a value goes to the end": ("10/20 * * * *", "2026-01-02T03:51:00", "2026-01-02T04:10:00"),
    "a range with a step": ("0 8-18/5 * * *", "2026-01-02T09:00:00", "2026-01-02T13:00:00"),
    "a list": ("5,50 * * * *", "2026-01-02T03:06:00", "2026-01-02T03:50:00"),
    "names of months and days": ("0 0 * feb MON", "2026-01-02T03:04:05", "2026-02-02T00:00:00"),
    "Sunday is 0": ("0 0 * * 0", "2026-01-02T00:00:00", "2026-01-04T00:00:00"),
    "of two kinds of days either is enough": ("0 0 13 * 5", "2026-01-10T00:00:00", "2026-01-13T00:00:00"),
    "a star among the days makes both count": ("0 0 */2 * 5", "2026-01-02T00:00:00", "2026-01-09T00:00:00"),
    "a question mark is a star": ("0 0 1 * ?", "2026-01-02T00:00:00", "2026-02-01T00:00:00"),
    "a leap day": ("0 0 29 2 *", "2026-01-02T00:00:00", "2028-02-29T00:00:00"),
    "the end of the year": ("0 0 1 1 *", "2026-12-31T23:59:59", "2027-01-01T00:00:00"),
    "@hourly": ("@hourly", "2026-01-02T03:04:05", "2026-01-02T04:00:00"),
    "@weekly": ("@weekly", "2026-01-02T03:04:05", "2026-01-04T00:00:00"),
    "@every": ("@every 1h30m", "2026-01-02T03:04:05", "2026-01-02T04:34:05"),
}


@pytest.mark.parametrize(("schedule", "after", "expected"), NEXT.values(), ids=NEXT.keys())
def test_next(schedule: str, after: str, expected: str) -> None:
    found = parse_cron(schedule).next(datetime.fromisoformat(after).replace(tzinfo=UTC))
    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


CLOCKS: dict[str, tuple[str, str, str]] = {
    "the zone counts": ("0 12 * * *", "2026-07-01T00:00:00+00:00", "2026-07-01T10:00:00+00:00"),
    "an hour that is left out is left out": ("30 2 * * *", "2026-03-28T23:00:00+00:00", "2026-03-30T00:30:00+00:00"),
    "an hour that comes twice counts once": ("30 2 * * *", "2026-10-25T00:30:00+00:00", "2026-10-26T01:30:00+00:00"),
}


@pytest.mark.parametrize(("schedule", "after", "expected"), CLOCKS.values(), ids=CLOCKS.keys())
def test_clock_changes(schedule: str, after: str, expected: str) -> None:
    found = parse_cron(schedule).next(datetime.fromisoformat(after).astimezone(BERLIN))
    assert found is not None
    assert found.astimezone(UTC) == datetime.fromisoformat(expected)


def test_a_day_that_never_comes_is_none() -> None:
    assert parse_cron("0 0 31 2 *").next(datetime(2026, 1, 1, tzinfo=UTC)) is None


WRONG: dict[str, tuple[str, str]] = {
    "too few fields": ("* * * *", "5 fields"),
    "seconds are not known": ("0 * * * * *", "5 fields"),
    "a minute that is none": ("60 * * * *", "minute"),
    "a day of month that is none": ("0 0 0 * *", "day of month"),
    "Sunday is not 7": ("0 0 * * 7", "day of week"),
    "a range that runs backwards": ("0 9-8 * * *", "hour"),
    "a step of nothing": ("*/0 * * * *", "minute"),
    "a name that is none": ("0 0 * foo *", "month"),
    "a range from a star": ("*-5 * * * *", "minute"),
    "an empty field": ("0,, * * * *", "minute"),
    "an unknown name": ("@often", "5 fields"),
    "less than a second": ("@every 1ms", "second"),
    "no duration": ("@every day", "day"),
    "endless": ("* " * 1000, "long"),
    "nothing": ("", "5 fields"),
}


@pytest.mark.parametrize(("schedule", "named"), WRONG.values(), ids=WRONG.keys())
def test_wrong(schedule: str, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        parse_cron(schedule)


FIELD = st.sampled_from(["*", "*/7", "3", "1-5", "2,4"])


@given(st.tuples(*[FIELD] * 5), st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1)))
def test_the_next_moment_is_the_first_that_fits(fields: tuple[str, ...], after: datetime) -> None:
    schedule = parse_cron(" ".join(fields))
    found = schedule.next(after.replace(tzinfo=UTC))
    assume(found is not None)
    assert found is not None and found > after.replace(tzinfo=UTC)
    # Whatever lies a minute before it leads to the same moment.
    assert schedule.next(max(after.replace(tzinfo=UTC), found - timedelta(minutes=1))) == found


@given(st.text(max_size=60))
def test_any_text_is_a_schedule_or_a_value_error(text: str) -> None:
    try:
        parse_cron(text)
    except ValueError:
        return
