"""Refusals with the words of the real server (apimachinery ``api/errors``, go-restful)."""

from pocketkube.cluster.failure import Failure, conflict
from pocketkube.cluster.resource import Resource

MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"
SCHEME = "pkg/runtime/scheme.go:111"
"""How the scheme of the built-in kinds names itself in messages."""


class Bare(Failure):
    """A ``Status`` with ``details: {}``, as the mux and generic refusals have it."""

    def status(self) -> dict[str, object]:
        body = super().status()
        code = body.pop("code")
        return body | {"details": self.details, "code": code}


def unknown_resource() -> Failure:
    return Bare("NotFound", "the server could not find the requested resource")


def wrong_method() -> Failure:
    return Bare("MethodNotAllowed", "the server does not allow this method on the requested resource")


def unprocessable() -> Failure:
    return Bare("Invalid", "the server rejected our request due to an error in our request")


def unknown_patch_type() -> Failure:
    return Bare("UnsupportedMediaType", "415: Unsupported Media Type")


def internal(message: str) -> Failure:
    """A 500 without a reason: an error of Go that is no ``Status``."""
    return Failure("", message)


def already_exists(resource: Resource, name: str, *, leaving: bool = False) -> Failure:
    message = f'{resource.qualified} "{name}" already exists'
    if leaving:
        message = f"object is being deleted: {message}"
    return Failure("AlreadyExists", message, name=name, group=resource.group, kind=resource.plural)


def no_free_name(resource: Resource, name: str) -> Failure:
    why = "the server was not able to generate a unique name for the object"
    message = f'{resource.qualified} "{name}" already exists, {why}'
    return Failure("AlreadyExists", message, name=name, group=resource.group, kind=resource.plural, retry_after=1)


def modified(resource: Resource, name: str) -> Failure:
    """A stale resourceVersion."""
    return conflict(resource.plural, resource.group, name, MODIFIED)


def forbidden(resource: Resource, name: str, why: str) -> Failure:
    shown = f'{resource.qualified} "{name}"' if name else resource.qualified
    return Failure("Forbidden", f"{shown} is forbidden: {why}", name=name, group=resource.group, kind=resource.plural)
