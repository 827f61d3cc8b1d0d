"""Applications by what they have to do with, kept up with each change of one of them."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Set
from typing import Generic, Protocol, TypeVar


class Keyed(Protocol):
    """An application."""

    @property
    def key(self) -> str: ...


K = TypeVar("K", bound=Hashable)
A = TypeVar("A", bound=Keyed)


class Linked(Generic[A, K]):
    """What is asked of all applications again and again costs one look at each of them, and one at each that changes.

    Args:
        of: what an application has to do with.
        readable: all of them, asked for once.
    """

    def __init__(
        self,
        of: Callable[[A], Iterable[K]],
        readable: Callable[[], Iterable[A]],
    ) -> None:
        self._of, self._readable = of, readable
        self._links: dict[str, frozenset[K]] | None = None
        self._applications: dict[K, set[str]] = {}

    def all(self) -> Mapping[K, Set[str]]:
        """The applications (keys) of each thing that some have to do with."""
        if self._links is None:
            self._links = {}
            for stored in self._readable():
                self._put(self._links, stored.key, frozenset(self._of(stored)))
        return self._applications

    def with_(self, thing: K) -> list[str]:
        """The applications of one thing, sorted."""
        return sorted(self.all().get(thing, ()))

    def changed(self, key: str, stored: A | None) -> None:
        """Told what has become of an application; None where it is gone or cannot be read."""
        if self._links is not None:
            self._put(self._links, key, frozenset(self._of(stored)) if stored is not None else frozenset())

    def _put(self, links: dict[str, frozenset[K]], key: str, now: frozenset[K]) -> None:
        before = links.pop(key, frozenset())
        for thing in before - now:
            self._applications[thing].discard(key)
            if not self._applications[thing]:
                del self._applications[thing]
        for thing in now - before:
            self._applications.setdefault(thing, set()).add(key)
        if now:
            links[key] = now
