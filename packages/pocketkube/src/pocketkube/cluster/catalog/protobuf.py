"""Objects of built-in kinds in protocol buffers, as kubectl and client-go send them (apimachinery
``runtime/serializer/protobuf``)."""

import base64
import struct
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Final

import msgspec

from kubegrammar.duration import format_duration
from pocketkube.cluster.catalog.resources import packed
from pocketkube.cluster.failure import Failure
from pocketkube.cluster.resource import Object

MAGIC: Final = b"k8s\x00"
_DEEPEST: Final = 100
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_META: Final = "k8s.io.apimachinery.pkg.apis.meta.v1"
_PACKAGES: Final = {
    "": "k8s.io.api.core",
    "apiextensions.k8s.io": "k8s.io.apiextensions_apiserver.pkg.apis.apiextensions",
    "apiregistration.k8s.io": "k8s.io.kube_aggregator.pkg.apis.apiregistration",
}
_END: Final = "unexpected EOF"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SCHEMA_PROPS: Final = ".JSONSchemaProps"
_DROP: Final = object()
"""A value that the JSON form has no field for: a moment that was never set."""

_Raw = list[tuple[int, int | bytes]]


class _Broken(Exception):
    """The bytes are no such message."""


def decode_protobuf(body: bytes) -> Object:
    """The JSON form of an object in the envelope that names its kind.

    Raises:
        Failure: BadRequest.
    """
    if not body.startswith(MAGIC):
        raise Failure(
            "BadRequest", "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]"
        )
    try:
        envelope = dict(_fields(memoryview(body)[len(MAGIC) :]))
        identity = {number: _text(value) for number, value in _fields(_bytes(envelope.get(1, b"")))}
        api_version, kind = identity.get(1, ""), identity.get(2, "")
        message = _message(api_version, kind)
        if message is None:
            raise Failure("BadRequest", f'no kind "{kind}" is registered for version "{api_version}" in scheme')
        obj = _decode(_bytes(envelope.get(2, b"")), message, 0)
    except _Broken as error:
        text = str(error)
        raise Failure("BadRequest", text if text == _END else f"proto: {text}") from None
    return {"apiVersion": api_version, "kind": kind, **obj}


@cache
def _tables() -> dict[str, dict[int, tuple[str, str, str]]]:
    tables: dict[str, dict[str, list[str]]] = packed("protobuf.json.zz")
    return {
        name: {int(number): (_json_name(name, field[0]), field[1], field[2]) for number, field in fields.items()}
        for name, fields in tables.items()
    }


def _json_name(message: str, name: str) -> str:
    if not message.endswith(_SCHEMA_PROPS):
        return name
    if name in ("ref", "schema"):
        return f"${name}"
    if name.startswith("xKubernetes"):
        return "x" + "".join(f"-{char.lower()}" if char.isupper() else char for char in name[1:])
    return name


def _message(api_version: str, kind: str) -> str | None:
    group, _, version = api_version.rpartition("/")
    package = _PACKAGES.get(group) or f"k8s.io.api.{group.partition('.')[0]}"
    for name in (f"{package}.{version}.{kind}", f"{_META}.{kind}"):
        if name in _tables():
            return name
    return None


def _decode(data: bytes | memoryview, message: str, depth: int) -> Object:
    if depth > _DEEPEST:
        raise _Broken("nested too deep")
    fields = _tables()[message]
    found: Object = {}
    for number, raw in _fields(data):
        field = fields.get(number)
        if field is None:
            continue
        name, kind, how = field
        if how == "i":
            found.update(_decode(_bytes(raw), kind, depth + 1))
            continue
        if how == "m":
            key, value = _entry(raw, kind, depth)
            found.setdefault(name, {})[key] = value
            continue
        if how == "r":
            items = found.setdefault(name, [])
            if kind in _NUMBERS and isinstance(raw, bytes):
                items.extend(_packed(raw, kind))
            else:
                items.append(_value(raw, kind, depth))
            continue
        value = _value(raw, kind, depth)
        if value is not _DROP:
            found[name] = value
    if message.endswith(_SCHEMA_PROPS):
        return {name: value for name, value in found.items() if value not in ("", False) or name in _POINTERS}
    return found


_POINTERS: Final = (
    "x-kubernetes-preserve-unknown-fields",
    "default",
    "example",
    "additionalProperties",
    "additionalItems",
)


def _entry(raw: int | bytes, kind: str, depth: int) -> tuple[str, Any]:
    key, value = "", None
    for number, inner in _fields(_bytes(raw)):
        if number == 1:
            key = _text(inner)
        elif number == 2:
            value = _value(inner, kind, depth)
    if value is None:
        value = "" if kind in ("string", "bytes") else _value(b"", kind, depth)
    return key, value


def _value(raw: int | bytes, kind: str, depth: int) -> Any:
    scalar = _SCALARS.get(kind)
    if scalar is not None:
        return scalar(raw)
    data = _bytes(raw)
    special = _SPECIAL.get(kind)
    if special is not None:
        return special(_decode(data, kind, depth + 1))
    short = kind.rpartition(".")[2]
    if short in ("ExtraValue", "Verbs"):
        return _decode(data, kind, depth + 1).get("items", [])
    if short.startswith("JSON") and "apiextensions" in kind and not short.endswith("Props"):
        return _json_value(short, _decode(data, kind, depth + 1))
    return _decode(data, kind, depth + 1)


