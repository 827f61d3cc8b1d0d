"""Slots for people: no one of them keeps the others waiting."""

import asyncio
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup.runtime.shares import Crowded, PersonShares

SLOTS, OF_ONE, MOST = 3, 2, 5


class Questions:
    """Turns that last until they are told to end."""

    def __init__(self) -> None:
        self.shares = PersonShares(SLOTS, OF_ONE, MOST)
        self.holding: Counter[str] = Counter()
        self.ends: dict[asyncio.Task[None], asyncio.Event] = {}

    def ask(self, name: str) -> asyncio.Task[None]:
        end = asyncio.Event()
        task = asyncio.create_task(self._turn(name, end), name=name)
        self.ends[task] = end
        return task

    async def _turn(self, name: str, end: asyncio.Event) -> None:
        async with self.shares.turn(name):
            self.holding[name] += 1
            try:
                await end.wait()
            finally:
                self.holding[name] -= 1

    async def settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)


async def test_who_occupies_all_that_one_may_have_keeps_nobody_waiting() -> None:
    questions = Questions()
    first = [questions.ask("greedy") for _ in range(MOST)]
    await questions.settle()
    assert questions.holding["greedy"] == OF_ONE
    second = questions.ask("modest")
    await questions.settle()
    assert questions.holding["modest"] == 1
    refused = questions.ask("greedy")
    with pytest.raises(Crowded):
        await refused
    for task in (*first, second):
        questions.ends[task].set()
    await asyncio.gather(*first, second)
    assert not +questions.holding


@given(st.lists(st.tuples(st.sampled_from(["ask", "end", "leave"]), st.sampled_from("abc"), st.booleans())))
async def test_a_slot_is_never_lost_and_never_empty_while_somebody_may_have_it(
    steps: list[tuple[str, str, bool]],
) -> None:
    questions = Questions()
    for step, name, pause in steps:
        mine = [task for task in questions.ends if task.get_name() == name and not task.done()]
        if step == "ask" and len(mine) < MOST:
            questions.ask(name)
        elif mine and step == "end":
            questions.ends[mine[0]].set()
        elif mine and step == "leave":
            mine[-1].cancel()
        if not pause:
            continue
        await questions.settle()
        going = Counter(task.get_name() for task in questions.ends if not task.done())
        assert max(questions.holding.values(), default=0) <= OF_ONE
        assert questions.holding.total() == min(SLOTS, sum(min(OF_ONE, count) for count in going.values()))
    for end in questions.ends.values():
        end.set()
    await asyncio.gather(*questions.ends, return_exceptions=True)
    full = [questions.ask(name) for name in "xyz"]
    await questions.settle()
    assert questions.holding.total() == SLOTS
    for task in full:
        questions.ends[task].set()
    await asyncio.gather(*full)
