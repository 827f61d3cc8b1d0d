"""One dialect of durations on the command line: ``60``, ``60s``, ``5m``, ``1h30m``, ``2d``, ``1w``."""

import math
from datetime import datetime
from typing import Any

import click

from kubegrammar.duration import parse_duration
from kubegrammar.time import parse_time

_LONG = {"d": 86400.0, "w": 7 * 86400.0}
FORMS = "such as 90, 90s, 5m or 1h30m"


def seconds_of(text: str) -> float:
    """Seconds of a duration; a number alone is seconds, ``d`` stands for days, ``w`` for weeks.

    Raises:
        ValueError: it is none, or negative.
    """
    text = text.strip()
    try:
        seconds = float(text) if not text[-1:].isalpha() else _with_unit(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise ValueError(f"{text[:40]!r} is no duration {FORMS}")
    return seconds


def _with_unit(text: str) -> float:
    return float(text[:-1]) * _LONG[text[-1]] if text[-1] in _LONG else parse_duration(text)


class Duration(click.ParamType[float]):
    """An option's value in seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, (int, float)):
            return float(value)
        try:
            return seconds_of(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


DURATION = Duration()


def age(created: str, now: datetime) -> str:
    """How long ago something was made, as kubectl tells it: ``45s``, ``12m``, ``3h``, ``2d``; empty where unknown."""
    try:
        seconds = (now - parse_time(created)).total_seconds()
    except ValueError:
        return ""
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{int(seconds // length)}{unit}"
    return f"{max(0, int(seconds))}s"
