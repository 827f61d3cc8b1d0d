"""Requests to a registry: who asks is shown to its own host alone, answers are bounded, and a wait is kept."""

import asyncio
import email.utils
import io
import re
import ssl
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any

import aiohttp
import msgspec
from yarl import URL

from trueup.model.errors import SourceUnavailable, Stalled, Waiting
from trueup.sources.registry.access import Access
from trueup.sources.registry.challenge import Challenge, is_loopback, may_be_shown_to, read_challenges

_DOCKER = "registry-1.docker.io"
_TOKEN_LIMIT = 256 * 1024
_ERROR_LIMIT = 16 * 1024
_REDIRECTS = 5
_MARGIN = 10.0
_SHORTEST = 60.0
_LONGEST_WAIT = 3600.0
_REMEMBERED = 2000
_PRINTABLE = re.compile(r"[^\x20-\x7e\u00a0-\uffff]+")
_CLIENT = "trueup"


class NoSuchImage(Stalled):
    """The registry has no such repository, tag or blob (or does not tell strangers)."""

    reason = "NoSuchImage"


class AccessRefused(Stalled):
    """The registry does not accept what it was shown."""

    reason = "RegistryAccessRefused"


class Answer(msgspec.Struct, frozen=True):
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    url: URL


class _Limits(msgspec.Struct):
    until: float
    failures: int


