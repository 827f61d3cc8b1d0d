"""What a structural schema does not name goes (``pkg/apiserver/schema/pruning`` and ``defaulting/prunenulls.go``)."""

from typing import Any

from pocketkube.cluster.custom.schema import METADATA_FIELDS, SchemaNode


def prune(obj: Any, node: SchemaNode | None, *, root: bool) -> list[str]:
    """Removes unknown fields in place.

    Args:
        root: ``obj`` is a whole resource, whose ``apiVersion``, ``kind`` and ``metadata`` need no schema.

    Returns:
        The paths of what went, such as ``spec.items[0].colour``, sorted.
    """
    gone: list[str] = []
    _prune(obj, node, "", root or (node is not None and node.embedded), gone)
    gone.sort()
    return gone


def prune_nulls(obj: Any, node: SchemaNode | None) -> None:
    """Removes null from fields that are neither nullable nor have a default, in place."""
    if node is None:
        return
    if isinstance(obj, dict):
        gone = []
        for key, value in obj.items():
            child = node.child(key)
            if child is None:
                continue
            if value is None:
                if not child.nullable and child.default is None:
                    gone.append(key)
            elif isinstance(value, dict | list):
                prune_nulls(value, child)
        for key in gone:
            del obj[key]
    elif isinstance(obj, list) and node.items is not None:
        for item in obj:
            if isinstance(item, dict | list):
                prune_nulls(item, node.items)


def _prune(value: Any, node: SchemaNode | None, path: str, resource: bool, gone: list[str]) -> None:
    if node is None:
        _prune_all(value, path, gone)
    elif isinstance(value, dict):
        _prune_map(value, node, path, resource, gone)
    elif isinstance(value, list) and not (node.preserve and node.items is None):
        for index, item in enumerate(value):
            if node.preserve:
                _prune_preserved(item, node.items, f"{path}[{index}]", gone)
            elif isinstance(item, dict | list):
                _prune(item, node.items, f"{path}[{index}]", node.items is not None and node.items.embedded, gone)


def _prune_map(value: dict[str, Any], node: SchemaNode, path: str, resource: bool, gone: list[str]) -> None:
    properties = node.properties or {}
    unknown = []
    for key, member in value.items():
        if resource and key in METADATA_FIELDS:
            continue
        child = properties.get(key)
        if child is None:
            if not node.is_open:
                if not node.preserve:
                    unknown.append(key)
                continue
            child = node.values
        if isinstance(member, dict | list):
            _prune(member, child, f"{path}.{key}" if path else key, child is not None and child.embedded, gone)
    for key in unknown:
        del value[key]
        if path or key not in METADATA_FIELDS:
            gone.append(f"{path}.{key}" if path else key)


def _prune_preserved(item: Any, node: SchemaNode | None, path: str, gone: list[str]) -> None:
    """An item of a list that keeps what it does not know: so do maps and lists right below it."""
    if node is None:
        return
    if isinstance(item, dict):
        for key, member in item.items():
            if node.embedded and key in METADATA_FIELDS:
                continue
            known = node.properties is not None and key in node.properties
            if (known or node.is_open) and isinstance(member, dict | list):
                child = node.child(key)
                _prune(member, child, f"{path}.{key}", child is not None and child.embedded, gone)
    elif isinstance(item, list):
        for index, member in enumerate(item):
            _prune_preserved(member, node.items, f"{path}[{index}]", gone)


def _prune_all(value: Any, path: str, gone: list[str]) -> None:
    """Without a schema maps lose everything, lists keep their items. No recursion: bodies decide how deep it goes."""
    places = [(value, path)]
    while places:
        place, where = places.pop()
        if isinstance(place, dict):
            gone.extend(f"{where}.{key}" if where else key for key in place)
            place.clear()
        elif isinstance(place, list):
            places.extend((item, f"{where}[{index}]") for index, item in enumerate(place))
