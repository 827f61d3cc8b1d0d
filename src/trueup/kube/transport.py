"""HTTP to one API server: a pool of connections, limits, retries and typed errors. It knows paths, not objects."""

import asyncio
import copy
import random
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

import aiohttp
import msgspec
from multidict import CIMultiDictProxy
from yarl import URL

from trueup.kube.config import ClusterConfig
from trueup.kube.credentials import TokenSource, tls_context
from trueup.kube.errors import ApiError, ResponseTooLarge, ServerError, TooManyRequests, Unreachable, api_error

ATTEMPTS = 5
"""Tries of a request that may be repeated, the first one included."""
RESPONSE_LIMIT = 128 * 1024 * 1024
"""Bytes of one answer, after decompression."""
REQUEST_SECONDS = 65.0
"""Deadline of one request, more than the sixty seconds a server gives itself."""
CONNECT_SECONDS = 10.0
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0
LONGEST_RETRY_AFTER = 30.0

APPLY_PATCH = "application/apply-patch+yaml"
JSON_PATCH = "application/json-patch+json"
Parameters = Mapping[str, str]


class Answer(msgspec.Struct, frozen=True):
    """A successful answer (2xx, or 304 where the request was conditional)."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes


class Transport:
    """Requests to one API server, at most ``in_flight`` at a time; streams have connections of their own.

    A request that waits for its next try keeps its place, so that a server in trouble sees fewer of them.

    Args:
        config: the cluster. A bad certificate raises ConfigError here.
        in_flight: requests at one time.
        response_limit: bytes of one answer.

    Attributes:
        fence: asked before each attempt at a request that may change something; it raises where none may be sent now.
    """

    def __init__(self, config: ClusterConfig, *, in_flight: int = 24, response_limit: int = RESPONSE_LIMIT) -> None:
        self.config = config
        self.response_limit = response_limit
        self.fence: Callable[[], None] | None = None
        self._tls = tls_context(config)
        self._token = TokenSource(config)
        self._impersonation: Mapping[str, str] = {}
        self._in_flight = in_flight
        self._places = asyncio.Semaphore(in_flight)
        self._session: aiohttp.ClientSession | None = None
        self._streams: aiohttp.ClientSession | None = None

    def acting_as(self, user: str) -> Self:
        """The same connections and limits, with the rights of another user; valid as long as this one is."""
        acting = copy.copy(self)
        acting._impersonation = {"Impersonate-User": user}
        return acting

    async def __aenter__(self) -> Self:
        timeout = aiohttp.ClientTimeout(total=REQUEST_SECONDS, sock_connect=CONNECT_SECONDS)
        self._session = self._open(timeout, self._in_flight)
        # A stream has no end to wait for: each read of it has a deadline instead (kube.watch).
        self._streams = self._open(aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_SECONDS), 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for session in (self._session, self._streams):
            if session is not None:
                await session.close()

    def _open(self, timeout: aiohttp.ClientTimeout, limit: int) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=limit, keepalive_timeout=60, ssl=self._tls or True),
            timeout=timeout,
            headers={
                "Accept": "application/json",
                "User-Agent": "trueup",
                "Accept-Encoding": "identity" if self.config.loopback else "gzip",
            },
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
        )

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Parameters | None = None,
        body: bytes | None = None,
        content_type: str = "application/json",
        repeatable: bool | None = None,
        attempts: int = ATTEMPTS,
        subject: str = "",
        secret: bool = False,
        warnings: list[str] | None = None,
    ) -> bytes:
        """Sends one request and gives the body of its answer.

        Args:
            path: from the server's root, already quoted.
            repeatable: sending it twice does the same as once; by default GET alone.
            attempts: tries in all.
            subject: how errors name it; method and path by default.
            secret: it carries Secrets: errors then quote no values.
            warnings: receives the texts of the answer's Warning headers.

        Raises:
            ApiError: the typed refusal, or Unreachable, or ResponseTooLarge.
        """
        headers = {"Content-Type": content_type} if body is not None else {}
        answer = await self.send(
            method,
            path,
            params=params,
            body=body,
            headers=headers,
            repeatable=repeatable,
            attempts=attempts,
            subject=subject,
            secret=secret,
        )
        if warnings is not None:
            warnings.extend(warning_texts(answer.headers))
        return answer.body

    async def send(
        self,
        method: str,
        path: str,
        *,
        params: Parameters | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        repeatable: bool | None = None,
        attempts: int = ATTEMPTS,
        subject: str = "",
        secret: bool = False,
    ) -> Answer:
        """As :meth:`request`, with the answer's status and headers; 304 is an answer."""
        subject = subject or f"{method} {path}"
        safe = method == "GET" if repeatable is None else repeatable
        applies = (headers or {}).get("Content-Type") == APPLY_PATCH
        fenced = method != "GET" and "dryRun" not in (params or {})
        async with self._places:
            for attempt in range(1, attempts + 1):
                # Here and not before: a request may have waited for its place, or for its next try.
                if fenced and self.fence is not None:
                    self.fence()
                try:
                    return await self._once(method, self._url(path, params), body, headers or {}, subject, secret)
                except ApiError as error:
                    if attempt == attempts or not may_repeat(error, repeatable=safe, applies=applies):
                        raise
                    pause = pause_before(attempt, error.retry_after)
                await asyncio.sleep(pause)
        raise AssertionError("attempts is at least 1")

    async def _once(
        self, method: str, url: URL, body: bytes | None, headers: Mapping[str, str], subject: str, secret: bool
    ) -> Answer:
        assert self._session is not None, "enter the client before its first request"
        try:
            async with self._session.request(
                method,
                url,
                data=body,
                headers={**headers, **self._impersonation, **self._token.headers()},
                allow_redirects=False,
                server_hostname=self._server_hostname(),
            ) as response:
                content = await self._read(response, subject)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self.unreachable(error, subject) from error
        if 200 <= response.status < 300 or response.status == 304:
            return Answer(response.status, response.headers, content)
        raise refusal(response, content, subject, secret=secret, sent=body or b"")

    async def _read(self, response: aiohttp.ClientResponse, subject: str) -> bytes:
        chunks: list[bytes] = []
        size = 0
        async for chunk in response.content.iter_any():
            size += len(chunk)
            if size > self.response_limit:
                response.close()
                raise ResponseTooLarge(
                    f"{subject}: the answer is over {self.response_limit} bytes", code=response.status
                )
            chunks.append(chunk)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)

    async def open_stream(
        self, path: str, params: Parameters, subject: str, headers: Mapping[str, str] | None = None
    ) -> aiohttp.ClientResponse:
        """A GET whose answer is read as it comes, on a connection of its own. The caller closes it.

        Raises:
            ApiError: as :meth:`request`; nothing is tried twice.
        """
        assert self._streams is not None, "enter the client before its first request"
        try:
            async with asyncio.timeout(REQUEST_SECONDS):
                response = await self._streams.get(
                    self._url(path, params),
                    headers={**(headers or {}), **self._impersonation, **self._token.headers()},
                    allow_redirects=False,
                    server_hostname=self._server_hostname(),
                )
                if response.status == 200:
                    return response
                async with response:
                    content = await self._read(response, subject)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise self.unreachable(error, subject) from error
        raise refusal(response, content, subject)

    def unreachable(self, error: BaseException, subject: str) -> Unreachable:
        """What a failed connection becomes: it names the server and the cause, never a credential."""
        if isinstance(error, TimeoutError):
            cause = "no answer in time"
        elif isinstance(error, aiohttp.ClientConnectorCertificateError):
            cause = f"its certificate is not trusted: {error.certificate_error}"
        elif isinstance(error, aiohttp.ClientConnectorError):
            cause = error.os_error.strerror or str(error.os_error)
        else:
            cause = str(error) or type(error).__name__
        found = Unreachable(f"{subject}: {self.config.server} cannot be reached: {cause}")
        found.connected = not isinstance(error, aiohttp.ClientConnectorError)
        return found

    def _url(self, path: str, params: Parameters | None) -> URL:
        # Paths are quoted already: yarl must not undo that, nor resolve dots.
        return URL(self.config.server + path, encoded=True).with_query(params)

    def _server_hostname(self) -> str | None:
        return self.config.tls_server_name or None if self._tls else None


