"""HTTP to one API server: limits, retries and typed errors over a wire. It knows paths, not objects."""

import asyncio
import copy
import ssl
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import TracebackType
from typing import Self, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from kubegrammar.hidden import Hidden
from trueup.kube.config import ClusterConfig
from trueup.kube.credentials import Authorization, tls_context
from trueup.kube.errors import (
    MESSAGE_LIMIT,
    ApiError,
    ResponseTooLarge,
    ServerError,
    TooManyRequests,
    Unreachable,
    api_error,
)
from trueup.kube.plugin import RunPlugin, no_plugins
from trueup.kube.room import UNHURRIED, Pace
from trueup.kube.wire import Answer, Lost, TooLong, Wire, WireStream

T = TypeVar("T")

ATTEMPTS = 5
"""Tries of a request that may be repeated, the first one included."""
IN_FLIGHT = 24
"""Requests at one time, unless somebody says otherwise."""
RESPONSE_LIMIT = 128 * 1024 * 1024
"""Bytes of one answer, after decompression."""
_MOST_WARNINGS = 50
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 5.0
LONGEST_RETRY_AFTER = 30.0

APPLY_PATCH = "application/apply-patch+yaml"
JSON_PATCH = "application/json-patch+json"
Parameters = Mapping[str, str]


MakeWire = Callable[[ClusterConfig, ssl.SSLContext | None, int], Wire]
"""From a cluster, its TLS settings and the requests at one time."""


def pooled(config: ClusterConfig, tls: ssl.SSLContext | None, in_flight: int) -> Wire:
    """The engine's wire; imported when one is made, since a command may speak through another."""
    from trueup.kube.pooledwire import PooledWire

    return PooledWire(config, tls, in_flight)


class Transport:
    """Requests to one API server, at most ``in_flight`` at a time; streams have connections of their own.

    A request that waits for its next try keeps its place, so that a server in trouble sees fewer of them.

    Args:
        config: the cluster. A bad certificate raises ConfigError here.
        in_flight: requests at one time.
        response_limit: bytes of one answer.
        wire: makes what carries the requests.
        plugins: runs the program that gives the cluster's credential, where one is named.
        pace: at which it is read what the server sends.

    Attributes:
        fence: asked before each attempt at a request that may change something; it raises where none may be sent now.
    """

    def __init__(
        self,
        config: ClusterConfig,
        *,
        in_flight: int = IN_FLIGHT,
        response_limit: int = RESPONSE_LIMIT,
        wire: MakeWire = pooled,
        plugins: RunPlugin = no_plugins,
        pace: Pace = UNHURRIED,
    ) -> None:
        self.config = config
        self.response_limit = response_limit
        self.pace = pace
        self.fence: Callable[[], None] | None = None
        tls = tls_context(config)
        self._wire = wire(config, tls, in_flight)
        self._authorization = Authorization(config, plugins, tls=tls, renewed=self._wire.renew)
        self._hidden: tuple[tuple[str, ...], Hidden] | None = None
        self._impersonation: Mapping[str, str] = {}
        self._places = asyncio.Semaphore(in_flight)

    def acting_as(self, user: str) -> Self:
        """The same connections and limits, with the rights of another user; valid as long as this one is."""
        acting = copy.copy(self)
        acting._impersonation = {"Impersonate-User": user}
        return acting

    def secrets(self) -> Iterator[str]:
        """What the server is shown at present, for who hides it from others."""
        return self._authorization.secrets()

    @property
    def hidden(self) -> Hidden:
        """The same, to be found in what the server says: it may repeat what it was sent."""
        shown = tuple(self.secrets())
        if self._hidden is None or self._hidden[0] != shown:
            self._hidden = shown, Hidden(shown)
        return self._hidden[1]

    async def __aenter__(self) -> Self:
        await self._wire.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._wire.close()

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
        limit: int = 0,
    ) -> bytes:
        """Sends one request and gives the body of its answer.

        Args:
            path: from the server's root, already quoted.
            repeatable: sending it twice does the same as once; by default GET alone.
            attempts: tries in all.
            subject: how errors name it; method and path by default.
            secret: it carries Secrets: errors then quote no values.
            warnings: receives the texts of the answer's Warning headers.
            limit: bytes of the answer; 0 for as many as any may have.

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
            limit=limit,
        )
        if warnings is not None:
            warnings.extend(self.hidden.hide(text)[:MESSAGE_LIMIT] for text in warning_texts(answer.warnings))
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
        limit: int = 0,
    ) -> Answer:
        """As :meth:`request`, with the answer's status and headers: a success, or 304 to a conditional request."""
        subject = subject or f"{method} {path}"
        safe = method == "GET" if repeatable is None else repeatable
        applies = (headers or {}).get("Content-Type") == APPLY_PATCH
        limit = min(limit or self.response_limit, self.response_limit)
        fenced = method != "GET" and "dryRun" not in (params or {})
        async with self._places:
            for attempt in range(1, attempts + 1):
                # Here and not before: a request may have waited for its place, or for its next try.
                if fenced and self.fence is not None:
                    self.fence()
                try:
                    return await self._once(method, _target(path, params), body, headers or {}, subject, secret, limit)
                except ApiError as error:
                    if attempt == attempts or not may_repeat(error, repeatable=safe, applies=applies):
                        raise
                    pause = pause_before(attempt, error.retry_after)
                await asyncio.sleep(pause)
        raise AssertionError("attempts is at least 1")

    async def _once(
        self,
        method: str,
        target: str,
        body: bytes | None,
        headers: Mapping[str, str],
        subject: str,
        secret: bool,
        limit: int,
    ) -> Answer:
        try:
            answer = await self._exchange(method, target, {**headers, **self._impersonation}, body, limit)
        except Lost as error:
            raise self.unreachable(error, subject) from error
        except TooLong as error:
            raise _too_large(error, subject, limit) from error
        if 200 <= answer.status < 300 or answer.status == 304:
            return answer
        raise refusal(answer, subject, self.hidden, secret=secret, sent=body or b"")

    async def _exchange(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, limit: int
    ) -> Answer:
        shown = await self._authorization.headers()
        answer = await self._wire.exchange(method, target, {**headers, **shown}, body, limit)
        if answer.status == 401 and self._authorization.refused(shown):
            # Nothing was done, and the program may have a newer credential.
            shown = await self._authorization.headers()
            return await self._wire.exchange(method, target, {**headers, **shown}, body, limit)
        return answer

    async def open_stream(
        self, path: str, params: Parameters, subject: str, headers: Mapping[str, str] | None = None
    ) -> WireStream:
        """A GET whose answer is read as it comes, on a connection of its own. The caller closes it.

        Raises:
            ApiError: as :meth:`request`; nothing is tried twice.
        """
        try:
            shown = await self._authorization.headers()
            said = {**(headers or {}), **self._impersonation, **shown}
            stream = await self._wire.stream(_target(path, params), said)
            # 204 is the log of a Pod that runs nowhere yet.
            if stream.status in (200, 204):
                return stream
            try:
                answer = await stream.whole(self.response_limit)
            finally:
                stream.close()
            if answer.status == 401:
                self._authorization.refused(shown)  # the next stream asks for a newer credential
        except Lost as error:
            raise self.unreachable(error, subject) from error
        except TooLong as error:
            raise _too_large(error, subject, self.response_limit) from error
        raise refusal(answer, subject, self.hidden)

    def unreachable(self, error: Lost, subject: str) -> Unreachable:
        """What a failed connection becomes: it names the server and the cause, never a credential."""
        found = Unreachable(f"{subject}: {self.config.server} cannot be reached: {error.cause}")
        found.connected = error.connected
        return found


