"""Durations on the command line."""

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup.cli.duration import DURATION, seconds_of

READ = {"60": 60, "60s": 60, "5m": 300, "1h30m": 5400, "2d": 172_800, "0": 0, "1.5": 1.5, " 90 ": 90, "250ms": 0.25}
REFUSED = ["", "soon", "-1", "-5m", "5 m", "nan", "inf", "1e999", "5M", "m", "d", "٣s", "1" * 400 + "h"]


@pytest.mark.parametrize(("text", "seconds"), READ.items())
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", REFUSED)
def test_what_is_none_is_refused_with_examples(text: str) -> None:
    with pytest.raises(ValueError, match="is no duration such as 90, 90s, 5m or 1h30m"):
        seconds_of(text)


@given(st.text(max_size=30))
def test_whatever_is_typed_is_seconds_or_a_usage_error(text: str) -> None:
    try:
        assert DURATION.convert(text, None, None) >= 0
    except click.UsageError as error:
        assert "is no duration" in error.message
