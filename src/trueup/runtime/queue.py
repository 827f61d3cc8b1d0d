"""A work queue of keys: a key waits once however often it is woken, and is never worked on twice at a time."""

import asyncio
import secrets
from collections import deque
from collections.abc import Awaitable, Callable

import structlog

from trueup.runtime.outcome import Outcome, Requeue, outcome_of

log = structlog.get_logger("trueup.queue")


class Queue:
    """Keys that want a reconcile.

    Args:
        name: for the log.
        subject: what a key is; every line that a pass logs has it, and the pass's own id as ``reconcile``.
        reconcile: works on one key. Its answer, or its error by the runtime's policy, says when to look again.
        failed: told of each error and its outcome; must not raise.
        workers: how many keys are worked on at once.
    """

    def __init__(
        self,
        name: str,
        reconcile: Callable[[str], Awaitable[Requeue]],
        *,
        subject: str = "key",
        failed: Callable[[str, Exception, Outcome], None] | None = None,
        workers: int = 16,
    ) -> None:
        self.name, self.subject = name, subject
        self._reconcile = reconcile
        self._failed = failed
        self._workers = workers
        self._ready: deque[str] = deque()
        self._waiting: set[str] = set()
        self._running: set[str] = set()
        self._again: set[str] = set()
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._failures: dict[str, int] = {}
        self._wake = asyncio.Event()

    def add(self, key: str, *, after: float = 0.0) -> None:
        """Ask for a reconcile, now or after so many seconds; the earlier of two requests wins."""
        if after <= 0:
            timer = self._timers.pop(key, None)
            if timer:
                timer.cancel()
            if key in self._running:
                self._again.add(key)
            elif key not in self._waiting:
                self._waiting.add(key)
                self._ready.append(key)
                self._wake.set()
            return
        loop = asyncio.get_running_loop()
        due = loop.time() + after
        timer = self._timers.get(key)
        if timer and timer.when() <= due:
            return
        if timer:
            timer.cancel()
        self._timers[key] = loop.call_later(after, self._due, key)

    def forget(self, key: str) -> None:
        """The key is gone: drop its timer and its failures."""
        timer = self._timers.pop(key, None)
        if timer:
            timer.cancel()
        self._failures.pop(key, None)

    def idle(self) -> bool:
        """Whether nothing is waiting or running (timers aside)."""
        return not self._waiting and not self._running

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(self._workers):
                group.create_task(self._work())

    def _due(self, key: str) -> None:
        self._timers.pop(key, None)
        self.add(key)

    async def _work(self) -> None:
        while True:
            while not self._ready:
                self._wake.clear()
                await self._wake.wait()
            key = self._ready.popleft()
            self._waiting.discard(key)
            self._running.add(key)
            try:
                with structlog.contextvars.bound_contextvars(**{self.subject: key, "reconcile": secrets.token_hex(4)}):
                    requeue = await self._one(key)
            finally:
                self._running.discard(key)
            if key in self._again:
                self._again.discard(key)
                self.add(key)
            elif requeue.seconds is not None:
                self.add(key, after=requeue.seconds)

    async def _one(self, key: str) -> Requeue:
        try:
            requeue = await self._reconcile(key)
        except Exception as error:  # a poisoned key must not stop the others
            failures = self._failures[key] = self._failures.get(key, 0) + 1
            outcome = outcome_of(error, failures)
            if outcome.reason == "InternalError":
                log.exception("reconcile failed", queue=self.name)
            if self._failed:
                self._failed(key, error, outcome)
            return outcome.requeue
        self._failures.pop(key, None)
        return requeue
