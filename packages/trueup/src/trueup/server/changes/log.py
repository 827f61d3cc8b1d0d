"""The append-only log of changes: one for all readers, whose place in it is a number."""

import asyncio
from collections import deque

import msgspec

from trueup.model.live import LiveObject
from trueup.server.errors import Code, Fault

KEEP = 4096
"""Changes that are kept for readers who have yet to come to them."""
AGAIN = "list again"
"""The text for readers whose place is gone."""


class Change(msgspec.Struct, frozen=True, gc=False):
    """Something was created, changed or deleted.

    Attributes:
        before: None where it was created.
        after: None where it was deleted.
    """

    number: int
    key: str
    before: LiveObject | None
    after: LiveObject | None


class Changes:
    """The log.

    Args:
        epoch: this server's own: numbers of another one mean nothing here.
        keep: how many are kept.
    """

    def __init__(self, epoch: str, keep: int = KEEP) -> None:
        self._epoch = epoch
        self._kept: deque[Change] = deque(maxlen=keep)
        self._waiting: list[asyncio.Future[None]] = []
        self._closed = False
        self.number = 0

    def append(self, key: str, before: LiveObject | None, after: LiveObject | None) -> None:
        """One more change. Nobody who reads is waited for."""
        self.number += 1
        self._kept.append(Change(self.number, key, before, after))
        self._wake()

    def close(self) -> None:
        """The server stops: readers come to an end."""
        self._closed = True
        self._wake()

    def token(self, number: int) -> str:
        """What names a place in the log to clients."""
        return f"{self._epoch}.{number}"

    def place(self, token: str) -> int:
        """The place that a token names.

        Raises:
            Fault: it is of another server, or none; list again.
        """
        epoch, _, number = token.rpartition(".")
        if epoch != self._epoch or not (number.isascii() and number.isdecimal() and len(number) < 16):
            raise Fault(Code.ABORTED, AGAIN)
        return int(number)

    async def after(self, number: int) -> list[Change]:
        """What has changed since, the latest of each thing, in the order of the log; waits for the first.

        Raises:
            Fault: what has changed is no longer known, list again; or the server stops.
        """
        while number >= self.number and not self._closed:
            waiting = asyncio.get_running_loop().create_future()
            self._waiting.append(waiting)
            await waiting
        if self._closed:
            raise Fault(Code.UNAVAILABLE, "the server stops")
        if number < self.number - len(self._kept):
            raise Fault(Code.ABORTED, AGAIN)
        unread = [change for change in self._kept if change.number > number]
        first = {change.key: change for change in reversed(unread)}
        last = {change.key: change for change in unread}
        return [
            msgspec.structs.replace(change, before=first[change.key].before)
            for change in unread
            if last[change.key] is change
        ]

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            if not each.done():
                each.set_result(None)
