"""What a path asks for (k8s.io/apiserver ``endpoints/request/requestinfo.go``)."""

from typing import Final

import msgspec

_NAMESPACE_PARTS: Final = ("status", "finalize")


class ResourceRoute(msgspec.Struct, frozen=True):
    """A path below ``/api`` or ``/apis`` that names a resource.

    Attributes:
        namespaced: the path names a namespace, be it as the place or as the object.
        watch: the old form ``/api/v1/watch/…``.
        beyond: more follows after the subresource.
    """

    group: str
    version: str
    plural: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""
    watch: bool = False
    beyond: bool = False


def parse(path: str) -> ResourceRoute | None:
    """The route of a path; None where it names no resource."""
    parts = path.strip("/").split("/")
    if parts[0] == "api":
        group, rest = "", parts[1:]
    elif parts[0] == "apis" and len(parts) > 1:
        group, rest = parts[1], parts[2:]
    else:
        return None
    if len(rest) < 2:
        return None
    version, rest = rest[0], rest[1:]
    watch = rest[0] == "watch" and len(rest) > 1
    if watch:
        rest = rest[1:]
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and rest[2] not in _NAMESPACE_PARTS:
        namespace, rest = rest[1], rest[2:]
    name = rest[1] if len(rest) > 1 else ""
    subresource = rest[2] if len(rest) > 2 else ""
    return ResourceRoute(group, version, rest[0], namespace, name, subresource, watch, len(rest) > 3)
