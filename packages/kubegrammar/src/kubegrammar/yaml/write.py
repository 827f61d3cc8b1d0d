"""Writing YAML that every reader takes for the same value: ours, Go's, and those of YAML 1.1 and 1.2."""

import math
from collections.abc import Iterator
from typing import Any, Final

from kubegrammar import pattern
from kubegrammar.visible import seen
from kubegrammar.yaml.scalars import ScalarError, is_timestamp, plain_value, reads_as_string

# Inside: no colon before a space, no hash after one, no space at either end or next to another.
_INSIDE: Final = pattern.WORD + r"./$^+()@,=<>;!*&%~\"'\[\]{}|\\?\-"
_PLAIN: Final = pattern.compile(
    rf"(?:[{pattern.WORD}./$^+(]|-[{pattern.WORD}.])(?:[{_INSIDE}#]|:+[{_INSIDE}]| [{_INSIDE}])*"
)
_BASE_60: Final = pattern.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_UNPRINTED: Final = pattern.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_ESCAPED: Final = pattern.compile('["\\\\\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]')
_SHORT_ESCAPES: Final = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_LONGEST_SIMPLE_KEY: Final = 100
"""Parsers look at most 1024 bytes ahead for the colon of a key; longer ones take the explicit form."""


def dump(value: Any) -> str:
    """A JSON value as YAML in block style, keys sorted as sigs.k8s.io/yaml sorts them.

    Equal values give the same text; reading it again, here or in Go, gives an equal value.

    Raises:
        ValueError: an infinity, a not-a-number, an integer outside 64 bits, or half of a surrogate pair.
        TypeError: something that is no JSON.
    """
    if isinstance(value, dict | list) and value:
        return "\n".join(_block(value, "")) + "\n"
    return _inline(value, "") + "\n"


def _block(value: dict[str, Any] | list[Any], indent: str) -> Iterator[str]:
    """The lines of a collection that is not empty."""
    if isinstance(value, list):
        for item in value:
            yield from _item(item, indent)
        return
    for key in sorted(value):
        name = _scalar(key) if isinstance(key, str) else _refuse(key)
        item = value[key]
        if len(name) > _LONGEST_SIMPLE_KEY:
            yield f"{indent}? {name}"
            name = ""
        if not item or not isinstance(item, dict | list):
            yield f"{indent}{name}: {_inline(item, indent)}"
            continue
        yield f"{indent}{name}:"
        # A sequence stands at the indentation of its key, as Kubernetes' tools write it.
        yield from _block(item, indent if isinstance(item, list) and name else indent + "  ")


def _item(item: Any, indent: str) -> Iterator[str]:
    """The lines of one item of a sequence; a collection begins on the line of the dash."""
    if not item or not isinstance(item, dict | list):
        yield f"{indent}- {_inline(item, indent)}"
        return
    lines = _block(item, indent + "  ")
    yield f"{indent}- {next(lines).lstrip(' ')}"
    yield from lines


def _inline(value: Any, indent: str) -> str:
    """What stands behind a key or a dash: a scalar, or an empty collection."""
    if isinstance(value, str):
        several = "\n" in value and seen(value) and _stands_as_it_is(value)
        return _literal(value, indent) if several else _scalar(value)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return _integer(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValueError("infinities and not-a-number are no JSON")
        return repr(value)
    if isinstance(value, dict | list):
        return "{}" if isinstance(value, dict) else "[]"
    return _refuse(value)


def _integer(value: int) -> str:
    text = str(value)
    try:
        plain_value(text)
    except ScalarError as error:
        raise ValueError(str(error)) from None
    return text


def _scalar(text: str) -> str:
    """A string on one line: plain where no reader takes it for something else, else in double quotes."""
    if (
        _PLAIN.fullmatch(text)
        and seen(text)
        and reads_as_string(text)
        and not _BASE_60.fullmatch(text)
        and not is_timestamp(text)
        and not text.startswith("...")
    ):
        return text
    if _is_broken(text):
        raise ValueError("half of a surrogate pair is no text")
    escaped = _ESCAPED.sub(_escape, text)
    # Readers take them as they are; people would take them for something else.
    return '"' + (escaped if seen(escaped) else "".join(map(_shown, escaped))) + '"'


def _stands_as_it_is(text: str) -> bool:
    return text[0] not in " \t\n" and not _UNPRINTED.search(text) and not _is_broken(text)


def _is_broken(text: str) -> bool:
    return not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text)


def _escape(match: pattern.Match[str]) -> str:
    return _SHORT_ESCAPES.get(match[0]) or f"\\u{ord(match[0]):04X}"


def _shown(char: str) -> str:
    return char if seen(char) else f"\\u{ord(char):04X}" if ord(char) < 0x10000 else f"\\U{ord(char):08X}"


def _literal(text: str, indent: str) -> str:
    stripped = text.rstrip("\n")
    breaks = len(text) - len(stripped)
    chomping = {0: "-", 1: ""}.get(breaks, "+")
    lines = (f"{indent}  {line}" if line else "" for line in stripped.split("\n"))
    return f"|{chomping}\n" + "\n".join(lines) + "\n" * max(breaks - 1, 0)


def _refuse(value: object) -> str:
    raise TypeError(f"{type(value).__name__} is no JSON")
