"""A callback that holds the loop is told while it does, with its stack, and once."""

import asyncio
import threading
from collections.abc import Sequence

from trueup.runtime.held import DEPTH, LoopWatch, stack_of

AT_ONCE, LONG = 0.01, 60.0
"""Seconds: a limit that a held loop passes soon, and one that a turning loop never does, on any machine."""


async def test_who_holds_the_loop_is_told_with_its_stack_and_once() -> None:
    told: list[Sequence[str]] = []
    heard = threading.Event()

    def tell(stack: Sequence[str]) -> None:
        told.append(stack)
        heard.set()

    watch = LoopWatch(tell, limit=AT_ONCE)

    def holds() -> None:
        # Begun in here: whenever it looks, this is what holds the loop.
        watch.__enter__()
        assert heard.wait(LONG)
        # Though it goes on, no more is said.
        assert not threading.Event().wait(5 * AT_ONCE)

    try:
        holds()
        before = len(told)
        await asyncio.sleep(0)
    finally:
        watch.__exit__(None, None, None)
    assert before == 1
    assert any(call.endswith(" holds") and "test_held.py:" in call for call in told[0])


async def test_a_loop_that_turns_is_left_alone() -> None:
    told: list[Sequence[str]] = []
    with LoopWatch(told.append, limit=LONG):
        await asyncio.sleep(0)
    assert told == []


async def test_its_thread_ends_with_it() -> None:
    with LoopWatch(lambda stack: None, limit=LONG):
        assert "loop watch" in {thread.name for thread in threading.enumerate()}
    assert "loop watch" not in {thread.name for thread in threading.enumerate()}


def test_of_a_deep_stack_the_innermost_calls_are_told() -> None:
    def deep(left: int) -> list[str]:
        return deep(left - 1) if left else stack_of(threading.get_ident())

    assert len(deep(100)) == DEPTH
    assert deep(100)[-1].endswith(" stack_of")
    assert stack_of(-1) == []
