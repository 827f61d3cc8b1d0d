"""How long a test waits for what should come: it goes on at once when it has come, so only a failure takes longer."""

import asyncio
import os
from collections.abc import AsyncIterator

LEAST, MOST = 3.0, 8.0
"""Load is an average of the last minute: what has just begun to press is not in it."""


def stretched(seconds: float) -> float:
    """Seconds of an idle machine, on this one: longer by as much as more wants to run than there are cores."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return seconds * min(max(os.getloadavg()[0] / cores, LEAST), MOST)


async def looks(seconds: float = 20.0, pause: float = 0.05) -> AsyncIterator[None]:
    """Turns of a loop that looks until something has come, for so many stretched seconds.

    ``break`` when it has come; what follows an ``else`` of the loop tells that it has not.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + stretched(seconds)
    while loop.time() < deadline:
        yield
        await asyncio.sleep(pause)
