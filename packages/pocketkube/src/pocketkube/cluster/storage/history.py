"""The latest changes of one kind, by revision."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final

from pocketkube.cluster.storage.entry import Event, Expired, StoredObject

MOST_EVENTS: Final = 10_000
MOST_BYTES: Final = 16 << 20


class History:
    """Remembers changes up to a number and a size, then forgets the older half.

    Args:
        floor: the revision before the first change that can be remembered.
    """

    def __init__(self, floor: int) -> None:
        self.floor = floor
        self._revisions: list[int] = []
        self._events: list[Event] = []
        self._bytes = 0

    def add(self, event: Event) -> None:
        """Remembers a change; revisions only grow."""
        self._revisions.append(event.entry.revision)
        self._events.append(event)
        self._bytes += len(event.entry.body)
        if len(self._events) > MOST_EVENTS or self._bytes > MOST_BYTES:
            self._forget(max(1, len(self._events) // 2))

    def after(self, revision: int, most: int = MOST_EVENTS) -> Sequence[Event]:
        """The first changes after a revision, at most ``most``, oldest first.

        Raises:
            Expired: some of them are forgotten.
        """
        if self._revisions and revision >= self._revisions[-1]:
            return ()
        if revision < self.floor:
            raise Expired(f"too old resource version: {revision} ({self.floor})")
        start = bisect_right(self._revisions, revision)
        return self._events[start : start + most]

    def differences(self, revision: int) -> dict[tuple[str, str], StoredObject | None]:
        """What was there at a revision, of the objects that changed since; None for those that were not there.

        Raises:
            Expired: the changes since are forgotten.
        """
        found: dict[tuple[str, str], StoredObject | None] = {}
        for event in self.after(revision):
            found.setdefault((event.entry.namespace, event.entry.name), event.previous)
        return found

    def _forget(self, count: int) -> None:
        self.floor = self._revisions[count - 1]
        self._bytes -= sum(len(event.entry.body) for event in self._events[:count])
        del self._revisions[:count]
        del self._events[:count]