def refusal(
    response: aiohttp.ClientResponse, content: bytes, subject: str, *, secret: bool = False, sent: bytes = b""
) -> ApiError:
    """The typed error of an answer that is no success."""
    if 300 <= response.status < 400:
        return ApiError(f"{subject}: the server redirects, which is not followed", code=response.status)
    wait = response.headers.get("Retry-After", "")
    retry_after = float(wait) if wait.isdecimal() else 0.0
    return api_error(response.status, content, subject=subject, retry_after=retry_after, secret=secret, sent=sent)


def may_repeat(error: ApiError, *, repeatable: bool, applies: bool) -> bool:
    """Whether a failed request may be sent again.

    A 429 and a connection that never stood mean that nothing happened, whatever the method. The rest needs a request
    that does the same when repeated; a 500 to an apply patch is the server's verdict on the manifest.
    """
    if isinstance(error, TooManyRequests):
        # An eviction's 429 has a cause of its own and asks the caller to decide.
        return not error.has_cause("DisruptionBudget")
    if isinstance(error, Unreachable):
        return repeatable or not error.connected
    if isinstance(error, ServerError):
        return repeatable and not (applies and error.code == 500)
    return False


def pause_before(attempt: int, retry_after: float) -> float:
    """Seconds before the next try: doubled each time, with jitter, and never less than the server asked for."""
    backoff: float = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1)) * random.uniform(0.5, 1.0)  # noqa: S311
    return max(backoff, min(retry_after, LONGEST_RETRY_AFTER) * random.uniform(1.0, 1.1))  # noqa: S311


def warning_texts(headers: CIMultiDictProxy[str]) -> list[str]:
    """Texts of ``Warning: 299 - "text"`` headers."""
    texts = []
    for value in headers.getall("Warning", ()):
        _, quote, text = value.partition('"')
        if quote:
            texts.append(text.rpartition('"')[0].replace('\\"', '"').replace("\\\\", "\\"))
    return texts
