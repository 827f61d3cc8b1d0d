"""Answers over HTTP: with strict headers, as JSON or as a stream of it."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from http import HTTPStatus
from typing import Any

import msgspec
from starlette.types import Receive, Send

from trueup.server.errors import Code, Fault
from trueup.server.transport.body import ClientGone

Headers = list[tuple[bytes, bytes]]
STRICT: Headers = [
    (b"cache-control", b"no-store"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
]
"""Of every answer that is no page."""
QUIET = 15.0
"""Seconds after which a stream of events says that it is still there."""
_JSON, _TEXT = b"application/json", b"text/plain; charset=utf-8"


async def reply(
    send: Send, status: int, body: bytes, kind: bytes = _JSON, headers: Iterable[tuple[bytes, bytes]] = ()
) -> None:
    """One answer, whole."""
    length = (b"content-length", str(len(body)).encode())
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(b"content-type", kind), length, *STRICT, *headers],
        }
    )
    await send({"type": "http.response.body", "body": body})


async def reply_text(send: Send, status: int, text: str, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
    """One answer in words."""
    await reply(send, status, text.encode(), _TEXT, headers)


async def reply_json(send: Send, value: Any, headers: Iterable[tuple[bytes, bytes]] = ()) -> None:
    """One answer in JSON."""
    await reply(send, 200, msgspec.json.encode(value), headers=headers)


async def reply_fault(send: Send, fault: Fault) -> None:
    """Why there is no answer, as Argo CD's gateway writes it."""
    body = {"error": fault.message, "code": int(fault.code), "message": fault.message}
    await reply(send, fault.code.http, msgspec.json.encode(body))


async def start_stream(send: Send, kind: bytes) -> None:
    """The head of an answer that has no end yet."""
    # Proxies keep back what they are not told to hand on.
    headers = [(b"content-type", kind), (b"x-accel-buffering", b"no"), *STRICT]
    await send({"type": "http.response.start", "status": 200, "headers": headers})


def stream_error(fault: Fault) -> dict[str, Any]:
    """The last item of a stream that cannot go on."""
    status = HTTPStatus(fault.code.http)
    return {
        "error": {
            "grpc_code": int(fault.code),
            "http_code": int(status),
            "message": fault.message,
            "http_status": status.phrase,
        }
    }


async def pump(
    items: AsyncIterator[bytes], receive: Receive, send: Send, *, idle: bytes = b"", quiet: float = QUIET
) -> None:
    """Send items while somebody is there to take them.

    Args:
        idle: what is sent after a while without any; empty for nothing.
    """
    gone = asyncio.ensure_future(_disconnected(receive))
    following: asyncio.Future[bytes] | None = None
    try:
        while True:
            following = following or asyncio.ensure_future(anext(items))
            done, _ = await asyncio.wait((following, gone), timeout=quiet, return_when=asyncio.FIRST_COMPLETED)
            if gone in done:
                return
            if following in done:
                try:
                    item = following.result()
                except StopAsyncIteration:
                    break
                following = None
            elif idle:
                item = idle
            else:
                continue
            await send({"type": "http.response.body", "body": item, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
    except ClientGone:
        return
    finally:
        gone.cancel()
        if following is not None:
            following.cancel()
        await asyncio.gather(gone, *([following] if following else []), return_exceptions=True)
        close = getattr(items, "aclose", None)
        if close is not None:
            await close()


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def not_found() -> Fault:
    """There is no such path."""
    return Fault(Code.NOT_FOUND, "Not Found")
