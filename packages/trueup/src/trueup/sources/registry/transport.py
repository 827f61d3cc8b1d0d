"""Requests to a registry: who asks is shown to its own host alone, answers are bounded, and a wait is kept."""

import asyncio
import io
import ssl
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

import aiohttp
import msgspec
from yarl import URL

from kubegrammar import json
from trueup.memory.bounded import Memory
from trueup.model.errors import SourceUnavailable, Stalled, Waiting
from trueup.model.tree import MEBIBYTE
from trueup.sources.credential import paper
from trueup.sources.outgoing import Outside, is_loopback, proxy_of, require_outside, session
from trueup.sources.registry.access import Access
from trueup.sources.registry.answer import RegistryAnswer, bounded, reason, redirected, refused, retry_after, shown
from trueup.sources.registry.challenge import Challenge, read_challenges
from trueup.sources.registry.errors import AccessRefused, NoSuchImage
from trueup.sources.registry.realm import token_server

__all__ = ["AccessRefused", "NoSuchImage", "RegistryAnswer", "RegistryTransport"]

_DOCKER = "registry-1.docker.io"
_TOKEN_LIMIT = 256 * 1024
_ERROR_LIMIT = 16 * 1024
_REDIRECTS = 5
_MARGIN = 10.0
_SHORTEST = 60.0
_LONGEST_WAIT = 3600.0
_REMEMBERED = 2000
_ROOM = MEBIBYTE
"""Bytes of each memory of registries."""
_TOKENS = 4 * MEBIBYTE
"""Bytes of the tokens that are kept: a registry says how long one is."""
_CLIENT = "trueup"
_CHALLENGES = 8


class _Limits(msgspec.Struct):
    until: float
    failures: int


