"""Memory within a number of entries and of bytes."""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from typing import Any, Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_ENTRY = 200
"""Bytes that an entry costs beside what it holds."""


class _Entry(Generic[V]):
    __slots__ = ("size", "users", "value")

    def __init__(self, value: V, size: int) -> None:
        self.value = value
        self.size = size
        self.users: set[Hashable] = set()


class Memory(Generic[K, V]):
    """What was worked out once, kept within a number of entries and of bytes; the least recently used goes first.

    An entry may have users (applications). What nobody uses any more goes before all that somebody does, and of it no
    more than ``spare`` bytes are kept at all. A user is one of its latest entries: what it used before is given back.
    Losing an entry costs work, never a verdict.

    Args:
        entries: the most that are kept.
        size: bytes that all of them may have.
        weigh: bytes of a value; beside its value an entry counts 200.
        spare: bytes kept for nobody; as ``size`` by default, for a memory without users.
        latest: entries that a user keeps, the newest of those it has used.
    """

    def __init__(
        self,
        *,
        entries: int,
        size: int,
        weigh: Callable[[V], int] = lambda _: 0,
        spare: int | None = None,
        latest: int = 2,
    ) -> None:
        self._most, self._room = entries, size
        self._spare = size if spare is None else spare
        self._weigh = weigh
        self._latest = latest
        self._entries: OrderedDict[K, _Entry[V]] = OrderedDict()
        self._unused: OrderedDict[K, None] = OrderedDict()
        self._uses: dict[Hashable, OrderedDict[K, None]] = {}
        self._size = self._unused_size = 0

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, key: K) -> bool:
        return key in self._entries

    def __iter__(self) -> Iterator[K]:
        """The keys, the least recently used first."""
        return iter(self._entries)

    @property
    def size(self) -> int:
        """Bytes of all entries."""
        return self._size

    def get(self, key: K) -> V | None:
        """What is kept for a key, which counts as used now."""
        entry = self._entries.get(key)
        if entry is None:
            return None
        self._entries.move_to_end(key)
        if key in self._unused:
            self._unused.move_to_end(key)
        return entry.value

    def put(self, key: K, value: V, user: Hashable = None) -> None:
        """Keep a value; what is larger than half the room is not kept."""
        self.pop(key)
        size = _ENTRY + self._weigh(value)
        if size > self._room // 2:
            return
        self._entries[key] = _Entry(value, size)
        self._unused[key] = None
        self._size += size
        self._unused_size += size
        if user is not None:
            self.use(user, key)
        self._shrink()

    def use(self, user: Hashable, key: K) -> None:
        """Keep an entry for a user, and give back what it has used before its latest ones."""
        uses = self._uses.setdefault(user, OrderedDict())
        uses[key] = None
        uses.move_to_end(key)
        entry = self._entries.get(key)
        if entry is not None:
            if key in self._unused:
                del self._unused[key]
                self._unused_size -= entry.size
            entry.users.add(user)
        while len(uses) > self._latest:
            self._give_back(user, uses.popitem(last=False)[0])
        self._shrink()

    def release(self, user: Hashable) -> None:
        """A user is gone: what nobody else uses is the first to go."""
        for key in self._uses.pop(user, ()):
            self._give_back(user, key)
        self._shrink()

    def pop(self, key: K) -> V | None:
        """Forget one entry."""
        entry = self._entries.pop(key, None)
        if entry is None:
            return None
        self._size -= entry.size
        if key in self._unused:
            del self._unused[key]
            self._unused_size -= entry.size
        for user in entry.users:
            uses = self._uses.get(user)
            if uses is not None:
                uses.pop(key, None)
                if not uses:
                    del self._uses[user]
        return entry.value

    def clear(self) -> None:
        """Forget everything."""
        for each in (self._entries, self._unused, self._uses):
            each.clear()
        self._size = self._unused_size = 0

    def _give_back(self, user: Hashable, key: K) -> None:
        entry = self._entries.get(key)
        if entry is None or user not in entry.users:
            return
        entry.users.discard(user)
        if not entry.users:
            self._unused[key] = None
            self._unused_size += entry.size

    def _shrink(self) -> None:
        while self._unused and self._unused_size > self._spare:
            self.pop(next(iter(self._unused)))
        while self._entries and (len(self._entries) > self._most or self._size > self._room):
            self.pop(next(iter(self._unused or self._entries)))


def weight(value: Any) -> int:
    """Bytes of texts in a value of tuples, roughly, to weigh what is mostly text."""
    if isinstance(value, str | bytes):
        return 50 + len(value)
    if isinstance(value, tuple | list | set | frozenset):
        return 60 + sum(map(weight, value))
    return 30
