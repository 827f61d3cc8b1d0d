"""Bodies of requests and answers over HTTP/1.1, within bounds."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from starlette.types import Message, Receive, Scope, Send

from trueup.server.errors import Code, Fault

LARGEST = 16 << 20
"""Bytes of a request."""
PATIENCE = 60.0
"""Seconds that a body may take to arrive."""
ROOM = 64 << 20
"""Bytes that the bodies of strangers take together."""
STALLED = 30.0
"""Seconds that a client may take nothing of what it is sent."""


class ClientGone(Exception):
    """Nobody is there to be answered."""


class BodyTooLarge(Fault):
    """A body has more bytes than it may."""

    def __init__(self, largest: int) -> None:
        super().__init__(Code.RESOURCE_EXHAUSTED, f"the body is larger than {largest} bytes")


class BodyRoom:
    """What the bodies of those who have not signed in take together."""

    def __init__(self, size: int = ROOM) -> None:
        self._free = size

    @contextmanager
    def receiving(self, receive: Receive) -> Iterator[Receive]:
        """Receives a body, which has its room until the context is left.

        Raises:
            Fault (when receiving): there is no room for more.
        """
        taken = 0

        async def within() -> Message:
            nonlocal taken
            message = await receive()
            size = len(message.get("body", b""))
            if size > self._free:
                raise Fault(Code.RESOURCE_EXHAUSTED, "others send too much at this moment: send it again later")
            self._free -= size
            taken += size
            return message

        try:
            yield within
        finally:
            self._free += taken


async def read_body(receive: Receive, headers: dict[str, str], largest: int = LARGEST) -> bytes:
    """The body of a request.

    Raises:
        BodyTooLarge.
        Fault: it does not come.
        ClientGone: nobody waits for an answer.
    """
    too_large = BodyTooLarge(largest)
    declared = headers.get("content-length", "0")
    if not declared.isdecimal() or int(declared) > largest:
        raise too_large
    parts: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                message = await receive()
                if message["type"] == "http.disconnect":
                    raise ClientGone
                part = message.get("body", b"")
                size += len(part)
                if size > largest:
                    raise too_large
                parts.append(part)
                if not message.get("more_body", False):
                    return b"".join(parts)
    except TimeoutError as error:
        raise Fault(Code.DEADLINE_EXCEEDED, f"the body did not come within {PATIENCE:.0f} seconds") from error


def patient(scope: Scope, send: Send) -> Send:
    """Sends, but to nobody who takes nothing: such a connection is cut."""
    abort: Callable[[], None] | None = scope.get("state", {}).get("abort")

    async def sending(message: Message) -> None:
        try:
            async with asyncio.timeout(STALLED):
                await send(message)
        except TimeoutError as error:
            if abort is not None:
                abort()
            raise ClientGone from error

    return sending
