"""Strategic merge patch (apimachinery ``util/strategicpatch``): lists merge by the keys that the schema names."""

from collections.abc import Hashable
from copy import deepcopy
from typing import Any, Final

from kubegrammar.merge.golang import text, type_name
from kubegrammar.merge.schema import ANYTHING, Type
from kubegrammar.merge.typed import DEEPEST, kind_of, member_type

Object = dict[str, Any]

_DIRECTIVE: Final = "$patch"
_RETAIN: Final = "$retainKeys"
_ORDER: Final = "$setElementOrder"
_DELETE_ITEMS: Final = "$deleteFromPrimitiveList"
_BAD_ORDER: Final = "invalid patch format of setElementOrder list"
_BAD_RETAIN: Final = "invalid patch format of retainKeys"
_BAD_DELETION: Final = "invalid patch format of primitive list"


class PatchError(Exception):
    """A patch that cannot be applied, in the real server's words."""


def strategic_merge(original: Object, patch: Object, type_: Type) -> Object:
    """The patched object; neither argument is changed.

    Raises:
        PatchError: a directive is malformed or unknown, an item has no merge key, types do not fit.
    """
    try:
        return _merge_map(deepcopy(original), deepcopy(patch), type_, 0)
    except RecursionError:
        raise PatchError("the patch is nested too deep") from None


def _merge_map(original: Object, patch: Object, type_: Type, depth: int) -> Object:
    if depth > DEEPEST:
        raise PatchError("the patch is nested too deep")
    if _DIRECTIVE in patch:
        return _directed(patch)
    _retain_keys(original, patch)
    for name in [name for name in patch if name.startswith(_ORDER)]:
        _merge_ordered(original, patch, name, type_, depth)
    for name, value in patch.items():
        deletes = name.startswith(_DELETE_ITEMS)
        _merge_member(
            original,
            _named(name, _DELETE_ITEMS, _BAD_DELETION) if deletes else name,
            value,
            type_,
            depth,
            deletes=deletes,
        )
    return original


def _merge_member(original: Object, name: str, value: Any, type_: Type, depth: int, *, deletes: bool) -> None:
    if value is None:
        original.pop(name, None)
        return
    seen = original.get(name)
    if name not in original or type(seen) is not type(value):
        if not deletes:
            _set(original, name, _without_nulls(value))
        return
    inner = member_type(type_, name)
    _, exact = kind_of(value, inner)
    strategy = _strategy(inner)
    if isinstance(value, dict):
        original[name] = value if strategy == "replace" else _merge_map(original[name], value, exact, depth + 1)
    elif isinstance(value, list):
        if strategy == "merge" or deletes:
            original[name] = _merge_list(original[name], value, inner, depth, deletes=deletes)
        else:
            original[name] = value
    else:
        original[name] = value


def _directed(patch: Object) -> Object:
    directive = patch[_DIRECTIVE]
    if directive == "replace":
        return {name: value for name, value in patch.items() if name != _DIRECTIVE}
    if directive == "delete":
        return {}
    raise PatchError(f"unknown patch type: {text(directive)} in map: {text(patch)}")


def _retain_keys(original: Object, patch: Object) -> None:
    """Drops what the patch does not list."""
    if _RETAIN not in patch:
        return
    listed = patch.pop(_RETAIN)
    if not isinstance(listed, list):
        raise PatchError(_BAD_RETAIN)
    names = {name for name in listed if isinstance(name, str)}
    for name, value in patch.items():
        if value is not None and not name.startswith((_DELETE_ITEMS, _ORDER)) and name not in names:
            raise PatchError(_BAD_RETAIN)
    for name in [name for name in original if name not in names]:
        del original[name]


def _named(key: str, prefix: str, refusal: str) -> str:
    """The field a directive is about: ``$setElementOrder/ports``."""
    head, slash, name = key.partition("/")
    if not slash or head != prefix:
        raise PatchError(refusal)
    return name


def _merge_ordered(original: Object, patch: Object, key: str, type_: Type, depth: int) -> None:
    """Merges a list whose order the patch gives beside it."""
    order = patch.pop(key)
    if not isinstance(order, list):
        raise _wrong_type([], order)
    name = _named(key, _ORDER, _BAD_ORDER)
    seen, wanted = original.get(name), patch.get(name)
    for value, there in ((seen, name in original), (wanted, name in patch)):
        if there and not isinstance(value, list):
            raise _wrong_type([], value)
    inner = member_type(type_, name)
    merge_key = inner.patch_merge_key
    if isinstance(wanted, list):
        _check_order(wanted, order, merge_key)
    if isinstance(seen, list):
        merged = list(seen) if wanted is None else _merged_list(seen, wanted, inner, depth)
    elif isinstance(wanted, list):
        merged = _without_directives(wanted)
    else:
        return
    _same_types(seen, wanted)
    original[name] = _placed(merged, order, seen or [], merge_key)
    patch.pop(name, None)


def _merged_list(seen: list[Any], wanted: list[Any], inner: Type, depth: int) -> list[Any]:
    if _strategy(inner) == "merge":
        return _merge_list(seen, wanted, inner, depth, deletes=False)
    return wanted


