"""JSON merge patches (RFC 7386) and JSON pointers (RFC 6901). Nothing is changed in place; parts may be shared."""

from typing import Any, Final

from kubegrammar import pattern

_INDEX: Final = pattern.compile(r"0|[1-9][0-9]*")


def merge_patch(target: Any, patch: Any) -> Any:
    """The value that `patch` makes of `target`: mappings are merged, null deletes, all else replaces."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, change in patch.items():
        if change is None:
            result.pop(key, None)
        else:
            result[key] = merge_patch(result.get(key), change)
    return result


def merge_diff(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    """The smallest merge patch that turns `old` into `new`; empty when there is nothing to do.

    A merge patch cannot write a null into a mapping, so a null in `new` counts as an absent key.
    """
    patch: dict[str, Any] = {key: None for key in old if new.get(key) is None and old[key] is not None}
    for key, wanted in new.items():
        if wanted is None:
            continue
        present = old.get(key)
        if isinstance(wanted, dict) and isinstance(present, dict):
            change = merge_diff(present, wanted)
            if change:
                patch[key] = change
        elif not equal(present, wanted):
            patch[key] = _without_nulls(wanted)
    # A null that stands in `old` and is no key of `new` goes too.
    patch.update({key: None for key in old if key not in new})
    return patch


def equal(left: Any, right: Any) -> bool:
    """Equality of JSON values: unlike Python's, it tells true from 1."""
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(equal(value, right[key]) for key, value in left.items())
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(equal, left, right))
    return bool(left == right)


def parse_pointer(pointer: str) -> tuple[str, ...]:
    """The reference tokens of a JSON pointer; none for the whole document.

    Raises:
        ValueError: it does not begin with a slash, or a tilde is followed by neither 0 nor 1.
    """
    if not pointer:
        return ()
    if not pointer.startswith("/"):
        raise ValueError(f'JSON pointer "{pointer}" does not begin with "/"')
    if pointer.count("~") != pointer.count("~0") + pointer.count("~1"):
        raise ValueError(f'JSON pointer "{pointer}" has a "~" that is neither "~0" nor "~1"')
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in pointer[1:].split("/"))


def pointer_get(document: Any, pointer: str, default: Any = None) -> Any:
    """The value at a JSON pointer, `default` where there is none. Raises ValueError as `parse_pointer`."""
    for token in parse_pointer(pointer):
        if isinstance(document, dict) and token in document:
            document = document[token]
        elif isinstance(document, list) and (index := _index(document, token)) is not None:
            document = document[index]
        else:
            return default
    return document


def pointer_remove(document: Any, pointer: str) -> Any:
    """The document without the value at a JSON pointer; the same document where there is none, None for the whole.

    Raises:
        ValueError: as `parse_pointer`.
    """
    return _remove(document, parse_pointer(pointer))


def _remove(document: Any, tokens: tuple[str, ...]) -> Any:
    if not tokens:
        return None
    token, rest = tokens[0], tokens[1:]
    if isinstance(document, dict) and token in document:
        if not rest:
            return {key: value for key, value in document.items() if key != token}
        inner = _remove(document[token], rest)
        return document if inner is document[token] else {**document, token: inner}
    if isinstance(document, list) and (index := _index(document, token)) is not None:
        if not rest:
            return document[:index] + document[index + 1 :]
        inner = _remove(document[index], rest)
        return document if inner is document[index] else [*document[:index], inner, *document[index + 1 :]]
    return document


def _index(items: list[Any], token: str) -> int | None:
    if not _INDEX.fullmatch(token) or len(token) > len(str(len(items))):
        return None
    index = int(token)
    return index if index < len(items) else None


def _without_nulls(value: Any) -> Any:
    """What a merge patch leaves of a mapping that it writes anew; lists are written as they are."""
    if not isinstance(value, dict):
        return value
    return {key: _without_nulls(item) for key, item in value.items() if item is not None}
