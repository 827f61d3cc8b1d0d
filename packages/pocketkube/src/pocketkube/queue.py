"""A work queue of keys: a key waits once however often it is woken, and is never worked on twice at a time."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

FIRST_RETRY: Final = 1.0
LONGEST_RETRY: Final = 300.0

log = logging.getLogger(__name__)


class WorkQueue:
    """Keys to be worked on, in the order in which they came.

    Args:
        name: for the log.
        work: works on one key; answers in how many seconds to look again, None for not before it is woken. After an
            error it is looked at again with backoff.
        workers: how many keys are worked on at once.
    """

    def __init__(self, name: str, work: Callable[[str], Awaitable[float | None]], *, workers: int = 16) -> None:
        self.name = name
        self._work = work
        self._workers = workers
        self._waiting: dict[str, None] = {}
        self._running: set[str] = set()
        self._again: set[str] = set()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._failures: dict[str, int] = {}
        self._group: asyncio.TaskGroup | None = None

    def add(self, key: str, *, after: float = 0.0) -> None:
        """Ask for a key to be worked on, now or after so many seconds; the earlier of two requests wins."""
        timer = self._timers.get(key)
        if after > 0:
            due = asyncio.get_running_loop().time() + after
            if timer is None or timer.when() > due:
                self._drop_timer(key)
                self._timers[key] = asyncio.get_running_loop().call_at(due, self._due, key)
            return
        self._drop_timer(key)
        if key in self._running:
            self._again.add(key)
        else:
            self._waiting[key] = None
            self._begin()

    def forget(self, key: str) -> None:
        """The key is gone: drop its timer and its failures."""
        self._drop_timer(key)
        self._failures.pop(key, None)

    def _drop_timer(self, key: str) -> None:
        """It is not looked at again for the time that has passed."""
        if timer := self._timers.pop(key, None):
            timer.cancel()

    def idle(self) -> bool:
        """Whether nothing is waiting or running (timers aside)."""
        return not self._waiting and not self._running

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                self._begin()
                await asyncio.Event().wait()
            finally:
                self._group = None

    def _due(self, key: str) -> None:
        self._timers.pop(key, None)
        self.add(key)

    def _begin(self) -> None:
        while self._group is not None and self._waiting and len(self._running) < self._workers:
            key = next(iter(self._waiting))
            del self._waiting[key]
            self._running.add(key)
            self._group.create_task(self._one(key), name=f"{self.name}: {key}")

    async def _one(self, key: str) -> None:
        try:
            again = await self._attempt(key)
        finally:
            self._running.discard(key)
        if key in self._again:
            self._again.discard(key)
            self.add(key)
        elif again is not None:
            self.add(key, after=max(again, 0.0))
        self._begin()

    async def _attempt(self, key: str) -> float | None:
        try:
            again = await self._work(key)
        except Exception:  # a poisoned key must not stop the others
            failures = self._failures[key] = self._failures.get(key, 0) + 1
            log.exception("%s: %s failed", self.name, key)
            return min(LONGEST_RETRY, FIRST_RETRY * 2.0 ** min(failures - 1, 20))
        self._failures.pop(key, None)
        return again
