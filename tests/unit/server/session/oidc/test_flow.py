"""Signing in with a browser, at a provider that somebody else has written."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import pytest_asyncio
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from tests.support.oidc import (
    a_key,
    consent,
    provider_of,
    puppet,
    real_provider,
    settings_of,
    with_people,
)
from tests.support.signing import KEY, House, stored

from trueup.server.errors import Code, Fault
from trueup.server.session.caller import SignedIn
from trueup.server.session.oidc.flow import (
    SignInAnswer,
    answered,
    ask,
    challenge,
    opened,
    page,
    reached,
    renewed,
    sealed,
)
from trueup.server.session.oidc.person import People

# The real one's libraries warn each other.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

RSA = a_key("rsa")
URLS = ("https://argo.example/argo", "http://localhost:8080")
POLICY = {
    "policy.csv": "g, builders, role:readonly\np, bob, applications, sync, */*, allow",
    "scopes": "[groups, email]",
}
USERS: dict[str, dict[str, Any]] = {
    "alice": {"email": "alice@example", "groups": ["builders", "role:admin", "admin"]},
    "admin": {"email": "mallory@example"},
}


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with real_provider(USERS) as found:
        yield found


@pytest_asyncio.fixture
async def place(issuer: str) -> AsyncIterator[tuple[House, People]]:
    async with with_people(settings_of(issuer), **POLICY) as found:
        yield found


async def through(people: People, sub: str) -> SignInAnswer:
    """A browser's way."""
    provider = people.provider()
    assert provider is not None
    url, cookie = await ask(provider, URLS, "", KEY, time.time())
    return await answered(provider, await consent(url, sub), cookie, KEY, time.time())


async def known(house: House, token: str) -> SignedIn:
    found = await house.sign_in.authenticate({"authorization": f"Bearer {token}"})
    assert found is not None
    return found


async def test_somebody_signs_in_and_has_the_rights_of_their_groups(place: tuple[House, People]) -> None:
    house, people = place
    answer = await through(people, "alice")
    assert answer.back == URLS[0]
    caller = await known(house, answer.id_token)
    assert (caller.name, caller.local, caller.account) == ("alice@example", False, "")
    assert caller.may("applications", "get", "p/a")
    assert not caller.may("applications", "delete", "p/a")
    assert "id_token" not in repr(answer) and answer.id_token not in repr(answer)


async def test_c31_whom_the_provider_calls_admin_is_not_the_account(place: tuple[House, People]) -> None:
    house, people = place
    caller = await known(house, (await through(people, "admin")).id_token)
    assert caller.name == "mallory@example"
    assert caller.account == "" and caller.principal.name == ""
    assert not caller.may("applications", "get", "p/a")


async def test_a_session_that_was_left_stays_so(place: tuple[House, People]) -> None:
    house, people = place
    token = (await through(people, "alice")).id_token
    await house.sign_in.logout(await known(house, token))
    with pytest.raises(Fault, match="token is revoked"):
        await known(house, token)


async def test_a_session_is_renewed_where_the_provider_does_so(place: tuple[House, People]) -> None:
    answer, provider = await through(place[1], "alice"), place[1].provider()
    assert provider is not None and answer.refresh_token
    # This one gives an access token, and no identity token.
    with pytest.raises(Fault, match="gives no identity token"):
        await renewed(provider, answer.refresh_token, time.time())
    with pytest.raises(Fault, match="gives no token"):
        await renewed(provider, "another", time.time())
    async with puppet() as idp, provider_of(settings_of(idp.issuer)) as other:
        idp.lists(RSA)
        idp.answers = {"/token": lambda _: web.json_response({"id_token": idp.token(RSA, jti="2")})}
        again = await renewed(other, "old", time.time())
        assert (again.claims["jti"], again.refresh_token) == ("2", "old")
        idp.answers = {"/token": lambda _: web.json_response({"id_token": idp.token(RSA, aud="x")})}
        with pytest.raises(Fault, match="another audience"):
            await renewed(other, "old", time.time())


async def test_the_question_is_one_that_nobody_else_can_answer(issuer: str) -> None:
    """Advisory 34."""
    async with provider_of(settings_of(issuer, requestedIDTokenClaims={"groups": {"essential": True}})) as provider:
        url, cookie = await ask(provider, URLS, "", KEY, time.time())
        said = dict(parse_qsl(urlsplit(url).query))
        assert said["redirect_uri"] == "https://argo.example/argo/auth/callback"
        assert said["code_challenge_method"] == "S256"
        assert json.loads(said["claims"]) == {"id_token": {"groups": {"essential": True}}}
        assert said["scope"].split()[0] == "openid"
        question = json.loads(opened(cookie, KEY))
        assert challenge(question["verifier"]) == said["code_challenge"]
        assert all(len(question[each]) >= 43 for each in ("state", "nonce", "verifier"))
        asked = [dict(parse_qsl(urlsplit((await ask(provider, URLS, "", KEY, 0.0))[0]).query)) for _ in range(200)]
        for name in ("state", "nonce", "code_challenge"):
            assert len({each[name] for each in asked}) == 200


