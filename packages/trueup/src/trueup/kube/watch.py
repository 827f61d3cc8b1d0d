"""Watch streams: lines of JSON → events, with a deadline on silence."""

import asyncio
import time
from collections.abc import AsyncGenerator, Iterator
from typing import Literal

import msgspec

from kubegrammar.hidden import Hidden
from trueup.kube.errors import ApiError, ApiStatus, ResponseTooLarge, Silent, api_error
from trueup.kube.object import read_object, shallow
from trueup.kube.transport import Transport
from trueup.kube.wire import Lost, WireStream
from trueup.model.live import LiveObject

READ_SECONDS = 75.0
"""Silence after which a stream is given up: servers send a bookmark every sixty seconds."""
EVENT_LIMIT = 16 * 1024 * 1024
"""Bytes of one event; the largest objects that an API server stores have three million."""
INITIAL_EVENTS_END = "k8s.io/initial-events-end"

EventType = Literal["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]


class WatchEvent(msgspec.Struct, frozen=True, gc=False):
    """One event.

    Attributes:
        object: the object after the change, or as it was when deleted; a bookmark's holds a resource version only.
        initial_events_end: a bookmark that closes the initial state of a watch that asked for it.
    """

    type: EventType
    object: LiveObject
    initial_events_end: bool = False

    @property
    def resource_version(self) -> str:
        return self.object.resource_version


class _Line(msgspec.Struct, gc=False):
    type: str
    object: msgspec.Raw


_LINE = msgspec.json.Decoder(_Line)


async def stream_events(
    transport: Transport,
    stream: WireStream,
    *,
    api_version: str,
    kind: str,
    subject: str,
    read_seconds: float = READ_SECONDS,
) -> AsyncGenerator[WatchEvent]:
    """Events of an open watch until the server ends it.

    Raises:
        Gone: the resource version has expired (an ERROR event of code 410 in a stream of status 200).
        Silent: nothing came for ``read_seconds``, not even a bookmark.
        ApiError: any other ERROR event; Unreachable when the connection breaks.
    """
    rest: list[bytes] = []
    size, limit = 0, min(EVENT_LIMIT, transport.response_limit)
    while True:
        try:
            async with asyncio.timeout(read_seconds):
                chunk = await stream.read()
        except TimeoutError as error:
            raise Silent(f"{subject}: nothing heard for {read_seconds:g} seconds") from error
        except Lost as error:
            raise transport.unreachable(error, subject) from error
        if not chunk:
            return
        first, *lines = chunk.split(b"\n")
        # Joined once it is whole: an event that comes byte by byte costs no more than another one.
        rest.append(first)
        size += len(first)
        if size > limit:
            raise ResponseTooLarge(f"{subject}: one event is over {limit} bytes")
        if not lines:
            continue
        lines.insert(0, b"".join(rest))
        rest = [lines.pop()]
        size = len(rest[0])
        begun = time.thread_time()
        for event in _read_lines(lines, api_version, kind, subject, transport.hidden):
            yield event
        await transport.pace.spent(time.thread_time() - begun)


def _read_lines(lines: list[bytes], api_version: str, kind: str, subject: str, hidden: Hidden) -> Iterator[WatchEvent]:
    for line in lines:
        if not line:
            continue
        try:
            event = _LINE.decode(shallow(line))
            if event.type == "ERROR":
                raise _error_of(event.object, subject, hidden)
            found = read_object(event.object, api_version, kind)
        except (msgspec.DecodeError, RecursionError) as error:
            raise ApiError(f"{subject}: the server sent an event that cannot be read") from error
        match event.type:
            case "ADDED" | "MODIFIED" | "DELETED":
                yield WatchEvent(event.type, found)
            case "BOOKMARK":
                yield WatchEvent("BOOKMARK", found, found.annotations.get(INITIAL_EVENTS_END) == "true")


def _error_of(body: msgspec.Raw, subject: str, shown: Hidden) -> ApiError:
    status = msgspec.json.decode(body, type=ApiStatus)
    return api_error(status.code, bytes(body), subject=subject, shown=shown)
