"""Fields that are wrong, in the words of apimachinery's ``util/validation/field``."""

import json
from collections.abc import Iterable
from typing import Any, Final

from pocketkube.cluster.failure import FieldCause

NOWHERE: Final = "<nil>"
"""The field of a problem that has no path, as Go prints it."""
OMITTED: Final = object()
"""A value that messages do not show."""

_ESCAPES: Final = {
    "\a": "\\a",
    "\b": "\\b",
    "\f": "\\f",
    "\n": "\\n",
    "\r": "\\r",
    "\t": "\\t",
    "\v": "\\v",
    '"': '\\"',
    "\\": "\\\\",
}
_HTML: Final = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})


class InOrder(dict[str, Any]):
    """Fields of a struct, which messages print in their order; those of a map are sorted."""


def required(field: str, detail: str = "") -> FieldCause:
    return FieldCause("FieldValueRequired", _joined("Required value", detail), field)


def invalid(field: str, value: Any, detail: str = "") -> FieldCause:
    return FieldCause("FieldValueInvalid", _joined(_with("Invalid value", value), detail), field)


def of_wrong_type(field: str, value: Any, detail: str) -> FieldCause:
    return FieldCause("FieldValueTypeInvalid", _joined(_with("Invalid value", value), detail), field)


def unsupported(field: str, value: Any, choices: Iterable[str]) -> FieldCause:
    """``choices`` in the order to name them."""
    detail = ", ".join(map(quoted, choices))
    return FieldCause(
        "FieldValueNotSupported",
        _joined(_with("Unsupported value", value), f"supported values: {detail}" if detail else ""),
        field,
    )


def forbidden(field: str, detail: str) -> FieldCause:
    return FieldCause("FieldValueForbidden", _joined("Forbidden", detail), field)


def duplicate(field: str, value: Any) -> FieldCause:
    return FieldCause("FieldValueDuplicate", _with("Duplicate value", value), field)


def too_long(field: str, limit: int) -> FieldCause:
    unit = "byte" if limit == 1 else "bytes"
    return FieldCause("FieldValueTooLong", f"Too long: may not be more than {limit} {unit}", field)


def too_many(field: str, count: int, limit: int) -> FieldCause:
    unit = "item" if limit == 1 else "items"
    return FieldCause("FieldValueTooMany", f"Too many: {count}: must have at most {limit} {unit}", field)


def shown(value: Any) -> str:
    """A value as messages print it: Go's ``%q`` for texts, ``%v`` for numbers, compact JSON for the rest."""
    match value:
        case str():
            return quoted(value)
        case float():
            return number(value)
        case InOrder():
            return _json(value, sort=False)
        case [InOrder(), *_]:
            return _json(value, sort=False)
    return _json(value, sort=True)


def _json(value: Any, *, sort: bool) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=sort).translate(_HTML)


def quoted(text: str) -> str:
    """Go's ``strconv.Quote``."""
    if text.isprintable() and '"' not in text and "\\" not in text:
        return f'"{text}"'
    return f'"{"".join(map(_escaped, text))}"'


def number(value: float) -> str:
    """Go's ``%v`` of a float64."""
    if abs(value) < 1e21 and value.is_integer():
        return str(int(value))
    text = repr(value)
    mantissa, e, exponent = text.partition("e")
    return f"{mantissa.removesuffix('.0')}e{exponent}" if e else text


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return _ESCAPES[char]
    if char.isprintable():
        return char
    code = ord(char)
    if code < 0x80:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _with(words: str, value: Any) -> str:
    return words if value is OMITTED else f"{words}: {shown(value)}"


def _joined(message: str, detail: str) -> str:
    return f"{message}: {detail}" if detail else message
