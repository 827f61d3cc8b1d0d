"""JSON patches (RFC 6902) as ``gopkg.in/evanphx/json-patch.v4`` applies them: indices may count from the end, and
``replace`` makes a member that is missing.
"""

from typing import Any, Final

import msgspec

from kubegrammar.patch import equal, parse_pointer

COPY_LIMIT: Final = 3 * 1024 * 1024
"""Bytes that the ``copy`` operations of one patch may add."""


class JsonPatchError(ValueError):
    """The patch does not apply."""


def apply_json_patch(document: Any, operations: list[Any]) -> Any:
    """The patched document; it is changed in place.

    Raises:
        PatchError: an operation is malformed, does not apply, or a test fails.
    """
    budget = COPY_LIMIT
    holder = {"": document}
    for operation in operations:
        if not isinstance(operation, dict):
            raise JsonPatchError("an operation is no object")
        match operation.get("op"):
            case "add":
                _add(holder, _pointer(operation, "path"), operation.get("value"))
            case "remove":
                _remove(holder, _pointer(operation, "path"))
            case "replace":
                _replace(holder, _pointer(operation, "path"), operation.get("value"))
            case "move":
                source = _pointer(operation, "from")
                value = _value(holder, source)
                _remove(holder, source)
                _add(holder, _pointer(operation, "path"), value)
            case "copy":
                encoded = msgspec.json.encode(_value(holder, _pointer(operation, "from")))
                budget -= len(encoded)
                if budget < 0:
                    raise JsonPatchError("copies too much")
                _add(holder, _pointer(operation, "path"), msgspec.json.decode(encoded))
            case "test":
                _test(holder, _pointer(operation, "path"), operation.get("value"))
            case other:
                raise JsonPatchError(f"unexpected kind: {other}")
    return holder[""]


def _pointer(operation: dict[str, Any], name: str) -> tuple[str, ...]:
    text = operation.get(name)
    if not isinstance(text, str):
        raise JsonPatchError(f"missing {name} field")
    try:
        return ("", *parse_pointer(text))
    except ValueError as error:
        raise JsonPatchError(str(error)) from None


def _container(holder: Any, path: tuple[str, ...]) -> Any:
    """What holds the last part of a path."""
    place = holder
    for part in path[:-1]:
        place = _get(place, part)
        if not isinstance(place, dict | list):
            raise JsonPatchError("missing path")
    return place


def _get(place: Any, part: str) -> Any:
    if isinstance(place, dict):
        return place.get(part)
    return place[_index(part, len(place))]


def _index(part: str, size: int) -> int:
    try:
        index = int(part)
    except ValueError:
        raise JsonPatchError("no index") from None
    if not -size <= index < size:
        raise JsonPatchError(f"invalid index: {index}")
    return index


def _value(holder: Any, path: tuple[str, ...]) -> Any:
    place = _container(holder, path)
    if isinstance(place, dict) and path[-1] not in place:
        raise JsonPatchError("missing value")
    return _get(place, path[-1])


def _add(holder: Any, path: tuple[str, ...], value: Any) -> None:
    place, part = _container(holder, path), path[-1]
    if isinstance(place, dict):
        place[part] = value
    elif part == "-":
        place.append(value)
    else:
        size = len(place) + 1
        place.insert(_index(part, size) % size, value)


def _remove(holder: Any, path: tuple[str, ...]) -> None:
    place, part = _container(holder, path), path[-1]
    if isinstance(place, list):
        del place[_index(part, len(place))]
    elif part not in place:
        raise JsonPatchError("nonexistent key")
    else:
        del place[part]


def _replace(holder: Any, path: tuple[str, ...], value: Any) -> None:
    place, part = _container(holder, path), path[-1]
    if len(path) == 1 and not isinstance(value, dict | list):
        raise JsonPatchError("the document can be replaced by an object or a list only")
    if isinstance(place, dict):
        place[part] = value
    else:
        place[_index(part, len(place))] = value


def _test(holder: Any, path: tuple[str, ...], value: Any) -> None:
    if not equal(_get(_container(holder, path), path[-1]), value):
        raise JsonPatchError("testing failed")
