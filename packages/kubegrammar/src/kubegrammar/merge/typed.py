"""Values with types: validation, field sets, merge, comparison, removal (structured-merge-diff ``typed``).

A value may be absent, which is not null. Nothing is copied that does not change: results share parts with what they
were made from.
"""

from collections.abc import Sequence
from typing import Any, Final

from kubegrammar.merge.fieldset import FieldSet, field, item, keys, node, shown
from kubegrammar.merge.golang import literal, pointer_to, type_name
from kubegrammar.merge.schema import ANYTHING, Type
from kubegrammar.patch import equal

DEEPEST: Final = 500
"""Levels of nesting that are followed; the rest is refused, before the interpreter's own limit is met."""


class Absent:
    """There is no value, not even null."""


ABSENT: Final = Absent()


class TypedError(Exception):
    """Values that do not fit their types.

    Attributes:
        errors: path and message of each.
    """

    def __init__(self, errors: Sequence[tuple[str, str]]) -> None:
        lines = [f"{path}: {text}" if path else text for path, text in errors]
        super().__init__(lines[0] if len(lines) == 1 else "\n  ".join(["errors:", *lines]))
        self.errors = tuple(errors)


def kind_of(value: Any, type_: Type) -> tuple[str, Type]:
    """How a value is treated: as a map, list or scalar, and by which type. Its type decides what null is."""
    if type_.kind != "any":
        return type_.kind, type_
    if isinstance(value, dict) or value is None:
        return "map", type_.as_map or type_
    if isinstance(value, list):
        return "list", type_.as_list or type_
    return "scalar", type_


def element_of(value: Any, list_type: Type) -> str:
    """The path element of an item of a list that merges.

    Raises:
        ValueError: it has none.
    """
    if list_type.keys:
        if value is None:
            raise ValueError("associative list with keys may not have a null element")
        if not isinstance(value, dict):
            raise ValueError("associative list with keys may not have non-map elements")
        known = {}
        for key in list_type.keys:
            if key in value:
                known[key] = value[key]
            else:
                element = list_type.element
                declared = element.fields.get(key) if element is not None else None
                if declared is not None and declared.default is not None:
                    known[key] = declared.default
        if not known:
            names = " ".join(f'"{key}"' for key in list_type.keys)
            raise ValueError(
                f"associative list with keys has an element that omits all key fields [{names}]"
                " (and doesn't have default values for any key fields)"
            )
        return keys(known)
    if isinstance(value, dict):
        raise ValueError("associative list without keys has an element that's a map type")
    if isinstance(value, list):
        raise ValueError("not supported: associative list with lists as elements")
    if value is None:
        raise ValueError("associative list without keys has an element that's an explicit null")
    return item(value)


def member_type(type_: Type, name: str) -> Type:
    """The type of a map's value."""
    return type_.fields.get(name) or type_.element or ANYTHING


# Validation


def validate(value: Any, type_: Type, *, allow_duplicates: bool = False) -> None:
    """Checks that a value has its type.

    Raises:
        TypedError: it has not; the message is that of the real server.
    """
    errors: list[tuple[str, str]] = []
    _validate(value, type_, "", errors, allow_duplicates, 0)
    if errors:
        raise TypedError(errors)


def _validate(value: Any, type_: Type, path: str, errors: list[tuple[str, str]], duplicates: bool, depth: int) -> None:
    if depth > DEEPEST:
        errors.append((path, "nested too deep"))
        return
    kind, type_ = kind_of(value, type_)
    if value is None:
        return
    if kind == "map":
        if not isinstance(value, dict):
            errors.append((path, f"expected map, got {pointer_to(value)}"))
            return
        fields, others = type_.fields, type_.element
        for name, child in value.items():
            inner = fields.get(name) or others
            if inner is None:
                errors.append((f"{path}.{name}", "field not declared in schema"))
                return
            _validate(child, inner, f"{path}.{name}", errors, duplicates, depth + 1)
    elif kind == "list":
        if not isinstance(value, list):
            errors.append((path, f"expected list, got {pointer_to(value)}"))
            return
        _validate_items(value, type_, path, errors, duplicates, depth)
    elif error := _scalar_error(value, type_):
        errors.append((path, error))


def _validate_items(
    value: list[Any], type_: Type, path: str, errors: list[tuple[str, str]], duplicates: bool, depth: int
) -> None:
    inner = type_.element or ANYTHING
    seen: set[str] = set()
    for index, child in enumerate(value):
        place = f"[{index}]"
        if not type_.atomic:
            try:
                element = element_of(child, type_)
            except ValueError as error:
                errors.append((path, f"element {index}: {error}"))
                return
            place = shown(element)
            if element in seen and not duplicates:
                errors.append((path, f"duplicate entries for key {place}"))
            seen.add(element)
        _validate(child, inner, path + place, errors, duplicates, depth + 1)


def _scalar_error(value: Any, type_: Type) -> str:
    match type_.scalar:
        case "numeric":
            if isinstance(value, bool) or not isinstance(value, int | float):
                return f"expected numeric (int or float), got {type_name(value)}"
        case "string":
            if not isinstance(value, str):
                return f"expected string, got &value.valueUnstructured{{Value:{literal(value)}}}"
        case "boolean":
            if not isinstance(value, bool):
                return f"expected boolean, got {pointer_to(value)}"
        case _:
            if isinstance(value, dict | list):
                return f"expected any scalar, got {pointer_to(value)}"
    return ""


# Field sets


def field_set(value: Any, type_: Type) -> FieldSet:
    """The fields a value has: leaves, items, entries of free maps, empty maps; of structs only their fields."""
    return _field_set(value, type_)[1]