class RegistryTransport:
    """Shared connections and tokens. A context manager.

    Args:
        timeout: seconds for one request, its answer included.
        now: a monotonic clock.
    """

    def __init__(self, *, timeout: float, now: Callable[[], float] = time.monotonic) -> None:
        self._timeout, self._now = timeout, now
        self._sessions: dict[bool, aiohttp.ClientSession] = {}
        self._tokens: Memory[tuple[str, Access, str], tuple[str, float]] = Memory(
            entries=_REMEMBERED, size=_TOKENS, weigh=lambda kept: len(kept[0])
        )
        self._basic: Memory[tuple[str, Access], None] = Memory(entries=_REMEMBERED, size=_ROOM)
        self._waits: Memory[str, _Limits] = Memory(entries=_REMEMBERED, size=_ROOM)
        self._plain: dict[str, bool] = {}
        self._contexts: dict[tuple[bytes, bool, tuple[str, str] | None], ssl.SSLContext] = {}

    async def open(self) -> None:
        """Make the sessions: one that asks any address, and one for hosts that others name."""
        options = {"timeout": aiohttp.ClientTimeout(total=self._timeout), "headers": {"User-Agent": _CLIENT}}
        self._sessions = {
            False: session(**options),
            True: session(connector=aiohttp.TCPConnector(resolver=Outside()), **options),
        }

    async def close(self) -> None:
        """End all connections."""
        for each in self._sessions.values():
            await each.close()

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
    ) -> RegistryAnswer:
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
            raise SourceUnavailable(f"registry {registry}: {shown(str(error) or type(error).__name__)}") from error

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
    ) -> RegistryAnswer:
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
            self._waits.pop(base.host or "")
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
    ) -> tuple[RegistryAnswer, list[Challenge]]:
        """One request. Redirects are followed by hand: the header goes to the registry's own origin alone, and not
        when another host has sent us back to it. What another host wants to be shown is nobody's question."""
        at_home = url.origin() == base.origin()
        for _ in range(_REDIRECTS + 1):
            at_home = at_home and url.origin() == base.origin()
            sent = dict(headers or {})
            if authorization and at_home:
                sent["Authorization"] = authorization
            data = io.BytesIO(body) if body else body
            async with self._request(method, url, base, access, headers=sent, data=data) as response:
                if response.status in (301, 302, 303, 307, 308) and method in ("GET", "HEAD"):
                    url = redirected(url, response.headers.get("Location", ""), registry)
                    continue
                read = await bounded(response, limit if response.status < 400 else _ERROR_LIMIT, registry)
                asked = response.headers.getall("WWW-Authenticate", [])[:_CHALLENGES] if at_home else []
                return RegistryAnswer(response.status, response.headers, read, url), read_challenges(asked)
        raise SourceUnavailable(f"registry {registry}: it redirects without end")

    def _request(
        self, method: str, url: URL, base: URL, access: Access, **options: Any
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """A request on behalf of a registry. Where strangers named the registry, or the registry names another host, an
        address of this machine is none."""
        assert self._sessions, "the client is not open"
        at_home = url.origin() == base.origin()
        proxy = proxy_of(url, access.proxy if at_home else "", access.no_proxy)
        guarded = access.guarded or not (at_home or is_loopback(base.host))
        if guarded:
            require_outside(url)
        # A proxy's own address may be any; it looks up the name itself.
        return self._sessions[guarded and proxy is None].request(
            method,
            url,
            proxy=proxy,
            allow_redirects=False,
            ssl=self._context(access, at_home=at_home) if url.scheme == "https" else True,
            **options,
        )

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
            self._tokens.put((str(base.origin()), access, scope), (token, self._now() + seconds))
            return f"Bearer {token}"
        if any(each.scheme == "basic" for each in challenges) and access.basic:
            if base.scheme == "http" and not (is_loopback(base.host) or access.plain_http):
                raise AccessRefused(f"registry {registry}: it wants a password without TLS", hint="let it serve https")
            self._basic.put((str(base.origin()), access), None)
            return access.basic
        return ""

    async def _token(
        self, challenge: Challenge, base: URL, registry: str, access: Access, scope: str
    ) -> tuple[str, float]:
        realm = token_server(challenge.parameters.get("realm", ""), base, access, registry)
        service = challenge.parameters.get("service", "")
        wanted = scope or challenge.parameters.get("scope", "")
        if access.token:
            form = {
                "grant_type": "refresh_token",
                "refresh_token": access.token,
                "service": service,
                "scope": wanted,
                "client_id": _CLIENT,
            }
            request = self._request("POST", realm, base, access, data=form)
        else:
            query = {name: value for name, value in (("service", service), ("scope", wanted)) if value}
            headers = {"Authorization": access.basic} if access.basic else {}
            request = self._request("GET", realm.update_query(query), base, access, headers=headers)
        async with request as response:
            data = await bounded(response, _TOKEN_LIMIT, registry)
            if response.status in (400, 401, 403):
                raise refused(registry, scope)
            if response.status == 429:
                raise self._wait(base.host or "", registry, response.headers)
            if response.status != 200:
                raise SourceUnavailable(f"registry {registry}: its token server answers {response.status}")
        try:
            found = json.received(data, _Token, strict=False)
        except ValueError:
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
            try:
                async with self._request("GET", secure / "v2/", secure, access):
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

    def _context(self, access: Access, *, at_home: bool) -> ssl.SSLContext:
        """``at_home``: only of the registry itself may certificates be left unverified, and only it sees ours."""
        insecure = access.insecure and at_home
        own = (access.certificate, access.key) if at_home and access.certificate and access.key else None
        key = (access.ca, insecure, own)
        if key not in self._contexts:
            context = ssl.create_default_context()
            if access.ca:
                try:
                    context.load_verify_locations(cadata=access.ca.decode("ascii", "ignore"))
                except ssl.SSLError:
                    raise Stalled("the registry's CA is no PEM certificate", hint="correct the Secret") from None
            if insecure:
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            if own is not None:
                _present(context, *own)
            self._contexts[key] = context
        return self._contexts[key]

    # --- what went wrong -----------------------------------------------------------------------------------------

    def _must_not_wait(self, host: str, registry: str) -> None:
        kept = self._waits.get(host.partition(":")[0])
        if kept and kept.until > self._now():
            raise Waiting(f"registry {registry} asked to be left alone", after=kept.until - self._now())

    def _failure(self, answer: RegistryAnswer, host: str, registry: str, scope: str) -> Exception:
        name = scope.split(":")[1] if scope.count(":") >= 2 else ""
        if answer.status in (401, 403):
            return refused(registry, scope)
        if answer.status == 404:
            return NoSuchImage(
                f"registry {registry}: there is no {name or 'such thing'} there{reason(answer.body)}",
                hint="correct the image's name, or give a pull secret if it is private",
            )
        if answer.status == 429 or (answer.status == 503 and "Retry-After" in answer.headers):
            return self._wait(host, registry, answer.headers)
        return SourceUnavailable(f"registry {registry}: it answers {answer.status}{reason(answer.body)}")

    def _wait(self, host: str, registry: str, headers: Mapping[str, str]) -> Waiting:
        known = self._waits.get(host)
        failures = known.failures + 1 if known is not None else 1
        seconds = retry_after(headers.get("Retry-After", "")) or min(30.0 * 2 ** (failures - 1), _LONGEST_WAIT)
        seconds = min(seconds, _LONGEST_WAIT)
        self._waits.put(host, _Limits(self._now() + seconds, failures))
        return Waiting(f"registry {registry}: too many requests; asked again in {seconds:.0f} s", after=seconds)


def _present(context: ssl.SSLContext, certificate: str, key: str) -> None:
    """Have a client's certificate shown.

    Raises:
        Stalled: it is none.
    """
    try:
        with paper(certificate) as one, paper(key) as other:
            context.load_cert_chain(one, other)
    except ssl.SSLError:
        raise Stalled(
            "tlsClientCertData and tlsClientCertKey are no certificate with its key", hint="correct the Secret"
        ) from None


class _Token(msgspec.Struct):
    token: str = ""
    access_token: str = ""
    expires_in: float | None = None
