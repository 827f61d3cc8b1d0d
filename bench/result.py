"""What a measurement says."""

import statistics
from collections.abc import Sequence

import msgspec


class Result(msgspec.Struct, frozen=True):
    """One figure.

    Attributes:
        floor: the same figure of a bare loop doing the same writes in the same run; None where there is none.
        ratio: value to floor.
    """

    name: str
    value: float
    unit: str
    floor: float | None = None
    ratio: float | None = None


def result(name: str, value: float, unit: str, floor: float | None = None) -> Result:
    ratio = round(value / floor, 2) if floor else None
    return Result(name, round(value, 3), unit, round(floor, 3) if floor else None, ratio)


def median(samples: Sequence[float]) -> float:
    return statistics.median(samples)


def percentile(samples: Sequence[float], share: float) -> float:
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def write_table(results: Sequence[Result]) -> None:
    """One line a figure."""
    width = max(len(r.name) for r in results)
    print(f"{'':<{width}}  {'value':>10}  {'floor':>10}  {'ratio':>6}  unit")
    for r in results:
        floor = f"{r.floor:.1f}" if r.floor is not None else "-"
        ratio = f"{r.ratio:.2f}" if r.ratio is not None else "-"
        print(f"{r.name:<{width}}  {r.value:>10.1f}  {floor:>10}  {ratio:>6}  {r.unit}")
