"""The API server on a port of this machine, over functions by hand; and clients that speak its bytes."""

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import msgspec
from grpclib.client import Channel, UnaryStreamMethod, UnaryUnaryMethod
from grpclib.encoding.base import CodecBase

from trueup.server.api import Asked
from trueup.server.caller import Caller
from trueup.server.codec.wire import decode, encode
from trueup.server.description.read import description
from trueup.server.endpoint import Endpoint
from trueup.server.errors import Code, Fault
from trueup.server.request import Functions, Json
from trueup.server.serve import Listening, serving
from trueup.server.transport.grpcweb import frame


class ByHand(msgspec.Struct, frozen=True):
    """A caller with the rights that a function gives."""

    name: str = "admin"
    allowed: Callable[[str, str, str], bool] = lambda resource, action, of: True
    issued_at: int = 0

    def may(self, resource: str, action: str, of: str) -> bool:
        return self.allowed(resource, action, of)


class Tokens:
    """Signs in by a bearer token.

    Args:
        callers: by their tokens.
    """

    def __init__(self, callers: Mapping[str, Caller]) -> None:
        self._callers = callers

    async def authenticate(self, headers: Mapping[str, str]) -> Caller | None:
        kind, _, token = headers.get("authorization", "").partition(" ")
        if not kind:
            return None
        if token not in self._callers:
            raise Fault(Code.UNAUTHENTICATED, "invalid session: token is malformed")
        return self._callers[token]


class Served(msgspec.Struct):
    """A server that listens.

    Attributes:
        asked: what its audit was told.
    """

    port: int
    asked: list[Asked]
    tls: bool = False

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"


@asynccontextmanager
async def api_server(
    functions: Functions,
    callers: Mapping[str, Caller] | None = None,
    *,
    root: str = "",
    ready: Callable[[], bool] = lambda: True,
    context: ssl.SSLContext | None = None,
    endpoints: Mapping[str, Endpoint] | None = None,
) -> AsyncIterator[Served]:
    """Serve functions to those with the token ``token``, or to other callers."""
    asked: list[Asked] = []

    async def audit(each: Asked) -> None:
        asked.append(each)

    known = {"token": ByHand()} if callers is None else callers
    async with serving(
        Listening("127.0.0.1", 0, root),
        context,
        Tokens(known),
        [functions],
        audit=audit,
        ready=ready,
        endpoints=endpoints,
    ) as port:
        yield Served(port.number, asked, context is not None)


class _Raw(CodecBase):
    __content_subtype__ = "proto"

    def encode(self, message: Any, message_type: Any) -> bytes:
        return bytes(message)

    def decode(self, data: bytes, message_type: Any) -> bytes:
        return data


_METHODS = {method.key: method for method in description().methods()}


class GrpcClient:
    """Speaks gRPC to a server. Enter it."""

    def __init__(self, served: Served, token: str = "token", context: ssl.SSLContext | None = None) -> None:
        self._channel = Channel("127.0.0.1", served.port, codec=_Raw(), ssl=context)
        self._metadata = {"authorization": f"Bearer {token}"} if token else {}

    async def __aenter__(self) -> "GrpcClient":
        return self

    async def __aexit__(self, *_: object) -> None:
        self._channel.close()

    async def ask(self, key: str, message: Json) -> Json:
        method = _METHODS[key]
        call: UnaryUnaryMethod[bytes, bytes] = UnaryUnaryMethod(self._channel, method.path, bytes, bytes)
        answer = await call(encode(method.request, message), metadata=self._metadata)
        return decode(method.response, answer)

    async def ask_path(self, path: str) -> bytes:
        """The answer to an empty message, whatever method that is."""
        return await UnaryUnaryMethod[bytes, bytes](self._channel, path, bytes, bytes)(b"", metadata=self._metadata)

    async def follow(self, key: str, message: Json) -> AsyncIterator[Json]:
        method = _METHODS[key]
        call: UnaryStreamMethod[bytes, bytes] = UnaryStreamMethod(self._channel, method.path, bytes, bytes)
        async with call.open(metadata=self._metadata) as stream:
            await stream.send_message(encode(method.request, message), end=True)
            async for item in stream:
                yield decode(method.response, item)


async def ask_web(served: Served, key: str, message: Json, token: str = "token", root: str = "") -> list[Json]:
    """Speaks gRPC-web as Argo CD's command line does: the messages, or the fault of the head or of the trailer."""
    method = _METHODS[key]
    headers = {"content-type": "application/grpc-web+proto", "authorization": f"Bearer {token}"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(
            f"{served.url}{root}{method.path}", data=frame(encode(method.request, message)), headers=headers
        ) as response,
    ):
        assert response.status == 200
        if "grpc-status" in response.headers:
            raise Fault(Code(int(response.headers["grpc-status"])), response.headers["grpc-message"])
        body = await response.read()
    found: list[Json] = []
    while body:
        flag, size = body[0], int.from_bytes(body[1:5], "big")
        part, body = body[5 : 5 + size], body[5 + size :]
        if flag & 0x80:
            trailers = dict(line.split(":", 1) for line in part.decode().strip().split("\r\n"))
            assert not body
            if trailers["grpc-status"] != "0":
                raise Fault(Code(int(trailers["grpc-status"])), trailers["grpc-message"])
            return found
        found.append(decode(method.response, part))
    raise AssertionError("no trailers")


class RestClient:
    """Speaks REST. Enter it."""

    def __init__(self, served: Served, token: str = "token") -> None:
        self._served, self._token = served, token

    async def __aenter__(self) -> "RestClient":
        headers = {"authorization": f"Bearer {self._token}"} if self._token else {}
        self._session = aiohttp.ClientSession(self._served.url, headers=headers)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def ask(self, verb: str, path: str, body: Any = None, **more: Any) -> tuple[int, Any]:
        """The status, and the answer as JSON, or as text where it is none."""
        data = None if body is None and verb == "GET" else json.dumps(body or {})
        headers = {"content-type": "application/json"} if data is not None else {}
        async with self._session.request(verb, path, data=data, headers=headers | more.pop("headers", {})) as response:
            text = await response.text()
            try:
                return response.status, json.loads(text)
            except ValueError:
                return response.status, text

    async def lines(self, path: str, count: int, headers: Mapping[str, str] | None = None) -> list[str]:
        """The first lines of a stream that are not empty."""
        found: list[str] = []
        async with self._session.get(path, headers=headers or {}) as response:
            while len(found) < count:
                line = (await response.content.readline()).decode()
                if not line:
                    break
                if line.strip():
                    found.append(line.rstrip("\n"))
        return found


async def raw(served: Served, sent: bytes, *, end: bool = False) -> bytes:
    """What a server says to bytes, until it hangs up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    try:
        writer.write(sent)
        if end:
            writer.write_eof()
        return await reader.read()
    except ConnectionResetError:
        return b""
    finally:
        writer.close()
