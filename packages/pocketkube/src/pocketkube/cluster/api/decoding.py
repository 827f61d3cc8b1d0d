"""From a body to an object of a kind: types checked, unknown fields reported and dropped, defaults filled in."""

from collections.abc import Sequence

from kubegrammar.merge import prune
from pocketkube.cluster import catalog
from pocketkube.cluster.api.calls import VerbCall
from pocketkube.cluster.api.errors import SCHEME
from pocketkube.cluster.api.registry import ResourceRegistry
from pocketkube.cluster.failure import Failure
from pocketkube.cluster.resource import Object, Resource

BODY_LIMIT = 3 * 1024 * 1024
"""Bytes of a request body."""


def check_size(body: bytes) -> None:
    """Raises:
    Failure: RequestEntityTooLarge.
    """
    if len(body) > BODY_LIMIT:
        raise Failure("RequestEntityTooLarge", f"Request entity too large: limit is {BODY_LIMIT}")


def decode(call: VerbCall, registry: ResourceRegistry) -> Object:
    """The object that a create or an update sends, in the version of the request.

    Raises:
        Failure: BadRequest, UnsupportedMediaType, RequestEntityTooLarge.
    """
    request, resource = call.request, call.resource
    check_size(request.body)
    try:
        decoded = catalog.read_body(request.body, request.headers.get("content-type", ""))
    except Failure as failure:
        raise _unrecognized(failure, request.body, resource) from None
    obj = decoded.obj if isinstance(decoded.obj, dict) else {}
    name_kind(obj, resource, registry)
    if "metadata" not in obj or obj["metadata"] is None:
        obj["metadata"] = {}
    unknown = typed(obj, resource)
    strict = [*(f'unknown field "{path}"' for path in unknown), *decoded.duplicates]
    report(call, strict, f"{_as_kind(resource.kind, resource)}: strict decoding error: ")
    resource.behaviour.default(obj, resource.api_version)
    return obj


def name_kind(obj: Object, resource: Resource, registry: ResourceRegistry) -> None:
    """Checks ``kind`` and ``apiVersion``, and fills them in where they are missing.

    Raises:
        Failure: BadRequest; the object is of another kind or version.
    """
    kind, version = obj.get("kind") or resource.kind, obj.get("apiVersion") or resource.api_version
    if kind == resource.kind and version == resource.api_version:
        if "kind" not in obj or "apiVersion" not in obj:
            obj["kind"], obj["apiVersion"] = kind, version
        return
    if not isinstance(kind, str) or not isinstance(version, str):
        field = "apiVersion" if isinstance(kind, str) else "kind"
        text = f"json: cannot unmarshal into Go struct field .{field} of type string"
        raise Failure("BadRequest", f"couldn't get version/kind; json parse error: {text}")
    other = registry.of_kind(version, kind)
    shown = version.rpartition("/")[2]
    if other is None:
        why = f'no kind "{kind}" is registered for version "{version}" in scheme "{SCHEME}"'
    elif other.stored_as == resource.stored_as:
        text = f"the API version in the data ({version}) does not match the expected API version"
        raise Failure("BadRequest", f"{text} ({resource.api_version})")
    else:
        hub = resource.group.split(".")[0] or "core"
        why = f"converting ({shown}.{kind}) to ({hub}.{resource.kind}): unknown conversion"
    raise Failure("BadRequest", f'{kind} in version "{shown}" cannot be handled as a {resource.kind}: {why}')


def typed(obj: Object, resource: Resource) -> list[str]:
    """Checks types and drops what the schema does not know; returns the paths of that.

    Raises:
        Failure: BadRequest; a value is of a wrong type.
    """
    behaviour, version = resource.behaviour, resource.api_version
    behaviour.check(obj, version)
    own = getattr(behaviour, "prune", None)
    unknown: list[str] = own(obj, version) if own else prune(obj, behaviour.type_of(version))
    return unknown


def report(call: VerbCall, strict: Sequence[str], prefix: str) -> None:
    """Refuses, warns about or passes over unknown and repeated fields, as the request asks for.

    Raises:
        Failure: BadRequest, where validation is strict.
    """
    if not strict or call.options.validation == "Ignore":
        return
    if call.options.validation == "Strict":
        raise Failure("BadRequest", prefix + ", ".join(strict))
    call.warn(*strict)


def _as_kind(kind: str, resource: Resource) -> str:
    return f'{kind} in version "{resource.version}" cannot be handled as a {resource.kind}'


def _unrecognized(failure: Failure, body: bytes, resource: Resource) -> Failure:
    if failure.reason != "BadRequest":
        return failure
    if not body:
        summary = "<empty>"
    elif body[:1] == b"{":
        text = body[:30].decode(errors="replace")
        summary = f"{text} ..." if len(body) > 30 else text
    else:
        summary = body[:30].hex() + (" ..." if len(body) > 30 else "")
    words = f"the object provided is unrecognized (must be of type {resource.kind})"
    return Failure("BadRequest", f"{words}: {failure.message} ({summary})")
