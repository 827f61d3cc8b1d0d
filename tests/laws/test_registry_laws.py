"""A law of registries: however they send a client about, a password is shown on the registry's own host alone."""

import asyncio
import base64
import contextlib

from aiohttp import web
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.httpserver import serving

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


@settings(max_examples=60)
@given(st.lists(TURNS, min_size=1, max_size=6), st.booleans())
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
