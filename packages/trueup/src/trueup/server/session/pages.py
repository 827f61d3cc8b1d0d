"""What a browser walks through to sign in and out: ``/auth/login``, ``/auth/callback``, ``/auth/logout``."""

from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import quote

from trueup.model.errors import TrueupError
from trueup.runtime.logger import Logger
from trueup.server.errors import Code, Fault
from trueup.server.session.cookies import NAME, cookies_of, joined, set_cookies
from trueup.server.session.oidc.flow import COOKIE, QUESTION_SECONDS, answered, ask, reached
from trueup.server.session.oidc.person import People
from trueup.server.session.oidc.provider import Provider
from trueup.server.session.oidc.web import ProviderUnavailable
from trueup.server.session.signin import SignIn
from trueup.server.walk import Walk, WalkAnswer

log = Logger("trueup.session")

_ROOT: Final = "/"


class AuthPages:
    """The pages.

    Args:
        root: the path below which all is; empty for none.
        secure: browsers come by TLS.
        now: the time of day, in seconds since 1970.
    """

    def __init__(self, sign_in: SignIn, people: People, now: Callable[[], float], root: str, *, secure: bool) -> None:
        self._sign_in, self._people, self._now = sign_in, people, now
        self._path, self._secure = root or _ROOT, secure

    def pages(self) -> dict[str, Walk]:
        """By their paths."""
        return {
            "/auth/login": self._page(self._login),
            "/auth/callback": self._page(self._callback),
            "/auth/logout": self._page(self._logout),
        }

    async def _login(self, headers: Mapping[str, str], query: Mapping[str, str]) -> WalkAnswer:
        urls = reached(self._sign_in.settings.urls, headers.get("host", ""))
        location, sealed = await ask(
            self._provider(), urls, query.get("return_url", ""), self._sign_in.accounts.key, self._now()
        )
        return WalkAnswer(303, location, (self._question(sealed, QUESTION_SECONDS),))

    async def _callback(self, headers: Mapping[str, str], query: Mapping[str, str]) -> WalkAnswer:
        provider = self._provider()
        cookie = cookies_of(headers.get("cookie", "")).get(COOKIE, "")
        answer = await answered(provider, query, cookie, self._sign_in.accounts.key, self._now())
        if provider.config.user_info and answer.access_token:
            self._people.remember(answer.claims, answer.access_token)
        caller = await self._people.person(answer.id_token, answer.claims)
        log.info("somebody has signed in", subject=caller.name, issuer=caller.principal.issuer)
        return WalkAnswer(303, answer.back, (*self._set(answer.id_token, headers), self._question("", 0)))

    async def _logout(self, headers: Mapping[str, str], query: Mapping[str, str]) -> WalkAnswer:
        token, location = "", next(iter(self._sign_in.settings.urls), self._path)
        try:
            token = joined(cookies_of(headers.get("cookie", "")))
            caller = await self._sign_in.authenticate(headers)
            if caller is not None:
                await self._sign_in.logout(caller)
                provider = None if caller.local else self._people.provider()
                if provider is not None and provider.config.logout_url:
                    back = quote(location, safe="")
                    location = provider.config.logout_url.replace("{{token}}", quote(token, safe=""))
                    location = location.replace("{{logoutRedirectURL}}", back)
        except Fault:
            # A session that is no good is left all the same.
            pass
        return WalkAnswer(303, location, tuple(self._set("", headers)))

    def _provider(self) -> Provider:
        provider = self._people.provider()
        if provider is None:
            raise Fault(Code.NOT_FOUND, "SSO is not configured")
        return provider

    def _page(self, page: Walk) -> Walk:
        async def answer(headers: Mapping[str, str], query: Mapping[str, str]) -> WalkAnswer:
            try:
                return await page(headers, query)
            except Fault as fault:
                return WalkAnswer(fault.code.http, text=fault.message)
            except ProviderUnavailable as error:
                log.warning("the identity provider cannot be asked", error=str(error))
                return WalkAnswer(503, text="the identity provider cannot be asked")
            except TrueupError as error:
                log.warning("a page failed", error=str(error))
                return WalkAnswer(503, text="it cannot be done now")

        return answer

    def _set(self, token: str, headers: Mapping[str, str]) -> list[str]:
        before = {name: value for name, value in cookies_of(headers.get("cookie", "")).items() if name.startswith(NAME)}
        return set_cookies(token, secure=self._secure, path=self._path, before=before)

    def _question(self, value: str, seconds: int) -> str:
        secure = "; Secure" if self._secure else ""
        return f"{COOKIE}={value}; Path={self._path}; Max-Age={seconds}; SameSite=lax; HttpOnly{secure}"
