"""Durations as Go writes them: ``1h30m``, ``1.5h``, ``100ms``."""

from typing import Final

from kubegrammar import pattern

_UNITS: Final = {
    "ns": 1,
    "us": 1_000,
    "µs": 1_000,  # U+00B5, micro sign
    "μs": 1_000,  # U+03BC, Greek letter
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_SECOND: Final = _UNITS["s"]
_PART: Final = r"(?:([0-9]+)(?:\.([0-9]*))?|\.([0-9]+))(ns|us|µs|μs|ms|s|m|h)"
_ONE: Final = pattern.compile(_PART)
_WHOLE: Final = pattern.compile(rf"([-+]?)(?:0|((?:{_PART})+))")
_LONGEST: Final = 2**63 - 1
_LONGEST_TEXT: Final = 200


def parse_duration(text: str) -> float:
    """Seconds of a Go duration, by the rules of ``time.ParseDuration``: a unit after each number, ``0`` alone without.

    Raises:
        ValueError: no duration, or longer than 64 bits of nanoseconds; the message names the text.
    """
    match = _WHOLE.fullmatch(text) if len(text) <= _LONGEST_TEXT else None
    if match is None:
        raise ValueError(f'invalid duration "{text[:_LONGEST_TEXT]}"')
    nanoseconds = 0
    for part in _ONE.finditer(match[2] or ""):
        whole, fraction = part[1] or "0", part[2] or part[3] or ""
        nanoseconds += int(whole + fraction) * _UNITS[part[4]] // 10 ** len(fraction)
    # Go has one nanosecond more below zero.
    if nanoseconds > _LONGEST + (match[1] == "-"):
        raise ValueError(f'duration "{text}" is too long')
    return (-nanoseconds if match[1] == "-" else nanoseconds) / _SECOND


def grown(first: float, factor: float, times: int, longest: float) -> float:
    """``first · factorⁿ``, from 0 to ``longest``: whatever is asked for, there is an answer, and it never shrinks."""
    first = max(first, 0.0)
    if not first or first >= longest:
        return min(first, longest)
    try:
        return min(first * max(float(factor), 1.0) ** max(times, 0), longest)
    except OverflowError:
        return longest


def format_duration(seconds: float) -> str:
    """A duration as Go's ``String`` writes it: ``1h0m0s``, ``1m30s``, ``1.5s``, ``100ms``, ``0s``."""
    nanoseconds = round(seconds * _SECOND)
    sign, rest = ("-", -nanoseconds) if nanoseconds < 0 else ("", nanoseconds)
    if rest < _SECOND:
        for unit in ("ns", "µs", "ms"):
            if 0 < rest < _UNITS[unit] * 1000:
                return f"{sign}{_decimal(rest, _UNITS[unit])}{unit}"
        return "0s"
    minutes, rest = divmod(rest, 60 * _SECOND)
    hours, minutes = divmod(minutes, 60)
    text = f"{_decimal(rest, _SECOND)}s"
    if hours:
        return f"{sign}{hours}h{minutes}m{text}"
    return f"{sign}{minutes}m{text}" if minutes else sign + text


def _decimal(value: int, unit: int) -> str:
    whole, rest = divmod(value, unit)
    if not rest:
        return str(whole)
    return f"{whole}.{rest:0{len(str(unit)) - 1}d}".rstrip("0")
