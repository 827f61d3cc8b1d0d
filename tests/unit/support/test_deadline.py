"""A test that waits for ever fails."""

import asyncio

import pytest
from tests.support.deadline import within


async def test_what_lasts_too_long_is_cancelled_where_it_waits() -> None:
    waited = False

    async def for_ever() -> None:
        nonlocal waited
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            waited = True
            raise

    with pytest.raises(TimeoutError):
        await within(0.01, for_ever)()
    assert waited


async def test_what_does_not_is_left_alone() -> None:
    done: list[int] = []

    async def soon(value: int) -> None:
        done.append(value)

    await within(1, soon)(3)
    assert done == [3]
