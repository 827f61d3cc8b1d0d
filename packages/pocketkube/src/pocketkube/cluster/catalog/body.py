"""Request bodies: JSON, YAML or protocol buffers (apimachinery ``runtime/serializer``)."""

import json
from collections import Counter
from typing import Any, Final

import msgspec

from kubegrammar.yaml import YamlError, load_all
from pocketkube.cluster.catalog.protobuf import decode_protobuf
from pocketkube.cluster.failure import Failure

JSON: Final = "application/json"
YAML: Final = "application/yaml"
PROTOBUF: Final = "application/vnd.kubernetes.protobuf"
_DEEPEST: Final = 900
"""Levels of nesting; the encoder's own limit is near the interpreter's."""
_KEY_END: Final = b'":'
_ESCAPED: Final = b'\\":'
_LOOKING: Final = {
    "Expecting value": "looking for beginning of value",
    "Expecting property name enclosed in double quotes": "looking for beginning of object key string",
    "Illegal trailing comma before end of object": "looking for beginning of object key string",
    "Illegal trailing comma before end of array": "looking for beginning of value",
    "Expecting ':' delimiter": "after object key",
    "Expecting ',' delimiter": "after object key:value pair",
    "Extra data": "after top-level value",
    "Invalid control character at": "in string literal",
    "Invalid \\escape": "in string escape code",
    "Invalid \\uXXXX escape": "in \\u hexadecimal character escape",
}


class Decoded(msgspec.Struct, frozen=True):
    """A body.

    Attributes:
        obj: whatever the body says, mostly an object.
        duplicates: what strict reading objects to, such as ``duplicate field "spec.replicas"``.
    """

    obj: Any
    duplicates: list[str]


def read_body(body: bytes, content_type: str) -> Decoded:
    """Reads a body by its media type; none is JSON.

    Raises:
        Failure: BadRequest, UnsupportedMediaType.
    """
    media = content_type.partition(";")[0].strip().lower() or JSON
    if media == JSON:
        return _read_json(body)
    if media == YAML:
        return _read_flow(body) if body.lstrip()[:1] == b"{" else _read_yaml(body)
    if media == PROTOBUF:
        return Decoded(decode_protobuf(body), [])
    text = "the body of the request was in an unknown format - accepted media types include: "
    raise Failure("UnsupportedMediaType", f"{text}{JSON}, {YAML}, {PROTOBUF}")


def _read_json(body: bytes) -> Decoded:
    try:
        obj = msgspec.json.decode(body)
        # What is not read can not be written either.
        again = msgspec.json.encode(obj)
    except (msgspec.DecodeError, UnicodeDecodeError, ValueError):
        raise Failure("BadRequest", f"couldn't get version/kind; json parse error: {_json_error(body)}") from None
    except RecursionError:
        raise Failure("BadRequest", "couldn't get version/kind; json parse error: exceeded max depth") from None
    if obj is not None and not isinstance(obj, dict):
        shown = _GO_KINDS[type(obj)]
        into = 'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }'
        text = f"json: cannot unmarshal {shown} into Go value of type {into}"
        raise Failure("BadRequest", f"couldn't get version/kind; json parse error: {text}")
    if body.count(_KEY_END) - body.count(_ESCAPED) == again.count(_KEY_END) - again.count(_ESCAPED):
        return Decoded(obj, [])
    return Decoded(obj, _repeated(body))


_GO_KINDS: Final[dict[type, str]] = {list: "array", str: "string", int: "number", float: "number", bool: "bool"}


class _Keys(dict[str, Any]):
    """An object that remembers which of its keys came twice."""

    repeated: tuple[str, ...] = ()


def _repeated(body: bytes) -> list[str]:
    def pairs(items: list[tuple[str, Any]]) -> _Keys:
        found = _Keys(items)
        if len(found) != len(items):
            counts = Counter(key for key, _ in items)
            found.repeated = tuple(key for key, count in counts.items() if count > 1)
        return found

    try:
        value = json.loads(body, object_pairs_hook=pairs)
    except (ValueError, RecursionError):
        return []
    texts: list[str] = []
    stack: list[tuple[str, Any]] = [("", value)]
    while stack:
        path, one = stack.pop()
        if isinstance(one, _Keys):
            texts.extend(f'duplicate field "{path}{key}"' for key in one.repeated)
            stack.extend((f"{path}{key}.", inner) for key, inner in reversed(one.items()))
        elif isinstance(one, list):
            stack.extend((f"{path[:-1]}[{index}].", inner) for index, inner in reversed(list(enumerate(one))))
    return texts


def _read_flow(body: bytes) -> Decoded:
    """YAML that is JSON most of the time."""
    try:
        return _read_json(body)
    except Failure:
        return _read_yaml(body)


def _read_yaml(body: bytes) -> Decoded:
    try:
        loaded = load_all(body, "body")
    except YamlError as error:
        raise Failure(
            "BadRequest", f"error converting YAML to JSON: yaml: line {error.line}: {error.problem}"
        ) from None
    documents = loaded.documents
    return Decoded(documents[0].value if documents else None, list(loaded.warnings))


def _json_error(body: bytes) -> str:
    """What Go's scanner says about text that is no JSON."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        text = body.decode("latin-1")
    try:
        json.loads(text)
    except json.JSONDecodeError as error:
        if error.pos >= len(text) or error.msg.startswith("Unterminated string"):
            return "unexpected end of JSON input"
        where = _LOOKING.get(error.msg, "looking for beginning of value")
        return f"invalid character {_quoted(text[error.pos])} {where}"
    except (ValueError, RecursionError):
        return "exceeded max depth"
    return "invalid number"


def _quoted(character: str) -> str:
    if character == "'":
        return "'\\''"
    return repr(character) if character != '"' else "'\"'"
