"""Which tokens of an identity provider are good, and what a hostile one gets done."""

import asyncio
import base64
import json
import time
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from joserfc import jws
from joserfc.jwk import Key, OctKey
from tests.support.certificates import self_signed
from tests.support.oidc import Puppet, a_key, provider_of, puppet, settings_of

from trueup.server.session.oidc.provider import Provider
from trueup.server.session.oidc.verify import verify
from trueup.server.session.oidc.web import LARGEST, ProviderUnavailable
from trueup.server.session.tokens import BadToken

RSA, EC, OTHER = a_key("rsa"), a_key("ec", "EC"), a_key("rsa")
NOW = int(time.time())


@pytest_asyncio.fixture
async def idp() -> AsyncIterator[Puppet]:
    async with puppet() as found:
        found.lists(RSA, EC)
        yield found


async def good(found: Puppet, token: str, nonce: str | None = None, **config: Any) -> dict[str, Any]:
    async with provider_of(settings_of(found.issuer, **config)) as provider:
        return await verify(provider, token, time.time(), nonce)


@pytest.mark.parametrize(
    ("key", "algorithm"), [(RSA, "RS256"), (RSA, "PS384"), (EC, "ES256")], ids=["RS256", "PS384", "ES256"]
)
async def test_a_token_that_is_good(idp: Puppet, key: Key, algorithm: str) -> None:
    assert (await good(idp, idp.token(key, algorithm)))["sub"] == "alice"


async def test_a_token_for_several_is_good(idp: Puppet) -> None:
    await good(idp, idp.token(RSA, aud=["x", "trueup"]))
    await good(idp, idp.token(RSA, aud="y"), allowedAudiences=["y"])
    await good(idp, idp.token(RSA, without=["aud"]), skipAudienceCheckWhenTokenHasNoAudience=True)
    await good(idp, idp.token(RSA, aud="cli"), cliClientID="cli")


def with_public_key(idp: Puppet, algorithm: str) -> str:
    """Signed with what everybody knows."""
    payload = idp.token(RSA).split(".")[1]
    head = base64.urlsafe_b64encode(json.dumps({"alg": algorithm, "kid": "rsa"}).encode()).rstrip(b"=").decode()
    secret = OctKey.import_key(json.dumps(RSA.as_dict(private=False)).encode())
    mark = jws.serialize_compact({"alg": "HS256"}, b"x", secret, algorithms=["HS256"]).split(".")[2]
    return f"{head}.{payload}.{mark}"


BAD: dict[str, tuple[Callable[[Puppet], str], str]] = {
    "J05 none": (lambda idp: with_public_key(idp, "none"), "algorithm not allowed for issuer"),
    "J07 with the public key (advisory 62)": (lambda idp: with_public_key(idp, "HS256"), "algorithm not allowed"),
    "J09 a key by a path": (lambda idp: idp.token(a_key("../../etc/passwd")), "unknown key"),
    "J15 a key of the same name": (lambda idp: idp.token(OTHER), "signature invalid"),
    "J19 not yet": (lambda idp: idp.token(RSA, nbf=NOW + 3600), "not yet valid"),
    "J17 without an end": (lambda idp: idp.token(RSA, without=["exp"]), "exp required"),
    "over": (lambda idp: idp.token(RSA, exp=NOW - 1), "expired"),
    "J25 for another client (advisory 30)": (lambda idp: idp.token(RSA, aud="other"), "another audience"),
    "J25 for nobody": (lambda idp: idp.token(RSA, without=["aud"]), "audience required"),
    "J25 for nobody at all": (lambda idp: idp.token(RSA, aud=[]), "audience required"),
    "an audience of another form": (lambda idp: idp.token(RSA, aud={"trueup": 1}), "audience is no list"),
    "another issuer": (lambda idp: idp.token(RSA, iss="https://evil.example"), "another issuer"),
    "J27 nobody": (lambda idp: idp.token(RSA, sub=""), "subject required"),
    "J03 no token": (lambda idp: "x", "malformed"),
    "an algorithm of another key": (lambda idp: idp.token(RSA).replace(".", "x.", 1), ""),
}


@pytest.mark.parametrize(("token", "why"), BAD.values(), ids=BAD.keys())
async def test_a_token_that_is_no_good(idp: Puppet, token: Callable[[Puppet], str], why: str) -> None:
    with pytest.raises(BadToken) as caught:
        await good(idp, token(idp))
    assert why in str(caught.value)


async def test_an_answer_is_to_its_own_question(idp: Puppet) -> None:
    await good(idp, idp.token(RSA, nonce="n"), "n")
    for token in (idp.token(RSA), idp.token(RSA, nonce="m"), idp.token(RSA, nonce=["n"])):
        with pytest.raises(BadToken, match="another question"):
            await good(idp, token, "n")


class Moved:
    """Seconds that a test moves."""

    def __init__(self) -> None:
        self.at = 0.0

    def __call__(self) -> float:
        return self.at


async def test_j15_keys_come_and_go(idp: Puppet) -> None:
    clock, new = Moved(), a_key("new")
    async with provider_of(settings_of(idp.issuer), clock) as provider:

        async def known(key: Key) -> bool:
            try:
                return bool(await verify(provider, idp.token(key), time.time()))
            except BadToken:
                return False

        assert await known(RSA)
        asked = idp.asked.count("/keys")
        for _ in range(20):
            assert not await known(new)
        assert idp.asked.count("/keys") == asked
        # A new key is asked for; not more often than every ten seconds.
        idp.lists(new)
        clock.at += 11
        assert await known(new)
        assert not await known(RSA)
        idp.lists(RSA)
        clock.at += 301
        assert not await known(new)
        assert await known(RSA)


