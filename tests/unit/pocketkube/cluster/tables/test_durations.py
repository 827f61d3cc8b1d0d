"""Ages are the texts that kubectl users know."""

from datetime import UTC, datetime

import pytest

from pocketkube.cluster.tables.durations import age, human_duration, parse_time

MINUTE, HOUR, DAY, YEAR = 60, 3600, 86400, 365 * 86400
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        pytest.param(-2, "<invalid>", id="two seconds ahead are no age"),
        pytest.param(-1.9, "0s", id="clocks may differ by less than two seconds"),
        pytest.param(0.9, "0s", id="fractions are dropped"),
        pytest.param(119, "119s", id="seconds up to two minutes"),
        pytest.param(120, "2m", id="no seconds where there are none"),
        pytest.param(10 * MINUTE - 1, "9m59s", id="minutes and seconds up to ten minutes"),
        pytest.param(10 * MINUTE, "10m", id="minutes from ten on"),
        pytest.param(3 * HOUR - 1, "179m", id="minutes up to three hours"),
        pytest.param(3 * HOUR, "3h", id="hours from three on"),
        pytest.param(8 * HOUR - 1, "7h59m", id="hours and minutes up to eight hours"),
        pytest.param(2 * DAY - 1, "47h", id="hours up to two days"),
        pytest.param(2 * DAY + HOUR, "2d1h", id="days and hours"),
        pytest.param(8 * DAY - 1, "7d23h", id="days and hours up to eight days"),
        pytest.param(2 * YEAR - 1, "729d", id="days up to two years"),
        pytest.param(2 * YEAR + 10 * DAY, "2y10d", id="years and days"),
        pytest.param(8 * YEAR, "8y", id="years from eight on"),
    ],
)
def test_human_duration(seconds: float, text: str) -> None:
    assert human_duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param("2025-12-31T23:00:00Z", "60m", id="a timestamp"),
        pytest.param("2025-12-31T23:00:00.123456789Z", "59m", id="one with fractions"),
        pytest.param("2026-01-01T00:00:00+01:00", "60m", id="one of another zone"),
        pytest.param("0001-01-01T00:00:00Z", "<unknown>", id="no time at all"),
        pytest.param(None, "<unknown>", id="nothing"),
        pytest.param(5, "<unknown>", id="a number"),
        pytest.param("2025-02-30T00:00:00Z", "<unknown>", id="a day that is none"),
        pytest.param("2025-12-31", "<unknown>", id="a date alone"),
    ],
)
def test_age(value: object, text: str) -> None:
    assert age(value, NOW) == text


def test_a_time_is_read_with_its_zone() -> None:
    assert parse_time("2026-01-01T00:00:00Z") == NOW
