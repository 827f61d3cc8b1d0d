"""One port: the first bytes of a connection tell what is spoken on it."""

import asyncio
import contextlib
import logging
import ssl
from collections.abc import Callable
from types import TracebackType
from typing import Self

import uvicorn
from grpclib.protocol import H2Protocol
from starlette.types import ASGIApp
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from trueup.model.errors import TrueupError

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
FIRST_BYTES = 10.0
"""Seconds that a new connection may say nothing."""
HEAD_SECONDS, HEAD_BYTES = 20.0, 64 << 10
"""That the head of a request may take."""
IDLE = 75.0
"""Seconds that a connection is kept for a next request."""
MOST = 2000
"""Connections at a time; further ones are closed at once."""
GRACE = 5.0
"""Seconds that requests have to end when the server does."""


class Port:
    """Listens on entry, until it is left.

    Args:
        app: answers HTTP/1.1.
        grpc: makes protocols for HTTP/2.
        context: for TLS; None for plain text.

    Raises (on entry):
        TrueupError: the address cannot be listened on.
    """

    def __init__(
        self, host: str, port: int, app: ASGIApp, grpc: Callable[[], asyncio.Protocol], context: ssl.SSLContext | None
    ) -> None:
        for name in ("uvicorn.error", "uvicorn.access", "uvicorn"):
            # It writes of each broken request, and past our log.
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
        self._host, self._number, self._context, self._grpc = host, port, context, grpc
        self._config = uvicorn.Config(
            app,
            http="httptools",
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=int(IDLE),
        )
        self._config.load()
        self._state = ServerState()
        self._connections: set[_First] = set()
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        try:
            self._server = await loop.create_server(
                lambda: _First(self), self._host, self._number, ssl=self._context, backlog=512
            )
        except OSError as error:
            raise TrueupError(
                f"port {self._number} cannot be listened on: {error.strerror or error}",
                hint="name another address by --listen",
            ) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._server is not None
        self._server.close()
        tasks = list(self._state.tasks)
        if tasks:
            await asyncio.wait(tasks, timeout=GRACE)
        for task in tasks:
            task.cancel()
        for connection in list(self._connections):
            connection.abort()
        await asyncio.gather(*tasks, return_exceptions=True)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE):
                await self._server.wait_closed()

    @property
    def number(self) -> int:
        """The port that is listened on."""
        assert self._server is not None
        return int(self._server.sockets[0].getsockname()[1])

    def speaking(self, http2: bool) -> asyncio.Protocol:
        """A protocol for a connection that has begun."""
        return self._grpc() if http2 else _Http1(self._config, self._state, {})

    def opened(self, connection: "_First") -> bool:
        """Whether there is room for one more."""
        if len(self._connections) >= MOST:
            return False
        self._connections.add(connection)
        return True

    def closed(self, connection: "_First") -> None:
        """One has gone."""
        self._connections.discard(connection)


class _First(asyncio.Protocol):
    """Waits for the first bytes, and hands the connection to who understands them."""

    def __init__(self, port: Port) -> None:
        self._port = port
        self._transport: asyncio.Transport | None = None
        self._inner: asyncio.Protocol | None = None
        self._begun = b""
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport) or hasattr(transport, "abort")
        self._transport = transport  # type: ignore[assignment]
        if not self._port.opened(self):
            self.abort()
            return
        self._timer = asyncio.get_running_loop().call_later(FIRST_BYTES, self.abort)

    def data_received(self, data: bytes) -> None:
        if self._inner is not None:
            self._inner.data_received(data)
            return
        self._begun += data
        if len(self._begun) < len(PREFACE) and PREFACE.startswith(self._begun):
            return
        if self._timer is not None:
            self._timer.cancel()
        assert self._transport is not None
        self._inner = self._port.speaking(self._begun.startswith(PREFACE))
        self._inner.connection_made(self._transport)
        begun, self._begun = self._begun, b""
        if isinstance(self._inner, H2Protocol):
            self._look(-1)
        self._inner.data_received(begun)

    def _look(self, before: int) -> None:
        """End a connection on which nothing was asked since the last look: it may say that it is there for ever."""
        assert isinstance(self._inner, H2Protocol)
        connection = self._inner.connection
        started = connection.streams_started
        if started == before and started == connection.streams_succeeded + connection.streams_failed:
            self.abort()
            return
        self._timer = asyncio.get_running_loop().call_later(IDLE, self._look, started)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._inner is not None else None

    def pause_writing(self) -> None:
        if self._inner is not None:
            self._inner.pause_writing()

    def resume_writing(self) -> None:
        if self._inner is not None:
            self._inner.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        self._port.closed(self)
        if self._timer is not None:
            self._timer.cancel()
        if self._inner is not None:
            self._inner.connection_lost(exc)

    def abort(self) -> None:
        """End it, whatever is under way."""
        if self._transport is not None:
            self._transport.abort()


class _Http1(HttpToolsProtocol):
    """uvicorn's, with bounds for the head of a request."""

    _deadline: asyncio.TimerHandle | None = None
    _in_head = True
    _head = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {"abort": transport.abort}
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        self._unwait()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._in_head:
            self._head += len(data)
            if self._head > HEAD_BYTES + len(data):
                self.transport.abort()
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._head = True, 0
        self._wait()

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._unwait()
        super().on_headers_complete()

    def _wait(self) -> None:
        self._unwait()
        self._deadline = asyncio.get_running_loop().call_later(HEAD_SECONDS, self.transport.abort)

    def _unwait(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
