"""What differs between two values with types."""

from typing import Any, Final

import msgspec

from kubegrammar.merge.fieldset import FieldSet, field, node
from kubegrammar.merge.schema import ANYTHING, Type
from kubegrammar.merge.typed import ABSENT, by_element, element_of, kind_of, member_type
from kubegrammar.patch import equal


class FieldComparison(msgspec.Struct, frozen=True):
    """What differs between two values."""

    removed: FieldSet
    modified: FieldSet
    added: FieldSet


_Three = tuple[FieldSet | None, FieldSet | None, FieldSet | None]


_SAME: Final[_Three] = (None, None, None)


_MODIFIED: Final[_Three] = (None, {}, None)


def compare(left: Any, right: Any, type_: Type) -> FieldComparison:
    """What was removed, modified and added on the way from the first to the second; both may be empty objects."""
    removed, modified, added = _compare(left, right, type_)
    return FieldComparison(removed or {}, modified or {}, added or {})


def _compare(left: Any, right: Any, type_: Type) -> _Three:
    if left is right:
        return _SAME
    if left is ABSENT:
        return None, None, _whole(right, type_)
    if right is ABSENT:
        return _whole(left, type_), None, None
    kind, exact = kind_of(right, type_)
    if type_.kind == "any" and left is not None and right is not None:
        other, other_type = kind_of(left, type_)
        if other != kind:
            first = _compare_as(other, left, right, other_type)
            return _joined(first, _compare_as(kind, left, right, exact))
    elif type_.kind == "any" and right is None:
        kind, exact = kind_of(left, type_)
    return _compare_as(kind, left, right, exact)


def _compare_as(kind: str, left: Any, right: Any, type_: Type) -> _Three:
    if kind == "map" and not type_.atomic:
        lefts = left if isinstance(left, dict) else {}
        rights = right if isinstance(right, dict) else {}
        if lefts or rights:
            return _compare_maps(lefts, rights, type_)
    elif kind == "list" and not type_.atomic:
        left_items = left if isinstance(left, list) else []
        right_items = right if isinstance(right, list) else []
        if left_items or right_items:
            return _compare_lists(left_items, right_items, type_)
    return _SAME if equal(left, right) else _MODIFIED


def _compare_maps(left: dict[str, Any], right: dict[str, Any], type_: Type) -> _Three:
    found: tuple[FieldSet, FieldSet, FieldSet] = ({}, {}, {})
    for name, seen in left.items():
        other = right.get(name, ABSENT)
        if other is not seen:
            _add(found, "f:" + name, _compare(seen, other, member_type(type_, name)))
    for name, other in right.items():
        if name not in left:
            _add(found, "f:" + name, (None, None, _whole(other, member_type(type_, name))))
    return _three(found)


def _compare_lists(left: list[Any], right: list[Any], type_: Type) -> _Three:
    inner = type_.element or ANYTHING
    lefts, rights = by_element(left, type_), by_element(right, type_)
    found: tuple[FieldSet, FieldSet, FieldSet] = ({}, {}, {})
    for element in [*lefts, *(element for element in rights if element not in lefts)]:
        seen, other = lefts.get(element, []), rights.get(element, [])
        if len(seen) <= 1 and len(other) <= 1:
            pair = _compare(seen[0] if seen else ABSENT, other[0] if other else ABSENT, inner)
        elif len(seen) >= 2 and len(other) >= 2:
            pair = _SAME if equal(seen, other) else _MODIFIED
        elif len(seen) >= 2:
            pair = ({}, None, _whole(other[0], inner) if other else None)
        else:
            pair = (_whole(seen[0], inner) if seen else None, None, {})
        _add(found, element, pair)
    return _three(found)


def _add(found: tuple[FieldSet, FieldSet, FieldSet], element: str, three: _Three) -> None:
    for fields, inner in zip(found, three, strict=True):
        if inner is not None:
            fields[element] = inner


def _three(found: tuple[FieldSet, FieldSet, FieldSet]) -> _Three:
    return found[0] or None, found[1] or None, found[2] or None


def _joined(first: _Three, second: _Three) -> _Three:
    parts = [
        ({**(one or {}), **(two or {})} if one is not None or two is not None else None)
        for one, two in zip(first, second, strict=True)
    ]
    return parts[0], parts[1], parts[2]


def _whole(value: Any, type_: Type) -> FieldSet:
    """The node of something that came or went: itself and all that is below."""
    kind, type_ = kind_of(value, type_)
    if type_.atomic or not value:
        return {}
    if kind == "map" and isinstance(value, dict):
        below = {field(name): _whole(child, member_type(type_, name)) for name, child in value.items()}
        return node(True, below)
    if kind == "list" and isinstance(value, list):
        inner = type_.element or ANYTHING
        items: FieldSet = {}
        for child in value:
            element = element_of(child, type_)
            items[element] = {} if element in items else _whole(child, inner)
        return node(True, items)
    return {}