REFUSED: dict[str, Callable[[dict[str, str], str], tuple[dict[str, str], str]]] = {
    "no cookie": lambda query, cookie: (query, ""),
    "another's cookie": lambda query, cookie: (query, sealed(opened(cookie, KEY), "k" * 40)),
    "a cookie that was changed": lambda query, cookie: (query, cookie[:-4] + "AAAA"),
    "a cookie without a lock": lambda query, cookie: (query, "e30.e30.e30.e30.e30"),
    "another state": lambda query, cookie: (query | {"state": "x"}, cookie),
    "no state": lambda query, cookie: ({"code": query["code"]}, cookie),
    "no code": lambda query, cookie: ({"state": query["state"]}, cookie),
    "another code": lambda query, cookie: (query | {"code": "x"}, cookie),
    "an error": lambda query, cookie: (query | {"error": "<script>alert(1)</script>"}, cookie),
}


@pytest.mark.parametrize("change", REFUSED.values(), ids=REFUSED.keys())
async def test_advisory_39_an_answer_that_fits_no_question_is_refused_in_words_of_ours(
    issuer: str, change: Callable[[dict[str, str], str], tuple[dict[str, str], str]]
) -> None:
    async with provider_of(settings_of(issuer)) as provider:
        url, cookie = await ask(provider, URLS, "", KEY, time.time())
        query, cookie = change(await consent(url, "alice"), cookie)
        with pytest.raises(Fault, match="signing in has failed") as caught:
            await answered(provider, query, cookie, KEY, time.time())
    assert caught.value.code is Code.UNAUTHENTICATED
    assert "script" not in caught.value.message


async def test_who_is_refused_by_the_provider_is_refused_here(issuer: str) -> None:
    async with provider_of(settings_of(issuer)) as provider:
        url, cookie = await ask(provider, URLS, "", KEY, time.time())
        state = dict(parse_qsl(urlsplit(url).query))["state"]
        query = await consent(url, "alice", "deny") | {"state": state}
        with pytest.raises(Fault, match="the identity provider refuses"):
            await answered(provider, query, cookie, KEY, time.time())


async def test_an_answer_counts_once_and_for_a_while(issuer: str) -> None:
    async with provider_of(settings_of(issuer)) as provider:
        url, cookie = await ask(provider, URLS, "", KEY, time.time())
        query = await consent(url, "alice")
        with pytest.raises(Fault, match="too late"):
            await answered(provider, query, cookie, KEY, time.time() + 700)
        await answered(provider, query, cookie, KEY, time.time())
        with pytest.raises(Fault, match="gives no token"):
            await answered(provider, query, cookie, KEY, time.time())


OWN = ["https://argo.example/argo", "https://argo.example/argo/applications?x=1#y", "http://localhost:8080/", ""]
OTHERS = [
    "javascript:alert(1)",
    "https://evil.example/argo",
    "https://argo.example.evil/argo",
    "https://argo.example@evil.example/argo",
    "https://argo.example/argocd",
    "https://argo.example/argo/../x",
    "http://argo.example/argo",
    "//evil.example",
    "/applications",
    "https://argo.example\\@evil.example/argo",
    "https://argo.example/argo\r\nSet-Cookie: x",
    "https://[",
    "http://localhost:80801/",
]


@pytest.mark.parametrize("back", OWN)
def test_who_signs_in_goes_back_to_a_page_of_this_server(back: str) -> None:
    assert page(URLS, back)[1] == (back or URLS[0])


@pytest.mark.parametrize("back", OTHERS)
def test_advisory_33_nobody_is_sent_elsewhere(back: str) -> None:
    with pytest.raises(Fault, match="Invalid redirect URL") as caught:
        page(URLS, back)
    assert caught.value.code is Code.INVALID_ARGUMENT


async def test_without_an_address_nobody_can_come_back(issuer: str) -> None:
    async with provider_of(settings_of(issuer)) as provider:
        with pytest.raises(Fault, match="url is not set"):
            await ask(provider, (), "", KEY, 0.0)


