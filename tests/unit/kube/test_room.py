"""What a cluster sends is read in time that grows with its length, and in no more than a share of all time."""

import time
from typing import Any, cast

import pytest

from kubegrammar.hidden import Hidden
from trueup.kube import room
from trueup.kube.room import UNHURRIED, Pace
from trueup.kube.transport import Transport
from trueup.kube.watch import stream_events

OBJECT = b'{"metadata": {"name": "a", "resourceVersion": "1"}}'


class Pieces:
    """A stream and its reader's transport in one."""

    response_limit, pace, hidden = 1 << 27, UNHURRIED, Hidden(())

    def __init__(self, *pieces: bytes) -> None:
        self._pieces = [*reversed(pieces)]

    async def read(self) -> bytes:
        return self._pieces.pop() if self._pieces else b""


async def names(*pieces: bytes) -> list[str]:
    stream = Pieces(*pieces)
    events = stream_events(
        cast(Transport, stream), cast(Any, stream), api_version="v1", kind="ConfigMap", subject="watch"
    )
    return [event.object.key.name async for event in events]


async def test_an_event_is_whole_wherever_it_is_cut() -> None:
    line = b'{"type": "ADDED", "object": ' + OBJECT + b"}\n"
    text = line * 2 + line.replace(b'"a"', b'"b"')
    for size in (1, 7, len(line) - 1, len(line), len(line) + 1, 1000):
        assert await names(*(text[at : at + size] for at in range(0, len(text), size))) == ["a", "a", "b"]


async def test_an_event_that_comes_byte_by_byte_costs_what_it_is_long() -> None:
    begun = time.thread_time()
    await names(b'{"type": "ADDED", "object": {"a": "' + b"x" * 4_000_000, *[b"x"] * 20_000)
    assert time.thread_time() - begun < 2


async def test_what_was_used_beyond_the_share_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "BURST_SECONDS", 0.01)
    pace = Pace(0.5)
    begun = time.monotonic()
    await pace.spent(0.01)
    await pace.spent(0.05)
    assert time.monotonic() - begun >= 0.09
