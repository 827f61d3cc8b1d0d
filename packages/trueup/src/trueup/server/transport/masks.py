"""Parts of an answer, by `fields`: ``items.metadata.name,items.spec``, or ``-items.status`` for all but these.

A dot of a name is written ``\\.``: ``items.metadata.annotations.trueup\\.dev/changed-by``.
"""

from functools import lru_cache
from typing import Any

import msgspec

from trueup.server.request import StoredBody, plain

MOST = 200
"""Fields that one query may name."""
_ALWAYS = ("metadata",)
"""Of a list: its version, by which a watch goes on."""
Tree = dict[str, Any]
_ALL: Tree = {}
"""A field with all that is in it; known by itself."""


class Mask:
    """What of an answer is sent.

    Args:
        text: of the query; empty for all.
    """

    def __init__(self, text: str) -> None:
        self._without = text.startswith("-")
        self._tree: Tree = {}
        for path in text.removeprefix("-").split(",")[:MOST]:
            if path:
                _plant(self._tree, [name.replace("\0", ".") for name in path.replace("\\.", "\0").split(".")])

    def __bool__(self) -> bool:
        return bool(self._tree)

    def of(self, value: Any) -> Any:
        """The part of an answer that is sent. The answer itself stays as it is."""
        if not self._tree:
            return plain(value) if isinstance(value, dict) else value
        if self._without:
            return _without(plain(value) if isinstance(value, dict) else value, self._tree)
        kept = _only(value, self._tree)
        if isinstance(value, dict) and "items" in value:
            kept |= {key: value[key] for key in _ALWAYS if key in value}
        return kept


def _plant(tree: Tree, names: list[str]) -> None:
    for name in names[:-1]:
        tree = tree.setdefault(name, {})
        if tree is _ALL:
            return
    tree[names[-1]] = _ALL


def _only(value: Any, tree: Tree) -> Any:
    if isinstance(value, StoredBody):
        return _read(value, tree) if tree is not _ALL else value.object()
    if tree is _ALL:
        return (
            plain({"items": value})["items"]
            if isinstance(value, list)
            else plain(value)
            if isinstance(value, dict)
            else value
        )
    if isinstance(value, list):
        return [_only(each, tree) for each in value]
    if not isinstance(value, dict):
        return value
    return {key: _only(value[key], below) for key, below in tree.items() if key in value}


def _read(stored: StoredBody, tree: Tree) -> Any:
    """Of an object as it is stored, what is asked for; the rest is passed over."""
    if tree is _ALL or ("metadata" in tree and tree["metadata"] is _ALL):
        return _only(stored.object(), tree)
    try:
        return msgspec.json.decode(stored.body, type=_shape(_words(tree)))
    except msgspec.ValidationError:
        # A field is of another form than its name says.
        return _only(stored.object(), tree)


_Words = tuple[tuple[str, Any], ...]


def _words(tree: Tree) -> _Words:
    return tuple((name, None if below is _ALL else _words(below)) for name, below in tree.items())


@lru_cache(64)
def _shape(words: _Words) -> type[msgspec.Struct]:
    """What has these fields and no others."""
    fields: list[Any] = []
    for number, (name, below) in enumerate(words):
        kind: Any = msgspec.Raw if below is None else _shape(below)
        default = msgspec.field(default=msgspec.UNSET, name=name)
        fields.append((f"f{number}", kind | msgspec.UnsetType, default))
    return msgspec.defstruct("Shape", fields, gc=False)


def _without(value: Any, tree: Tree) -> Any:
    if isinstance(value, StoredBody):
        value = value.object()
    if isinstance(value, list):
        return [_without(each, tree) for each in value]
    if not isinstance(value, dict):
        return value
    value = plain(value)
    return {
        key: _without(each, tree[key]) if key in tree else each
        for key, each in value.items()
        if tree.get(key) is not _ALL
    }
