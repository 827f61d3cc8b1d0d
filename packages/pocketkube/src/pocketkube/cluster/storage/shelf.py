"""The objects of one kind, in the order of their keys."""

import asyncio
from bisect import bisect_left, bisect_right, insort
from typing import Final

from pocketkube.cluster.storage.entry import Event, StoredObject, StoredPage
from pocketkube.cluster.storage.history import History

_AFTER_SLASH: Final = "0"
"""The character that follows ``/``: names of a namespace lie between the two."""


def key_of(namespace: str, name: str) -> str:
    """What lists are ordered by, as etcd orders them."""
    return f"{namespace}/{name}"


class KindShelf:
    """The objects of one kind, their history, and who waits for a change.

    Args:
        revision: of the storage as it was opened; nothing before it is remembered.
    """

    def __init__(self, revision: int) -> None:
        self.history = History(revision)
        self.waiting: set[asyncio.Event] = set()
        self.closed = False
        self._entries: dict[str, StoredObject] = {}
        self._keys: list[str] = []

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, namespace: str, name: str) -> StoredObject | None:
        return self._entries.get(key_of(namespace, name))

    def load(self, entry: StoredObject) -> None:
        """Takes an entry that was kept; call :meth:`sort` after the last."""
        self._entries[key_of(entry.namespace, entry.name)] = entry

    def sort(self) -> None:
        self._keys = sorted(self._entries)

    def change(self, event: Event) -> None:
        """Makes a change, remembers it and wakes who waits."""
        entry = event.entry
        key = key_of(entry.namespace, entry.name)
        if event.type == "DELETED":
            del self._entries[key]
            del self._keys[bisect_left(self._keys, key)]
        else:
            self._entries[key] = entry
            if event.type == "ADDED":
                insort(self._keys, key)
        self.history.add(event)
        self.wake()

    def close(self) -> None:
        """Ends the watches."""
        self.closed = True
        self.wake()

    def wake(self) -> None:
        for waiter in self.waiting:
            waiter.set()

    def page(self, namespace: str, limit: int, after: tuple[str, str] | None, now: int, revision: int) -> StoredPage:
        """A part of the list as it was at a revision.

        Args:
            namespace: empty for all.
            limit: 0 for no limit.
            now: the storage's revision.
            revision: 0 for now.

        Raises:
            Expired: the revision is too old.
        """
        past = self.history.differences(revision) if revision and revision < now else {}
        keys = self._keys
        if past:
            changed = {key_of(*place): entry for place, entry in past.items()}
            entries = self._entries | {key: entry for key, entry in changed.items() if entry is not None}
            gone = {key for key, entry in changed.items() if entry is None}
            keys = sorted(key for key in entries if key not in gone)
        else:
            entries = self._entries
        first = bisect_left(keys, f"{namespace}/") if namespace else 0
        last = bisect_left(keys, f"{namespace}{_AFTER_SLASH}") if namespace else len(keys)
        if after is not None:
            first = max(first, bisect_right(keys, key_of(*after)))
        end = min(last, first + limit) if limit else last
        found = [entries[key] for key in keys[first:end]]
        going_on = (found[-1].namespace, found[-1].name) if found and end < last else None
        return StoredPage(found, revision or now, going_on, last - end if going_on else 0)
