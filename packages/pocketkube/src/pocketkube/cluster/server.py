"""The API over HTTPS on the loopback interface."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, unquote

from aiohttp import web
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import StreamReader

from pocketkube.cluster.api import ApiRequest, KubernetesApi, Response, StreamAnswer, User
from pocketkube.cluster.api.decoding import BODY_LIMIT
from pocketkube.cluster.api.request import refuse
from pocketkube.cluster.failure import Failure
from pocketkube.cluster.tokens import TokenBook

HOST: Final = "127.0.0.1"
ANONYMOUS: Final = User("system:anonymous", ("system:unauthenticated",))
_OPEN: Final = ("/healthz", "/livez", "/readyz", "/version")
_KEEP_ALIVE_SECONDS: Final = 600.0


class Gate:
    """Takes HTTP requests to the API, and finds out who asks."""

    def __init__(self, api: KubernetesApi, tokens: TokenBook) -> None:
        self._api, self._tokens = api, tokens

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answers one request."""
        try:
            answer = await self._api.handle(await self._read(request))
        except Failure as failure:
            answer = refuse(failure)
        if isinstance(answer, Response):
            return _whole(answer)
        return await _streamed(request, answer)

    async def _read(self, request: web.BaseRequest) -> ApiRequest:
        path, _, query = request.raw_path.partition("?")
        path = unquote(path) if "%" in path else path
        user = self._user_of(request, path)
        return ApiRequest(
            method=request.method,
            path=path,
            query=parse_qsl(query, keep_blank_values=True) if query else (),
            headers=request.headers,
            body=await _body(request) if request.can_read_body else b"",
            user=user,
        )

    def _user_of(self, request: web.BaseRequest, path: str) -> User:
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        user = self._tokens.user_of(token.strip()) if scheme.lower() == "bearer" else None
        if user is None:
            if scheme or not path.startswith(_OPEN):
                raise Failure("Unauthorized", "Unauthorized")
            return ANONYMOUS
        return _impersonated(request, user)


async def listen(
    handler: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]], certificates: Path, port: int
) -> web.ServerRunner:
    """Takes connections.

    Raises:
        OSError: the port is taken.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates / "server.crt", certificates / "server.key")
    server = web.Server(
        handler,
        request_factory=_request,
        access_log=None,
        keepalive_timeout=_KEEP_ALIVE_SECONDS,
        handler_cancellation=True,
    )
    runner = web.ServerRunner(server, handle_signals=False, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    await web.TCPSite(runner, HOST, port, ssl_context=context, backlog=512).start()
    return runner


def _request(
    message: RawRequestMessage, payload: StreamReader, protocol: Any, writer: Any, task: "asyncio.Task[None]"
) -> web.BaseRequest:
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=0)


async def _body(request: web.BaseRequest) -> bytes:
    if (request.content_length or 0) > BODY_LIMIT:
        raise Failure("RequestEntityTooLarge", f"Request entity too large: limit is {BODY_LIMIT}")
    chunks: list[bytes] = []
    size = 0
    while chunk := await request.content.readany():
        size += len(chunk)
        if size > BODY_LIMIT:
            raise Failure("RequestEntityTooLarge", f"Request entity too large: limit is {BODY_LIMIT}")
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _impersonated(request: web.BaseRequest, user: User) -> User:
    """Who the request is made for (``--as``); everybody may."""
    headers = request.headers
    name = headers.get("Impersonate-User")
    groups = tuple(headers.getall("Impersonate-Group", ()))
    if name is None:
        if groups or "Impersonate-Uid" in headers:
            raise Failure("BadRequest", "impersonation needs a user name")
        return user
    extra: dict[str, tuple[str, ...]] = {}
    for key, value in headers.items():
        if key.lower().startswith("impersonate-extra-"):
            what = unquote(key[len("impersonate-extra-") :]).lower()
            extra[what] = (*extra.get(what, ()), value)
    return User(name, (*groups, "system:authenticated"), headers.get("Impersonate-Uid", ""), extra)


def _whole(answer: Response) -> web.Response:
    response = web.Response(status=answer.code, body=answer.body)
    headers = response.headers
    if answer.code != 204:
        headers["Content-Type"] = answer.content_type
    headers["Cache-Control"] = "no-cache, private"
    for name, value in answer.headers:
        headers.add(name, value)
    return response


async def _streamed(request: web.BaseRequest, answer: StreamAnswer) -> web.StreamResponse:
    response = web.StreamResponse()
    response.headers["Content-Type"] = answer.content_type
    response.headers["Cache-Control"] = "no-cache, private"
    for name, value in answer.headers:
        response.headers.add(name, value)
    await response.prepare(request)
    try:
        async for chunk in answer.chunks:
            await response.write(chunk)
        await response.write_eof()
    except ConnectionError:
        # The reader has left.
        pass
    finally:
        await answer.chunks.aclose()  # type: ignore[attr-defined]  # the chunks come from an async generator
    return response
