"""Streams that last no longer than what they were asked with: a session, a token, an account."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

from trueup.server.request import Json

RECHECK_SECONDS = 5.0
"""How often it is asked whether who reads a stream would still be let in."""


class _Reading:
    """Where a stream is.

    Attributes:
        waiting: for the next item; None where the reader has not come for it.
        refused: why the reader gets no further item.
    """

    def __init__(self) -> None:
        self.waiting: asyncio.Timeout | None = None
        self.refused: Exception | None = None

    async def watch(self, known: Callable[[], Awaitable[object]]) -> None:
        while self.refused is None:
            await asyncio.sleep(RECHECK_SECONDS)
            try:
                await known()
            except Exception as error:
                self.refused = error
        if self.waiting is not None:
            self.waiting.reschedule(asyncio.get_running_loop().time())


async def lasting(items: AsyncIterator[Json], known: Callable[[], Awaitable[object]]) -> AsyncIterator[Json]:
    """Items, until who reads them would no longer be let in. Whoever reads them closes them, and with them the items.

    Args:
        known: raises where they would not.

    Raises:
        Exception: what it has raised.
    """
    reading = _Reading()
    watching = asyncio.create_task(reading.watch(known), name="reader")
    try:
        while True:
            try:
                async with asyncio.timeout(None) as reading.waiting:
                    if reading.refused is not None:
                        raise reading.refused
                    item = await anext(items)
            except StopAsyncIteration:
                return
            except TimeoutError:
                if reading.refused is None:
                    raise
                raise reading.refused from None
            finally:
                reading.waiting = None
            yield item
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
        await closed(items)


async def closed(items: AsyncIterator[Json]) -> None:
    """End items that nobody reads any more."""
    close = getattr(items, "aclose", None)
    if close is not None:
        await close()
