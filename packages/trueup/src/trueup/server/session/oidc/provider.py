"""What an identity provider says of itself, and the keys that it signs with; both are kept for a while."""

import asyncio
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import JWKRegistry, Key

from trueup.runtime.logger import Logger
from trueup.server.session.oidc.config import ProviderConfig
from trueup.server.session.oidc.web import ProviderUnavailable, ProviderWeb, as_object

log = Logger("trueup.oidc")

ALGORITHMS: Final = (
    "RS256",
    "RS384",
    "RS512",
    "ES256",
    "ES384",
    "ES512",
    "PS256",
    "PS384",
    "PS512",
    "Ed25519",
    "EdDSA",
)
"""With a public key alone: a key that everybody knows signs nothing."""
_FAMILIES: Final = {"RS": "RSA", "PS": "RSA", "ES": "EC", "Ed": "OKP"}
KEEP_SECONDS: Final = 300.0
"""How long a key counts that the provider does not have any more."""
AWAY_SECONDS: Final = 3600.0
"""How long keys count of a provider that cannot be asked: who has signed in goes on with their work."""
AGAIN_SECONDS: Final = 10.0
"""No sooner are keys asked for again because of a token that names another one."""
_MOST_KEYS: Final = 100


class Endpoints(msgspec.Struct, frozen=True, kw_only=True):
    """Where a provider is asked."""

    authorization: str
    token: str
    keys: str
    user_info: str = ""


class Provider:
    """An identity provider.

    Args:
        now: seconds that never run backwards.
    """

    def __init__(self, config: ProviderConfig, web: ProviderWeb, now: Callable[[], float]) -> None:
        self.config, self.web, self._now = config, web, now
        self._endpoints: Endpoints | None = None
        self._endpoints_until = 0.0
        self._keys: dict[str, Any] = {}
        self._asked = self._answered = float("-inf")
        self._failure: ProviderUnavailable | None = None
        self._lock = asyncio.Lock()

    async def endpoints(self) -> Endpoints:
        """Where it is asked.

        Raises:
            ProviderUnavailable: it does not say so, or says that it is another one.
        """
        async with self._lock:
            return await self._known_endpoints()

    async def key(self, id_: str, algorithm: str) -> Any:
        """The key of an id, for an algorithm; None where the provider has none. An empty id names the only one.

        Raises:
            ProviderUnavailable: it does not tell its keys.
        """
        if algorithm not in ALGORITHMS:
            return None
        async with self._lock:
            age = self._now() - self._asked
            if age > (AGAIN_SECONDS if self._failure or self._find(id_, algorithm) is None else KEEP_SECONDS):
                await self._try_keys()
            found = self._find(id_, algorithm)
            if self._failure is not None and (found is None or self._now() - self._answered > AWAY_SECONDS):
                raise self._failure
            return found

    async def close(self) -> None:
        """End the connections."""
        await self.web.close()

    def _find(self, id_: str, algorithm: str) -> Any:
        fitting = {name: key for name, key in self._keys.items() if key.key_type == _FAMILIES[algorithm[:2]]}
        if id_:
            return fitting.get(id_)
        return next(iter(fitting.values())) if len(fitting) == 1 else None

    async def _try_keys(self) -> None:
        # First: a provider that hangs is not asked for each token.
        self._asked = self._now()
        try:
            await self._ask_keys()
        except ProviderUnavailable as error:
            self._failure = error
        else:
            self._failure, self._answered = None, self._now()

    async def _ask_keys(self) -> None:
        endpoints = await self._known_endpoints()
        listed = as_object(await self.web.get(endpoints.keys)).get("keys")
        if not isinstance(listed, list) or len(listed) > _MOST_KEYS:
            raise ProviderUnavailable(f"{self.config.issuer} lists no keys")
        keys: dict[str, Key] = {}
        for index, said in enumerate(listed):
            if not isinstance(said, dict) or said.get("use", "sig") != "sig" or said.get("kty") == "oct":
                continue
            try:
                key = JWKRegistry.import_key(said)
            except (JoseError, ValueError, TypeError, KeyError) as error:
                log.warning("a key of the identity provider is not read", place=index, error=type(error).__name__)
                continue
            keys[said["kid"] if isinstance(said.get("kid"), str) else f"#{index}"] = key
        self._keys = keys

    async def _known_endpoints(self) -> Endpoints:
        if self._endpoints is None or self._now() > self._endpoints_until:
            self._endpoints = await self._discover()
            self._endpoints_until = self._now() + KEEP_SECONDS
        return self._endpoints

    async def _discover(self) -> Endpoints:
        issuer = self.config.issuer
        said = as_object(await self.web.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration"))
        if said.get("issuer") != issuer:
            raise ProviderUnavailable(
                f"{issuer} says that it is another issuer",
                hint="the issuer of oidc.config is compared letter by letter",
            )
        return Endpoints(
            authorization=self._place(said, "authorization_endpoint"),
            token=self._place(said, "token_endpoint"),
            keys=self._place(said, "jwks_uri"),
            user_info=self._place(said, "userinfo_endpoint") if said.get("userinfo_endpoint") else "",
        )

    def _place(self, said: dict[str, Any], name: str) -> str:
        url = said.get(name)
        try:
            parts = urlsplit(url) if isinstance(url, str) else None
        except ValueError:
            parts = None
        allowed = ("https",) if self.config.issuer.startswith("https:") else ("https", "http")
        if parts is None or parts.scheme not in allowed or not parts.hostname or parts.username:
            raise ProviderUnavailable(f"{self.config.issuer}: {name} is no URL that can be used")
        return str(url)
