"""What one cluster may take of the engine: memory for its objects, and time to read what it sends.

A cluster answers what it likes, as much as it likes. One that has no end is a trouble of its own and of no other one.
"""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager

from trueup.kube.errors import ResponseTooLarge
from trueup.model.live import LiveObject, Seen

OBJECT_BYTES = 1024
"""Of memory that an object takes beside its body."""
SHARE = 0.25
"""Of the time of the loop that all is made in."""
BURST_SECONDS = 2.0
"""Of processor time that may be used at once, such as for the first lists."""


class Room:
    """Bytes for the objects of one cluster.

    Args:
        most: None where there is no end.

    Attributes:
        used: by what is kept, and by lists that are being gathered.
    """

    def __init__(self, most: int | None = None) -> None:
        self._most = most
        self.used = 0

    def check(self, more: int = 0) -> None:
        """Whether there is room for so many bytes more.

        Raises:
            ResponseTooLarge: there is none.
        """
        if self._most is not None and self.used + more > self._most:
            raise ResponseTooLarge(
                f"memory budget for cluster exceeded: its objects take more than {self._most >> 20} MiB",
                hint="permit more by --cluster-memory, or exclude kinds by resource.exclusions in argocd-cm",
            )

    @contextmanager
    def gathering(self) -> Iterator["Gathering"]:
        """For a list that is not complete: what it has taken is given back at the end of the block."""
        found = Gathering(self)
        try:
            yield found
        finally:
            self.used -= found.taken


class Gathering:
    """The objects of a list that is being read."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self.taken = 0

    def take(self, found: Seen) -> None:
        """One more of them.

        Raises:
            ResponseTooLarge: there is no room for it.
        """
        size = weight(found)
        self._room.check(size)
        self._room.used += size
        self.taken += size


def weight(found: Seen) -> int:
    """Bytes of memory that an object takes, about."""
    return len(found.body) + OBJECT_BYTES if isinstance(found, LiveObject) else OBJECT_BYTES


class Pace:
    """Reading what one cluster sends takes no more than a share of the loop's time.

    Args:
        share: None for as much as there is.
    """

    def __init__(self, share: float | None = None) -> None:
        self._share = share
        self._paid_at = time.monotonic()
        self._debt = 0.0

    async def spent(self, seconds: float) -> None:
        """So much processor time went into something: wait until it is paid for."""
        if self._share is None:
            return
        now = time.monotonic()
        self._debt = max(0.0, self._debt - (now - self._paid_at) * self._share) + seconds
        self._paid_at = now
        if self._debt > BURST_SECONDS:
            await asyncio.sleep((self._debt - BURST_SECONDS) / self._share)


UNHURRIED = Pace()
"""For a cluster that is believed, such as the engine's own."""
