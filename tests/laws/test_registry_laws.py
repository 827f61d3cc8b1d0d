"""A law of registries: however they send a client about, a password is shown on the registry's own host alone."""

import asyncio
import base64
import contextlib

from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.httpserver import serving
from tests.support.often import often

from trueup.model.errors import TrueupError
from trueup.sources.registry import Access, RegistryClient

BASIC = "Basic " + base64.b64encode(b"ada:canary").decode()
SECRETS = (BASIC, "canary", base64.b64encode(b"ada:canary").decode())

PLACES = st.sampled_from(
    ["{home}", "{other}", "localhost:{port}", "u:p@{other}", "{home}@{other}", "{other}.", "[::1]:{port}"]
)
PATHS = st.sampled_from(["/v2/team/app/tags/list", "/token", "/", "/v2/../token", "//x"])
TURNS = st.one_of(
    st.tuples(st.just("redirect"), st.sampled_from([301, 302, 303, 307, 308]), PLACES, PATHS),
    st.tuples(st.just("realm"), st.just(401), PLACES, PATHS),
    st.tuples(st.just("basic"), st.just(401), PLACES, PATHS),
    st.tuples(st.just("link"), st.just(200), PLACES, PATHS),
    st.tuples(st.just("token"), st.just(200), PLACES, PATHS),
)

ASKED: list[list[tuple[str, int, str, str]]] = [
    [],
    [("basic", 401, "{home}", "/")],
    [("realm", 401, "{home}", "/token"), ("token", 200, "{home}", "/")],
]
"""How a registry begins: the client shows who it is, and knows then what to show."""
AWAY = st.lists(
    st.tuples(
        st.just("redirect"), st.sampled_from([301, 307]), st.sampled_from(["{other}", "localhost:{port}"]), PATHS
    ),
    min_size=1,
    max_size=2,
)
WAYS = st.builds(
    lambda asked, away, turns: [*asked, *away, *turns],
    st.sampled_from(ASKED),
    often(AWAY, st.just([])),
    st.lists(TURNS, max_size=4),
)


@settings(max_examples=60)
@given(WAYS, st.booleans())
def test_no_foreign_host_sees_a_password(turns: list[tuple[str, int, str, str]], identity: bool) -> None:
    async def run() -> list[str]:
        left = list(turns)
        seen: list[str] = []
        names = {"home": "", "other": "", "port": ""}

        def turn(request: web.BaseRequest) -> web.Response:
            if not left:
                return web.json_response({"tags": ["v1"], "token": "t"})
            kind, status, place, path = left.pop(0)
            target = f"http://{place.format(**names)}{path}"
            match kind:
                case "redirect":
                    return web.Response(status=status, headers={"Location": target})
                case "realm":
                    challenge = f'Bearer realm="{target}",service="s"'
                    return web.Response(status=401, headers={"WWW-Authenticate": challenge})
                case "basic":
                    return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="x"'})
                case "link":
                    return web.json_response({"tags": ["a"]}, headers={"Link": f'<{target}>; rel="next"'})
            return web.json_response({"token": "t", "tags": []})

        async def first(request: web.BaseRequest) -> web.StreamResponse:
            return turn(request)

        async def second(request: web.BaseRequest) -> web.StreamResponse:
            seen.append(f"{request.headers} {await request.text()} {request.raw_path}")
            return turn(request)

        async with serving(second) as other, serving(first) as home, RegistryClient(timeout=2) as client:
            names.update(home=home, other=other, port=other.rpartition(":")[2])
            access = Access(token="canary") if identity else Access(username="ada", password="canary")
            with contextlib.suppress(TrueupError):
                await client.tags(home, "team/app", access)
        return seen

    for request in asyncio.run(run()):
        assert not any(secret in request for secret in SECRETS), request
