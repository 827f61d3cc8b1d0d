"""Signing in through the API."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from tests.support.apiserver import ByHand, RestClient, Served
from tests.support.signing import House

from trueup.server.api import Asked
from trueup.server.errors import Fault
from trueup.server.request import Request
from trueup.server.resources.sessions import session_functions
from trueup.server.serve import Listening, serving
from trueup.server.session.browsers import session_cookies

RIGHT = {"username": "admin", "password": "right password"}


@pytest_asyncio.fixture
async def served() -> AsyncIterator[Served]:
    house = House()

    async def audit(asked: Asked) -> None:
        pass

    def cookies(method: str, answer: dict[str, object], headers: object) -> list[str]:
        given = headers if isinstance(headers, dict) else {}
        return session_cookies(method, answer, given, secure=True, path="")

    functions = [session_functions(house.sign_in)]
    listening = Listening("127.0.0.1", 0)
    async with serving(listening, None, house.sign_in, functions, audit=audit, cookies=cookies) as port:
        yield Served(port.number, [])


async def test_a_session_from_its_beginning_to_its_end(served: Served) -> None:
    async with RestClient(served, "") as stranger:
        assert (await stranger.ask("GET", "/api/v1/session/userinfo"))[1] == {"loggedIn": False}
        status, told = await stranger.ask("POST", "/api/v1/session", RIGHT | {"password": "wrong"})
        assert (status, told["message"]) == (401, "Invalid username or password")
        for body, text in (({}, "no credentials supplied"), ({"token": "x"}, "no longer supported")):
            status, told = await stranger.ask("POST", "/api/v1/session", body)
            assert status == 401
            assert text in told["message"]
        token = (await stranger.ask("POST", "/api/v1/session", RIGHT))[1]["token"]
    async with RestClient(served, token) as admin:
        who = (await admin.ask("GET", "/api/v1/session/userinfo"))[1]
        assert (who["loggedIn"], who["username"], who["iss"]) == (True, "admin", "argocd")
        assert await admin.ask("DELETE", "/api/v1/session") == (200, {"token": ""})
        assert (await admin.ask("GET", "/api/v1/session/userinfo"))[1] == {"loggedIn": False}


async def test_a_browser_keeps_the_token_where_no_script_finds_it(served: Served) -> None:
    async with aiohttp.ClientSession(served.url, cookie_jar=aiohttp.DummyCookieJar()) as browser:
        async with browser.post("/api/v1/session", json=RIGHT) as answer:
            kept = answer.headers["set-cookie"]
        assert all(word in kept for word in ("argocd.token=", "HttpOnly", "Secure", "SameSite=lax"))
        cookie = {"cookie": kept.partition(";")[0]}
        async with browser.get("/api/v1/session/userinfo", headers=cookie) as answer:
            assert (await answer.json())["loggedIn"]
            assert "set-cookie" not in answer.headers
        async with browser.delete("/api/v1/session", headers=cookie) as answer:
            assert "Max-Age=0" in answer.headers["set-cookie"]


async def test_a_session_by_a_caller_of_another_kind_is_none() -> None:
    functions = session_functions(House().sign_in)
    assert await functions["SessionService.GetUserInfo"](Request(ByHand(), {})) == {"loggedIn": False}
    with pytest.raises(Fault, match="no credentials"):
        await functions["SessionService.Create"](Request(ByHand(), {"username": "admin"}))
