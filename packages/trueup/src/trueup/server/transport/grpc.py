"""gRPC over HTTP/2, on what :mod:`grpclib` understands of it."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from grpclib.const import Cardinality, Handler, Status
from grpclib.encoding.base import CodecBase
from grpclib.exceptions import GRPCError
from grpclib.server import Server
from grpclib.server import Stream as GrpcStream

from trueup.server.api import Api
from trueup.server.codec.wire import decode, encode
from trueup.server.description.values import MethodOf
from trueup.server.errors import Code, Fault
from trueup.server.request import PEER, Json, Stream, plain
from trueup.server.transport.body import LARGEST, PATIENCE, STALLED

_HEAD = 5


class _Bytes(CodecBase):
    """Messages as they are: the description knows what is in them."""

    __content_subtype__ = "proto"

    def encode(self, message: Any, message_type: Any) -> bytes:
        return bytes(message)

    def decode(self, data: bytes, message_type: Any) -> bytes:
        return data


class _Paths(dict[str, Handler]):
    """What answers by its path. grpclib's own answer to other paths has no content type: clients take it for broken."""

    def get(self, path: str, default: Any = None) -> Any:
        return super().get(path) or Handler(partial(_unknown, path), Cardinality.UNARY_UNARY, bytes, bytes)


class Grpc:
    """Protocols for connections on which gRPC is spoken."""

    def __init__(self, api: Api, methods: Mapping[str, MethodOf]) -> None:
        # It writes of each client that goes away, and past our log.
        logging.getLogger("grpclib").setLevel(logging.CRITICAL + 1)
        self._api, self._methods = api, methods
        self._server = Server([self], codec=_Bytes())
        self._server._mapping = _Paths(self._server._mapping)
        self.protocol: Callable[[], asyncio.Protocol] = self._server._protocol_factory

    def __mapping__(self) -> dict[str, Handler]:
        return {
            path: Handler(
                partial(self._answer, method),
                Cardinality.UNARY_STREAM if method.streams else Cardinality.UNARY_UNARY,
                bytes,
                bytes,
            )
            for path, method in self._methods.items()
        }

    async def _answer(self, method: MethodOf, stream: GrpcStream[bytes, bytes]) -> None:
        headers = {key: value for key, value in (stream.metadata or {}).items() if isinstance(value, str)}
        headers[PEER] = _peer(stream)
        try:
            answer = await self._api.call(method, headers, partial(_read, method, stream))
            if not isinstance(answer, Stream):
                await _send(stream, encode(method.response, plain(answer)))
                return
            try:
                async for item in answer.items:
                    await _send(stream, encode(method.response, plain(item)))
            finally:
                close = getattr(answer.items, "aclose", None)
                if close is not None:
                    await close()
        except Fault as fault:
            raise GRPCError(Status(int(fault.code)), fault.message) from fault


def _peer(stream: GrpcStream[bytes, bytes]) -> str:
    address = stream.peer.addr() if stream.peer is not None else None
    return str(address[0]) if isinstance(address, tuple) and address else ""


async def _unknown(path: str, stream: GrpcStream[bytes, bytes]) -> None:
    raise GRPCError(Status.UNIMPLEMENTED, f"unknown method {path[:200]}")


async def _read(method: MethodOf, stream: GrpcStream[bytes, bytes]) -> Json:
    """The message that was sent. grpclib would take one of any size."""
    inner = stream._stream
    try:
        async with asyncio.timeout(PATIENCE):
            head = await inner.recv_data(_HEAD)
            if len(head) < _HEAD or head[0]:
                raise Fault(Code.UNIMPLEMENTED, "the message is none, or compressed")
            size = int.from_bytes(head[1:], "big")
            if size > LARGEST:
                raise Fault(Code.RESOURCE_EXHAUSTED, f"the message is larger than {LARGEST} bytes")
            body = await inner.recv_data(size) if size else b""
    except TimeoutError as error:
        raise Fault(Code.DEADLINE_EXCEEDED, f"the message did not come within {PATIENCE:.0f} seconds") from error
    if len(body) != size:
        raise Fault(Code.INVALID_ARGUMENT, "the message ends before its length")
    return decode(method.request, body)


async def _send(stream: GrpcStream[bytes, bytes], message: bytes) -> None:
    try:
        async with asyncio.timeout(STALLED):
            await stream.send_message(message)
    except TimeoutError:
        await stream.cancel()
        raise
