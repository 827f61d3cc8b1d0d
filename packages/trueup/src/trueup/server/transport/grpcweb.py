"""gRPC-web: gRPC's messages in frames over HTTP/1.1, as bytes or as base64 of them."""

import base64
import binascii
import struct
from collections.abc import AsyncIterator, Mapping
from urllib.parse import quote

from starlette.types import Receive, Scope, Send

from trueup.server.api import Api
from trueup.server.codec.wire import decode, encode
from trueup.server.description.values import MethodOf
from trueup.server.errors import Code, Fault
from trueup.server.request import Json, Stream, plain
from trueup.server.transport.answers import STRICT, pump, start_stream
from trueup.server.transport.body import read_body

BINARY, TEXT = "application/grpc-web", "application/grpc-web-text"
_TRAILERS = 0x80


def kind_of(headers: Mapping[str, str]) -> str:
    """:data:`BINARY` or :data:`TEXT`; empty where the request is none of gRPC-web."""
    kind = headers.get("content-type", "").partition(";")[0].strip().lower().removesuffix("+proto")
    return kind if kind in (BINARY, TEXT) else ""


class GrpcWeb:
    """Answers gRPC-web.

    Args:
        methods: by their paths.
    """

    def __init__(self, api: Api, methods: Mapping[str, MethodOf]) -> None:
        self._api, self._methods = api, methods

    async def __call__(self, scope: Scope, headers: dict[str, str], path: str, receive: Receive, send: Send) -> None:
        kind = kind_of(headers)
        method = self._methods.get(path)

        async def read() -> Json:
            body = await read_body(receive, headers)
            return decode(method.request, message_in(body, text=kind == TEXT)) if method else {}

        try:
            if method is None:
                raise Fault(Code.UNIMPLEMENTED, f"unknown method {path[:200]}")
            answer = await self._api.call(method, headers, read)
            if not isinstance(answer, Stream):
                body = frame(encode(method.response, plain(answer))) + trailers()
                await _whole(send, kind, body)
                return
        except Fault as fault:
            # Where nothing was sent before, the head is all: clients look for the code there.
            code = [(b"grpc-status", str(int(fault.code)).encode()), (b"grpc-message", _quoted(fault.message))]
            await _whole(send, kind, b"", code)
            return
        await start_stream(send, f"{kind}+proto".encode())
        await pump(_frames(answer.items, method, text=kind == TEXT), receive, send)


async def _whole(send: Send, kind: str, body: bytes, code: list[tuple[bytes, bytes]] | None = None) -> None:
    body = base64.b64encode(body) if kind == TEXT else body
    length = (b"content-length", str(len(body)).encode())
    headers = [(b"content-type", f"{kind}+proto".encode()), length, *STRICT, *(code or ())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _frames(items: AsyncIterator[Json], method: MethodOf, *, text: bool) -> AsyncIterator[bytes]:
    end = trailers()
    try:
        async for item in items:
            sent = frame(encode(method.response, plain(item)))
            yield base64.b64encode(sent) if text else sent
    except Fault as fault:
        end = trailers(fault)
    yield base64.b64encode(end) if text else end


def frame(message: bytes, flag: int = 0) -> bytes:
    """A message with its length."""
    return struct.pack(">BI", flag, len(message)) + message


def trailers(fault: Fault | None = None) -> bytes:
    """The last frame."""
    if fault is None:
        return frame(b"grpc-status:0\r\n", _TRAILERS)
    return frame(b"grpc-status:%d\r\ngrpc-message:%s\r\n" % (fault.code, _quoted(fault.message)), _TRAILERS)


def message_in(body: bytes, *, text: bool = False) -> bytes:
    """The message of a request: one frame, and nothing else.

    Raises:
        Fault: it is another thing.
    """
    if text:
        try:
            body = base64.b64decode(body, validate=True)
        except binascii.Error as error:
            raise Fault(Code.INVALID_ARGUMENT, "the body is no base64") from error
    if len(body) < 5 or body[0] != 0 or len(body) != 5 + int.from_bytes(body[1:5], "big"):
        raise Fault(Code.INVALID_ARGUMENT, "the body is no frame of gRPC")
    return body[5:]


def _quoted(message: str) -> bytes:
    """As gRPC writes a message in a header."""
    return quote(message, safe=" !\"#$&'()*+,-./:;<=>?@[\\]^_`{|}~").encode("ascii")
