"""How deep JSON nests, told from its bytes: before anything that recurses meets them."""

from typing import Final

import msgspec

DEEPEST: Final = 128
"""Levels of mappings and lists that an object may have; API servers store 10,000. Definitions, which nest deepest of
what people write, have about 60."""

_SHOWN = 5
"""Fields of a path that are told."""
_LONGEST = 60
"""Characters of a field's name that are told."""
_SPACES = 8
"""Between a field's colon and its value, where its name is still told."""
_OPENING, _CLOSING = frozenset(b"{["), frozenset(b"}]")
_BRACKETS: Final = bytes.maketrans(b"[]", b"{}")
_OTHERS: Final = bytes(code for code in range(256) if code not in b"{}[]")


def nests_deeper(data: bytes, most: int = DEEPEST) -> bool:
    """Whether JSON has more than `most` levels of mappings and lists.

    The time is linear in the length, at most `most` passes over the brackets; few objects have enough of them to be
    looked at at all.
    """
    if data.count(b"{") + data.count(b"[") <= most:
        return False
    brackets = b"".join(_masked(data).split(b'"')[::2]).translate(_BRACKETS, _OTHERS)
    for _ in range(most):
        brackets = brackets.replace(b"{}", b"")
        if not brackets:
            return False
    return True


def cut(data: bytes, most: int = DEEPEST) -> tuple[bytes, tuple[str, ...]]:
    """JSON without what lies deeper than `most` levels, and where something was left out.

    Returns:
        The JSON, with null for each mapping or list on a level below; and the path of the first of them in each field
        of the outermost mapping, such as ``spec.source.helm.values...``.
    """
    kept: list[bytes] = []
    names: list[bytes] = []
    places: dict[bytes, str] = {}
    position = depth = begin = 0
    text = b""
    for number, piece in enumerate(_masked(data).split(b'"')):
        if number % 2:
            text = data[position : position + len(piece)]
        else:
            for index, char in enumerate(piece, position):
                if char in _OPENING:
                    depth += 1
                    if depth <= _SHOWN + 1:
                        before = piece[max(0, index - position - _SPACES) : index - position]
                        names[depth - 1 :] = [text if before.rstrip().endswith(b":") else b""]
                    if depth == most + 1:
                        kept += [data[begin:index], b"null"]
                        places.setdefault(names[1] if len(names) > 1 else b"", _path(names))
                elif char in _CLOSING:
                    depth -= 1
                    if depth == most:
                        begin = index + 1
        position += len(piece) + 1
    return b"".join((*kept, data[begin:])), tuple(places.values())


def _masked(data: bytes) -> bytes:
    """The same length, and every quotation mark in it begins or ends a string."""
    return data.replace(b"\\\\", b"__").replace(b'\\"', b"__")


def _path(names: list[bytes]) -> str:
    return ".".join(name for name in map(_name, names[1:]) if name) + "..."


def _name(text: bytes) -> str:
    try:
        return str(msgspec.json.decode(b'"' + text + b'"', type=str))[:_LONGEST]
    except msgspec.DecodeError:
        return ""
