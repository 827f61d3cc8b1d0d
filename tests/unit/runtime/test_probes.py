"""What the probe port says, and to whom it does not listen."""

import asyncio
from contextlib import closing

import pytest
from tests.support.httpserver import free_port

from trueup.model.errors import TrueupError
from trueup.runtime.probes import Probes


async def ask(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    with closing(writer):
        writer.write(request)
        try:
            return await asyncio.wait_for(reader.read(), 30)
        except ConnectionError:
            return b""


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: a\r\nUser-Agent: kube-probe/1.37\r\n\r\n".encode()


ANSWERS = {
    "alive before it works": (False, get("/healthz"), b"200 OK"),
    "not ready before it works": (False, get("/readyz"), b"503 Service Unavailable"),
    "ready when it works": (True, get("/readyz"), b"200 OK"),
    "no other path": (True, get("/metrics"), b"404 Not Found"),
    "no other verb": (True, b"POST /readyz HTTP/1.1\r\n\r\n", b"404 Not Found"),
    "nothing at all": (True, b"\r\n\r\n", b"404 Not Found"),
    "bytes that are no text": (True, b"\xff\x00\r\n\r\n", b"404 Not Found"),
}


@pytest.mark.parametrize("case", ANSWERS)
async def test_the_port_answers_a_kubelet(case: str) -> None:
    ready, request, status = ANSWERS[case]
    port = free_port()
    async with Probes(port) as probes:
        probes.ready = ready
        answer = await ask(port, request)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 " + status + b"\r\n")
    assert b"Content-Length: %d\r\n" % len(body) in head + b"\r\n"


async def test_a_page_is_answered_where_there_is_one() -> None:
    port = free_port()
    async with Probes(port, "127.0.0.1", "--metrics-listen") as probes:
        probes.pages[b"/metrics"] = ("text/plain; version=0.0.4", lambda: b"up 1\n")
        head, _, body = (await ask(port, get("/metrics?a=b"))).partition(b"\r\n\r\n")
        assert (head.startswith(b"HTTP/1.1 200 OK"), body) == (True, b"up 1\n")
        assert b"Content-Type: text/plain; version=0.0.4\r\n" in head
        assert b"404" in await ask(port, get("/metric"))
        assert b"404" in await ask(port, b"POST /metrics HTTP/1.1\r\n\r\n")
        with pytest.raises(TrueupError) as raised:
            async with Probes(port, "127.0.0.1", "--metrics-listen"):
                pass
        assert "--metrics-listen" in raised.value.hint


async def test_who_says_too_much_or_nothing_is_hung_up_on_and_others_are_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("trueup.runtime.probes._SECONDS", 0.2)
    port = free_port()
    async with Probes(port):
        assert await ask(port, b"GET /healthz HTTP/1.1\r\n" + b"a" * 100_000) == b""
        silent = [await asyncio.open_connection("127.0.0.1", port) for _ in range(16)]
        assert await asyncio.gather(*(reader.read() for reader, _ in silent)) == [b""] * 16
        for _, writer in silent:
            writer.close()
        assert b"200 OK" in await ask(port, get("/healthz"))


async def test_a_port_that_is_taken_is_said() -> None:
    port = free_port()
    async with Probes(port):
        with pytest.raises(TrueupError, match=f"port {port}") as raised:
            async with Probes(port):
                pass
    assert "--probe-port" in raised.value.hint


async def test_without_a_port_nothing_listens() -> None:
    async with Probes(0):
        pass
