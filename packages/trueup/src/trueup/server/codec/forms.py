"""Messages that JSON writes otherwise than as an object of their fields: Kubernetes' own."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from kubegrammar.time import format_exact_time, format_time, parse_time

_META = "k8s.io.apimachinery.pkg.apis.meta.v1"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
Fields = dict[str, Any]
"""Of a message, by the names that the wire has for them."""


class Form(msgspec.Struct, frozen=True):
    """How a message is written.

    Attributes:
        read: its fields, from what JSON has. Raises ValueError where that is none.
        write: what JSON has, from its fields; None for a message that says nothing.
        json: a word for errors, what JSON has to have.
    """

    read: Callable[[Any], Fields]
    write: Callable[[Fields], Any]
    json: str


def _read_time(value: Any) -> Fields:
    if not isinstance(value, str):
        raise ValueError("no text")
    moment = parse_time(value)
    since = moment - _EPOCH
    return {"seconds": since // timedelta(seconds=1), "nanos": since.microseconds * 1000 or None}


def _write_time(fields: Fields) -> str | None:
    moment = _moment(fields)
    return format_time(moment) if moment else None


def _write_exact_time(fields: Fields) -> str | None:
    moment = _moment(fields)
    return format_exact_time(moment) if moment else None


def _moment(fields: Fields) -> datetime | None:
    """None for the zero of Go's times, which says that there is none."""
    if not fields:
        return None
    try:
        return _EPOCH + timedelta(seconds=fields.get("seconds", 0), microseconds=fields.get("nanos", 0) // 1000)
    except OverflowError as error:
        raise ValueError from error


def _read_int_or_string(value: Any) -> Fields:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise ValueError("neither")
    return {"type": 1, "strVal": value} if isinstance(value, str) else {"type": 0, "intVal": value}


def _write_int_or_string(fields: Fields) -> int | str:
    return str(fields.get("strVal", "")) if fields.get("type") == 1 else int(fields.get("intVal", 0))


def _json(raw: str) -> Form:
    def read(value: Any) -> Fields:
        return {raw: msgspec.json.encode(value)}

    def write(fields: Fields) -> Any:
        if not fields.get(raw):
            return None
        try:
            return msgspec.json.decode(fields[raw])
        except (msgspec.DecodeError, RecursionError) as error:
            raise ValueError from error

    return Form(read, write, "a value of JSON")


FORMS: Mapping[str, Form] = {
    f"{_META}.Time": Form(_read_time, _write_time, "a time such as 2026-01-31T12:00:00Z"),
    f"{_META}.MicroTime": Form(_read_time, _write_exact_time, "a time such as 2026-01-31T12:00:00.000000Z"),
    f"{_META}.FieldsV1": _json("Raw"),
    "k8s.io.apimachinery.pkg.runtime.RawExtension": _json("raw"),
    "k8s.io.apiextensions_apiserver.pkg.apis.apiextensions.v1.JSON": _json("raw"),
    "k8s.io.apimachinery.pkg.util.intstr.IntOrString": Form(
        _read_int_or_string, _write_int_or_string, "a whole number or a text"
    ),
}
"""By the full names of messages."""
