"""All objects of a cluster. Every change has a revision of its own, and a list shows the state at one."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pocketkube.cluster.storage.entry import Changed, Event, Exists, NotStored, StoredObject, StoredPage, encode
from pocketkube.cluster.storage.journal import Journal
from pocketkube.cluster.storage.shelf import KindShelf

Callback = Callable[[str, Event], None]


class Storage:
    """Objects by the name of their store (``pods``, ``deployments.apps``), namespace and name.

    Reads and writes take effect at once, in memory. A write may be reported as done once :meth:`durable` has returned.

    Args:
        journal: keeps what is written; None for objects in memory only.
    """

    def __init__(self, journal: Journal | None = None) -> None:
        self.revision = 1
        self._journal = journal
        self._start = 1
        self._shelves: dict[str, KindShelf] = {}
        self._callbacks: list[Callback] = []

    @classmethod
    async def open(cls, folder: Path | None) -> "Storage":
        """The storage with what was kept in a folder, which is made where it is missing.

        Raises:
            StorageFailed: the file is not ours, in use by another process, or broken.
        """
        if folder is None:
            return cls()
        journal = Journal(folder)
        storage = cls(journal)
        storage.revision = storage._start = await journal.open()
        for stored_as, entry in await journal.load():
            storage.shelf(stored_as).load(entry)
        for shelf in storage._shelves.values():
            shelf.sort()
        return storage

    async def close(self) -> None:
        """Ends the watches and writes what is not written yet."""
        for shelf in self._shelves.values():
            shelf.close()
        if self._journal is not None:
            await self._journal.close()

    async def durable(self) -> None:
        """Returns when everything done so far outlives the process.

        Raises:
            StorageFailed: it does not: the disk is full or broken. No later write is kept either.
        """
        if self._journal is not None:
            await self._journal.written(self.revision)

    def shelf(self, stored_as: str) -> KindShelf:
        """The objects of one kind."""
        shelf = self._shelves.get(stored_as)
        if shelf is None:
            shelf = self._shelves[stored_as] = KindShelf(self._start)
        return shelf

    def forget(self, stored_as: str) -> None:
        """Ends the watches of a kind that is gone, of which nothing is stored any more."""
        shelf = self._shelves.get(stored_as)
        if shelf is not None and not len(shelf):
            del self._shelves[stored_as]
            shelf.close()

    def count(self, stored_as: str) -> int:
        """How many objects there are of a kind."""
        return len(self.shelf(stored_as))

    def get(self, stored_as: str, namespace: str, name: str) -> StoredObject | None:
        """The object as it is now."""
        return self.shelf(stored_as).get(namespace, name)

    def list(
        self,
        stored_as: str,
        namespace: str = "",
        *,
        revision: int = 0,
        limit: int = 0,
        after: tuple[str, str] | None = None,
    ) -> StoredPage:
        """Objects in the order of namespace and name.

        Args:
            namespace: empty for all.
            revision: the state to show; 0 for now.
            limit: how many; 0 for all.
            after: as the page before gave it.

        Raises:
            Expired: the revision is too old.
        """
        return self.shelf(stored_as).page(namespace, limit, after, self.revision, revision)

    def create(self, stored_as: str, namespace: str, name: str, obj: dict[str, Any]) -> StoredObject:
        """Stores a new object; sets its resourceVersion.

        Raises:
            Exists: there is one of that name.
        """
        if self.get(stored_as, namespace, name) is not None:
            raise Exists
        return self._put(stored_as, Event("ADDED", self._next(namespace, name, obj)))

    def update(self, stored_as: str, namespace: str, name: str, obj: dict[str, Any], expected: int = 0) -> StoredObject:
        """Replaces an object; what is equal to the stored one is no change. Sets its resourceVersion.

        Args:
            expected: the revision the object must be at; 0 for any.

        Raises:
            Missing, Changed.
        """
        current = self._expected(stored_as, namespace, name, expected)
        if encode(obj, current.revision) == current.body:
            return current
        return self._put(stored_as, Event("MODIFIED", self._next(namespace, name, obj), current))

    def delete(self, stored_as: str, namespace: str, name: str, expected: int = 0) -> StoredObject:
        """Removes an object; gives what was there last, at the revision of its deletion.

        Raises:
            Missing, Changed.
        """
        current = self._expected(stored_as, namespace, name, expected)
        return self._put(stored_as, Event("DELETED", current.at(self.revision + 1), current))

    def since(self, stored_as: str, revision: int) -> Sequence[Event]:
        """The changes after a revision.

        Raises:
            Expired: some of them are forgotten.
        """
        return self.shelf(stored_as).history.after(revision)

    def subscribe(self, callback: Callback) -> Callable[[], None]:
        """Calls back on every change, within the change: the callback must not write itself. Gives what ends it."""
        self._callbacks.append(callback)
        return lambda: self._callbacks.remove(callback)

    def _expected(self, stored_as: str, namespace: str, name: str, expected: int) -> StoredObject:
        current = self.get(stored_as, namespace, name)
        if current is None:
            raise NotStored
        if expected and current.revision != expected:
            raise Changed(current)
        return current

    def _next(self, namespace: str, name: str, obj: dict[str, Any]) -> StoredObject:
        revision = self.revision + 1
        return StoredObject(namespace, name, obj["metadata"].get("uid", ""), revision, encode(obj, revision))

    def _put(self, stored_as: str, event: Event) -> StoredObject:
        self.revision = event.entry.revision
        self.shelf(stored_as).change(event)
        if self._journal is not None:
            self._journal.add(stored_as, event)
        for callback in tuple(self._callbacks):
            callback(stored_as, event)
        return event.entry