class Transport:
    """Shared connections and tokens. A context manager.

    Args:
        timeout: seconds for one request, its answer included.
        now: a monotonic clock.
    """

    def __init__(self, *, timeout: float, now: Callable[[], float] = time.monotonic) -> None:
        self._timeout, self._now = timeout, now
        self._session: aiohttp.ClientSession | None = None
        self._tokens: OrderedDict[tuple[Any, ...], tuple[str, float]] = OrderedDict()
        self._basic: set[tuple[str, Access]] = set()
        self._waits: dict[str, _Limits] = {}
        self._plain: dict[str, bool] = {}
        self._contexts: dict[tuple[bytes, bool], ssl.SSLContext] = {}

    async def open(self) -> None:
        """Make the session."""
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=self._timeout),
            headers={"User-Agent": _CLIENT},
            trust_env=True,
            auto_decompress=True,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def close(self) -> None:
        """End all connections."""
        if self._session:
            await self._session.close()

    async def ask(
        self,
        method: str,
        registry: str,
        path: str,
        access: Access,
        *,
        scope: str,
        limit: int,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        good: tuple[int, ...] = (200,),
    ) -> Answer:
        """One question to a registry.

        Args:
            path: from ``/v2/`` on, encoded; or a whole URL, which is asked with credentials on this very host alone.
            scope: as in the token flow, ``repository:NAME:pull``.
            limit: bytes of the answer.

        Raises:
            NoSuchImage, AccessRefused: what it says.
            Waiting: the registry wants to be left alone for a while.
            SourceUnavailable: it cannot be reached, or answers nonsense.
        """
        host = _DOCKER if registry == "docker.io" else registry
        self._must_not_wait(host, registry)
        try:
            async with asyncio.timeout(self._timeout):
                base = await self._base(host, access)
                url = URL(path, encoded=True) if "://" in path else base.join(URL(path, encoded=True))
                return await self._authorized(method, url, base, registry, access, scope, limit, headers, body, good)
        except TimeoutError:
            raise SourceUnavailable(f"registry {registry}: no answer within {self._timeout:g} s") from None
        except aiohttp.ClientError as error:
            raise SourceUnavailable(f"registry {registry}: {_shown(str(error) or type(error).__name__)}") from error

    async def _authorized(
        self,
        method: str,
        url: URL,
        base: URL,
        registry: str,
        access: Access,
        scope: str,
        limit: int,
        headers: Mapping[str, str] | None,
        body: bytes | None,
        good: tuple[int, ...],
    ) -> Answer:
        authorization = self._known(base, access, scope)
        for attempt in range(2):
            answer, challenges = await self._send(
                method, url, base, registry, access, authorization, limit, headers, body
            )
            if answer.status == 401 and attempt == 0:
                authorization = await self._admitted(challenges, base, registry, access, scope)
                if authorization:
                    continue
            break
        if answer.status in good:
            self._waits.pop(base.host or "", None)
            return answer
        raise self._failure(answer, base.host or "", registry, scope)

    async def _send(
        self,
        method: str,
        url: URL,
        base: URL,
        registry: str,
        access: Access,
        authorization: str,
        limit: int,
        headers: Mapping[str, str] | None,
        body: bytes | None,
    ) -> tuple[Answer, list[Challenge]]:
        """One request. Redirects are followed by hand: the header goes to the registry's own origin alone."""
        assert self._session, "the client is not open"
        for _ in range(_REDIRECTS + 1):
            sent = dict(headers or {})
            if authorization and url.origin() == base.origin():
                sent["Authorization"] = authorization
            async with self._session.request(
                method,
                url,
                headers=sent,
                data=io.BytesIO(body) if body else body,
                allow_redirects=False,
                ssl=self._context(access) if url.scheme == "https" else True,
            ) as response:
                if response.status in (301, 302, 303, 307, 308) and method in ("GET", "HEAD"):
                    target = url.join(URL(response.headers.get("Location", ""), encoded=True))
                    if target.scheme == "https" or (target.scheme == "http" and url.scheme == "http"):
                        url = target
                        continue
                    raise SourceUnavailable(f"registry {registry}: it redirects to where nobody may follow")
                data = await _bounded(response, limit if response.status < 400 else _ERROR_LIMIT, registry)
                challenges = read_challenges(response.headers.getall("WWW-Authenticate", []))
                return Answer(response.status, response.headers, data, url), challenges
        raise SourceUnavailable(f"registry {registry}: it redirects without end")

    # --- who asks ------------------------------------------------------------------------------------------------

    def _known(self, base: URL, access: Access, scope: str) -> str:
        if (str(base.origin()), access) in self._basic:
            return access.basic
        token = self._tokens.get((str(base.origin()), access, scope))
        return f"Bearer {token[0]}" if token and token[1] > self._now() else ""

    async def _admitted(self, challenges: list[Challenge], base: URL, registry: str, access: Access, scope: str) -> str:
        """What to show after a refusal; empty where there is nothing better."""
        bearer = next((each for each in challenges if each.scheme == "bearer"), None)
        if bearer is not None:
            token, seconds = await self._token(bearer, base, registry, access, scope)
            self._tokens[(str(base.origin()), access, scope)] = (token, self._now() + seconds)
            while len(self._tokens) > _REMEMBERED:
                self._tokens.popitem(last=False)
            return f"Bearer {token}"
        if any(each.scheme == "basic" for each in challenges) and access.basic:
            if base.scheme == "http" and not (is_loopback(base.host) or access.plain_http):
                raise AccessRefused(f"registry {registry}: it wants a password without TLS", hint="let it serve https")
            self._basic.add((str(base.origin()), access))
            return access.basic
        return ""

    async def _token(
        self, challenge: Challenge, base: URL, registry: str, access: Access, scope: str
    ) -> tuple[str, float]:
        assert self._session
        try:
            realm = URL(challenge.parameters.get("realm", ""))
        except ValueError:
            realm = URL()
        if realm.scheme not in ("https", "http") or not realm.host:
            raise SourceUnavailable(f"registry {registry}: it names no token server")
        secret = bool(access.basic or access.token)
        if secret and not may_be_shown_to(realm):
            raise AccessRefused(
                f"registry {registry}: its token server {realm.host} has no TLS, and would see the password",
                hint="let the token server serve https",
            )
        service = challenge.parameters.get("service", "")
        wanted = scope or challenge.parameters.get("scope", "")
        context: Any = self._context(access) if realm.scheme == "https" else True
        if access.token:
            form = {
                "grant_type": "refresh_token",
                "refresh_token": access.token,
                "service": service,
                "scope": wanted,
                "client_id": _CLIENT,
            }
            request = self._session.post(realm, data=form, allow_redirects=False, ssl=context)
        else:
            query = {name: value for name, value in (("service", service), ("scope", wanted)) if value}
            headers = {"Authorization": access.basic} if access.basic else {}
            request = self._session.get(realm.update_query(query), headers=headers, allow_redirects=False, ssl=context)
        async with request as response:
            data = await _bounded(response, _TOKEN_LIMIT, registry)
            if response.status in (400, 401, 403):
                raise _refused(registry, scope)
            if response.status == 429:
                raise self._wait(base.host or "", registry, response.headers)
            if response.status != 200:
                raise SourceUnavailable(f"registry {registry}: its token server answers {response.status}")
        try:
            found = msgspec.json.decode(data, type=_Token, strict=False)
        except msgspec.MsgspecError:
            raise SourceUnavailable(f"registry {registry}: its token server answers nonsense") from None
        token = found.token or found.access_token
        if not token or not token.isascii() or any(character.isspace() for character in token):
            raise SourceUnavailable(f"registry {registry}: its token server gives no token")
        return token, max(found.expires_in or _SHORTEST, _SHORTEST) - _MARGIN

    # --- where ---------------------------------------------------------------------------------------------------

    async def _base(self, host: str, access: Access) -> URL:
        """The registry's origin. On this machine one without TLS is found out, elsewhere it must be asked for."""
        try:
            secure = URL(f"https://{host}/")
        except ValueError:
            raise NoSuchImage(f"{host[:100]!r} is no registry", hint="correct the image's name") from None
        if access.plain_http:
            return secure.with_scheme("http")
        if not is_loopback(secure.host):
            return secure
        if host not in self._plain:
            assert self._session
            try:
                async with self._session.get(secure / "v2/", ssl=self._context(access), allow_redirects=False):
                    self._plain[host] = False
            except aiohttp.ClientConnectorCertificateError:
                self._plain[host] = False
            except aiohttp.ClientSSLError:
                self._plain[host] = True
            except aiohttp.ClientError as error:
                if isinstance(error, aiohttp.ClientConnectorError) and not isinstance(error.os_error, ssl.SSLError):
                    raise
                self._plain[host] = True
        return secure.with_scheme("http") if self._plain[host] else secure

    def _context(self, access: Access) -> ssl.SSLContext:
        key = (access.ca, access.insecure)
        if key not in self._contexts:
            context = ssl.create_default_context()
            if access.ca:
                try:
                    context.load_verify_locations(cadata=access.ca.decode("ascii", "ignore"))
                except ssl.SSLError:
                    raise Stalled("the registry's CA is no PEM certificate", hint="correct the Secret") from None
            if access.insecure:
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            self._contexts[key] = context
        return self._contexts[key]

    # --- what went wrong -----------------------------------------------------------------------------------------

    def _must_not_wait(self, host: str, registry: str) -> None:
        kept = self._waits.get(host.partition(":")[0])
        if kept and kept.until > self._now():
            raise Waiting(f"registry {registry} asked to be left alone", after=kept.until - self._now())

    def _failure(self, answer: Answer, host: str, registry: str, scope: str) -> Exception:
        name = scope.split(":")[1] if scope.count(":") >= 2 else ""
        if answer.status in (401, 403):
            return _refused(registry, scope)
        if answer.status == 404:
            return NoSuchImage(
                f"registry {registry}: there is no {name or 'such thing'} there{_reason(answer.body)}",
                hint="correct the image's name, or give a pull secret if it is private",
            )
        if answer.status == 429 or (answer.status == 503 and "Retry-After" in answer.headers):
            return self._wait(host, registry, answer.headers)
        return SourceUnavailable(f"registry {registry}: it answers {answer.status}{_reason(answer.body)}")

    def _wait(self, host: str, registry: str, headers: Mapping[str, str]) -> Waiting:
        failures = self._waits[host].failures + 1 if host in self._waits else 1
        seconds = _retry_after(headers.get("Retry-After", "")) or min(30.0 * 2 ** (failures - 1), _LONGEST_WAIT)
        seconds = min(seconds, _LONGEST_WAIT)
        self._waits[host] = _Limits(self._now() + seconds, failures)
        return Waiting(f"registry {registry}: too many requests; asked again in {seconds:.0f} s", after=seconds)


