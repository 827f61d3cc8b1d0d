"""The engine's wire: aiohttp, a pool of connections for requests, one more for each stream."""

import asyncio
import ssl
from collections.abc import Mapping

import aiohttp
from yarl import URL

from trueup.kube.config import ClusterConfig
from trueup.kube.wire import CONNECT_SECONDS, REQUEST_SECONDS, Answer, Lost, TooLong, WireStream
from trueup.model.annotations import AGENT


class PooledWire:
    """A :class:`~trueup.kube.wire.Wire`.

    Args:
        tls: None for a plain http server.
        in_flight: connections for requests.
    """

    def __init__(self, config: ClusterConfig, tls: ssl.SSLContext | None, in_flight: int) -> None:
        self._config, self._tls = config, tls
        self._in_flight = in_flight
        self._session: aiohttp.ClientSession | None = None
        self._streams: aiohttp.ClientSession | None = None
        self._former: list[aiohttp.ClientSession] = []

    async def renew(self) -> None:
        """What is under way goes on as it is, until the next time: a stream that old is begun anew."""
        former, self._former = self._former, [each for each in (self._session, self._streams) if each is not None]
        await self.open()
        for session in former:
            await session.close()

    async def open(self) -> None:
        timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS, sock_connect=CONNECT_SECONDS)
        self._session = self._opened(timeout, self._in_flight)
        # A stream has no end to wait for: each read of it has a deadline instead (kube.watch).
        self._streams = self._opened(aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS), 0)

    async def close(self) -> None:
        for session in (*self._former, self._session, self._streams):
            if session is not None:
                await session.close()

    def _opened(self, timeout: aiohttp.ClientTimeout, limit: int) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=limit, keepalive_timeout=60, ssl=self._tls or True),
            timeout=timeout,
            headers={
                "Accept": "application/json",
                "User-Agent": AGENT,
                "Accept-Encoding": "identity" if self._config.loopback else "gzip",
            },
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )

    async def exchange(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, limit: int
    ) -> Answer:
        assert self._session is not None, "enter the client before its first request"
        try:
            async with self._session.request(
                method,
                self._url(target),
                data=body,
                headers=headers,
                allow_redirects=False,
                server_hostname=self._server_hostname(),
                proxy=self._config.proxy or None,
            ) as response:
                return await _whole(response, limit)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _lost(error) from error

    async def stream(self, target: str, headers: Mapping[str, str]) -> WireStream:
        assert self._streams is not None, "enter the client before its first request"
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                response = await self._streams.get(
                    self._url(target),
                    headers=headers,
                    allow_redirects=False,
                    server_hostname=self._server_hostname(),
                    proxy=self._config.proxy or None,
                )
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _lost(error) from error
        return _Stream(response)

    def _url(self, target: str) -> URL:
        # Targets are quoted already: yarl must not undo that, nor resolve dots.
        return URL(self._config.server + target, encoded=True)

    def _server_hostname(self) -> str | None:
        return self._config.tls_server_name or None if self._tls else None


class _Stream:
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self.status = response.status
        self._response = response

    async def read(self) -> bytes:
        try:
            return await self._response.content.readany()
        except (aiohttp.ClientError, OSError) as error:
            raise _lost(error) from error

    async def whole(self, limit: int) -> Answer:
        try:
            async with asyncio.timeout(REQUEST_SECONDS), self._response:
                return await _whole(self._response, limit)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise _lost(error) from error

    def close(self) -> None:
        self._response.close()


async def _whole(response: aiohttp.ClientResponse, limit: int) -> Answer:
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_any():
        size += len(chunk)
        if size > limit:
            response.close()
            raise TooLong(response.status)
        chunks.append(chunk)
    body = chunks[0] if len(chunks) == 1 else b"".join(chunks)
    return Answer(response.status, response.headers, body, response.headers.getall("Warning", ()))


def _lost(error: BaseException) -> Lost:
    if isinstance(error, TimeoutError):
        cause = "no answer in time"
    elif isinstance(error, aiohttp.ClientConnectorCertificateError):
        cause = f"its certificate is not trusted: {error.certificate_error}"
    elif isinstance(error, aiohttp.ClientConnectorError):
        cause = error.os_error.strerror or str(error.os_error)
    else:
        cause = str(error) or type(error).__name__
    return Lost(cause, connected=not isinstance(error, aiohttp.ClientConnectorError))