async def test_groups_may_be_what_the_provider_says_beside_the_token() -> None:
    async with puppet() as idp:
        idp.lists(RSA)
        told: dict[str, Any] = {"sub": "alice", "groups": ["builders"], "iss": "x", "exp": 0}

        def info(request: web.Request) -> web.Response:
            assert request.headers["Authorization"] == "Bearer access"
            return web.json_response(told)

        idp.answers = {"/userinfo": info}
        async with with_people(settings_of(idp.issuer, enableUserInfoGroups=True), **POLICY) as (house, people):
            token = idp.token(RSA, jti="1")
            with pytest.raises(Fault, match="please re-login"):
                await known(house, token)
            people.remember({"sub": "alice"}, "access")
            for _ in range(3):
                assert (await known(house, token)).may("applications", "get", "p/a")
            assert idp.asked.count("/userinfo") == 1
            told["sub"] = "bob"
            people.remember({"sub": "alice"}, "access")
            with pytest.raises(Fault, match="somebody else"):
                await known(house, token)


async def test_dex_names_people_by_whom_it_knows_them_from() -> None:
    async with puppet() as idp:
        idp.lists(RSA)
        async with with_people(settings_of(idp.issuer), **POLICY) as (house, _):
            token = idp.token(RSA, sub="CiQ", federated_claims={"user_id": "bob", "connector_id": "ldap"})
            assert (await known(house, token)).may("applications", "sync", "p/a")


async def test_a_provider_that_is_changed_counts_at_once() -> None:
    async with puppet() as one, puppet() as two:
        for each in (one, two):
            each.lists(RSA)
        async with with_people(settings_of(one.issuer), **POLICY) as (house, _):
            await known(house, one.token(RSA))
            house.settings = settings_of(two.issuer)
            await known(house, two.token(RSA))
            with pytest.raises(Fault, match="another issuer"):
                await known(house, one.token(RSA))
            house.settings = {}
            with pytest.raises(Fault, match="SSO is not configured"):
                await known(house, two.token(RSA))
            house.settings = {"oidc.config": "{"}
            with pytest.raises(Fault, match="SSO is not configured rightly"):
                await known(house, two.token(RSA))


async def test_a_provider_that_is_away_lets_nobody_in() -> None:
    async with puppet() as idp:
        idp.lists(RSA)
        settings, token = settings_of(idp.issuer), idp.token(RSA)
    async with with_people(settings, **POLICY) as (house, _):
        found = await asyncio.gather(*(known(house, token) for _ in range(3)), return_exceptions=True)
    assert [each.code for each in found if isinstance(each, Fault)] == [Code.UNAVAILABLE] * 3


async def test_what_is_out_of_a_project_has_the_groups_rights_there() -> None:
    async with puppet() as idp:
        idp.lists(RSA)
        async with with_people(settings_of(idp.issuer)) as (house, _):
            role = {"name": "ci", "policies": ["p, proj:team:ci, applications, sync, team/*, allow"], "groups": ["x"]}
            house.projects["team"] = stored("AppProject", "team", {"spec": {"roles": [role]}})
            caller = await known(house, idp.token(RSA, groups=["x"]))
            assert caller.may("applications", "sync", "team/web")
            assert not caller.may("applications", "sync", "other/web")


@given(
    st.text(st.sampled_from("/\\.?#@:%a \t\n\r\x00\u2028"), max_size=6),
    st.sampled_from(("https://argo.example", "http://argo.example:8080")),
)
def test_advisory_33_a_path_is_a_page_of_this_server_or_refused(rest: str, url: str) -> None:
    back = f"/{rest}"
    hostile = back.startswith("//") or "\\" in back or not back.isprintable()
    try:
        found = page((url, "https://other.example"), back)
    except Fault as fault:
        assert hostile or ".." in back
        assert fault.code is Code.INVALID_ARGUMENT
        return
    assert not hostile
    assert found == (url, url + back)


def test_the_web_uis_button_comes_back_to_where_it_was() -> None:
    assert page(("https://argo.example",), "/applications?q=a") == (
        "https://argo.example",
        "https://argo.example/applications?q=a",
    )
    assert page(("https://argo.example/argo",), "/argo/settings")[1] == "https://argo.example/argo/settings"
    urls = ("https://argo.example", "https://inside.example:8443")
    assert page(reached(urls, "Inside.example:8443"), "/x")[1] == "https://inside.example:8443/x"
    assert page(reached(urls, "evil.example"), "/x")[1] == "https://argo.example/x"


@pytest.mark.parametrize("back", ["", "/applications", "https://argo.example/"])
def test_a_server_without_an_address_says_what_to_set(back: str) -> None:
    with pytest.raises(Fault, match="argocd-cm: url is not set"):
        page((), back)
