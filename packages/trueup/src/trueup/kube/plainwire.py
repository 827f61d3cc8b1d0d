"""A command's wire: a few connections, and no more of HTTP than a request and its answer.

A command that asks two questions spent three quarters of its time on loading a client for thousands, and a tenth on the
standard library's, which reads mail too. Each request is made in a thread, so that deadlines and interrupts of the
caller hold, and so is each piece of a stream read.
"""

import asyncio
import socket
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar, cast
from urllib.parse import urlsplit

from trueup.kube.config import ClusterConfig
from trueup.kube.http1 import Malformed, Opening, Reply, open_reply, read_reply, request_bytes, whole_body
from trueup.kube.wire import CONNECT_SECONDS, REQUEST_SECONDS, Answer, Lost, TooLong, WireStream
from trueup.model.annotations import AGENT

T = TypeVar("T")
MOST = 8
"""Connections at one time: a handshake is dearer than an answer."""
_IDLE_SECONDS = 5.0
"""Seconds after which a connection is made anew: a server may close an idle one just as a write is on its way."""


class PlainWire:
    """A :class:`~trueup.kube.wire.Wire` of one command.

    Args:
        tls: None for a plain http server.
    """

    def __init__(self, config: ClusterConfig, tls: ssl.SSLContext | None, in_flight: int) -> None:
        self._config, self._tls = config, tls
        parts = urlsplit(config.server)
        self._host = _ascii(parts.hostname or "")
        self._port = parts.port or (443 if tls is not None else 80)
        self._name = _ascii(config.tls_server_name) or self._host
        self._root = parts.path
        self._always = {
            "Host": (f"[{self._host}]" if ":" in self._host else self._host) + (f":{parts.port}" if parts.port else ""),
            "Accept": "application/json",
            "User-Agent": AGENT,
            "Accept-Encoding": "identity" if config.loopback else "gzip",
        }
        self._idle: list[_Connection] = []
        self._generation = 0
        self._turns = asyncio.Semaphore(min(in_flight, MOST))

    async def open(self) -> None:
        """Nothing yet: the first request connects."""

    async def close(self) -> None:
        while self._idle:
            self._idle.pop().close()

    async def renew(self) -> None:
        """What is under way ends on its connection, and is taken up again by no other."""
        self._generation += 1
        await self.close()

    async def exchange(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, limit: int
    ) -> Answer:
        generation = self._generation
        request = request_bytes(method, self._root + target, {**self._always, **headers}, body)
        async with self._turns:
            use = _Use(self._fresh())
            try:
                async with asyncio.timeout(REQUEST_SECONDS):
                    answer, reusable = await _in_thread(lambda: self._exchange(use, request, limit))
            except TimeoutError:
                use.give_up()
                raise Lost("no answer in time") from None
            except BaseException:
                use.give_up()
                raise
            connection = use.connection
            assert connection is not None, "an answer came over it"
            if reusable and generation == self._generation:
                connection.used = time.monotonic()
                self._idle.append(connection)
            else:
                connection.close()
            return answer

    async def stream(self, target: str, headers: Mapping[str, str]) -> WireStream:
        fields = {**self._always, "Accept-Encoding": "identity", **headers}
        request = request_bytes("GET", self._root + target, fields, None)
        use = _Use(None)
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                opening = await _in_thread(lambda: self._open(use, request))
        except TimeoutError:
            use.give_up()
            raise Lost("no answer in time") from None
        except BaseException:
            use.give_up()
            raise
        return _Stream(use, opening)

    def _fresh(self) -> "_Connection | None":
        """An open connection that a server has had no time to tire of; None where there is none."""
        while self._idle:
            connection = self._idle.pop()
            if time.monotonic() - connection.used < _IDLE_SECONDS:
                return connection
            connection.close()
        return None

    def _exchange(self, use: "_Use", request: bytes, limit: int) -> tuple[Answer, bool]:
        """The answer, and whether its connection can take another request."""
        connection = self._sent(use, request)
        try:
            reply = read_reply(connection.stream, limit)
            content = _unpacked(reply, limit)
        except (Malformed, OSError) as error:
            raise Lost(_cause(error)) from error
        return Answer(reply.status, reply.fields, content, reply.fields.all("Warning")), reply.reusable

    def _open(self, use: "_Use", request: bytes) -> Opening:
        """The head of an answer that may go on for as long as it takes."""
        connection = self._sent(use, request)
        try:
            opening = open_reply(connection.stream)
            connection.socket.settimeout(None)
        except (Malformed, OSError) as error:
            raise Lost(_cause(error)) from error
        return opening

    def _sent(self, use: "_Use", request: bytes) -> "_Connection":
        """The connection that a request has gone over."""
        try:
            connection = use.connection or use.take(_Connection(self._host, self._port, self._tls, self._name))
        except OSError as error:
            raise Lost(_cause(error), connected=False) from error
        try:
            connection.socket.sendall(request)
        except OSError as error:
            raise Lost(_cause(error)) from error
        return connection


