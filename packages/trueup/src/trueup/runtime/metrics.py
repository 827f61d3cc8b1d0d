"""Numbers for Prometheus: counted where things happen, read when somebody asks, written as text.

The format is that of version 0.0.4. Nobody's names make it grow without end: a family has so many series, and what is
beyond them is counted as left out.
"""

import bisect
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, Literal

import msgspec

Kind = Literal["counter", "gauge", "histogram"]
MOST_SERIES: Final = 20_000
"""Of one family that is counted."""
LONGEST_LABEL: Final = 512
"""Characters of a label's value."""
MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_LEFT_OUT: Final = "trueup_metrics_left_out_total"

Labels = tuple[str, ...]


class Family(msgspec.Struct, frozen=True):
    """A metric.

    Attributes:
        labels: their names.
        bounds: upper bounds of a histogram's buckets, ascending.
    """

    name: str
    kind: Kind
    about: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()

    def head(self) -> str:
        """What stands before its series."""
        return f"# HELP {self.name} {self.about}\n# TYPE {self.name} {self.kind}\n"

    def line(self, values: Labels, number: float, suffix: str = "", more: str = "") -> str:
        """A sample.

        Args:
            more: a further label as it is written.
        """
        pairs = [f'{name}="{escaped(value)}"' for name, value in zip(self.labels, values, strict=True)]
        inside = ",".join([*pairs, more] if more else pairs)
        return f"{self.name}{suffix}{{{inside}}} {_number(number)}\n" if inside else f"{self.name} {_number(number)}\n"


class _Histogram(msgspec.Struct):
    counts: list[int]
    total: float = 0.0


Gauges = Callable[[], Iterable[tuple[Family, Iterable[str]]]]
"""What is asked when somebody reads: families, each with the lines of its samples."""


class Metrics:
    """Counters and histograms, and who knows the rest."""

    def __init__(self) -> None:
        self._families: dict[str, Family] = {}
        self._counts: dict[str, dict[Labels, float]] = {}
        self._histograms: dict[str, dict[Labels, _Histogram]] = {}
        self._left_out = 0
        self._asked: list[Gauges] = []

    def ask(self, gauges: Gauges) -> None:
        """Ask these too, each time."""
        self._asked.append(gauges)

    def count(self, family: Family, values: Labels = (), by: float = 1.0) -> None:
        """Add to a counter."""
        series = self._counts.setdefault(family.name, {})
        if self._has_room(family, series, values):
            series[values] = series.get(values, 0.0) + by

    def observe(self, family: Family, number: float, values: Labels = ()) -> None:
        """Add an observation to a histogram."""
        series = self._histograms.setdefault(family.name, {})
        if self._has_room(family, series, values):
            found = series.get(values)
            if found is None:
                found = series[values] = _Histogram([0] * (len(family.bounds) + 1))
            found.counts[bisect.bisect_left(family.bounds, number)] += 1
            found.total += number

    def forget(self, gone: Callable[[Family, Labels], bool]) -> None:
        """Drop the series of what is gone."""
        for name, family in self._families.items():
            for values in [each for each in self._counts.get(name, {}) if gone(family, each)]:
                del self._counts[name][values]
            for values in [each for each in self._histograms.get(name, {}) if gone(family, each)]:
                del self._histograms[name][values]

    def text(self) -> bytes:
        """All of them as Prometheus reads them."""
        return "".join(self._lines()).encode("utf-8", "replace")

    def _has_room(self, family: Family, series: object, values: Labels) -> bool:
        self._families.setdefault(family.name, family)
        if isinstance(series, dict) and values not in series and len(series) >= MOST_SERIES:
            self._left_out += 1
            return False
        return True

    def _lines(self) -> Iterator[str]:
        for name, family in sorted(self._families.items()):
            yield family.head()
            for values, number in self._counts.get(name, {}).items():
                yield family.line(values, number)
            for values, histogram in self._histograms.get(name, {}).items():
                yield from _buckets(family, values, histogram)
        for gauges in self._asked:
            for family, lines in gauges():
                yield family.head()
                yield from lines
        left_out = Family(_LEFT_OUT, "counter", "Samples of series beyond those that a metric may have.")
        yield left_out.head() + left_out.line((), self._left_out)


def _buckets(family: Family, values: Labels, histogram: _Histogram) -> Iterator[str]:
    count = 0
    for bound, number in zip((*family.bounds, float("inf")), histogram.counts, strict=True):
        count += number
        le = "+Inf" if bound == float("inf") else _number(bound)
        yield family.line(values, count, "_bucket", f'le="{le}"')
    if family.labels:
        yield family.line(values, histogram.total, "_sum")
        yield family.line(values, count, "_count")
    else:
        yield f"{family.name}_sum {_number(histogram.total)}\n{family.name}_count {count}\n"


def escaped(value: str) -> str:
    """A label's value, whatever is in it."""
    text = value if len(value) <= LONGEST_LABEL else value[: LONGEST_LABEL - 1] + "…"
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(number: float) -> str:
    return str(int(number)) if number == int(number) and abs(number) < 1e15 else repr(float(number))


def series(family: Family, rows: Iterable[tuple[Sequence[str], float]]) -> Iterator[str]:
    """Lines of samples."""
    return (family.line(tuple(values), number) for values, number in rows)
