"""What the API refuses, as the ``Status`` objects that Kubernetes answers with (apimachinery ``api/errors``)."""

from collections.abc import Sequence
from typing import Any

import msgspec

CODES = {
    "BadRequest": 400,
    "Unauthorized": 401,
    "Forbidden": 403,
    "NotFound": 404,
    "MethodNotAllowed": 405,
    "NotAcceptable": 406,
    "AlreadyExists": 409,
    "Conflict": 409,
    "Expired": 410,
    "Gone": 410,
    "RequestEntityTooLarge": 413,
    "UnsupportedMediaType": 415,
    "Invalid": 422,
    "TooManyRequests": 429,
    "InternalError": 500,
    "": 500,
    "Timeout": 504,
}


class FieldCause(msgspec.Struct, frozen=True):
    """One field that is wrong.

    Attributes:
        reason: ``FieldValueRequired``, ``FieldValueInvalid``, ``FieldValueNotSupported``, ``FieldValueForbidden``, …
        message: without the field's path: ``Required value``, ``Invalid value: "x": must be …``.
        field: ``spec.template.spec.containers[0].name``.
    """

    reason: str
    message: str
    field: str


class Failure(Exception):
    """A request that is refused.

    Args:
        reason: a key of :data:`CODES`; "" is a 500 without a reason.
        message: for people.
        name, group, kind: of the object; ``kind`` is the plural resource name or the kind, as the real server has it.
        causes: the fields that are wrong.
        code: where it is not the reason's.
    """

    def __init__(
        self,
        reason: str,
        message: str,
        *,
        name: str = "",
        group: str = "",
        kind: str = "",
        uid: str = "",
        causes: Sequence[FieldCause] = (),
        retry_after: int = 0,
        code: int = 0,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.code = code or CODES[reason]
        self.retry_after = retry_after
        details: dict[str, Any] = {"name": name, "group": group, "kind": kind, "uid": uid}
        if causes:
            details["causes"] = [
                {key: value for key, value in msgspec.structs.asdict(cause).items() if value} for cause in causes
            ]
        if retry_after:
            details["retryAfterSeconds"] = retry_after
        self.details = {key: value for key, value in details.items() if value}

    def status(self) -> dict[str, Any]:
        """The ``Status`` object to answer with."""
        body: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            body["reason"] = self.reason
        if self.details:
            body["details"] = self.details
        return body | {"code": self.code}


def invalid(kind: str, group: str, name: str, causes: Sequence[FieldCause]) -> Failure:
    """The 422 that lists every field that is wrong."""
    texts = [f"{cause.field}: {cause.message}" if cause.field else cause.message for cause in causes]
    texts = list(dict.fromkeys(texts))
    text = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    qualified = f"{kind}.{group}" if group else kind
    message = f'{qualified} "{name}" is invalid: {text}'
    return Failure("Invalid", message, name=name, group=group, kind=kind, causes=causes)


def not_found(plural: str, group: str, name: str) -> Failure:
    """The 404 for an object. ``plural`` is the resource's name."""
    qualified = f"{plural}.{group}" if group else plural
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    return Failure("NotFound", f'{qualified} "{quoted}" not found', name=name, group=group, kind=plural)


def conflict(plural: str, group: str, name: str, why: str) -> Failure:
    """The 409 of a stale resourceVersion or a precondition that does not hold."""
    qualified = f"{plural}.{group}" if group else plural
    message = f'Operation cannot be fulfilled on {qualified} "{name}": {why}'
    return Failure("Conflict", message, name=name, group=group, kind=plural)
