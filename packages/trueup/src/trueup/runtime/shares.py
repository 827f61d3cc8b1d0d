"""Slots for people: nobody has more than a part of them, and who has the fewest is next."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from trueup.model.share import Share, Urgency
from trueup.runtime.line import Line


class Crowded(Exception):
    """Somebody asks for more than may wait of one."""


class PersonShares:
    """Turns of people, each with a name.

    Args:
        slots: turns at a time.
        of_one: turns at a time of one; fewer than the slots, so that nobody waits for one other alone.
        most: turns of one, with those that wait.
    """

    def __init__(self, slots: int, of_one: int, most: int) -> None:
        self._free, self._of_one, self._most = slots, of_one, most
        self._line: Line[asyncio.Future[None]] = Line()
        self._asked: Counter[str] = Counter()

    @asynccontextmanager
    async def turn(self, name: str) -> AsyncIterator[None]:
        """Wait for a slot and hold it for as long as the block lasts.

        Raises:
            Crowded: too many of this one wait.
        """
        if self._asked[name] >= self._most:
            raise Crowded
        begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        share = Share(name, urgency=Urgency.PERSON)
        self._asked[name] += 1
        self._line.put(share, begun)
        self._go_on()
        try:
            await begun
            yield
        finally:
            if begun.cancelled():
                self._line.remove(share, begun)
            else:
                self._line.release(share)
                self._free += 1
            self._asked[name] -= 1
            if not self._asked[name]:
                del self._asked[name]
            self._go_on()

    def _go_on(self) -> None:
        while self._free and (found := self._line.take(self._may)):
            share, begun = found
            if begun.cancelled():  # whoever waited has gone
                self._line.release(share)
            else:
                self._free -= 1
                begun.set_result(None)

    def _may(self, name: str, _: str) -> bool:
        return self._line.held(name) < self._of_one
