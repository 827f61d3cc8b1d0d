"""Simple JSON paths into a schema, as rules and selectable fields name them (``ValidFieldPath`` of
``pkg/apiserver/schema/cel/validation.go``)."""

import re
from typing import Any, Final

from pocketkube.cluster.custom.schema import Schema

_TOKEN: Final = re.compile(r"'(?:[^'\\]|\\.)*'|[.\[\]]|[^.\[\]]+")
_ESCAPES: Final = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v", "'": "'", "\\": "\\"}


class PathError(ValueError):
    """A path that leads nowhere."""


def field_path(text: str, schema: Schema, *, with_brackets: bool = True) -> tuple[str, tuple[str, ...], Schema]:
    """The path normalised, its steps, and the schema it leads to.

    Args:
        text: ``.spec.replicas`` or ``['a-b']``.
        with_brackets: whether ``[…]`` is allowed.

    Raises:
        PathError: see there.
    """
    tokens = _TOKEN.findall(text)
    shown, steps, at = "", [], 0
    place: Any = schema
    while at < len(tokens):
        sign = tokens[at]
        if sign == ".":
            if at + 1 >= len(tokens):
                raise PathError("unexpected end of JSON path")
            name, at = tokens[at + 1], at + 2
        elif sign == "[":
            if not with_brackets:
                raise PathError("array notation is not allowed")
            name = _quoted(tokens, at)
            at += 3
        else:
            raise PathError(f"expected [ or . but got: {sign}")
        shown, place = _step(shown, place, name)
        steps.append(name)
    return shown, tuple(steps), place


def _quoted(tokens: list[str], at: int) -> str:
    if at + 1 >= len(tokens):
        raise PathError("unexpected end of JSON path")
    token = tokens[at + 1]
    if len(token) < 2 or token[0] != "'" or token[-1] != "'":
        raise PathError(f"expected single quoted string but got {token}")
    if at + 2 >= len(tokens):
        raise PathError("unexpected end of JSON path")
    if tokens[at + 2] != "]":
        raise PathError(f"expected ] but got {tokens[at + 2]}")
    return re.sub(r"\\(.)", _unescaped, token[1:-1])


def _unescaped(escape: "re.Match[str]") -> str:
    if escape[1] not in _ESCAPES:
        raise PathError(f"invalid string literal: invalid escape char {escape[0]}")
    return _ESCAPES[escape[1]]


def _step(shown: str, place: Any, name: str) -> tuple[str, Any]:
    if place.get("properties"):
        if name not in place["properties"]:
            raise PathError("does not refer to a valid field")
        return f"{shown}.{name}" if shown else name, place["properties"][name]
    values = place.get("additionalProperties")
    if not isinstance(values, dict):
        raise PathError("does not refer to a valid field")
    return f"{shown}[{name}]", values