def _json_value(kind: str, fields: Object) -> Any:
    """The types of JSON schemas that are one thing or another."""
    if kind == "JSON":
        return _embedded(fields.get("raw", ""))
    if kind == "JSONSchemaPropsOrArray":
        return fields["jSONSchemas"] if fields.get("jSONSchemas") else fields.get("schema")
    if kind == "JSONSchemaPropsOrBool":
        return fields["schema"] if "schema" in fields else fields.get("allows", False)
    return fields["schema"] if "schema" in fields else fields.get("property", [])


def _embedded(encoded: str) -> Any:
    raw = base64.b64decode(encoded)
    if not raw:
        return None
    if raw.startswith(MAGIC):
        return decode_protobuf(raw)
    try:
        return msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise _Broken("embedded JSON cannot be read") from None


def _moment(fields: Object, *, fine: bool = False) -> Any:
    seconds, nanos = fields.get("seconds"), fields.get("nanos", 0)
    if seconds is None:
        return _DROP
    try:
        moment = _EPOCH + timedelta(seconds=seconds, microseconds=nanos // 1000)
    except OverflowError:
        raise _Broken("a moment out of range") from None
    text = moment.strftime("%Y-%m-%dT%H:%M:%S").zfill(19)
    return f"{text}.{moment.microsecond:06d}Z" if fine else f"{text}Z"


def _int_or_string(fields: Object) -> int | str:
    return str(fields.get("strVal", "")) if fields.get("type") else int(fields.get("intVal", 0))


_SPECIAL: Final[dict[str, Callable[[Object], Any]]] = {
    "k8s.io.apimachinery.pkg.api.resource.Quantity": lambda fields: fields.get("string") or "0",
    f"{_META}.Time": _moment,
    f"{_META}.MicroTime": lambda fields: _moment(fields, fine=True),
    f"{_META}.Duration": lambda fields: format_duration(fields.get("duration", 0) / 1e9),
    f"{_META}.FieldsV1": lambda fields: _embedded(fields.get("Raw", "")) or {},
    "k8s.io.apimachinery.pkg.runtime.RawExtension": lambda fields: _embedded(fields.get("raw", "")),
    "k8s.io.apimachinery.pkg.util.intstr.IntOrString": _int_or_string,
}


def _text(raw: Any) -> str:
    try:
        return bytes(_bytes(raw)).decode()
    except UnicodeDecodeError:
        raise _Broken("invalid UTF-8 in string") from None


def _integer(raw: Any) -> int:
    if not isinstance(raw, int):
        raise _Broken("wrong wireType for a number")
    return raw - (1 << 64) if raw >> 63 else raw


def _double(raw: Any) -> float | int:
    value: float = struct.unpack("<d", struct.pack("<Q", raw if isinstance(raw, int) else 0))[0]
    if value != value or value in (float("inf"), float("-inf")):
        raise _Broken("a number that JSON has not")
    return int(value) if value.is_integer() and abs(value) < 1 << 53 else value


_SCALARS: Final[dict[str, Callable[[Any], Any]]] = {
    "string": _text,
    "bytes": lambda raw: base64.b64encode(_bytes(raw)).decode(),
    "int64": _integer,
    "int32": _integer,
    "bool": lambda raw: bool(_integer(raw)),
    "double": _double,
}
_NUMBERS: Final = ("int64", "int32", "bool")


def _bytes(raw: Any) -> bytes:
    if isinstance(raw, int):
        raise _Broken("wrong wireType for a message")
    return bytes(raw)


def _packed(raw: bytes, kind: str) -> Iterator[Any]:
    position = 0
    while position < len(raw):
        number, position = _varint(raw, position)
        yield _SCALARS[kind](number)


def _fields(data: bytes | memoryview) -> Iterator[tuple[int, int | bytes]]:
    """Numbers and values of a message's fields, in their order."""
    raw = bytes(data)
    position, end = 0, len(raw)
    while position < end:
        tag, position = _varint(raw, position)
        number, wire = tag >> 3, tag & 7
        if number == 0:
            raise _Broken("illegal tag 0")
        if wire == _VARINT:
            value, position = _varint(raw, position)
            yield number, value
        elif wire == _BYTES:
            length, position = _varint(raw, position)
            if length > end - position:
                raise _Broken(_END)
            yield number, raw[position : position + length]
            position += length
        elif wire in (_FIXED64, _FIXED32):
            size = 8 if wire == _FIXED64 else 4
            if size > end - position:
                raise _Broken(_END)
            yield number, int.from_bytes(raw[position : position + size], "little")
            position += size
        else:
            raise _Broken(f"illegal wireType {wire}")


def _varint(raw: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while position < len(raw):
        byte = raw[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value & ((1 << 64) - 1), position
        shift += 7
        if shift > 63:
            raise _Broken("integer overflow")
    raise _Broken(_END)
