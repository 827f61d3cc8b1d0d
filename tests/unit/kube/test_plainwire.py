"""What a command reads as it comes, over a connection of its own."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from trueup.kube.config import ClusterConfig
from trueup.kube.plainwire import PlainWire
from trueup.kube.wire import Lost, TooLong, WireStream

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
Say = Callable[[bytes], None]


@asynccontextmanager
async def opened(head: bytes) -> AsyncIterator[tuple[WireStream, Say, asyncio.Event]]:
    """A stream from a server that has said so much; what makes it say more, the empty text to end; that it was left."""
    writers: list[asyncio.StreamWriter] = []
    left = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writers.append(writer)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head)
        await reader.read()
        left.set()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    wire = PlainWire(ClusterConfig(server=f"http://127.0.0.1:{port}"), None, 8)
    stream = await wire.stream("/log", {})

    def say(data: bytes) -> None:
        writers[0].write(data) if data else writers[0].close()

    try:
        yield stream, say, left
    finally:
        stream.close()
        await left.wait()
        server.close()
        await server.wait_closed()


async def test_what_is_said_is_read_before_more_follows() -> None:
    async with opened(CHUNKED) as (stream, say, _):
        for text in (b"one\n", b"two\n"):
            say(b"%x\r\n%s\r\n" % (len(text), text))
            assert await stream.read() == text
        say(b"0\r\n\r\n")
        assert await stream.read() == b"" == await stream.read()


async def test_without_a_length_it_goes_on_until_the_server_ends_it() -> None:
    async with opened(b"HTTP/1.1 200 OK\r\n\r\n") as (stream, say, _):
        say(b"a")
        assert await stream.read() == b"a"
        say(b"")
        assert await stream.read() == b""


async def test_what_is_cut_off_is_lost() -> None:
    async with opened(CHUNKED + b"5\r\nab") as (stream, say, _):
        say(b"")
        assert await stream.read() == b"ab"
        with pytest.raises(Lost, match="closed before the answer was whole"):
            await stream.read()


async def test_many_small_pieces_are_no_long_head() -> None:
    async with opened(CHUNKED + b"1\r\na\r\n" * 100_000 + b"0\r\n\r\n") as (stream, _, __):
        assert (await stream.read(), stream.status) == (b"a", 200)
        with pytest.raises(TooLong):
            await stream.whole(1000)


async def test_a_refusal_is_read_whole() -> None:
    async with opened(b"HTTP/1.1 403 No\r\nContent-Length: 2\r\nWarning: x\r\n\r\nno") as (stream, _, __):
        answer = await stream.whole(1000)
        assert (stream.status, answer.status, answer.body, answer.warnings) == (403, 403, b"no", ["x"])


async def test_who_stops_reading_lets_the_server_go() -> None:
    async with opened(CHUNKED) as (stream, _, left):
        reading = asyncio.create_task(stream.read())
        await asyncio.sleep(0)
        reading.cancel()
        await left.wait()
        with pytest.raises(asyncio.CancelledError):
            await reading
