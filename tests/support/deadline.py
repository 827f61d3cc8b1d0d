"""A test that lasts too long fails where it waits, and the run goes on.

What pytest-timeout throws by a signal may hit a callback of the loop, which loses it: the test would wait for ever. So
the time of a coroutine is up by the loop's own clock. Where that does not help, or something is no coroutine,
pytest-timeout ends the worker, and another one goes on with the next test.
"""

import asyncio
import functools
import inspect
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tests.support.patience import MOST, stretched

GRACE = 120.0
"""Seconds that fixtures may take beside the test, until its worker is ended."""


def bound(item: pytest.Item) -> None:
    """Give a coroutine its deadline, stretched by load: that of its ``timeout`` mark, or the usual one."""
    if not isinstance(item, pytest.Function) or not inspect.iscoroutinefunction(item.obj):
        return
    mark = item.get_closest_marker("timeout")
    seconds = float(mark.args[0] if mark else item.config.getini("timeout"))
    item.obj = within(seconds, item.obj)
    item.add_marker(pytest.mark.timeout(seconds * MOST + GRACE), append=False)


def within(seconds: float, test: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    """The test, cancelled when the time is up."""

    @functools.wraps(test)
    async def bounded(*args: Any, **named: Any) -> None:
        async with asyncio.timeout(stretched(seconds)):
            await test(*args, **named)

    return bounded