async def test_who_has_signed_in_goes_on_while_the_provider_is_away(idp: Puppet) -> None:
    clock = Moved()
    async with provider_of(settings_of(idp.issuer), clock) as provider:
        await verify(provider, idp.token(RSA), time.time())
        idp.answers = {"/keys": lambda _: web.Response(status=503), DISCOVERY: lambda _: web.Response(status=503)}
        clock.at += 1000
        await verify(provider, idp.token(RSA), time.time())
        clock.at += 3000
        for _ in range(2):
            with pytest.raises(ProviderUnavailable):
                await verify(provider, idp.token(RSA), time.time())
        idp.answers = {}
        clock.at += 11
        await verify(provider, idp.token(RSA), time.time())


async def test_a_secret_among_the_keys_is_none(idp: Puppet) -> None:
    idp.keys = [{"kty": "oct", "k": "eA", "kid": "o"}, {"kty": "RSA"}, {"kty": "X"}, *idp.keys]
    assert await good(idp, idp.token(RSA))


def slow(_: web.Request) -> Any:
    return asyncio.sleep(60, web.Response())


async def endless(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    for _ in range(LARGEST // (1 << 16) + 8):
        await response.write(b" " * (1 << 16))
    return response


DISCOVERY = "/.well-known/openid-configuration"
HOSTILE: dict[str, dict[str, Any]] = {
    "slow": {DISCOVERY: slow},
    "slow with its keys": {"/keys": slow},
    "endless": {DISCOVERY: endless},
    "endless keys": {"/keys": endless},
    "no JSON": {DISCOVERY: lambda _: web.Response(text="<html>")},
    "no object": {DISCOVERY: lambda _: web.json_response([])},
    "nested": {DISCOVERY: lambda _: web.Response(text="[" * 100_000)},
    "broken": {DISCOVERY: lambda _: web.Response(status=500)},
    "no keys": {"/keys": lambda _: web.json_response({"keys": {}})},
    "too many keys": {"/keys": lambda _: web.json_response({"keys": [{}] * 1000})},
}


@pytest.mark.parametrize("answers", HOSTILE.values(), ids=HOSTILE.keys())
async def test_a_hostile_provider_lets_nobody_in_and_holds_nobody(idp: Puppet, answers: Any) -> None:
    idp.answers = answers
    begin = time.monotonic()
    async with provider_of(settings_of(idp.issuer), seconds=0.5 if "slow" in str(answers) else 10.0) as provider:
        with pytest.raises(ProviderUnavailable):
            await verify(provider, idp.token(RSA), time.time())
    assert time.monotonic() - begin < 30


PLACES = {
    "another issuer": {"issuer": "https://evil.example"},
    "an issuer with a slash more": {"issuer": "http://127.0.0.1/"},
    "a file": {"jwks_uri": "file:///etc/passwd"},
    "no place": {"jwks_uri": None},
    "a user": {"jwks_uri": "http://u:p@127.0.0.1/keys"},
    "a script": {"authorization_endpoint": "javascript:alert(1)"},
}


@pytest.mark.parametrize("said", PLACES.values(), ids=PLACES.keys())
async def test_a_provider_that_says_odd_things_of_itself_is_not_asked(idp: Puppet, said: dict[str, Any]) -> None:
    idp.said = said
    with pytest.raises(ProviderUnavailable):
        await good(idp, idp.token(RSA))


@pytest.mark.parametrize("path", [DISCOVERY, "/keys"])
async def test_a_provider_that_sends_elsewhere_is_not_followed(idp: Puppet, path: str) -> None:
    async with puppet() as other:
        other.lists(RSA, EC)

        def away(request: web.Request) -> web.Response:
            return web.Response(status=302, headers={"Location": other.issuer + request.path})

        idp.answers = {path: away}
        with pytest.raises(ProviderUnavailable, match="status 302"):
            await good(idp, idp.token(RSA))
        assert other.asked == []


async def test_advisory_32_a_certificate_that_nobody_knows_lets_nobody_in() -> None:
    authority, context = self_signed("127.0.0.1")
    async with puppet(context) as idp:
        idp.lists(RSA)
        with pytest.raises(ProviderUnavailable, match="cannot be asked"):
            await good(idp, idp.token(RSA))
        assert idp.asked == []
        assert await good(idp, idp.token(RSA), rootCA=authority)


async def test_a_provider_of_https_is_not_asked_in_plain_text() -> None:
    authority, context = self_signed("127.0.0.1")
    async with puppet(context) as idp:
        idp.lists(RSA)
        idp.said = {"jwks_uri": idp.issuer.replace("https", "http") + "/keys"}
        with pytest.raises(ProviderUnavailable, match="jwks_uri is no URL that can be used"):
            await good(idp, idp.token(RSA), rootCA=authority)


async def test_it_is_asked_once_for_many(idp: Puppet) -> None:
    async with provider_of(settings_of(idp.issuer)) as provider:
        assert isinstance(provider, Provider)
        await asyncio.gather(*(verify(provider, idp.token(RSA), time.time()) for _ in range(50)))
    assert idp.asked == [DISCOVERY, "/keys"]