class _Use:
    """The connection of one exchange, which a thread speaks over and whoever waits for it may give up."""

    def __init__(self, connection: "_Connection | None") -> None:
        self.connection = connection
        self._over = False

    def take(self, connection: "_Connection") -> "_Connection":
        """One that has just been made.

        Raises:
            ConnectionAbortedError: nobody waits any more.
        """
        self.connection = connection
        if self._over:
            connection.close()
            raise ConnectionAbortedError
        return connection

    def give_up(self) -> None:
        """Close it, now or when it is there."""
        self._over = True
        if self.connection is not None:
            self.connection.close()


class _Stream:
    """An answer that is read as it comes, on a connection of its own."""

    def __init__(self, use: _Use, opening: Opening) -> None:
        self.status = opening.status
        self._use, self._opening = use, opening

    async def read(self) -> bytes:
        return await self._in_thread(lambda: next(self._opening.pieces, b""))

    async def whole(self, limit: int) -> Answer:
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                body = await self._in_thread(lambda: whole_body(self._opening, limit))
        except TimeoutError:
            raise Lost("no answer in time") from None
        fields = self._opening.fields
        return Answer(self.status, fields, body, fields.all("Warning"))

    def close(self) -> None:
        self._use.give_up()

    async def _in_thread(self, call: Callable[[], bytes]) -> bytes:
        try:
            return await _in_thread(call)
        except (Malformed, OSError) as error:
            raise Lost(_cause(error)) from error
        except BaseException:
            self.close()
            raise


class _Connection:
    """A connection to a server that may be known by another name.

    Args:
        tls: None for a plain one.
        name: the name that its certificate is checked against.

    Attributes:
        used: when its last answer was whole, on the monotonic clock.

    Raises:
        OSError: it does not stand within ten seconds.
    """

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None, name: str) -> None:
        self.used = 0.0
        # As bytes: a text is put to the rules for international names, which are loaded for it.
        address: tuple[Any, int] = (host.encode(), port)
        self.socket = socket.create_connection(address, CONNECT_SECONDS)
        try:
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls is not None:
                self.socket = tls.wrap_socket(self.socket, server_hostname=name.encode())
            self.socket.settimeout(REQUEST_SECONDS)
            self.stream = self.socket.makefile("rb")
        except BaseException:
            self.socket.close()
            raise

    def close(self) -> None:
        """Let it go; whoever reads from it is woken."""
        with suppress(OSError):
            # Closing alone would not wake a thread that reads.
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.stream.close()


def _ascii(host: str) -> str:
    return host if host.isascii() else host.encode("idna").decode()


def _unpacked(reply: Reply, limit: int) -> bytes:
    if reply.fields.words("Content-Encoding") != ["gzip"]:
        return reply.body
    # Loaded where the server is far away.
    import zlib

    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    try:
        text = unpacker.decompress(reply.body, limit + 1)
    except zlib.error as error:
        raise Malformed("the answer is not gzip as it says") from error
    if len(text) > limit:
        raise TooLong(reply.status)
    return text


async def _in_thread(call: Callable[[], T]) -> T:
    """What a call gives, from a thread that ends with the process: an interrupted command does not wait for it."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def tell(result: T | None, error: BaseException | None) -> None:
        if done.cancelled():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(cast(T, result))

    def run() -> None:
        result, failure = None, None
        try:
            result = call()
        except Exception as error:  # carried to the caller, whatever it is
            failure = error
        with suppress(RuntimeError):  # the loop has closed: nobody asks any more
            loop.call_soon_threadsafe(tell, result, failure)

    threading.Thread(target=run, daemon=True, name="request").start()
    return await done


def _cause(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
