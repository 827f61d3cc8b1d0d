"""Go's durations."""

import pytest

from kubegrammar.duration import format_duration, parse_duration

READ = {
    "zero needs no unit": ("0", 0),
    "hours and minutes": ("1h30m", 5400),
    "seconds": ("90s", 90),
    "milliseconds": ("100ms", 0.1),
    "a fraction of an hour": ("1.5h", 5400),
    "a fraction without a digit in front": (".5s", 0.5),
    "a fraction without a digit behind": ("2.s", 2),
    "microseconds with either sign": ("1us1µs1μs", 0.000003),
    "nanoseconds": ("1ns", 1e-9),
    "units in any order and number": ("1s1h1s", 3602),
    "a minus sign": ("-1m", -60),
    "a plus sign": ("+1m", 60),
    "the longest": ("2562047h47m16.854775807s", (2**63 - 1) / 1e9),
    "below a nanosecond is nothing": ("0.9ns", 0),
}

REFUSED = [
    "",
    "5",
    "5x",
    "1d",
    "s",
    ".s",
    "-",
    "1h 30m",
    " 1s",
    "1s\n",
    "1e3s",
    "--1s",
    "1.2.3s",
    "∞",
    "9223372037s",
    "1s" * 101,
]

WRITTEN = {
    "zero": (0, "0s"),
    "three minutes": (180, "3m0s"),
    "an hour": (3600, "1h0m0s"),
    "more than a day": (90061, "25h1m1s"),
    "a fraction of a second": (1.5, "1.5s"),
    "milliseconds": (0.1, "100ms"),
    "microseconds": (0.00015, "150µs"),
    "nanoseconds": (1e-9, "1ns"),
    "a negative one": (-90, "-1m30s"),
    "a fraction behind minutes": (61.25, "1m1.25s"),
}


@pytest.mark.parametrize(("text", "seconds"), READ.values(), ids=READ.keys())
def test_reading(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", REFUSED, ids=lambda text: repr(text)[:20])
def test_what_is_no_duration_is_refused_by_name(text: str) -> None:
    with pytest.raises(ValueError, match="duration") as caught:
        parse_duration(text)
    assert text[:200] in str(caught.value)


@pytest.mark.parametrize(("seconds", "text"), WRITTEN.values(), ids=WRITTEN.keys())
def test_writing(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text
    assert parse_duration(text) == seconds