def _check_order(wanted: list[Any], order: list[Any], key: str) -> None:
    """Items of the patch must be in the order it gives."""
    if not order or not wanted:
        return
    items = [item for item in wanted if not (isinstance(item, dict) and _DIRECTIVE in item)]
    position = 0
    for listed in order:
        if position < len(items) and _key(items[position], key) == _key(listed, key):
            position += 1
    if position < len(items):
        shown = f"{text(wanted)}\n doesn't match {_ORDER} list:\n{text(order)}\n"
        raise PatchError(f"The order in patch list:\n{shown}")


def _merge_list(original: list[Any], patch: list[Any], type_: Type, depth: int, *, deletes: bool) -> list[Any]:
    if not original and not patch:
        return original
    if not _same_types(original, patch):
        if deletes:
            gone = {_key(item, "") for item in patch}
            return [item for item in original if _key(item, "") not in gone]
        merged = list({_key(item, ""): item for item in [*original, *patch]}.values())
        return _placed(merged, patch, original, "")
    key = type_.patch_merge_key
    if not key:
        raise PatchError("cannot merge lists without merge key for ")
    original, patch = _with_directives(original, patch, key)
    merged = list(original)
    places = {_key(item, key): index for index, item in reversed(list(enumerate(merged)))}
    element = type_.element or ANYTHING
    for item in patch:
        identity = _key(item, key)
        if identity in places:
            index = places[identity]
            merged[index] = _merge_map(merged[index], item, kind_of(item, element)[1], depth + 1)
        else:
            places[identity] = len(merged)
            merged.append(item)
    return _placed(merged, patch, original, key)


def _with_directives(original: list[Any], patch: list[Any], key: str) -> tuple[list[Any], list[Any]]:
    """Obeys what items of the patch say: delete this one, replace all."""
    plain: list[Any] = []
    replace = False
    for item in patch:
        match item.get(_DIRECTIVE):
            case None if _DIRECTIVE not in item:
                plain.append(item)
            case "delete":
                gone = _key(item, key)
                original = [one for one in original if not (key in one and _key(one, key) == gone)]
            case "replace":
                replace = True
            case "merge":
                raise PatchError("merging lists cannot yet be specified in the patch")
            case other:
                raise PatchError(f"unknown patch type: {text(other)} in map: {text(item)}")
    return (plain, []) if replace else (original, plain)


def _placed(merged: list[Any], order: list[Any], server_order: list[Any], key: str) -> list[Any]:
    """Items of the patch in the order of the patch, the others among them where the server had them."""
    wanted, stored = _places(order, key), _places(server_order, key)
    ours = sorted((item for item in merged if _key(item, key) in wanted), key=lambda one: wanted[_key(one, key)])
    others = [item for item in merged if _key(item, key) not in wanted]
    others.sort(key=lambda one: stored.get(_key(one, key), -1))
    placed: list[Any] = []
    i = j = 0
    while i < len(others) or j < len(ours):
        if i < len(others) and j < len(ours):
            left, right = stored.get(_key(others[i], key), -1), stored.get(_key(ours[j], key), -1)
            first = 0 <= left < right
        else:
            first = i < len(others)
        if first:
            placed.append(others[i])
            i += 1
        else:
            placed.append(ours[j])
            j += 1
    return placed


def _places(items: list[Any], key: str) -> dict[Hashable, int]:
    places: dict[Hashable, int] = {}
    for index, item in enumerate(items):
        places.setdefault(_key(item, key), index)
    return places


def _key(item: Any, key: str) -> Hashable:
    """What tells an item from others, as Go's ``==`` does."""
    if key:
        if not isinstance(item, dict):
            raise _wrong_type({}, item)
        if key not in item:
            raise PatchError(f"map: {text(item)} does not contain declared merge key: {key}")
        item = item[key]
    if isinstance(item, dict | list):
        raise PatchError("lists of lists are not supported" if isinstance(item, list) else _BAD_ORDER)
    return type(item).__name__, item


def _same_types(*lists: list[Any] | None) -> bool:
    """Whether the items are maps.

    Raises:
        PatchError: they are of several types, or lists.
    """
    found: type | None = None
    for items in lists:
        for item in items or ():
            if isinstance(item, list):
                raise PatchError("lists of lists are not supported")
            if found is not None and type(item) is not found:
                shown = " ".join(text(each or []) for each in lists)
                raise PatchError(f"list element types are not identical: [{shown}]")
            found = type(item)
    if found is None:
        raise PatchError("no elements in any of the given slices")
    return found is dict


def _strategy(type_: Type) -> str:
    """What is done with a field; ``retainKeys`` is obeyed wherever the patch asks for it."""
    return next((strategy for strategy in type_.patch_strategy if strategy != "retainKeys"), "")


def _set(original: Object, name: str, value: Any) -> None:
    if isinstance(value, dict) and _DIRECTIVE in value:
        original.pop(name, None)
    else:
        original[name] = _without_directives(value)


def _without_directives(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {}
        for name, inner in value.items():
            if not (isinstance(inner, dict) and _DIRECTIVE in inner):
                kept[name] = _without_directives(inner)
        return kept
    if isinstance(value, list):
        return [_without_directives(item) for item in value if not (isinstance(item, dict) and _DIRECTIVE in item)]
    return value


def _without_nulls(value: Any) -> Any:
    """A null in something new says nothing."""
    if isinstance(value, dict):
        return {name: _without_nulls(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_without_nulls(item) for item in value]
    return value


def _wrong_type(expected: Any, actual: Any) -> PatchError:
    return PatchError(f"expected a {type_name(expected)}, but received a {type_name(actual)}")
