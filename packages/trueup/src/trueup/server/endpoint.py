"""Paths that are answered beside the description: what programs ask that are no clients of Argo CD's API."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import msgspec

TEXT: Final = "text/plain; charset=utf-8"


class Knock(msgspec.Struct, frozen=True):
    """A request for such a path.

    Attributes:
        headers: by their names in small letters.
        query: the first value of each parameter.
        body: empty where the endpoint takes none.
    """

    verb: str
    headers: Mapping[str, str] = {}
    query: Mapping[str, str] = {}
    body: bytes = b""


class EndpointAnswer(msgspec.Struct, frozen=True):
    """What is sent.

    Attributes:
        kind: the content type.
        headers: further ones; a name that every answer has is replaced.
    """

    status: int
    body: bytes = b""
    kind: str = TEXT
    headers: Mapping[str, str] = {}


def words(status: int, text: str) -> EndpointAnswer:
    """An answer in words."""
    return EndpointAnswer(status, text.encode())


def _nothing() -> int:
    return 0


class Endpoint(msgspec.Struct, frozen=True):
    """A path.

    Attributes:
        answer: from a request to what is sent. Errors are faults of ours.
        verbs: that it takes.
        largest: bytes of a body, asked anew for each request.
    """

    answer: Callable[[Knock], Awaitable[EndpointAnswer]]
    verbs: tuple[str, ...] = ("GET",)
    largest: Callable[[], int] = _nothing


def elsewhere(text: str) -> Endpoint:
    """A path at which people look for what is somewhere else: says where."""

    async def answer(knock: Knock) -> EndpointAnswer:
        return words(404, text)

    return Endpoint(answer)
