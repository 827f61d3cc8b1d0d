"""Helm's ``--set`` language: ``a.b[0]=x,c={1,2}`` written into a values mapping.

Follows Helm's ``pkg/strvals`` (ParseInto, ParseIntoString, ParseIntoFile); its limits keep ``a[999999999]=1`` from
costing memory (CVE-2022-36049).
"""

from typing import Any

from kubegrammar import pattern

MAX_INDEX = 65536
MAX_NESTING = 30

_INDEX = pattern.compile(r"[+-]?[0-9]+")


class SetInteger(int):
    """A number that Helm keeps as an int64. Numbers of values files are float64 to its templates."""


class StrvalsError(ValueError):
    """An expression that cannot be read; the text says why."""


def parse_into(text: str, values: dict[str, Any], *, strings: bool = False) -> None:
    """Write the settings of ``text`` into ``values``, in place.

    Args:
        strings: keep every value a string (``--set-string``).

    Raises:
        StrvalsError: bad syntax, too large an index, too deep nesting.
    """
    _Parser(text, strings).parse(values)


def parse_file_into(name: str, content: str, values: dict[str, Any]) -> None:
    """Write a file's content, whatever is in it, under the key ``name`` (``--set-file``).

    Raises:
        StrvalsError: bad syntax, too large an index, too deep nesting.
    """
    _Parser(f"{name}=", True, literal=content).parse(values)


class _End(Exception):
    """The text ended where more could have come. Helm takes it as the end of the settings, not as an error."""


class _Parser:
    def __init__(self, text: str, strings: bool, literal: str | None = None) -> None:
        self._text = text
        self._at = 0
        self._strings = strings
        self._literal = literal

    def parse(self, values: dict[str, Any]) -> None:
        try:
            while True:
                self._key(values, 0)
        except _End:
            return

    def _until(self, stops: str) -> tuple[str, str]:
        """Text up to one of the stops, and the stop ("" at the end); a backslash quotes the next character."""
        taken: list[str] = []
        while self._at < len(self._text):
            char = self._text[self._at]
            self._at += 1
            if char in stops:
                return "".join(taken), char
            if char == "\\":
                if self._at == len(self._text):
                    break
                char = self._text[self._at]
                self._at += 1
            taken.append(char)
        return "".join(taken), ""

    def _key(self, data: dict[str, Any], depth: int) -> None:
        name, stop = self._until("=[,.")
        if stop == "":
            if name:
                raise StrvalsError(f"key {name!r} has no value")
            raise _End
        if stop == ",":
            raise StrvalsError(f"key {name!r} has no value (cannot end with ,)")
        if stop == "=":
            ended = self._at == len(self._text) and self._literal is None
            _set(data, name, self._value())
            if ended:
                raise _End
        elif stop == "[":
            self._indexed(data, name, depth)
        else:
            self._nested(data, name, depth + 1)

    def _indexed(self, data: dict[str, Any], name: str, depth: int) -> None:
        index = self._index()
        items = data.get(name, [])
        if not isinstance(items, list):
            raise StrvalsError(f"{name!r} is no list")
        items = list(items)
        try:
            self._item(items, index, depth)
        finally:
            _set(data, name, items)

    def _nested(self, data: dict[str, Any], name: str, depth: int) -> None:
        if depth > MAX_NESTING:
            raise StrvalsError(
                f"value name nested level is greater than maximum supported nested level of {MAX_NESTING}"
            )
        inner = data.get(name, {})
        if not isinstance(inner, dict):
            raise StrvalsError(f"{name!r} is no mapping")
        try:
            self._key(inner, depth)
            if not inner:
                raise StrvalsError(f"key map {name!r} has no value")
        finally:
            if inner:
                _set(data, name, inner)

    def _index(self) -> int:
        text, stop = self._until("]")
        if not stop:
            raise _End
        if not _INDEX.fullmatch(text):
            raise StrvalsError(f"error parsing index: {text!r} is no number")
        # Longer numbers are beyond the limit anyway.
        return int(text[:12])

    def _item(self, items: list[Any], index: int, depth: int) -> None:
        """Read what follows ``[index]`` and put it there."""
        if index < 0:
            raise StrvalsError(f"negative {index} index not allowed")
        between, stop = self._until("[.=")
        if between:
            raise StrvalsError(f"unexpected data at end of array index: {between!r}")
        if not stop:
            raise _End
        current = items[index] if index < len(items) else None
        if stop == "=":
            _place(items, index, self._value())
        elif stop == "[":
            further = self._index()
            if not isinstance(current, list | None):
                raise StrvalsError(f"item {index} is no list")
            nested = list(current or [])
            self._item(nested, further, depth)
            _place(items, index, nested)
        else:
            inner = current if isinstance(current, dict) else {}
            if index < len(items):
                items[index] = inner
            self._key(inner, depth)
            _place(items, index, inner)

    def _value(self) -> Any:
        if self._literal is not None:
            self._at = len(self._text)
            return self._literal
        if self._text.startswith("{", self._at):
            self._at += 1
            return self._list()
        if self._at == len(self._text):
            return ""
        return self._typed(self._until(",")[0])

    def _list(self) -> list[Any]:
        items: list[Any] = []
        while True:
            text, stop = self._until(",}")
            if not stop:
                raise StrvalsError("list must terminate with '}'")
            items.append(self._typed(text))
            if stop == "}":
                if self._text.startswith(",", self._at):
                    self._at += 1
                return items

    def _typed(self, text: str) -> Any:
        if self._strings:
            return text
        lowered = text.lower()
        if lowered in ("true", "false"):
            return lowered == "true"
        if lowered == "null":
            return None
        if text == "0":
            return SetInteger(0)
        if text and text[0] != "0":
            return _integer(text)
        return text


def _integer(text: str) -> int | str:
    """A signed 64-bit number, or the text itself."""
    if not _INDEX.fullmatch(text) or len(text) > 20:
        return text
    number = SetInteger(text)
    return number if -(1 << 63) <= number < 1 << 63 else text


def _set(data: dict[str, Any], name: str, value: Any) -> None:
    if name:
        data[name] = value


def _place(items: list[Any], index: int, value: Any) -> None:
    if index > MAX_INDEX:
        raise StrvalsError(f"index of {index} is greater than maximum supported index of {MAX_INDEX}")
    items.extend([None] * (index + 1 - len(items)))
    items[index] = value
