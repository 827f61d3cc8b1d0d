"""Patches of three kinds: JSON, merge and strategic merge (k8s.io/apiserver ``endpoints/handlers/patch.go``)."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from kubegrammar.json_patch import JsonPatchError, apply_json_patch
from kubegrammar.merge import PatchError as StrategicError
from kubegrammar.merge import strategic_merge
from kubegrammar.patch import merge_patch
from pocketkube.cluster import catalog
from pocketkube.cluster.api.calls import VerbCall, WriteAnswer
from pocketkube.cluster.api.core import Core
from pocketkube.cluster.api.decoding import check_size, typed
from pocketkube.cluster.api.errors import internal, unknown_patch_type, unprocessable
from pocketkube.cluster.api.metadata import check_name, distinct_owners, metadata_of
from pocketkube.cluster.api.request import encode
from pocketkube.cluster.api.update import track, update
from pocketkube.cluster.failure import Failure, FieldCause, not_found
from pocketkube.cluster.resource import Object
from pocketkube.cluster.storage import StoredObject

JSON_PATCH: Final = "application/json-patch+json"
MERGE_PATCH: Final = "application/merge-patch+json"
_MALFORMED: Final = "invalid patch format"
_SORTED: Final = msgspec.json.Encoder(order="sorted").encode
STRATEGIC_PATCH: Final = "application/strategic-merge-patch+json"
APPLY_PATCH: Final = "application/apply-patch+yaml"
_OPERATIONS_LIMIT: Final = 10_000
_GO_NAMES: Final = {bool: "bool", int: "number", float: "number", str: "string", list: "array", dict: "object"}

Patch = Callable[[Object], Object]
"""Makes the patched object of a copy that may be changed."""


def patch_type(content_type: str, *, custom: bool) -> str:
    """The kind of patch that a Content-Type names.

    Raises:
        Failure: UnsupportedMediaType.
    """
    given = content_type.partition(";")[0].strip()
    known = (
        (JSON_PATCH, MERGE_PATCH, APPLY_PATCH) if custom else (JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, APPLY_PATCH)
    )
    if given in known:
        return given
    if not custom:
        raise unknown_patch_type()
    text = "the body of the request was in an unknown format - accepted media types include"
    raise Failure("UnsupportedMediaType", f"{text}: {', '.join(known)}")


def patch(core: Core, call: VerbCall, kind: str) -> WriteAnswer:
    """Patches an object that is there.

    Args:
        kind: of the patch, but not an apply.

    Raises:
        Failure: as the real server refuses it.
    """
    make, shown, repeated = read_patch(call, kind)

    def change(live: Object | None, entry: StoredObject | None) -> Object:
        if live is None or entry is None:
            raise not_found(call.resource.plural, call.resource.group, call.name)
        new = settle(call, make(core.read(call.resource, entry)), shown, repeated)
        track(core, call, live, new)
        check_name(metadata_of(new), call.name)
        call.warn(distinct_owners(new["metadata"]))
        return new

    return update(core, call, change)


def read_patch(call: VerbCall, kind: str) -> tuple[Patch, Callable[[Object], str], Sequence[str]]:
    """The patch of a request, how refusals show it, and what is there twice in it.

    Raises:
        Failure: BadRequest, RequestEntityTooLarge.
    """
    body = call.request.body
    check_size(body)
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise Failure("BadRequest", "invalid JSON patch") from None
    if kind == JSON_PATCH:
        return _json(value), _as_json, ()
    if not isinstance(value, dict):
        text = f"json: cannot unmarshal {_name(value)} into Go value of type map[string]interface {{}}"
        raise Failure("BadRequest", f"error decoding patch: {text}" if kind == MERGE_PATCH else text)
    repeated: Sequence[str] = ()
    if call.options.validation != "Ignore":
        repeated = catalog.read_body(body, "application/json").duplicates
    if kind == MERGE_PATCH:
        return _merge(value), _as_json if call.resource.columns is None else _as_sorted_json, repeated
    behaviour, version = call.resource.behaviour, call.resource.api_version

    def strategic(obj: Object) -> Object:
        try:
            return strategic_merge(obj, value, behaviour.type_of(version))
        except StrategicError as error:
            text = str(error)
            raise Failure("BadRequest", text) if text.startswith(_MALFORMED) else internal(text) from None

    return strategic, lambda _: go_value(value), repeated


def settle(call: VerbCall, obj: Object, shown: Callable[[Object], str], repeated: Sequence[str]) -> Object:
    """Types, unknown fields and defaults of a patched object.

    Raises:
        Failure: Invalid.
    """
    resource = call.resource
    text = ""
    if call.options.validation == "Strict" or not isinstance(obj, dict):
        text = shown(obj)
    if not isinstance(obj, dict) or not isinstance(obj.get("metadata") or {}, dict):
        raise _refusal(text or shown(obj), "json: cannot unmarshal into Go value")
    obj["kind"], obj["apiVersion"] = resource.kind, resource.api_version
    metadata_of(obj)
    try:
        unknown = typed(obj, resource)
    except Failure as failure:
        if failure.reason != "BadRequest":
            raise
        raise _refusal(
            text or shown(obj), failure.message.partition(f"a {resource.kind}: ")[2] or failure.message
        ) from None
    strict = [*repeated, *(f'unknown field "{path}"' for path in unknown)]
    if strict and call.options.validation == "Strict":
        raise _refusal(text, f"strict decoding error: {', '.join(strict)}")
    if call.options.validation == "Warn":
        call.warn(*strict)
    resource.behaviour.default(obj, resource.api_version)
    return obj


def go_value(value: Any) -> str:
    """A JSON value as Go's ``%+v`` prints it."""
    match value:
        case None:
            return "<nil>"
        case bool():
            return "true" if value else "false"
        case dict():
            return f"map[{' '.join(f'{key}:{go_value(value[key])}' for key in sorted(value))}]"
        case list():
            return f"[{' '.join(map(go_value, value))}]"
        case _:
            return str(value)


def _json(operations: Any) -> Patch:
    if not isinstance(operations, list):
        text = f"json: cannot unmarshal {_name(operations)} into Go value of type []handlers.jsonPatchOp"
        raise Failure("BadRequest", f"error decoding patch: {text}")
    if len(operations) > _OPERATIONS_LIMIT:
        text = f"The allowed maximum operations in a JSON patch is {_OPERATIONS_LIMIT}, got {len(operations)}"
        raise Failure("RequestEntityTooLarge", f"Request entity too large: {text}")

    def patched(obj: Object) -> Object:
        try:
            result: Object = apply_json_patch(obj, operations)
        except JsonPatchError:
            raise unprocessable() from None
        return result

    return patched


def _merge(value: dict[str, Any]) -> Patch:
    return lambda obj: merge_patch(obj, value)


def _as_json(obj: Object) -> str:
    return encode(obj).decode()


def _as_sorted_json(obj: Object) -> str:
    """As objects without a Go type are written."""
    return _SORTED(obj).decode()


def _refusal(shown: str, why: str) -> Failure:
    quoted = encode(shown).decode()
    message = f"Invalid value: {quoted}: {why}"
    cause = FieldCause("FieldValueInvalid", message, "patch")
    return Failure("Invalid", f' "" is invalid: patch: {message}', causes=[cause])


def _name(value: Any) -> str:
    return _GO_NAMES.get(type(value), "null")
