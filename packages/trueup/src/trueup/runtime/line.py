"""Who is next: of those that wait, the one whose project and repository have the least, and then the most urgent."""

from collections import OrderedDict, deque
from collections.abc import Callable
from typing import Generic, TypeVar

from trueup.model.share import Share, Urgency

T = TypeVar("T")
W = TypeVar("W")

_URGENCIES = tuple(Urgency)
"""Each turn walks through them: an enumeration makes them anew each time."""


class _Ring(Generic[W]):
    """Names that something waits for, by urgency; in each, the one served longest ago first."""

    def __init__(self) -> None:
        self.waiting: tuple[OrderedDict[str, W], ...] = tuple(OrderedDict() for _ in _URGENCIES)
        self.held: dict[str, int] = {}

    def next(self, may: Callable[[str], bool]) -> tuple[Urgency, str] | None:
        """The one to serve.

        A person's wish counts like one piece of work less: it goes before the polls of projects that have nothing
        under way, and what another project waits for goes before a project's second wish of that kind.
        """
        best: tuple[int, Urgency, str] | None = None
        for urgency in _URGENCIES:
            least = -1 if urgency is Urgency.PERSON else 0
            for name in self.waiting[urgency]:
                rank = (max(0, self.held.get(name, 0)) + least, urgency, name)
                if (best is None or rank[:2] < best[:2]) and may(name):
                    best = rank
                    if rank[0] == least:
                        break
        return best[1:] if best is not None else None

    def served(self, name: str) -> None:
        self.held[name] = self.held.get(name, 0) + 1
        for names in self.waiting:
            if name in names:
                names.move_to_end(name)

    def released(self, name: str) -> None:
        left = self.held.get(name, 0) - 1
        if left > 0:
            self.held[name] = left
        else:
            self.held.pop(name, None)

    def empty(self) -> bool:
        return not self.held and not any(self.waiting)


class Line(Generic[T]):
    """Things that wait, each with its share."""

    def __init__(self) -> None:
        self._projects: _Ring[None] = _Ring()
        self._repositories: dict[str, _Ring[deque[T]]] = {}
        self._places: dict[tuple[str, str], int] = {}
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def put(self, share: Share, thing: T) -> None:
        """Let something wait. Of one share, who came first goes first."""
        self._projects.waiting[share.urgency].setdefault(share.project)
        ring = self._repositories.setdefault(share.project, _Ring())
        ring.waiting[share.urgency].setdefault(share.repository, deque()).append(thing)
        self._places[share.place] = self._places.get(share.place, 0) + 1
        self._length += 1

    def take(self, may: Callable[[str, str], bool] = lambda project, repository: True) -> tuple[Share, T] | None:
        """The next one, which is held from now on; None where nobody waits that may go.

        Args:
            may: whether a repository of a project may be served, or with an empty repository whether the project may.
        """
        found = self._projects.next(lambda name: may(name, ""))
        if found is None:
            return None
        project = found[1]
        ring = self._repositories[project]
        chosen = ring.next(lambda name: may(project, name))
        if chosen is None:
            return self._take_elsewhere(may, {project})
        return self._taken(project, ring, *chosen)

    def _take_elsewhere(self, may: Callable[[str, str], bool], passed: set[str]) -> tuple[Share, T] | None:
        """The next one of the projects that can go on."""
        while found := self._projects.next(lambda name: name not in passed and may(name, "")):
            project = found[1]
            chosen = self._repositories[project].next(lambda name, at=project: may(at, name))  # type: ignore[misc]
            if chosen is not None:
                return self._taken(project, self._repositories[project], *chosen)
            passed.add(project)
        return None

    def _taken(self, project: str, ring: "_Ring[deque[T]]", urgency: Urgency, repository: str) -> tuple[Share, T]:
        things = ring.waiting[urgency][repository]
        thing = things.popleft()
        if not things:
            del ring.waiting[urgency][repository]
        if not ring.waiting[urgency]:
            self._projects.waiting[urgency].pop(project, None)
        share = Share(project, repository, urgency)
        self._left(share)
        ring.served(repository)
        self._projects.served(project)
        return share, thing

    def remove(self, share: Share, thing: T) -> None:
        """It waits no more."""
        ring = self._repositories.get(share.project)
        things = ring.waiting[share.urgency].get(share.repository) if ring else None
        if ring is None or things is None or thing not in things:
            return
        things.remove(thing)
        if not things:
            del ring.waiting[share.urgency][share.repository]
        if not ring.waiting[share.urgency]:
            self._projects.waiting[share.urgency].pop(share.project, None)
        self._left(share)
        self._tidy(share.project)

    def of(self, project: str, repository: str) -> list[T]:
        """What waits of one repository of a project."""
        ring = self._repositories.get(project)
        return [thing for names in ring.waiting for thing in names.get(repository, ())] if ring else []

    def hold(self, share: Share) -> None:
        """It has a place, without having waited."""
        self._repositories.setdefault(share.project, _Ring()).served(share.repository)
        self._projects.served(share.project)

    def release(self, share: Share) -> None:
        """A piece of work that was taken is done."""
        ring = self._repositories.get(share.project)
        if ring is not None:
            ring.released(share.repository)
            self._projects.released(share.project)
            self._tidy(share.project)

    def held(self, project: str, repository: str = "") -> int:
        """Pieces of work under way of a project, or of one repository of it."""
        ring = self._repositories.get(project)
        if ring is None:
            return 0
        return ring.held.get(repository, 0) if repository else self._projects.held.get(project, 0)

    def others(self, share: Share) -> bool:
        """Whether somebody waits beside this repository of this project."""
        return bool(self._length) and self._length > self._places.get(share.place, 0)

    def _left(self, share: Share) -> None:
        self._length -= 1
        left = self._places[share.place] - 1
        if left:
            self._places[share.place] = left
        else:
            del self._places[share.place]

    def _tidy(self, project: str) -> None:
        ring = self._repositories.get(project)
        if ring is not None and ring.empty():
            del self._repositories[project]
