"""How a request ends that is not answered: gRPC's codes, as Argo CD's clients know them."""

from enum import IntEnum
from typing import Final

LONGEST_MESSAGE: Final = 1024
"""Bytes of UTF-8 that are told of a fault. Messages repeat what a caller has sent, and go into headers: to pack those
for HTTP/2 takes time by the square of their length."""


class Code(IntEnum):
    """A status of gRPC."""

    CANCELED = 1
    UNKNOWN = 2
    INVALID_ARGUMENT = 3
    DEADLINE_EXCEEDED = 4
    NOT_FOUND = 5
    ALREADY_EXISTS = 6
    PERMISSION_DENIED = 7
    RESOURCE_EXHAUSTED = 8
    FAILED_PRECONDITION = 9
    ABORTED = 10
    OUT_OF_RANGE = 11
    UNIMPLEMENTED = 12
    INTERNAL = 13
    UNAVAILABLE = 14
    DATA_LOSS = 15
    UNAUTHENTICATED = 16

    @property
    def http(self) -> int:
        """The status that REST has for it."""
        return _HTTP[self]


_HTTP = {
    Code.CANCELED: 408,
    Code.UNKNOWN: 500,
    Code.INVALID_ARGUMENT: 400,
    Code.DEADLINE_EXCEEDED: 504,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.PERMISSION_DENIED: 403,
    Code.RESOURCE_EXHAUSTED: 429,
    Code.FAILED_PRECONDITION: 400,
    Code.ABORTED: 409,
    Code.OUT_OF_RANGE: 400,
    Code.UNIMPLEMENTED: 501,
    Code.INTERNAL: 500,
    Code.UNAVAILABLE: 503,
    Code.DATA_LOSS: 500,
    Code.UNAUTHENTICATED: 401,
}


class Fault(Exception):
    """A request is not answered.

    Args:
        message: for who asks; no secret, nothing of the host. Its end is left out where it is longer than
            :data:`LONGEST_MESSAGE`.
    """

    def __init__(self, code: Code, message: str) -> None:
        self.code = code
        self.message = _cut(message)
        super().__init__(self.message)


def _cut(message: str) -> str:
    """At the end of a character, and only what can be sent as UTF-8."""
    body = message[: LONGEST_MESSAGE + 1].encode("utf-8", "replace")
    if len(body) <= LONGEST_MESSAGE:
        return body.decode()
    return body[: LONGEST_MESSAGE - 3].decode("utf-8", "ignore") + "…"


def denied() -> Fault:
    """What may not be seen does not exist: the answer to both."""
    return Fault(Code.PERMISSION_DENIED, "permission denied")


def unbuilt(what: str) -> Fault:
    """What Argo CD's API has, and Trueup has not."""
    return Fault(Code.UNIMPLEMENTED, f"{what} is not built in Trueup yet")
