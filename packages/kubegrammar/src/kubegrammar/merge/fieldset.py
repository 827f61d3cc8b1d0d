"""Sets of field paths in the form of FieldsV1 (structured-merge-diff ``fieldpath``).

A set is a dict of elements: ``f:<field>``, ``k:<keys>`` and ``v:<value>``, each with a node. An empty node is the path
itself; a node with elements is those below it, and ``.`` in it is the path itself as well. Sets are never changed.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import msgspec

from kubegrammar.merge.schema import Type

FieldSet = dict[str, Any]

SELF: Final = "."
NOTHING: Final[FieldSet] = {}
_ENCODE: Final = msgspec.json.Encoder(order="sorted").encode
_KINDS: Final = {"f": 0, "k": 1, "v": 2, "i": 3}


def field(name: str) -> str:
    """The element of a field."""
    return f"f:{name}"


def keys(fields: Mapping[str, Any]) -> str:
    """The element of an item known by its keys."""
    return f"k:{_json(fields)}"


def item(value: Any) -> str:
    """The element of an item of a set."""
    return f"v:{_json(value)}"


def _json(value: Any) -> str:
    """As Go writes JSON: the three characters that HTML knows are escaped."""
    text = _ENCODE(value).decode()
    if "<" in text or ">" in text or "&" in text:
        text = text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
    return text


def node(member: bool, below: FieldSet) -> FieldSet:
    """A node from whether the path itself is in the set, and what is below it."""
    if member and below:
        return {SELF: {}, **below}
    return below


def is_member(found: FieldSet) -> bool:
    """Whether the path of a node is itself in the set."""
    return not found or SELF in found


def union(left: FieldSet, right: FieldSet) -> FieldSet:
    """What is in either."""
    if not left or left is right:
        return right
    if not right:
        return left
    both = dict(left)
    for element, found in right.items():
        other = both.get(element)
        both[element] = found if other is None else _union(other, found)
    return both


def _union(left: FieldSet, right: FieldSet) -> FieldSet:
    if left == right:
        return left
    below = union(_below(left), _below(right))
    return node(is_member(left) or is_member(right), below)


def difference(left: FieldSet, right: FieldSet) -> FieldSet:
    """What is in the first only; a path in the second does not take what is below it along."""
    if not right:
        return left
    kept: FieldSet = {}
    for element, found in left.items():
        other = right.get(element)
        if other is None:
            kept[element] = found
            continue
        member = is_member(found) and not is_member(other)
        below = difference(_below(found), _below(other))
        if member or below:
            kept[element] = node(member, below)
    return kept


def intersection(left: FieldSet, right: FieldSet) -> FieldSet:
    """What is in both."""
    kept: FieldSet = {}
    for element, found in left.items():
        other = right.get(element)
        if other is None:
            continue
        member = is_member(found) and is_member(other)
        below = intersection(_below(found), _below(other))
        if member or below:
            kept[element] = node(member, below)
    return kept


def exclude(fields: FieldSet, paths: Iterable[tuple[str, ...]]) -> FieldSet:
    """Without some paths and all that is below them."""
    for path in paths:
        fields = _exclude(fields, path)
    return fields


def _exclude(fields: FieldSet, path: tuple[str, ...]) -> FieldSet:
    element = field(path[0])
    found = fields.get(element)
    if found is None:
        return fields
    kept = dict(fields)
    if len(path) > 1:
        below = _exclude(_below(found), path[1:])
        if below or is_member(found):
            kept[element] = node(is_member(found), below)
            return kept
    del kept[element]
    return kept


def with_named_fields(fields: FieldSet, type_: Type | None) -> FieldSet:
    """With every field of a struct in it that something is below of (``EnsureNamedFieldsAreMembers``)."""
    if not fields or type_ is None:
        return fields
    as_map = _as_map(type_)
    as_list = type_ if type_.kind == "list" else type_.as_list
    named: FieldSet = {}
    for element, found in fields.items():
        below = _below(found)
        if not below:
            named[element] = found
            continue
        inner: Type | None = None
        member = is_member(found)
        if element[0] == "f":
            if as_map is not None:
                inner = as_map.fields.get(element[2:])
                member = member or inner is not None
                inner = inner or as_map.element
        elif element[0] == "k" and as_list is not None:
            inner = as_list.element
        named[element] = node(member, with_named_fields(below, inner))
    return named


def _as_map(type_: Type) -> Type | None:
    return type_ if type_.kind == "map" else type_.as_map


def _below(found: FieldSet) -> FieldSet:
    if SELF not in found:
        return found
    return {element: child for element, child in found.items() if element != SELF}


def paths(fields: FieldSet, prefix: str = "") -> Iterator[str]:
    """Every path as messages show it, ``.spec.ports[port=80,protocol="TCP"].name``: those of a level come first."""
    ordered = sorted(fields, key=lambda element: (_KINDS.get(element[0], 9), element))
    for element in ordered:
        if element != SELF and is_member(fields[element]):
            yield prefix + shown(element)
    for element in ordered:
        if element != SELF and fields[element]:
            yield from paths(_below(fields[element]), prefix + shown(element))


def shown(element: str) -> str:
    """An element as messages show it."""
    kind, text = element[0], element[2:]
    if kind == "f":
        return f".{text}"
    if kind == "i":
        return f"[{text}]"
    value = msgspec.json.decode(text)
    if kind == "v":
        return f"[={_text(value)}]"
    return "[" + ",".join(f"{name}={_text(part)}" for name, part in value.items()) + "]"


def _text(value: Any) -> str:
    return _ENCODE(value).decode()


def checked(fields: Any) -> FieldSet:
    """FieldsV1 as a client sent them, elements in their one form.

    Raises:
        ValueError: an element has none of the known forms.
    """
    if not isinstance(fields, dict):
        raise ValueError("not an object")
    found: FieldSet = {}
    for element, inner in fields.items():
        if element == SELF:
            found[SELF] = {}
            continue
        if len(element) < 2 or element[1] != ":" or element[0] not in _KINDS:
            raise ValueError(f"unknown path element {element}")
        known = element
        if element[0] in "kv":
            value = msgspec.json.decode(element[2:])
            known = keys(value) if element[0] == "k" and isinstance(value, dict) else item(value)
        found[known] = checked(inner)
    return found
