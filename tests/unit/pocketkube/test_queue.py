"""A queue of keys."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from pocketkube.queue import WorkQueue


async def worked(work: Callable[[str], Awaitable[float | None]], *keys: str, until: asyncio.Event) -> None:
    """Let a queue work on keys until an event comes."""
    queue = WorkQueue("test", work, workers=2)
    for key in keys:
        queue.add(key)
    running = asyncio.create_task(queue.run())
    try:
        async with asyncio.timeout(30):
            await until.wait()
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


async def test_a_key_that_is_added_while_it_is_worked_on_is_worked_on_once_more() -> None:
    done, seen = asyncio.Event(), list[str]()
    queues: list[WorkQueue] = []

    async def work(key: str) -> float | None:
        seen.append(key)
        if len(seen) == 1:
            queues[0].add("a")
            queues[0].add("a")
        else:
            done.set()
        return None

    queue = WorkQueue("test", work)
    queues.append(queue)
    queue.add("a")
    running = asyncio.create_task(queue.run())
    async with asyncio.timeout(30):
        await done.wait()
    while not queue.idle():
        await asyncio.sleep(0)
    running.cancel()
    assert seen == ["a", "a"]


async def test_a_key_that_fails_holds_up_no_other() -> None:
    done = asyncio.Event()

    async def work(key: str) -> float | None:
        if key == "bad":
            raise ValueError(key)
        done.set()
        return None

    await worked(work, "bad", "good", until=done)


async def test_a_key_comes_again_when_it_says_so() -> None:
    done, turns = asyncio.Event(), 0

    async def work(_: str) -> float | None:
        nonlocal turns
        turns += 1
        if turns == 3:
            done.set()
        return 0.001

    await worked(work, "a", until=done)
    assert turns >= 3


async def test_no_more_are_worked_on_at_once_than_there_are_workers() -> None:
    done, at_once, most, ended = asyncio.Event(), 0, 0, 0

    async def work(_: str) -> float | None:
        nonlocal at_once, most, ended
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0)
        at_once -= 1
        ended += 1
        if ended == 6:
            done.set()
        return None

    await worked(work, *"abcdef", until=done)
    assert most == 2
