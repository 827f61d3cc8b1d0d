"""A command's wire: the standard library's HTTP client on one connection.

A command that asks two questions spent three quarters of its time on loading a client for thousands. Requests are made
one after the other, each in a thread, so that deadlines and interrupts of the caller hold; there are no streams.
"""

import asyncio
import http.client
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TypeVar, cast
from urllib.parse import urlsplit

from trueup.kube.config import ClusterConfig
from trueup.kube.wire import CONNECT_SECONDS, REQUEST_SECONDS, Answer, Lost, Stream, TooLong
from trueup.model.annotations import AGENT

_CHUNK = 1 << 16
T = TypeVar("T")
_IDLE_SECONDS = 5.0
"""Seconds after which a connection is made anew: a server may close an idle one just as a write is on its way."""


class PlainWire:
    """A :class:`~trueup.kube.wire.Wire` without streams.

    Args:
        tls: None for a plain http server.
        response_limit: bytes of one answer, after decompression.
    """

    def __init__(self, config: ClusterConfig, tls: ssl.SSLContext | None, in_flight: int, response_limit: int) -> None:
        del in_flight
        self._config, self._tls, self._limit = config, tls, response_limit
        self._connection: http.client.HTTPConnection | None = None
        self._used = 0.0
        self._turn = asyncio.Lock()

    async def open(self) -> None:
        """Nothing yet: the first request connects."""

    async def close(self) -> None:
        self._drop()

    async def exchange(self, method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        async with self._turn:
            try:
                async with asyncio.timeout(REQUEST_SECONDS):
                    return await _in_thread(lambda: self._exchange(method, target, headers, body))
            except TimeoutError:
                self._drop()
                raise Lost("no answer in time") from None
            except BaseException:
                self._drop()
                raise

    async def stream(self, target: str, headers: Mapping[str, str]) -> Stream:
        raise NotImplementedError("a command that watches takes the pooled wire")

    def _exchange(self, method: str, target: str, headers: Mapping[str, str], body: bytes | None) -> Answer:
        connection = self._connected()
        try:
            connection.request(method, self._root() + target, body, {**self._always(), **headers})
            response = connection.getresponse()
            content = self._read(response)
        except (http.client.HTTPException, OSError) as error:
            raise Lost(_cause(error)) from error
        if response.will_close:
            self._drop()
        self._used = time.monotonic()
        return Answer(response.status, response.headers, content, response.headers.get_all("Warning", []))

    def _connected(self) -> http.client.HTTPConnection:
        if self._connection is not None and time.monotonic() - self._used < _IDLE_SECONDS:
            return self._connection
        self._drop()
        parts = urlsplit(self._config.server)
        host = parts.hostname or ""
        if self._tls is None:
            connection = http.client.HTTPConnection(host, parts.port, timeout=CONNECT_SECONDS)
        else:
            connection = _Tls(host, parts.port, self._tls, self._config.tls_server_name or host)
        try:
            connection.connect()
        except OSError as error:
            raise Lost(_cause(error), connected=False) from error
        connection.sock.settimeout(REQUEST_SECONDS)
        self._connection = connection
        return connection

    def _root(self) -> str:
        return urlsplit(self._config.server).path

    def _always(self) -> dict[str, str]:
        return {
            "Accept": "application/json",
            "User-Agent": AGENT,
            "Accept-Encoding": "identity" if self._config.loopback else "gzip",
        }

    def _read(self, response: http.client.HTTPResponse) -> bytes:
        packed = _bounded(response, self._limit)
        if response.headers.get("Content-Encoding", "") != "gzip":
            return packed
        unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
        try:
            text = unpacker.decompress(packed, self._limit + 1)
        except zlib.error as error:
            raise http.client.HTTPException("the answer is not gzip as it says") from error
        if len(text) > self._limit:
            raise TooLong(response.status)
        return text

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            # The client's own lets go of it after a last answer.
            open_socket: socket.socket | None = connection.sock
            if open_socket is not None:
                with suppress(OSError):
                    # Closing alone would not wake a thread that reads.
                    open_socket.shutdown(socket.SHUT_RDWR)
            connection.close()


class _Tls(http.client.HTTPSConnection):
    """An HTTPS connection to a server that may be known by another name."""

    def __init__(self, host: str, port: int | None, context: ssl.SSLContext, name: str) -> None:
        super().__init__(host, port, timeout=CONNECT_SECONDS, context=context)
        self._settings, self._name = context, name

    def connect(self) -> None:
        http.client.HTTPConnection.connect(self)
        self.sock = self._settings.wrap_socket(self.sock, server_hostname=self._name)


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


def _bounded(response: http.client.HTTPResponse, limit: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    while chunk := response.read(_CHUNK):
        size += len(chunk)
        if size > limit:
            raise TooLong(response.status)
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def _cause(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error}"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
