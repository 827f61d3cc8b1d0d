"""A run that writes a folder: how long it may last follows from how much it gets done."""

import asyncio
import time
from typing import Protocol

from trueup.workers import processor
from trueup.workers.process import ProcessError, Stopped

SLOWEST = 128 * 1024
"""Bytes a second that a transfer must bring in the long run, beyond its first minutes."""
_PAUSE = 0.5
_STEP = 0.2
"""Seconds of processor time that count as progress: a tool that works on what it has may write nothing for long."""


class GrowingFolder(Protocol):
    """The folder; its methods may take a moment."""

    def measure(self) -> int: ...

    def refusal(self, size: int) -> str: ...


async def overseen(pid: int, growth: GrowingFolder, *, timeout: float, idle: float) -> ProcessError:
    """Watch a process and its children until they must be ended, and say why.

    Args:
        pid: of the first of them.
        timeout: seconds that they may last without bringing anything; each :data:`SLOWEST` bytes give a second more.
        idle: seconds without any progress.
    """
    begun = moved = time.monotonic()
    first = last = await asyncio.to_thread(growth.measure)
    worked = 0.0
    while True:
        await asyncio.sleep(_PAUSE)
        size = await asyncio.to_thread(growth.measure)
        now = time.monotonic()
        if reason := await asyncio.to_thread(growth.refusal, size):
            return Stopped(reason)
        busy = processor.used(pid)
        if size > last or busy >= worked + _STEP:
            last, worked, moved = max(size, last), max(busy, worked), now
        if now - moved > idle:
            return Stopped(f"nothing came for {idle:g} s")
        allowed = timeout + max(0, last - first) / SLOWEST
        if now - begun > allowed:
            return Stopped(f"not done after {allowed:.0f} s")
