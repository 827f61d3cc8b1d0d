"""What stands in a cell: functions of an object and the time, and makers of the frequent ones."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from pocketkube.cluster.resource import Object
from pocketkube.cluster.tables.durations import UNKNOWN, age

Cell = Callable[[Object, datetime], Any]
NONE = "<none>"
UNSET = "<unset>"


def dig(obj: Any, *path: str) -> Any:
    """The value at a path; None where there is none."""
    for key in path:
        if not isinstance(obj, dict):
            return None
        obj = obj.get(key)
    return obj


def items(obj: Any, *path: str) -> list[Any]:
    """The list at a path; empty where there is none."""
    found = dig(obj, *path)
    return found if isinstance(found, list) else []


def members(obj: Any, *path: str) -> dict[str, Any]:
    """The map at a path; empty where there is none."""
    found = dig(obj, *path)
    return found if isinstance(found, dict) else {}


def text(obj: Any, *path: str) -> str:
    """The string at a path; empty where there is none."""
    found = dig(obj, *path)
    return found if isinstance(found, str) else ""


def number(obj: Any, *path: str) -> int:
    """The integer at a path; 0 where there is none."""
    found = dig(obj, *path)
    return found if isinstance(found, int) else 0


def at(path: str, default: Any = "") -> Cell:
    """The value at a dotted path; the default where it is null, missing or empty."""
    keys = tuple(path.split("."))

    def cell(obj: Object, now: datetime) -> Any:
        found = dig(obj, *keys)
        return default if found is None or found == "" else found

    return cell


def count_at(path: str) -> Cell:
    """The integer at a dotted path, 0 where there is none."""
    return at(path, 0)


def size_of(*paths: str) -> Cell:
    """How many entries the lists or maps at dotted paths have together."""
    keys = [tuple(path.split(".")) for path in paths]
    return lambda obj, now: sum(len(dig(obj, *path) or ()) for path in keys)


def age_at(path: str, default: str = UNKNOWN) -> Cell:
    """How long ago the timestamp at a dotted path was."""
    keys = tuple(path.split("."))

    def cell(obj: Object, now: datetime) -> str:
        found = dig(obj, *keys)
        return default if found is None else age(found, now)

    return cell


def joined_at(path: str, default: str = "") -> Cell:
    """The strings of a list, with commas between."""
    keys = tuple(path.split("."))
    return lambda obj, now: ",".join(map(str, items(obj, *keys))) or default


def labels_at(path: str) -> Cell:
    """A map as ``a=1,b=2``."""
    keys = tuple(path.split("."))
    return lambda obj, now: format_labels(members(obj, *keys))


def selector_at(path: str, empty: str = NONE) -> Cell:
    """A label selector as it is written on a command line."""
    keys = tuple(path.split("."))

    def cell(obj: Object, now: datetime) -> str:
        found = format_selector(members(obj, *keys))
        return "<error>" if found is None else found or empty

    return cell


def names_at(path: str) -> Cell:
    """Names of the containers in the list at a dotted path."""
    return _each(path, "name")


def images_at(path: str) -> Cell:
    """Images of the containers in the list at a dotted path."""
    return _each(path, "image")


def _each(path: str, key: str) -> Cell:
    keys = tuple(path.split("."))
    return lambda obj, now: ",".join(text(container, key) for container in items(obj, *keys))


def format_labels(labels: Mapping[str, Any]) -> str:
    """``a=1,b=2``, sorted; ``<none>`` for none (apimachinery ``labels.FormatLabels``)."""
    return ",".join(sorted(f"{key}={value}" for key, value in labels.items())) or NONE


def format_selector(selector: Mapping[str, Any]) -> str | None:
    """``app=web,tier in (a,b),!x``; None where an expression is not valid (``metav1.LabelSelectorAsSelector``)."""
    parts = [(key, f"{key}={value}") for key, value in members(selector, "matchLabels").items()]
    for expression in items(selector, "matchExpressions"):
        key, operator, values = text(expression, "key"), text(expression, "operator"), items(expression, "values")
        match operator:
            case "Exists" | "DoesNotExist" if not values:
                parts.append((key, key if operator == "Exists" else f"!{key}"))
            case "In" | "NotIn" if values:
                listed = ",".join(sorted(map(str, values)))
                parts.append((key, f"{key} {operator.lower()} ({listed})"))
            case _:
                return None
    return ",".join(part for _, part in sorted(parts, key=lambda part: part[0]))


def shortened(found: Sequence[str], most: int, separator: str = ",", total: int | None = None) -> str:
    """The first of a list, and how many more there are."""
    more = (len(found) if total is None else total) - most
    listed = separator.join(found[:most])
    return f"{listed} + {more} more..." if more > 0 else listed


def condition_of(obj: Object, kind: str) -> dict[str, Any]:
    """The entry of ``status.conditions`` of a type; empty where there is none."""
    for condition in items(obj, "status", "conditions"):
        if dig(condition, "type") == kind:
            return members(condition)
    return {}
