"""Durations on the command line."""

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup.cli.audit import moment
from trueup.cli.duration import DURATION, seconds_of

READ = {
    "60": 60,
    "60s": 60,
    "5m": 300,
    "1h30m": 5400,
    "2d": 172_800,
    "1w": 604_800,
    "0": 0,
    "1.5": 1.5,
    " 90 ": 90,
    "250ms": 0.25,
}
REFUSED = ["", "soon", "-1", "-5m", "5 m", "nan", "inf", "1e999", "5M", "m", "d", "w", "٣s", "1" * 400 + "h"]


@pytest.mark.parametrize(("text", "seconds"), READ.items())
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_none_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration such as 90, 90s, 5m or 1h30m"):
        seconds_of(text)


@pytest.mark.parametrize(
    ("text", "time"),
    [("2026-11-27", "2026-11-27T00:00:00Z"), ("2026-11-27T10:00:00+02:00", "2026-11-27T08:00:00Z"), ("", "")],
)
def test_a_moment_is_a_time_or_a_day(text: str, time: str) -> None:
    assert moment(text) == time
    assert moment("1w") < moment("6d")


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "2026-11", "-5m", "9999999w"])
def test_a_moment_that_is_none_is_refused_with_examples(text: str) -> None:
    with pytest.raises(click.UsageError, match="a day such as 2026-01-31"):
        moment(text)


@given(st.text(max_size=30))
def test_whatever_is_typed_is_seconds_or_a_usage_error(text: str) -> None:
    try:
        assert DURATION.convert(text, None, None) >= 0
    except click.UsageError as error:
        assert "is no duration" in error.message
