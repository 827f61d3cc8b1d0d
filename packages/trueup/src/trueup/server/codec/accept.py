"""Messages that a client has written as JSON or as a query: what is of the description, and of its types."""

import base64
import binascii
from collections.abc import Iterable
from typing import Any

from trueup.server.codec.forms import FORMS
from trueup.server.codec.plan import Plan, plan
from trueup.server.codec.wire import Json
from trueup.server.description.values import FieldOf
from trueup.server.errors import Code, Fault

_BITS = {"int32": 31, "int64": 63}
_TRUE = ("1", "t", "T", "TRUE", "true", "True")
_FALSE = ("0", "f", "F", "FALSE", "false", "False")
DEPTH = 100
"""Messages in messages: a body that nests deeper is none."""


def accept(message: str, value: Any, *, place: str = "", depth: int = 0) -> Json:
    """A message from JSON of a stranger: keys that it does not have are left out, as Argo CD does.

    Args:
        message: its full name.
        place: of the value, for errors.

    Raises:
        Fault: a value is of another type; it says which.
    """
    if not isinstance(value, dict) or depth > DEPTH:
        raise _wrong(place or "the body", "an object")
    found: Json = {}
    _accept_fields(plan(message), value, found, place, depth)
    return found


def _accept_fields(known: Plan, value: Json, found: Json, place: str, depth: int) -> None:
    for key, field in known.by_json.items():
        given = value.get(key)
        if given is not None:
            found[key] = _accepted(field, given, f"{place}.{key}" if place else key, depth)
    for field in known.inline:
        _accept_fields(plan(field.type), value, found, place, depth)


def _accepted(field: FieldOf, value: Any, place: str, depth: int) -> Any:
    if field.label == "repeated":
        if not isinstance(value, list):
            raise _wrong(place, "a list")
        return [_one(field, each, f"{place}[{number}]", depth) for number, each in enumerate(value)]
    if field.label == "map":
        if not isinstance(value, dict):
            raise _wrong(place, "an object")
        return {key: _one(field, each, f"{place}.{key}", depth) for key, each in value.items()}
    return _one(field, value, place, depth)


def _one(field: FieldOf, value: Any, place: str, depth: int) -> Any:
    if not field.scalar:
        form = FORMS.get(field.type)
        if form is None:
            return accept(field.type, value, place=place, depth=depth + 1)
        try:
            form.read(value)
        except (ValueError, OverflowError, RecursionError) as error:
            raise _wrong(place, form.json) from error
        return value
    return _scalar(field.type, value, place)


def _scalar(kind: str, value: Any, place: str) -> Any:
    if kind == "string" and isinstance(value, str):
        return value
    if kind == "bool" and isinstance(value, bool):
        return value
    if kind in _BITS and isinstance(value, int) and not isinstance(value, bool):
        if -(1 << _BITS[kind]) <= value < 1 << _BITS[kind]:
            return value
        raise _wrong(place, f"a whole number of {_BITS[kind] + 1} bits")
    if kind == "bytes" and isinstance(value, str):
        return read_base64(value, place)
    words = {"string": "a text", "bool": "true or false", "bytes": "a text in base64"}
    raise _wrong(place, words.get(kind, "a whole number"))


def read_base64(value: str, place: str) -> bytes:
    """Bytes from their text.

    Raises:
        Fault: it is no base64.
    """
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise _wrong(place, "a text in base64") from error


def put(message: str, into: Json, path: str, values: list[str]) -> bool:
    """Write values of a query or a path into a message.

    Args:
        message: its full name.
        path: the field, ``field.of.field`` for one of a message in it.
        values: as they are written, at least one; the last one counts where a field has one.

    Returns:
        Whether there is such a field: what is unknown is left out, as Argo CD does.

    Raises:
        Fault: a value is of another type, or the field is none that a query can write.
    """
    return _put(message, into, path.split("."), values, path)


def _put(message: str, into: Json, names: list[str], values: list[str], path: str) -> bool:
    name, *more = names
    known = plan(message)
    field = known.by_json.get(name) or next((each for each in known.fields if each.name == name), None)
    if field is None or field.label == "map" or (field.inline and not more):
        return False
    if more:
        if field.scalar or field.label == "repeated" or field.type in FORMS:
            return False
        if field.inline:
            return _put(field.type, into, more, values, path)
        inner = into.get(field.json)
        inner = {} if inner is None else inner
        if not _put(field.type, inner, more, values, path):
            return False
        into[field.json] = inner
        return True
    if not field.scalar and field.type not in FORMS:
        return False
    if field.label == "repeated":
        into[field.json] = [*into.get(field.json, ()), *_read_all(field, values, path)]
    else:
        into[field.json] = _written(field, values[-1], path)
    return True


def _read_all(field: FieldOf, values: Iterable[str], path: str) -> list[Any]:
    return [_written(field, each, path) for each in values]


def _written(field: FieldOf, text: str, place: str) -> Any:
    if field.type == "bool":
        if text not in (*_TRUE, *_FALSE):
            raise _wrong(place, "true or false")
        return text in _TRUE
    if field.type in _BITS:
        digits = text[1:] if text[:1] in ("-", "+") else text
        # Python reads far more as a number than a client can mean.
        if not (digits.isascii() and digits.isdecimal() and len(digits) <= 20):
            raise _wrong(place, "a whole number")
        return _scalar(field.type, int(text), place)
    if field.type == "bytes" or field.type == "string":
        return _scalar(field.type, text, place)
    return _one(field, text, place, 0)


def _wrong(place: str, wanted: str) -> Fault:
    return Fault(Code.INVALID_ARGUMENT, f"{place} has to be {wanted}")
