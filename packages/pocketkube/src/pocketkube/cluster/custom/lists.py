"""Lists of type ``set`` and ``map`` have no duplicates (``pkg/apiserver/schema/listtype``); looking up by key."""

import json
from collections.abc import Iterable, Sequence
from typing import Any

from pocketkube.cluster.custom import problems
from pocketkube.cluster.custom.schema import SchemaNode
from pocketkube.cluster.failure import FieldCause


def duplicates(obj: Any, node: SchemaNode | None, path: str = "") -> list[FieldCause]:
    """The items of sets and maps that were there before."""
    if node is None or not node.has_lists:
        return []
    causes: list[FieldCause] = []
    if isinstance(obj, dict):
        for key, value in obj.items():
            if node.properties and key in node.properties:
                causes += duplicates(value, node.properties[key], f"{path}.{key}" if path else key)
            elif node.values is not None:
                causes += duplicates(value, node.values, f"{path}[{key}]")
    elif isinstance(obj, list):
        if node.list_type == "set":
            causes += _repeated(obj, obj, path)
        elif node.list_type == "map":
            causes += _of_map(obj, node.list_keys, path)
        for index, item in enumerate(obj):
            causes += duplicates(item, node.items, f"{path}[{index}]")
    return causes


def _of_map(items: list[Any], keys: Sequence[str], path: str) -> list[FieldCause]:
    for index, item in enumerate(items):
        if item is not None and not isinstance(item, dict):
            return [problems.invalid(f"{path}[{index}]", item, "must be an object for an array of list-type map")]
    found = [{key: item[key] for key in keys if key in item} if item else {} for item in items]
    return _repeated(found, found, path)


def _repeated(values: Iterable[Any], shown: Sequence[Any], path: str) -> list[FieldCause]:
    """One cause for each value that is there twice or more, at its second place."""
    seen: dict[tuple[type, Any], int] = {}
    causes = []
    for index, value in enumerate(values):
        key = (type(value), identity(value))
        seen[key] = seen.get(key, 0) + 1
        if seen[key] == 2:
            causes.append(problems.duplicate(f"{path}[{index}]", shown[index]))
    return causes


def identity(value: Any) -> Any:
    """Something hashable that equal values have in common."""
    return json.dumps(value, sort_keys=True) if isinstance(value, dict | list) else value


def keyed(items: Any, node: SchemaNode) -> dict[Any, Any]:
    """The items of a list of type ``map`` by their keys; {} for other lists. The first of equal ones stays."""
    if node.list_type != "map" or not node.list_keys or not isinstance(items, list):
        return {}
    found: dict[Any, Any] = {}
    for item in items:
        key = key_of(item, node)
        if key is not None:
            found.setdefault(key, item)
    return found


def key_of(item: Any, node: SchemaNode) -> Any:
    """The keys of an item, None where one is missing or no scalar."""
    if not isinstance(item, dict):
        return None
    values = tuple(item.get(key) for key in node.list_keys)
    return None if any(value is None or isinstance(value, dict | list) for value in values) else values
