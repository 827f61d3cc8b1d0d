"""Identity providers on loopback: a real one, and one that does as a test bids it."""

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
from aiohttp import web
from joserfc import jws
from joserfc.jwk import ECKey, Key, RSAKey
from tests.support.signing import House

from trueup.server.session.oidc.config import read_provider
from trueup.server.session.oidc.person import People
from trueup.server.session.oidc.provider import Provider
from trueup.server.session.oidc.web import ProviderWeb

CLIENT = "trueup"


@contextmanager
def real_provider(users: dict[str, dict[str, Any]]) -> Iterator[str]:
    """The issuer of a provider that somebody else has written."""
    import oidc_provider_mock

    people = [oidc_provider_mock.User(sub=sub, claims=claims) for sub, claims in users.items()]
    with oidc_provider_mock.run_server_in_thread(user_claims=people) as server:
        yield f"http://localhost:{server.server_port}"


async def consent(url: str, sub: str, action: str = "accept") -> dict[str, str]:
    """Sign in at a provider, where a browser was sent; the query of the URL that it is sent back to."""
    async with aiohttp.ClientSession() as session:
        form = {"sub": sub, "action": action}
        async with session.post(url, data=form, allow_redirects=False) as answer:
            return dict(parse_qsl(urlsplit(answer.headers["Location"]).query))


def a_key(name: str, kind: str = "RSA") -> Key:
    """A key to sign with."""
    parameters = {"kid": name, "use": "sig"}
    if kind == "RSA":
        return RSAKey.generate_key(2048, parameters)  # type: ignore[arg-type]
    return ECKey.generate_key("P-256", parameters)  # type: ignore[arg-type]


class Puppet:
    """A provider that does as it is bid.

    Attributes:
        keys: that it lists.
        said: what it says of itself beside, or instead.
        answers: instead of its own, by path.
        asked: paths, in their order.
    """

    def __init__(self) -> None:
        self.issuer = ""
        self.keys: list[dict[str, Any]] = []
        self.said: dict[str, Any] = {}
        self.answers: dict[str, Callable[[web.Request], Any]] = {}
        self.asked: list[str] = []

    def lists(self, *keys: Key) -> None:
        """Its keys from now on."""
        self.keys = [key.as_dict(private=False) for key in keys]

    def token(self, key: Key, algorithm: str = "RS256", *, without: Sequence[str] = (), **claims: Any) -> str:
        """A token of its."""
        now = int(time.time())
        said = {"iss": self.issuer, "aud": CLIENT, "sub": "alice", "iat": now, "exp": now + 600, **claims}
        body = json.dumps({name: value for name, value in said.items() if name not in without}).encode()
        return jws.serialize_compact({"alg": algorithm, "kid": key.kid or ""}, body, key, algorithms=[algorithm])

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(request.path)
        if request.path in self.answers:
            answer = self.answers[request.path](request)
            return await answer if asyncio.iscoroutine(answer) else answer  # type: ignore[no-any-return]
        if request.path == "/.well-known/openid-configuration":
            places = {
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
                "userinfo_endpoint": f"{self.issuer}/userinfo",
            }
            return web.json_response({"issuer": self.issuer, **places, **self.said})
        return web.json_response({"keys": self.keys}) if request.path == "/keys" else web.Response(status=404)


@asynccontextmanager
async def puppet(context: ssl.SSLContext | None = None) -> AsyncIterator[Puppet]:
    """One that listens."""
    found = Puppet()
    server = web.Server(found.answer, handler_cancellation=True)  # type: ignore[arg-type]
    runner = web.ServerRunner(server, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    port = runner.addresses[0][1]
    found.issuer = f"{'https' if context else 'http'}://127.0.0.1:{port}"
    try:
        yield found
    finally:
        await runner.cleanup()


def settings_of(issuer: str, **more: Any) -> dict[str, str]:
    """``argocd-cm`` with a provider."""
    said = {"name": "SSO", "issuer": issuer, "clientID": CLIENT, "clientSecret": "$oidc.secret", **more}
    return {"url": "https://argo.example", "oidc.config": json.dumps(said)}


@asynccontextmanager
async def with_people(settings: dict[str, str], **policy: str) -> AsyncIterator[tuple[House, People]]:
    """An installation whose people come from a provider, by the clock of the wall."""
    people: list[People] = []

    def foreign(house: House) -> People:
        people.append(People(house.accounts, house.rights, house.time, time.monotonic))
        return people[-1]

    house = House(settings, policy=policy, foreign=foreign)
    house.secrets.data["argocd-secret"] = {**house.secrets.data["argocd-secret"], "oidc.secret": "s3cret:/?"}
    house.time.at = time.time()
    try:
        yield house, people[-1]
    finally:
        for each in people:
            await each.close()


@asynccontextmanager
async def provider_of(
    settings: dict[str, str], now: Callable[[], float] = time.monotonic, *, seconds: float = 10.0
) -> AsyncIterator[Provider]:
    """What the server knows of a provider."""
    config = read_provider(settings, lambda _: {"oidc.secret": "s3cret"})
    assert config is not None
    found = Provider(config, ProviderWeb(config, seconds=seconds), now)
    try:
        yield found
    finally:
        await found.close()
