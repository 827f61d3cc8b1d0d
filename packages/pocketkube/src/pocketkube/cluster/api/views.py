"""Answers in the form that was asked for: plain, as a Table, or metadata only (``endpoints/handlers/response.go``)."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from pocketkube.cluster import tables
from pocketkube.cluster.api.core import Core
from pocketkube.cluster.api.listing import ListedObjects
from pocketkube.cluster.api.negotiation import View
from pocketkube.cluster.api.request import ApiRequest, Response, encode, respond
from pocketkube.cluster.failure import Failure
from pocketkube.cluster.resource import Object, Resource
from pocketkube.cluster.storage import StoredObject, heading

META_VERSION: Final = "meta.k8s.io/v1"
_INCLUDES: Final = ("", "Metadata", "Object", "None")


class _Parts(msgspec.Struct):
    metadata: msgspec.Raw


_PARTS: Final = msgspec.json.Decoder(_Parts)


def body_of(core: Core, resource: Resource, entry: StoredObject) -> bytes:
    """An object in the version of a resource, as JSON; without decoding where it is stored so."""
    if resource.api_version == resource.storage_version:
        return entry.body
    return encode(core.read(resource, entry))


def show(core: Core, request: ApiRequest, resource: Resource, entry: StoredObject, view: View) -> Response:
    """An object.

    Raises:
        Failure: NotAcceptable, BadRequest.
    """
    if not view:
        return Response(body=body_of(core, resource, entry))
    if view == "PartialObjectMetadataList":
        text = "you requested PartialObjectMetadataList, but the requested object is not a list"
        raise Failure("NotAcceptable", f"{text} (*{_go_type(resource)})")
    if view == "PartialObjectMetadata":
        return Response(body=partial(entry.body))
    return respond(
        table(core, request, resource, [core.read(resource, entry)], {"resourceVersion": str(entry.revision)})
    )


def show_object(core: Core, request: ApiRequest, resource: Resource, obj: Object, view: View, code: int) -> Response:
    """An object that is not, or no longer, stored; a ``Status`` stays what it is."""
    if not view or obj.get("kind") == "Status":
        return respond(obj, code)
    if view == "Table":
        revision = obj["metadata"].get("resourceVersion", "")
        return respond(table(core, request, resource, [obj], {"resourceVersion": revision}), code)
    return Response(code=code, body=partial(encode(obj)))


def show_list(core: Core, request: ApiRequest, resource: Resource, found: ListedObjects, view: View) -> Response:
    """A list, its items as the real server has them: those of built-in kinds without kind and version.

    Raises:
        Failure: NotAcceptable, BadRequest.
    """
    if view == "PartialObjectMetadata":
        text = "you requested PartialObjectMetadata, but the requested object is a list"
        raise Failure("NotAcceptable", f"{text} (*{_go_type(resource)}List)")
    if view == "Table":
        objects = [core.read(resource, entry) for entry in found.entries]
        return respond(table(core, request, resource, objects, found.metadata()))
    if view:
        items = b",".join([partial(entry.body) for entry in found.entries])
        return Response(body=_list(b"PartialObjectMetadataList", META_VERSION.encode(), found.metadata(), items))
    kind = f"{resource.kind}List".encode()
    return Response(
        body=_list(
            kind,
            resource.api_version.encode(),
            found.metadata(custom=resource.columns is not None),
            _items(core, resource, found.entries),
        )
    )


def partial(body: bytes) -> bytes:
    """PartialObjectMetadata of an object."""
    metadata = bytes(_PARTS.decode(body).metadata)
    return b'{"kind":"PartialObjectMetadata","apiVersion":"meta.k8s.io/v1","metadata":' + metadata + b"}"


def table(
    core: Core, request: ApiRequest, resource: Resource, objects: Sequence[Object], metadata: dict[str, Any]
) -> Object:
    """A Table of objects in the version of a resource.

    Raises:
        Failure: BadRequest.
    """
    include = request.first("includeObject")
    if include not in _INCLUDES:
        text = "Unable to convert to Table as requested: includeObject: Invalid value"
        raise Failure("BadRequest", f"{text}: \"{include}\": must be 'Metadata', 'Object', 'None', or empty")
    made: Object = tables.table(
        resource,
        objects,
        now=core.now(),
        include_object=include or "Metadata",
        revision=metadata.get("resourceVersion", ""),
    )
    made["metadata"] = metadata
    return made


def _items(core: Core, resource: Resource, entries: Sequence[StoredObject]) -> bytes:
    if resource.columns is not None:
        return b",".join([body_of(core, resource, entry) for entry in entries])
    if resource.api_version != resource.storage_version:
        return b",".join([encode(_nameless(core.read(resource, entry))) for entry in entries])
    cut = len(heading(resource.kind, resource.storage_version))
    return b",".join([b"{" + entry.body[cut:] for entry in entries])


def _nameless(obj: Object) -> Object:
    return {name: value for name, value in obj.items() if name not in ("kind", "apiVersion")}


def _list(kind: bytes, version: bytes, metadata: dict[str, Any], items: bytes) -> bytes:
    head = b'{"kind":"%s","apiVersion":"%s","metadata":' % (kind, version)
    return b"".join([head, encode(metadata), b',"items":[', items, b"]}"])


def _go_type(resource: Resource) -> str:
    if resource.columns is not None:
        return "unstructured.Unstructured"
    return f"{resource.group.split('.')[0] or 'core'}.{resource.kind}"
