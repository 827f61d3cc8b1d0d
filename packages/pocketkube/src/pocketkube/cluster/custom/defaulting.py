"""Defaults of a structural schema (``pkg/apiserver/schema/defaulting/algorithm.go``)."""

from copy import deepcopy
from typing import Any

from pocketkube.cluster.custom.schema import SchemaNode


def fill_defaults(obj: Any, node: SchemaNode | None) -> None:
    """Fills in, in place, what is absent, and what is null where null is not allowed.

    Whole numbers that came as ``1.0`` become ``1``, as Go writes them.
    """
    if node is None or not (node.has_defaults or node.has_numbers):
        return
    if isinstance(obj, dict):
        _fill_map(obj, node)
    elif isinstance(obj, list) and node.items is not None:
        for index, item in enumerate(obj):
            if item is None and not node.items.nullable:
                obj[index] = item = deepcopy(node.items.default)
            elif isinstance(item, float):
                obj[index] = _whole(item)
            fill_defaults(item, node.items)


def _fill_map(obj: dict[str, Any], node: SchemaNode) -> None:
    properties = node.properties or {}
    for name, member in properties.items():
        if member.default is not None and (name not in obj or (obj[name] is None and not member.nullable)):
            obj[name] = deepcopy(member.default)
    for key, value in obj.items():
        child = properties.get(key)
        if child is None:
            child = node.values
            if child is None:
                continue
            if value is None and not child.nullable:
                obj[key] = value = deepcopy(child.default)
        if isinstance(value, dict | list):
            fill_defaults(value, child)
        elif isinstance(value, float):
            obj[key] = _whole(value)


def _whole(value: float) -> float | int:
    return int(value) if abs(value) < 1e21 and value == int(value) else value
