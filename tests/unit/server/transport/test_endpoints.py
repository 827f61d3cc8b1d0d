"""Paths beside the description: who sends too much, or the wrong way, is told so and holds nobody."""

from collections.abc import AsyncIterator

import aiohttp
import pytest
import pytest_asyncio
from starlette.types import Message
from tests.support.apiserver import Served, api_server

from trueup.server.endpoint import Endpoint, EndpointAnswer, Knock, elsewhere, words
from trueup.server.errors import Fault
from trueup.server.transport.body import BodyRoom, read_body

LARGEST = 1000


async def _echo(knock: Knock) -> EndpointAnswer:
    return words(200, f"{knock.verb} {dict(knock.query)} {len(knock.body)} {knock.headers.get('x-a', '')}")


@pytest_asyncio.fixture(scope="module")
async def served() -> AsyncIterator[Served]:
    endpoints = {
        "/api/webhook": Endpoint(_echo, ("POST",), lambda: LARGEST),
        "/api/badge": Endpoint(_echo),
        "/metrics": elsewhere("on another port"),
    }
    async with api_server({}, endpoints=endpoints, root="/cd") as found:
        yield found


async def _chunks(count: int, size: int) -> AsyncIterator[bytes]:
    for _ in range(count):
        yield b"x" * size


ASKED = {
    # verb, path, body, status, text
    "a post": ("POST", "/cd/api/webhook?a=1&a=2", b"x" * LARGEST, 200, "POST {'a': '1'} 1000 b"),
    "a read": ("GET", "/cd/api/badge", None, 200, "GET {} 0 b"),
    "what is elsewhere": ("GET", "/cd/metrics", None, 404, "on another port"),
    "W01 another verb": ("GET", "/cd/api/webhook", None, 405, "Method Not Allowed"),
    "W01 a write of what is read": ("PUT", "/cd/api/badge", b"", 405, "Method Not Allowed"),
    "W03 too much that is declared": ("POST", "/cd/api/webhook", b"x" * (LARGEST + 1), 413, "larger than 1000 bytes"),
    "W03 too much that is not": ("POST", "/cd/api/webhook", (200, 100), 413, "larger than 1000 bytes"),
    "a query that is none": ("POST", "/cd/api/webhook?a=%ff", b"", 400, "Bad Request"),
}


@pytest.mark.parametrize("row", ASKED)
async def test_an_endpoint_is_asked(served: Served, row: str) -> None:
    verb, path, body, status, text = ASKED[row]
    data = _chunks(*body) if isinstance(body, tuple) else body
    async with (
        aiohttp.ClientSession() as session,
        session.request(verb, served.url + path, data=data, headers={"x-a": "b"}) as answer,
    ):
        assert (answer.status, text in await answer.text()) == (status, True)
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_what_strangers_send_at_a_time_is_bounded_together() -> None:
    room = BodyRoom(250)

    async def receive() -> Message:
        return {"type": "http.request", "body": b"x" * 100, "more_body": False}

    with room.receiving(receive) as one, room.receiving(receive) as other:
        assert len(await read_body(one, {})) == len(await read_body(other, {})) == 100
        with room.receiving(receive) as third, pytest.raises(Fault):
            await read_body(third, {})
    with room.receiving(receive) as again:
        assert len(await read_body(again, {})) == 100
