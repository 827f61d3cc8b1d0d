"""RFC 3339."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from kubegrammar.time import format_time, parse_time

READ = {
    "UTC": ("2026-11-23T21:38:00Z", datetime(2026, 11, 23, 21, 38, tzinfo=UTC)),
    "east of Greenwich": ("2026-01-01T01:00:00+02:00", datetime(2025, 12, 31, 23, 0, tzinfo=UTC)),
    "west of Greenwich": ("2026-01-01T00:00:00-07:30", datetime(2026, 1, 1, 7, 30, tzinfo=UTC)),
    "a fraction": ("2026-01-01T00:00:00.5Z", datetime(2026, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)),
    "nanoseconds are cut": ("2026-01-01T00:00:00.123456789Z", datetime(2026, 1, 1, 0, 0, 0, 123_456, tzinfo=UTC)),
    "a leap day": ("2024-02-29T00:00:00Z", datetime(2024, 2, 29, tzinfo=UTC)),
}

REFUSED = {
    "nothing": "",
    "no time zone": "2026-01-01T00:00:00",
    "a space for the T": "2026-01-01 00:00:00Z",
    "small letters": "2026-01-01t00:00:00z",
    "a day that is not": "2026-02-30T00:00:00Z",
    "a month that is not": "2026-13-01T00:00:00Z",
    "hour 24": "2026-01-01T24:00:00Z",
    "a leap second": "2026-12-31T23:59:60Z",
    "one digit": "2026-1-01T00:00:00Z",
    "a point without digits": "2026-01-01T00:00:00.Z",
    "an offset that is not": "2026-01-01T00:00:00+25:00",
    "before the year 1": "0001-01-01T00:00:00+01:00",
    "a line break behind": "2026-01-01T00:00:00Z\n",
}


@pytest.mark.parametrize(("text", "moment"), READ.values(), ids=READ.keys())
def test_reading(text: str, moment: datetime) -> None:
    assert parse_time(text) == moment
    assert parse_time(text).tzinfo is UTC


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_time_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="is no RFC 3339 time") as caught:
        parse_time(text)
    assert f'"{text}"' in str(caught.value)


def test_writing_is_in_utc_to_the_second() -> None:
    moment = datetime(2026, 1, 1, 1, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=2)))
    assert format_time(moment) == "2025-12-31T23:00:00Z"
    assert format_time(datetime(5, 1, 1, tzinfo=UTC)) == "0005-01-01T00:00:00Z"


def test_a_moment_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        format_time(datetime(2026, 1, 1))