class _Token(msgspec.Struct):
    token: str = ""
    access_token: str = ""
    expires_in: float | None = None


def _refused(registry: str, scope: str) -> AccessRefused:
    name = scope.split(":")[1] if scope.count(":") >= 2 else ""
    return AccessRefused(
        f"registry {registry}: access to {name or 'it'} is refused",
        hint="give a pull secret that may read it: the annotation pull-secret, or registries.conf",
    )


def _reason(body: bytes) -> str:
    """What the distribution API's errors say; nothing of a page in HTML."""
    try:
        found = msgspec.json.decode(body)
        first = found["errors"][0]
        return f" ({_shown(str(first.get('code') or first.get('message') or ''))})"
    except (msgspec.DecodeError, KeyError, IndexError, TypeError, AttributeError):
        return ""


def _shown(text: str) -> str:
    return _PRINTABLE.sub(" ", text)[:200]


def _retry_after(text: str) -> float:
    if text.strip().isdigit():
        return float(text.strip()[:6])
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError):
        return 0.0


async def _bounded(response: aiohttp.ClientResponse, limit: int, registry: str) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_chunked(64 * 1024):
        size += len(chunk)
        if size > limit:
            if response.status >= 400:
                break
            raise SourceUnavailable(f"registry {registry}: an answer is larger than {limit // 1024} KiB")
        chunks.append(chunk)
    return b"".join(chunks)
