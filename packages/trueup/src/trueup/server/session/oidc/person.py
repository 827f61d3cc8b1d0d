"""People whom an identity provider vouches for."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from trueup.model.errors import InvalidSpec, TrueupError
from trueup.policy.rbac.identity import foreign_principal
from trueup.runtime.logger import Logger
from trueup.server.errors import Code, Fault
from trueup.server.session.caller import SignedIn
from trueup.server.session.local import LocalAccounts
from trueup.server.session.oidc.config import ProviderConfig, read_provider
from trueup.server.session.oidc.provider import Provider
from trueup.server.session.oidc.verify import identifier, verify
from trueup.server.session.oidc.web import ProviderUnavailable, ProviderWeb, as_object
from trueup.server.session.rights import Rights
from trueup.server.session.tokens import BadToken

log = Logger("trueup.oidc")

_MOST_REMEMBERED: Final = 10_000


class _Info(msgspec.Struct):
    """What the provider says of somebody beside their tokens.

    Attributes:
        access_token: to ask for it.
        until: so long it counts.
    """

    access_token: str
    claims: Mapping[str, Any] = {}
    until: float = 0.0

    def __repr__(self) -> str:
        return "_Info()"


class People:
    """Tells whom tokens of the configured provider are of.

    Args:
        now: the time of day, in seconds since 1970.
        monotonic: seconds that never run backwards.
    """

    def __init__(
        self,
        accounts: LocalAccounts,
        rights: Rights,
        now: Callable[[], float],
        monotonic: Callable[[], float],
    ) -> None:
        self._accounts, self._rights = accounts, rights
        self._now, self._monotonic = now, monotonic
        self._provider: Provider | None = None
        self._problem = ""
        self._config: ProviderConfig | None = None
        self._read: tuple[object, object] = (None, None)
        self._infos: OrderedDict[str, _Info] = OrderedDict()
        self._dropped: OrderedDict[str, None] = OrderedDict()
        self._closing: set[asyncio.Task[None]] = set()

    def provider(self) -> Provider | None:
        """The identity provider that is configured now; None for none.

        Raises:
            Fault: the configuration cannot be read.
        """
        store = self._accounts.store
        version = (self._accounts.settings, getattr(store, "version", None))
        if version[0] is not self._read[0] or version[1] != self._read[1]:
            self._read = version
            self._reconfigure()
        if self._problem:
            raise Fault(Code.UNAVAILABLE, "SSO is not configured rightly: the server's log says what is wrong")
        return self._provider

    def _reconfigure(self) -> None:
        config, self._problem = None, ""
        try:
            config = read_provider(self._accounts.settings, self._accounts.store.secret)
        except InvalidSpec as error:
            self._problem = str(error)
            log.warning("SSO is not configured rightly", problem=str(error))
        if config == self._config and not self._problem:
            return
        if self._provider is not None:
            task = asyncio.ensure_future(self._provider.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)
        self._config = config
        self._provider = Provider(config, ProviderWeb(config), self._monotonic) if config is not None else None
        self._infos.clear()

    async def person(self, token: str, claims: Mapping[str, Any]) -> SignedIn:
        """Whom a token is of.

        Raises:
            Fault: it is no good, or nobody can say.
        """
        provider = self.provider()
        if provider is None:
            raise Fault(Code.UNAUTHENTICATED, "invalid session: SSO is not configured")
        if claims.get("iss") != provider.config.issuer:
            raise Fault(Code.UNAUTHENTICATED, "invalid session: another issuer")
        try:
            good = await verify(provider, token, self._now())
            return await self.known(provider, good)
        except BadToken as error:
            raise Fault(Code.UNAUTHENTICATED, str(error)) from None
        except ProviderUnavailable as error:
            log.warning("the identity provider cannot be asked", error=str(error))
            raise Fault(Code.UNAVAILABLE, "the identity provider cannot be asked") from None

    def remember(self, claims: Mapping[str, Any], access_token: str) -> None:
        """Keep what the provider is asked with about somebody who has just signed in."""
        name = identifier(claims)
        self._infos[name] = _Info(access_token)
        self._infos.move_to_end(name)
        while len(self._infos) > _MOST_REMEMBERED:
            self._infos.popitem(last=False)

    async def known(self, provider: Provider, claims: dict[str, Any]) -> SignedIn:
        """Somebody by the claims of a good token.

        Raises:
            BadToken: their groups are asked for beside the token, and this server has nothing to ask with.
            ProviderUnavailable.
        """
        name, config = identifier(claims), provider.config
        if config.user_info:
            claims = claims | dict(await self._info(provider, name, claims))
        principal, dropped = foreign_principal(
            name, config.issuer, claims, self._rights.config.scopes, self._accounts.all()
        )
        self._tell(name, dropped)
        email = claims.get("email")
        return SignedIn(
            principal=principal,
            rights=self._rights,
            shown=email if isinstance(email, str) and email and email.isprintable() else name,
            issued_at=int(claims["iat"]),
            token_id=_id(claims),
            expires=int(claims["exp"]),
            session=True,
        )

    async def _info(self, provider: Provider, name: str, claims: Mapping[str, Any]) -> Mapping[str, Any]:
        info = self._infos.get(name)
        if info is None:
            raise BadToken("invalid session: groups cannot be asked for, please re-login")
        if info.until > self._monotonic():
            return info.claims
        issuer = provider.config.issuer.rstrip("/")
        endpoints = await provider.endpoints()
        place = endpoints.user_info if provider.config.user_info_path == "/userinfo" and endpoints.user_info else ""
        try:
            said = as_object(
                await provider.web.get(place or issuer + provider.config.user_info_path, info.access_token)
            )
        except TrueupError:
            self._infos.pop(name, None)
            raise
        if said.get("sub") != claims["sub"]:
            raise BadToken("invalid session: the provider tells of somebody else")
        # Who somebody is, and for how long, is the token's to say.
        kept = {key: value for key, value in said.items() if key not in claims or key in self._rights.config.scopes}
        info.claims, info.until = kept, self._monotonic() + provider.config.user_info_seconds
        return kept

    def _tell(self, name: str, dropped: tuple[str, ...]) -> None:
        if dropped and name not in self._dropped:
            log.warning("names of an identity provider stand for nothing here", person=name[:80], names=dropped[:20])
            self._dropped[name] = None
            while len(self._dropped) > _MOST_REMEMBERED:
                self._dropped.popitem(last=False)

    async def close(self) -> None:
        """End the connections."""
        if self._provider is not None:
            await self._provider.close()
        await asyncio.gather(*self._closing)


def _id(claims: Mapping[str, Any]) -> str:
    """What a token is revoked by; Dex gives no id, but the hash of the access token beside it."""
    for name in ("jti", "at_hash"):
        if isinstance(claims.get(name), str) and claims[name]:
            return f"sso:{claims[name]}"
    return f"sso:{claims['sub']}:{int(claims['iat'])}"[:200]
