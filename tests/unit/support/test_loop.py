"""The loop that tests run on."""

import asyncio

import pytest
from tests.support.loop import Loop


def test_a_server_that_is_left_open_is_told_and_closed_with_the_loop() -> None:
    loop = Loop()
    server = loop.run_until_complete(asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0))
    (listening,) = server.sockets
    with pytest.warns(ResourceWarning, match="unclosed"):
        loop.close()
    assert loop.is_closed() and listening.fileno() == -1
