"""A work queue of keys: a key waits once however often it is woken, and is never worked on twice at a time.

Keys are taken in fair shares (:mod:`trueup.runtime.fair`): nobody's thousand keys delay somebody else's one.
"""

import asyncio
import itertools
import secrets
from collections.abc import Awaitable, Callable

import msgspec
import structlog

from trueup.model.share import Share, Urgency
from trueup.runtime.fair import Fair
from trueup.runtime.outcome import Outcome, Requeue, outcome_of
from trueup.runtime.turn import Turn

log = structlog.get_logger("trueup.queue")


def _of_its_own(key: str) -> Share:
    return Share(repository=key)


class Queue:
    """Keys that want a reconcile.

    Args:
        name: for the log.
        subject: what a key is; every line that a pass logs has it, and the pass's own id as ``reconcile``.
        reconcile: works on one key. Its answer, or its error by the runtime's policy, says when to look again.
        failed: told of each error and its outcome; must not raise.
        workers: how many keys are worked on at once.
        beside: how many more, of those that take long while others wait.
        share: whose a key is, and the least urgency it has at present.
    """

    def __init__(
        self,
        name: str,
        reconcile: Callable[[str], Awaitable[Requeue]],
        *,
        subject: str = "key",
        failed: Callable[[str, Exception, Outcome], None] | None = None,
        workers: int = 16,
        beside: int = 0,
        share: Callable[[str], Share] = _of_its_own,
    ) -> None:
        self.name, self.subject = name, subject
        self._reconcile = reconcile
        self._failed = failed
        self._share = share
        self._slots = Fair(workers, beside)
        self._slots.pause()
        self._waiting: dict[str, Turn] = {}
        self._since: dict[str, float] = {}
        self._running: set[str] = set()
        self._again: dict[str, Urgency] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._failures: dict[str, int] = {}
        self._group: asyncio.TaskGroup | None = None
        self._passes = itertools.count(secrets.randbits(32))

    def add(self, key: str, *, after: float = 0.0, urgency: Urgency = Urgency.ROUTINE) -> None:
        """Ask for a reconcile, now or after so many seconds; the earlier and the more urgent of two requests wins."""
        if after <= 0:
            timer = self._timers.pop(key, None)
            if timer:
                timer.cancel()
            if key in self._running:
                self._again[key] = min(urgency, self._again.get(key, urgency))
            else:
                self._wait(key, urgency)
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

    @property
    def waiting(self) -> int:
        """How many keys wait for their turn."""
        return len(self._waiting)

    def oldest(self) -> float:
        """Seconds for which the key has waited that waits longest; 0 where none does."""
        return asyncio.get_running_loop().time() - min(self._since.values()) if self._since else 0.0

    def idle(self) -> bool:
        """Whether nothing is waiting or running (timers aside)."""
        return not self._waiting and not self._running

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            try:
                self._slots.resume()
                await asyncio.Event().wait()
            finally:
                self._slots.pause()

    def _due(self, key: str) -> None:
        self._timers.pop(key, None)
        self.add(key)

    def _wait(self, key: str, urgency: Urgency) -> None:
        share = self._share(key)
        if urgency < share.urgency:
            share = msgspec.structs.replace(share, urgency=urgency)
        self._since.setdefault(key, asyncio.get_running_loop().time())
        before = self._waiting.get(key)
        if before is not None:
            if before.share.urgency <= share.urgency:
                return
            self._waiting.pop(key)
            self._slots.leave(before)
        turn = self._waiting[key] = Turn(share, lambda: self._begin(key))
        self._slots.enter(turn)

    def _begin(self, key: str) -> None:
        assert self._group is not None
        self._running.add(key)
        self._since.pop(key, None)
        self._group.create_task(self._work(key, self._waiting.pop(key)))

    async def _work(self, key: str, turn: Turn) -> None:
        try:
            with (
                structlog.contextvars.bound_contextvars(
                    **{self.subject: key, "reconcile": f"{next(self._passes) % 2**32:08x}"}
                ),
                self._slots.holding(turn),
            ):
                requeue = await self._one(key)
        finally:
            self._running.discard(key)
            self._slots.leave(turn)
        if key in self._again:
            self.add(key, urgency=self._again.pop(key))
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