def _field_set(value: Any, type_: Type) -> tuple[bool, FieldSet]:
    kind, type_ = kind_of(value, type_)
    if kind == "scalar" or type_.atomic:
        return True, {}
    if kind == "map":
        if not isinstance(value, dict):
            return False, {}
        found: FieldSet = {}
        fields, others = type_.fields, type_.element
        for name, child in value.items():
            declared = fields.get(name)
            member, below = _field_set(child, declared or others or ANYTHING)
            if member or declared is None or child is None or child == {}:
                found["f:" + name] = node(True, below)
            elif below:
                found["f:" + name] = below
        return False, found
    return False, _items_set(value, type_) if isinstance(value, list) else {}


def _items_set(value: list[Any], type_: Type) -> FieldSet:
    found: FieldSet = {}
    inner = type_.element or ANYTHING
    for child in value:
        element = element_of(child, type_)
        found[element] = {} if element in found else node(True, _field_set(child, inner)[1])
    return found


# Merge


def merge(left: Any, right: Any, type_: Type) -> Any:
    """What the second says over what the first says; the first itself where nothing changes."""
    if right is ABSENT or left is right:
        return left
    if left is ABSENT:
        return right
    kind, exact = kind_of(right, type_)
    if kind == "map" and not exact.atomic:
        if not isinstance(right, dict) or not right:
            # Null says nothing about a map or list that has something in it.
            return left if isinstance(left, dict) and left else _settled(left, right)
        return _merge_maps(left, right, exact) if isinstance(left, dict) else right
    if kind == "list" and not exact.atomic:
        if not isinstance(right, list) or not right:
            return left if isinstance(left, list) and left else _settled(left, right)
        return _merge_lists(left, right, exact) if isinstance(left, list) else right
    return _settled(left, right)


def _settled(left: Any, right: Any) -> Any:
    return left if equal(left, right) else right


def _merge_maps(left: dict[str, Any], right: dict[str, Any], type_: Type) -> dict[str, Any]:
    merged: dict[str, Any] | None = None
    fields, others = type_.fields, type_.element
    for name, wanted in right.items():
        seen = left.get(name, ABSENT)
        result = wanted if seen is ABSENT else merge(seen, wanted, fields.get(name) or others or ANYTHING)
        if result is not seen:
            if merged is None:
                merged = dict(left)
            merged[name] = result
    return left if merged is None else merged


def _merge_lists(left: list[Any], right: list[Any], type_: Type) -> list[Any]:
    inner = type_.element or ANYTHING
    lefts = [element_of(child, type_) for child in left]
    rights = [element_of(child, type_) for child in right]
    if lefts == rights and len(set(lefts)) == len(lefts):
        items = [merge(seen, wanted, inner) for seen, wanted in zip(left, right, strict=True)]
        return left if all(new is old for new, old in zip(items, left, strict=True)) else items
    merged = _interleaved(left, right, lefts, rights, inner)
    same = len(merged) == len(left) and all(new is old for new, old in zip(merged, left, strict=True))
    return left if same else merged


def _interleaved(left: list[Any], right: list[Any], lefts: list[str], rights: list[str], inner: Type) -> list[Any]:
    """Items of both in an order that keeps the second's and, as far as that allows, the first's.

    An item that is there twice on the left counts as absent there: it is replaced.
    """
    seen: dict[str, Any] = dict(zip(lefts, left, strict=True))
    for element in lefts:
        if lefts.count(element) > 1:
            seen[element] = None
    wanted = dict(zip(rights, right, strict=True))
    shared = [element for element in rights if element in seen]
    following = shared.pop(0) if shared else None
    merged: list[Any] = []
    done: set[str] = set()
    i = j = 0

    def take(element: str) -> None:
        merged.append(merge(seen.get(element, ABSENT), wanted.get(element, ABSENT), inner))

    while i < len(lefts) or j < len(rights):
        if i < len(lefts) and j < len(rights):
            element = lefts[i]
            if element == rights[j]:
                done.add(element)
                take(element)
                i, j = i + 1, j + 1
                following = shared.pop(0) if shared else None
                continue
            if element in wanted and following is not None and following != element:
                i += 1
                continue
        if i < len(lefts):
            element = lefts[i]
            if element not in wanted:
                merged.append(left[i])
                i += 1
                continue
            if element in done:
                i += 1
        if j < len(rights):
            element = rights[j]
            done.add(element)
            take(element)
            j += 1
            if following == element:
                following = shared.pop(0) if shared else None
    return merged


# Comparison


def by_element(items: list[Any], type_: Type) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for child in items:
        found.setdefault(element_of(child, type_), []).append(child)
    return found


# Removal


def remove(value: Any, fields: FieldSet, type_: Type) -> Any:
    """The value without some fields; null where nothing is left of a map or list."""
    if not fields:
        return value
    kind, type_ = kind_of(value, type_)
    if kind == "map":
        return _remove_members(value, fields, type_)
    if kind == "list":
        return _remove_items(value, fields, type_)
    return value


def _remove_members(value: Any, fields: FieldSet, type_: Type) -> Any:
    if not isinstance(value, dict) or not value or type_.atomic:
        return None
    kept: dict[str, Any] = {}
    for name, child in value.items():
        below = fields.get(field(name))
        if below is None:
            kept[name] = child
        elif below and "." not in below:
            kept[name] = remove(child, below, member_type(type_, name))
    return kept or None


def _remove_items(value: Any, fields: FieldSet, type_: Type) -> Any:
    if not isinstance(value, list) or not value or type_.atomic:
        return None
    inner = type_.element or ANYTHING
    kept: list[Any] = []
    for child in value:
        below = fields.get(element_of(child, type_))
        if below is None:
            kept.append(child)
        elif below and "." not in below:
            kept.append(remove(child, below, inner))
    return kept or None
