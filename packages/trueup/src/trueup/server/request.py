"""What a resource is asked, and what it answers: no header, no socket, no protocol."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import msgspec

from trueup.server.caller import Caller

Json = dict[str, Any]


PEER = ":peer"
"""Among the headers, in the place of a header that nobody can send: the address that a request comes from."""


class Request(msgspec.Struct, frozen=True):
    """A request.

    Attributes:
        caller: who asks; somebody without any rights where a method is open to all.
        message: as JSON has it, by the description: types are right, what is required may be absent.
        resume: the token of the last item that a stream's reader has seen; empty for none.
        peer: the address that it comes from; of a proxy, where one is before the server.
    """

    caller: Caller
    message: Json
    resume: str = ""
    peer: str = ""


class StoredBody(msgspec.Struct, frozen=True, gc=False):
    """An object of an answer as it is stored: of most that are listed, little is sent.

    Attributes:
        body: its JSON.
    """

    body: bytes

    def object(self) -> Json:
        """The object as it is answered, without what says who wrote which field."""
        found: Json = msgspec.json.decode(self.body)
        metadata = found.get("metadata")
        if isinstance(metadata, dict):
            metadata.pop("managedFields", None)
        return found


def plain(answer: Json) -> Json:
    """An answer whose objects are read: those of a list, or the one of an event."""
    for key, value in answer.items():
        if isinstance(value, StoredBody):
            return {**answer, key: value.object()}
    items = answer.get("items")
    if not isinstance(items, list) or not any(isinstance(each, StoredBody) for each in items):
        return answer
    return {**answer, "items": [each.object() if isinstance(each, StoredBody) else each for each in items]}


def _no_token() -> str:
    return ""


class Stream(msgspec.Struct, frozen=True):
    """Many answers. Whoever reads them closes them.

    Attributes:
        token: names the place after the item that was read last, for who comes back; empty where nobody can.
    """

    items: AsyncIterator[Json]
    token: Callable[[], str] = _no_token


Function = Callable[[Request], Awaitable[Json | Stream]]
Functions = Mapping[str, Function]
"""By ``Service.Method``."""
