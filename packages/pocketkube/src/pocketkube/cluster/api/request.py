"""What comes in and what goes out, whatever carries it."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any, Final

import msgspec

from pocketkube.cluster.failure import Failure

JSON: Final = "application/json"
TEXT: Final = "text/plain; charset=utf-8"
_ENCODER: Final = msgspec.json.Encoder()


class User(msgspec.Struct, frozen=True):
    """Who asks. Nobody is refused anything: rights are not enforced here."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: Mapping[str, tuple[str, ...]] = {}


SYSTEM: Final = User("system:apiserver", ("system:masters", "system:authenticated"))
"""The server itself."""


class ApiRequest(msgspec.Struct, kw_only=True):
    """One request.

    Attributes:
        path: decoded, without the query.
        query: pairs, decoded, in their order.
        headers: by lower-case name.
    """

    method: str
    path: str
    query: Sequence[tuple[str, str]] = ()
    headers: Mapping[str, str] = {}
    body: bytes = b""
    user: User = SYSTEM

    def first(self, name: str) -> str:
        """The first value of a query parameter; empty where there is none."""
        for key, value in self.query:
            if key == name:
                return value
        return ""

    def every(self, name: str) -> list[str]:
        """All values of a query parameter."""
        return [value for key, value in self.query if key == name]

    def has(self, name: str) -> bool:
        return any(key == name for key, _ in self.query)


class Response(msgspec.Struct, kw_only=True):
    """A whole answer. ``headers`` may repeat (Warning), hence pairs."""

    code: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: Sequence[tuple[str, str]] = ()


class StreamAnswer(msgspec.Struct, kw_only=True):
    """An answer that goes on: every chunk is sent at once."""

    chunks: AsyncIterator[bytes]
    content_type: str = JSON
    headers: Sequence[tuple[str, str]] = ()


def encode(value: Any) -> bytes:
    """Compact JSON.

    Raises:
        Failure: InternalError; the value cannot be written, as a number beyond 64 bits.
    """
    try:
        return _ENCODER.encode(value)
    except (RecursionError, OverflowError, ValueError, TypeError) as error:
        raise Failure("InternalError", f"Internal error occurred: {error}") from None


def respond(value: Any, code: int = 200) -> Response:
    """A JSON answer."""
    return Response(code=code, body=encode(value))


def refuse(failure: Failure) -> Response:
    """A failure as its ``Status`` object."""
    headers = [("Retry-After", str(failure.retry_after))] if failure.retry_after else []
    return Response(code=failure.code, body=encode(failure.status()), headers=headers)
