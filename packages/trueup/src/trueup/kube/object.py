"""Objects as the API sends them → :class:`LiveObject`: metadata typed, the rest left as the bytes it came in."""

from typing import Final

import msgspec

from kubegrammar import depth
from trueup.model.live import LiveObject, Owner
from trueup.model.resource import ResourceKey, group_of


class _Metadata(msgspec.Struct, rename="camel", gc=False):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    finalizers: tuple[str, ...] | None = None
    owner_references: tuple[Owner, ...] | None = None


class _Head(msgspec.Struct, rename="camel", gc=False):
    api_version: str = ""
    kind: str = ""
    metadata: _Metadata = msgspec.field(default_factory=_Metadata)


class _ListMetadata(msgspec.Struct, rename="camel", gc=False):
    resource_version: str = ""
    continue_: str | None = msgspec.field(default=None, name="continue")


class _List(msgspec.Struct, gc=False):
    metadata: _ListMetadata = msgspec.field(default_factory=_ListMetadata)
    items: list[msgspec.Raw] | None = None


class Page(msgspec.Struct, frozen=True, gc=False):
    """One page of a list. ``continue_token`` is empty on the last."""

    objects: list[LiveObject]
    resource_version: str
    continue_token: str


_WRAPPING: Final = depth.DEEPEST + 8
"""Levels that stay of a list or an event: each object in it is still seen to be too deep."""
_MOST_DIGITS: Final = 30
_OF_OURSELVES: Final = "metadata."
"""Ownership of fields nests as deep as they do, and is no field of its own."""

_HEAD = msgspec.json.Decoder(_Head)
_LIST = msgspec.json.Decoder(_List)


def read_object(data: bytes | msgspec.Raw, api_version: str = "", kind: str = "") -> LiveObject:
    """Reads one object.

    Args:
        data: its JSON.
        api_version, kind: used where the object does not say (items of a list of a built-in kind), and then
            written into the body, so that every body stands by itself.

    What nests deeper than :data:`depth.DEEPEST` is left out, and its place told: API servers store what no reader
    and no writer here can walk through, and one such object must not hide the others of its kind.

    Raises:
        msgspec.DecodeError: it is no JSON object with object metadata.
    """
    body, deep = bytes(data), tuple[str, ...]()
    if depth.nests_deeper(body):
        body, places = depth.cut(body)
        deep = tuple(place for place in places if not place.startswith(_OF_OURSELVES))
    head = _HEAD.decode(body)
    if not head.kind and kind:
        head.api_version, head.kind = api_version, kind
        body = _named(body, api_version, kind)
    meta = head.metadata
    return LiveObject(
        key=ResourceKey(group_of(head.api_version), head.kind, meta.namespace, meta.name),
        api_version=head.api_version,
        uid=meta.uid,
        resource_version=meta.resource_version,
        body=body,
        generation=meta.generation,
        creation_timestamp=meta.creation_timestamp or "",
        deletion_timestamp=meta.deletion_timestamp or "",
        labels=meta.labels or {},
        annotations=meta.annotations or {},
        finalizers=meta.finalizers or (),
        owners=meta.owner_references or (),
        deep=deep,
    )


def read_page(data: bytes, api_version: str, kind: str) -> Page:
    """Reads a List of objects of one kind.

    Raises:
        msgspec.DecodeError: it is none.
    """
    listed = _LIST.decode(shallow(data))
    objects = [read_object(item, api_version, kind) for item in listed.items or ()]
    return Page(objects, listed.metadata.resource_version, listed.metadata.continue_ or "")


def shallow(data: bytes) -> bytes:
    """A list of objects, or an event with one, as deep as can be decoded; what is left out is deeper in an object than
    :func:`read_object` reads."""
    return depth.cut(data, _WRAPPING)[0] if depth.nests_deeper(data, _WRAPPING) else data


def _named(body: bytes, api_version: str, kind: str) -> bytes:
    opening = msgspec.json.encode({"apiVersion": api_version, "kind": kind})
    rest = body[body.index(b"{") + 1 :]
    return opening[:-1] + (b"" if rest.lstrip()[:1] == b"}" else b",") + rest


def revision(resource_version: str) -> int | None:
    """A resource version as the growing number it is; None where a server uses anything else."""
    if not resource_version.isdecimal() or len(resource_version) > _MOST_DIGITS:
        return None
    return int(resource_version)


def newer(candidate: str, than: str) -> bool:
    """Whether one resource version is certainly later than another: never, where a server uses no numbers."""
    left, right = revision(candidate), revision(than)
    return left is not None and right is not None and left > right


def supersedes(candidate: str, current: str) -> bool:
    """Whether an object that arrives takes the place of one that is there; without numbers, the last to arrive wins."""
    left, right = revision(candidate), revision(current)
    return left > right if left is not None and right is not None else candidate != current
