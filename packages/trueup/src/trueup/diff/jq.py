"""Fields that jq names: its paths come in as facts (:mod:`trueup.workers.jq`), and are taken out here.

Argo CD runs ``del(<expression>)``. What that takes out is what ``path(<expression>)`` names, so an expression is asked
for its paths alone and never makes a document that we would have to believe.
"""

from typing import Any

import msgspec

Path = tuple[Any, ...]
"""Steps from the top of a document: a text for a field, a number for an item, ``{start, end}`` for a slice."""


class JqFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the jq expressions of an object's rules name, in each document of the object.

    Attributes:
        live: in the object as it is.
        answer: in what a dry run returned.
        declared: in what Git declares.
        faults: expressions that could not be evaluated, each with its place and the reason. Nothing is known about
            the object then: what differs may be what was to be ignored.
    """

    live: tuple[Path, ...] = ()
    answer: tuple[Path, ...] = ()
    declared: tuple[Path, ...] = ()
    faults: tuple[str, ...] = ()


def without_paths(document: Any, paths: tuple[Path, ...]) -> Any:
    """A copy without the values at these paths, nor the containers that they leave empty; None for the whole.

    A path that leads nowhere takes nothing out.
    """
    places = {tuple(place) for path in paths for place in _places(document, path)}
    # What lies in something that is taken out goes with it. From the end: an item moves only those behind it.
    outermost = {place for place in places if not any(place[:length] in places for length in range(len(place)))}
    for place in sorted(outermost, key=lambda place: [(isinstance(step, str), step) for step in place], reverse=True):
        document = _without(document, place)
    return document


def _places(document: Any, path: Path) -> list[list[str | int]]:
    """A path as fields and counted items that are there: slices spelled out, negative numbers counted from the end."""
    found: list[tuple[list[str | int], Any]] = [([], document)]
    for step in path:
        found = [([*place, here], inner) for place, value in found for here, inner in _steps(value, step)]
    return [place for place, _ in found]


def _steps(value: Any, step: Any) -> list[tuple[str | int, Any]]:
    if isinstance(value, dict) and isinstance(step, str) and step in value:
        return [(step, value[step])]
    if not isinstance(value, list) or isinstance(step, bool):
        return []
    if isinstance(step, int):
        index = step + len(value) if step < 0 else step
        return [(index, value[index])] if 0 <= index < len(value) else []
    if isinstance(step, dict):
        bounds = [edge if isinstance(edge, int) else None for edge in (step.get("start"), step.get("end"))]
        return [(index, value[index]) for index in range(*slice(*bounds).indices(len(value)))]
    return []


def _without(document: Any, place: tuple[str | int, ...]) -> Any:
    if not place:
        return None
    step, rest = place[0], place[1:]
    inner = document[step]
    left = _without(inner, rest) if rest else None
    emptied = not rest or left in ({}, [])
    if isinstance(document, dict):
        if emptied:
            return {name: value for name, value in document.items() if name != step}
        return {**document, step: left}
    assert isinstance(step, int)
    return [*document[:step], *([] if emptied else [left]), *document[step + 1 :]]
