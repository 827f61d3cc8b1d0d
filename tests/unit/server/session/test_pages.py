"""A browser's way in and out, over a server's port and at a provider that somebody else has written."""

import time
from collections.abc import AsyncIterator, Iterator
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import pytest
import pytest_asyncio
from tests.support.oidc import a_key, consent, puppet, real_provider, settings_of, with_people

from trueup.server.api import Asked
from trueup.server.resources.sessions import session_functions
from trueup.server.serve import Listening, serving
from trueup.server.session.pages import AuthPages

# The real one's libraries warn each other.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
POLICY = {"policy.csv": "g, builders, role:readonly"}


@pytest.fixture(scope="module")
def issuer() -> Iterator[str]:
    with real_provider({"alice": {"email": "alice@example", "groups": ["builders"]}}) as found:
        yield found


class Browser:
    """What a browser keeps, and where it is sent."""

    def __init__(self, port: int) -> None:
        self._place = f"http://127.0.0.1:{port}"
        self.cookies: dict[str, str] = {}

    async def get(self, path: str, method: str = "GET", **headers: str) -> tuple[int, str, str]:
        """Status, location and text of an answer; its cookies are kept."""
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, self._place + path, headers=headers, allow_redirects=False) as answer,
        ):
            for line in answer.headers.getall("Set-Cookie", []):
                name, _, rest = line.partition("=")
                assert "HttpOnly" in line and "SameSite=lax" in line and "Secure" in line
                self.cookies[name] = rest.partition(";")[0]
                if not self.cookies[name]:
                    del self.cookies[name]
            return answer.status, answer.headers.get("Location", ""), await answer.text()


@pytest_asyncio.fixture
async def browser(issuer: str) -> AsyncIterator[Browser]:
    async with with_people(
        settings_of(issuer, logoutURL="https://idp.example/out?t={{token}}&r={{logoutRedirectURL}}"), **POLICY
    ) as (
        house,
        people,
    ):
        walks = AuthPages(house.sign_in, people, time.time, "", secure=True).pages()

        async def audit(_: Asked) -> None:
            return None

        functions = [session_functions(house.sign_in)]
        async with serving(Listening("127.0.0.1", 0), None, house.sign_in, functions, audit=audit, walks=walks) as port:
            yield Browser(port.number)


async def test_somebody_signs_in_looks_around_and_leaves(browser: Browser) -> None:
    status, location, _ = await browser.get("/auth/login?return_url=https://argo.example/applications")
    assert (status, set(browser.cookies)) == (303, {"argocd.oauthstate"})
    query = await consent(location, "alice")
    status, back, _ = await browser.get(f"/auth/callback?code={query['code']}&state={query['state']}")
    assert (status, back) == (303, "https://argo.example/applications")
    assert "argocd.oauthstate" not in browser.cookies
    token = browser.cookies["argocd.token"]
    assert '"username":"alice@example"' in (await browser.get("/api/v1/session/userinfo"))[2]
    # A page of another site gets nothing by the cookie.
    assert '"loggedIn":true' not in (await browser.get("/api/v1/session/userinfo", Origin="https://evil.example"))[2]
    status, out, _ = await browser.get("/auth/logout")
    assert (status, dict(parse_qsl(urlsplit(out).query))["r"]) == (303, "https://argo.example")
    assert browser.cookies == {}
    browser.cookies = {"argocd.token": token}
    assert (await browser.get("/api/v1/session/userinfo"))[2] == '{"loggedIn":false}'


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("/auth/login?return_url=javascript:alert(1)", 400, "Invalid redirect URL"),
        ("/auth/login?return_url=https://evil.example", 400, "Invalid redirect URL"),
        ("/auth/callback", 401, "signing in has failed: nobody has asked"),
        ("/auth/callback?error=%3Cscript%3E", 401, "signing in has failed"),
        ("/auth/callback?code=x&state=y", 401, "signing in has failed"),
    ],
)
async def test_a_way_that_leads_nowhere_ends_in_words_of_ours(
    browser: Browser, path: str, status: int, text: str
) -> None:
    found, location, said = await browser.get(path)
    assert (found, location) == (status, "")
    assert text in said and "script" not in said
    assert browser.cookies == {}


async def test_who_has_not_signed_in_leaves_as_well(browser: Browser) -> None:
    assert (await browser.get("/auth/logout"))[:2] == (303, "https://argo.example")
    browser.cookies = {"argocd.token": "x"}
    assert (await browser.get("/auth/logout"))[:2] == (303, "https://argo.example")
    assert (await browser.get("/auth/login", method="POST"))[0] in (404, 405)


async def test_without_a_provider_there_is_no_way() -> None:
    async with with_people({"url": "https://argo.example"}) as (house, people):
        walk = AuthPages(house.sign_in, people, time.time, "/argocd", secure=False).pages()["/auth/login"]
        answer = await walk({}, {})
        assert (answer.status, answer.text) == (404, "SSO is not configured")


async def test_a_provider_that_is_away_is_said_to_be() -> None:
    async with puppet() as idp:
        settings = settings_of(idp.issuer)
        idp.lists(a_key("rsa"))
    async with with_people(settings) as (house, people):
        walk = AuthPages(house.sign_in, people, time.time, "", secure=False).pages()["/auth/login"]
        answer = await walk({}, {})
        assert (answer.status, answer.text) == (503, "the identity provider cannot be asked")
