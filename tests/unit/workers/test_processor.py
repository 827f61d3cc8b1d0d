"""Processor time: who uses much of it lets others go first."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.patience import looks, stretched

from trueup.workers import processor

BURNS = "while True: pass"
THREADED = f"""\
import subprocess, sys, threading
threading.Thread(target=subprocess.run, args=[[sys.executable, "-c", {BURNS!r}]]).start()
"""
"""Starts a program from a thread that is not the first one, as a worker starts a tool."""


@pytest.fixture
async def burner(request: pytest.FixtureRequest) -> AsyncIterator[int]:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", request.param, start_new_session=True)
    yield process.pid
    os.killpg(process.pid, 9)
    await process.wait()


@pytest.mark.parametrize("burner", [BURNS, THREADED], ids=["itself", "by a program of a thread"], indirect=True)
async def test_what_uses_more_than_a_moment_of_processor_time_is_told(burner: int) -> None:
    told = asyncio.Event()
    with processor.short(burner, told.set, most=0.1):
        async with asyncio.timeout(stretched(60)):
            await told.wait()
    assert processor.used(burner) > 0.1


@pytest.mark.parametrize("burner", ["import time; time.sleep(600)"], ids=["sleeps"], indirect=True)
async def test_what_has_ended_is_not_looked_at_any_more(burner: int) -> None:
    told = asyncio.Event()
    with processor.short(burner, told.set, most=-1.0):
        pass
    later = asyncio.Event()
    asyncio.get_running_loop().call_later(2 * processor._PAUSE, later.set)
    await later.wait()
    assert not told.is_set()


@pytest.mark.parametrize("burner", [THREADED], ids=["by a program of a thread"], indirect=True)
async def test_who_lets_others_first_does_so_with_all_that_it_starts(burner: int) -> None:
    processor.let_others_first(burner)
    async for _ in looks(60):
        children = [int(pid) for each in Path(f"/proc/{burner}/task").iterdir() for pid in _children(each)]
        if children:
            break
    assert [os.getpriority(os.PRIO_PROCESS, pid) for pid in (burner, *children)] == [10, 10]
    group = Path(f"/proc/{burner}/autogroup")
    # Where the kernel shares out among sessions, being nice within one's own would help nobody.
    assert not group.exists() or group.read_text().endswith("nice 10\n")


def _children(thread: Path) -> list[str]:
    try:
        return (thread / "children").read_text().split()
    except OSError:
        return []
