"""Exchanges identities, and keeps what came of it until shortly before it ends."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import aiohttp
import msgspec
from yarl import URL

from kubegrammar import json
from kubegrammar.hidden import Hidden
from kubegrammar.redact import redact_url
from trueup.model.errors import InvalidSpec, SourceUnavailable
from trueup.model.repository_url import HTTP, RepositoryUrl
from trueup.sources.credential import Credential
from trueup.sources.identity.port import Identity, IdentityRefused, IdentityShown
from trueup.sources.outgoing import Outside, proxy_of, require_outside, session
from trueup.sources.tls import tls_of

_EARLIER = 300.0
"""Seconds before its end at which a token is asked for anew; a fetch takes minutes."""
_SECONDS = 20.0
_LONGEST = 256 * 1024
_KEPT = 4096
_Key = tuple[Identity, str]


class Exchange:
    """One for each engine: a hundred repositories of one app ask for one token.

    Args:
        guarded: addresses of this machine, and of what answers to it alone, are not asked.
        now: seconds since 1970.
        learn: told of the secrets that there are, whenever there are others.
    """

    def __init__(
        self,
        *,
        guarded: bool = True,
        now: Callable[[], float] = time.time,
        learn: Callable[[Callable[[], Iterable[str]]], None] = lambda _: None,
    ) -> None:
        self._guarded, self._now, self._learn = guarded, now, learn
        self._known: dict[_Key, IdentityShown] = {}
        self._under_way: dict[_Key, asyncio.Lock] = {}

    async def __call__(self, credential: Credential | None, url: RepositoryUrl) -> Credential | None:
        """A credential with what its identity is exchanged for; the same where it has none.

        Raises:
            InvalidSpec: the identity cannot be read.
            SourceUnavailable: it is exchanged for nothing; says why, without what is secret.
        """
        identity = credential.identity if credential is not None else None
        if credential is None or identity is None:
            return credential
        key = (identity, identity.subject(url))
        async with self._under_way.setdefault(key, asyncio.Lock()):
            shown = self._known.get(key)
            if shown is None or shown.until - _EARLIER <= self._now():
                shown = await self._exchanged(identity, credential, url)
                if len(self._known) >= _KEPT:
                    self._known.clear()
                    self._under_way.clear()
                self._known[key] = shown
                self._learn(self._confidential)
        return msgspec.structs.replace(
            credential,
            identity=None,
            username=shown.username,
            password=shown.password,
            bearer_token=shown.bearer_token,
        )

    def forget(self, credential: Credential | None, url: RepositoryUrl) -> None:
        """A server did not take what an identity was exchanged for: it may have been withdrawn."""
        if credential is not None and credential.identity is not None:
            self._known.pop((credential.identity, credential.identity.subject(url)), None)

    async def _exchanged(self, identity: Identity, credential: Credential, repository: RepositoryUrl) -> IdentityShown:
        async def ask(
            method: str,
            url: str,
            *,
            headers: Mapping[str, str] | None = None,
            form: Mapping[str, str] | None = None,
        ) -> dict[str, Any]:
            shown = redact_url(url)[:300]
            try:
                return await self._asked(method, _address(url, shown), shown, credential, headers or {}, form)
            except TimeoutError as error:
                raise SourceUnavailable(f"{shown}: no whole answer within {_SECONDS:g} s") from error
            except (aiohttp.ClientError, OSError, ValueError) as error:
                said = Hidden(credential.confidential()).hide(f"{type(error).__name__}: {error}")
                raise SourceUnavailable(f"{shown} cannot be asked: {said}"[:600]) from error

        return await identity.exchange(ask, repository, self._now())

    async def _asked(
        self,
        method: str,
        place: URL,
        shown: str,
        credential: Credential,
        headers: Mapping[str, str],
        form: Mapping[str, str] | None,
    ) -> dict[str, Any]:
        if self._guarded:
            require_outside(place)
        connector = aiohttp.TCPConnector(resolver=Outside()) if self._guarded else None
        # Certificates and client certificate of the repository's own host are no other's.
        at_home = place.host == credential.host
        options: dict[str, Any] = {"ssl": tls_of(credential)} if at_home and place.scheme == "https" else {}
        asked = {"Accept": "application/json", "Accept-Encoding": "identity", **headers}
        timeout = aiohttp.ClientTimeout(total=_SECONDS)
        async with (
            session(connector=connector, timeout=timeout, auto_decompress=False) as client,
            client.request(
                method,
                place,
                headers=asked,
                data=form,
                allow_redirects=False,
                proxy=proxy_of(place, credential.proxy, credential.no_proxy),
                **options,
            ) as answer,
        ):
            content = bytearray()
            async for piece in answer.content.iter_chunked(_LONGEST):
                content += piece
                if len(content) > _LONGEST:
                    raise SourceUnavailable(f"{shown} answers with more than any token needs")
            if answer.status >= 500 or answer.status in (408, 425, 429):
                raise SourceUnavailable(f"{shown} answers {answer.status}")
            if not 200 <= answer.status < 300:
                raise IdentityRefused(f"{shown} answers {answer.status}", hint=_HINTS.get(answer.status, _HINT))
            found = json.received(bytes(content))
        if not isinstance(found, dict):
            raise SourceUnavailable(f"{shown} answers with no object of JSON")
        return found

    def _confidential(self) -> list[str]:
        return [text for each in self._known.values() for text in (each.password, each.bearer_token) if text]


def _address(place: str, shown: str) -> URL:
    url = URL(place)
    if url.scheme not in HTTP or not url.host:
        raise InvalidSpec(f"{shown} is no address of HTTP", hint="write https://…")
    return url


_HINT = "look at the identity in the repository's Secret"
_HINTS = {
    401: "the key in the repository's Secret is not this identity's, or its clock is wrong",
    403: "the identity is suspended, or has no right here",
    404: "the server does not know this identity: look at its number, and at the base URL",
}
