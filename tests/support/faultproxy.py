"""An HTTP proxy before a real API server that records requests and makes faults on demand."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Self

import aiohttp
from aiohttp import web
from yarl import URL

from trueup.kube.config import ClusterConfig
from trueup.kube.credentials import tls_context

Fault = Callable[[web.Request], Awaitable[web.StreamResponse | None]]
"""Answers in the server's stead, or leaves the request to it with None."""
HOP_BY_HOP = frozenset(("connection", "transfer-encoding", "content-length", "keep-alive", "host"))


class FaultProxy:
    """Passes everything on until told otherwise.

    Attributes:
        requests: method and path with query of every request so far.
        fault: asked for each request.
        line: what becomes of each line of a watch; None drops it.
        loses_answers: the server acts, and its answer never arrives.
    """

    def __init__(self, upstream: ClusterConfig) -> None:
        self.requests: list[tuple[str, str]] = []
        self.fault: Fault | None = None
        self.line: Callable[[bytes], bytes | None] | None = None
        self.loses_answers = False
        self.url = ""
        self._upstream = upstream
        self._open: set[asyncio.Transport] = set()

    @property
    def config(self) -> ClusterConfig:
        """How a client reaches the server through the proxy."""
        return ClusterConfig(server=self.url, token=self._upstream.token)

    def count(self, method: str, text: str, without: str = "\0") -> int:
        """Requests whose path and query hold one text and not another."""
        return sum(1 for verb, path in self.requests if verb == method and text in path and without not in path)

    def cut(self) -> None:
        """Breaks every connection that has an answer under way."""
        for transport in list(self._open):
            transport.abort()

    @classmethod
    @asynccontextmanager
    async def before(cls, upstream: ClusterConfig) -> AsyncIterator[Self]:
        """A running proxy on a free port of loopback."""
        proxy = cls(upstream)
        connector = aiohttp.TCPConnector(ssl=tls_context(upstream) or True, limit=0)
        async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
            application = web.Application(client_max_size=64 * 1024 * 1024)

            async def handle(request: web.Request) -> web.StreamResponse:
                return await proxy._handle(request, session)

            application.router.add_route("*", "/{path:.*}", handle)
            runner = web.AppRunner(application, shutdown_timeout=0.1)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            proxy.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
            try:
                yield proxy
            finally:
                proxy.cut()
                await runner.cleanup()

    async def _handle(self, request: web.Request, session: aiohttp.ClientSession) -> web.StreamResponse:
        self.requests.append((request.method, request.raw_path))
        if self.fault is not None and (answer := await self.fault(request)) is not None:
            return answer
        try:
            return await self._pass_on(request, session)
        except (aiohttp.ClientError, ConnectionError):
            if request.transport is not None:
                request.transport.abort()
            raise

    async def _pass_on(self, request: web.Request, session: aiohttp.ClientSession) -> web.StreamResponse:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        url = URL(self._upstream.server + request.raw_path, encoded=True)
        body = await request.read()
        async with session.request(request.method, url, data=body or None, headers=headers) as answer:
            if self.loses_answers:
                raise ConnectionResetError("the answer is to be lost")
            passed = web.StreamResponse(status=answer.status)
            for name, value in answer.headers.items():
                if name.lower() not in HOP_BY_HOP:
                    passed.headers.add(name, value)
            await passed.prepare(request)
            transport = request.transport
            if transport is not None:
                self._open.add(transport)
            try:
                async for chunk in self._content(answer, "watch=true" in request.raw_path):
                    await passed.write(chunk)
            finally:
                if transport is not None:
                    self._open.discard(transport)
            await passed.write_eof()
            return passed

    async def _content(self, answer: aiohttp.ClientResponse, watched: bool) -> AsyncIterator[bytes]:
        if not watched:
            async for chunk in answer.content.iter_any():
                yield chunk
            return
        rest = b""
        async for chunk in answer.content.iter_any():
            *lines, rest = (rest + chunk).split(b"\n")
            for line in lines:
                kept = self.line(line) if self.line is not None else line
                if kept is not None:
                    yield kept + b"\n"