def _too_large(error: TooLong, subject: str, limit: int) -> ResponseTooLarge:
    return ResponseTooLarge(f"{subject}: the answer is over {limit} bytes", code=error.status)


def _target(path: str, params: Parameters | None) -> str:
    """Path and query; the path is quoted already."""
    return f"{path}?{urlencode(params, quote_via=quote)}" if params else path


def refusal(answer: Answer, subject: str, shown: Hidden, *, secret: bool = False, sent: bytes = b"") -> ApiError:
    """The typed error of an answer that is no success; ``shown``: credentials that the server knows, and repeats."""
    if 300 <= answer.status < 400:
        return ApiError(f"{subject}: the server redirects, which is not followed", code=answer.status)
    wait = answer.headers.get("Retry-After", "")
    retry_after = float(wait) if wait.isdecimal() else 0.0
    return api_error(
        answer.status, answer.body, subject=subject, shown=shown, retry_after=retry_after, secret=secret, sent=sent
    )


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
    # Loaded by who has to wait.
    import random

    backoff: float = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1)) * random.uniform(0.5, 1.0)  # noqa: S311
    return max(backoff, min(retry_after, LONGEST_RETRY_AFTER) * random.uniform(1.0, 1.1))  # noqa: S311


def decoded(body: bytes, type_: type[T], subject: str) -> T:
    """An answer as what it should be.

    Raises:
        ApiError: it is something else.
    """
    try:
        return msgspec.json.decode(body, type=type_)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ApiError(f"{subject}: what the server answers cannot be read") from error


def warning_texts(values: Iterable[str]) -> list[str]:
    """Texts of ``Warning: 299 - "text"`` headers."""
    texts = []
    for value in list(values)[:_MOST_WARNINGS]:
        _, quote, text = value.partition('"')
        if quote:
            texts.append(text.rpartition('"')[0].replace('\\"', '"').replace("\\\\", "\\"))
    return texts
