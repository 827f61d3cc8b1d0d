"""What was pushed, until those that read it are told: once for each repository, however often it is said."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence, Set
from typing import Final, Protocol

import msgspec

from trueup.model.application import Application
from trueup.model.repository import RepositoryOf
from trueup.runtime.logger import Logger
from trueup.runtime.outcome import Requeue
from trueup.runtime.queue import Queue
from trueup.server.webhooks.matching import Pushed, PushedPlace, place_of_source, places_of_news
from trueup.server.webhooks.news import MOST_FILES, MOST_IMAGES, MOST_PUSHES, GitPush, ImagePush, News

log = Logger("trueup.webhook")

PAUSE: Final = 1.0
"""Seconds between two times that a repository's readers are told: whoever can send deliveries asks its host no more
often."""
_SPARE: Final = 200
"""Repositories beside those that are read of which something is remembered."""
IMAGES: Final = "images"
"""The key under which pushed images wait for the rounds that write them into Git."""


class StoredApp(Protocol):
    """An Application that could be read."""

    @property
    def key(self) -> str: ...

    @property
    def app(self) -> Application: ...


class WebhookPorts(msgspec.Struct, frozen=True):
    """Filled by whoever serves.

    Attributes:
        readers: the repositories of all applications, each with the applications that read it.
        others: repositories that are read beside them, as bases of kustomizations are.
        application: one by its key; None where it is gone or cannot be read.
        look: looks at a repository for applications that read it: (repository, applications, the commit that was
            pushed, empty for several).
        images: tells of images that were pushed.
        clock: seconds that are never set back.
    """

    readers: Callable[[], Mapping[RepositoryOf, Set[str]]]
    others: Callable[[], Iterable[RepositoryOf]]
    application: Callable[[str], StoredApp | None]
    look: Callable[[RepositoryOf, Sequence[str], str], Awaitable[None]]
    images: Callable[[Sequence[ImagePush]], Awaitable[None]]
    clock: Callable[[], float]


class Inbox:
    """Takes news at any speed, and passes on at its own. What waits is bounded by the repositories that are read."""

    def __init__(self, ports: WebhookPorts) -> None:
        self._ports = ports
        self._pending: dict[str, tuple[PushedPlace, list[News] | None]] = {}
        self._images: dict[ImagePush, None] = {}
        self._told: dict[str, float] = {}
        self._places: dict[RepositoryOf, PushedPlace | None] = {}
        self._reads: tuple[tuple[int, float], frozenset[PushedPlace]] | None = None
        self._queue = Queue("webhooks", self._tell, subject="repository", workers=8)

    async def run(self) -> None:
        """Pass on until cancelled."""
        await self._queue.run()

    def put(self, news: Iterable[News]) -> int:
        """Take news; gives how many repositories are looked at for it."""
        at: dict[PushedPlace, list[News]] = {}
        for each in news:
            for place in places_of_news(each):
                at.setdefault(place, []).append(each)
            if isinstance(each, ImagePush) and len(self._images) < MOST_IMAGES:
                self._images[each] = None
                self._add(IMAGES)
        read = self._read() if at else frozenset()
        for place in at.keys() & read:
            key = f"{place.host}/{place.path}"
            waiting = self._pending.get(key, (place, []))[1]
            if waiting is not None:
                waiting = [*waiting, *at[place]]
            self._pending[key] = (place, waiting if waiting is not None and _few(waiting) else None)
            self._add(key)
        return len(at.keys() & read)

    def _add(self, key: str) -> None:
        last = self._told.get(key)
        self._queue.add(key, after=0.0 if last is None else last + PAUSE - self._ports.clock())

    def _read(self) -> frozenset[PushedPlace]:
        """The places that are read at all: of thousands they are listed once in a while, and when there are others."""
        at = (len(self._ports.readers()), self._ports.clock() // PAUSE)
        if self._reads is None or self._reads[0] != at:
            found = (self._place(each) for each in self._repositories())
            self._reads = (at, frozenset(place for place in found if place is not None))
        return self._reads[1]

    def _repositories(self) -> list[RepositoryOf]:
        return list(dict.fromkeys([*self._ports.readers(), *self._ports.others()]))

    def _place(self, repository: RepositoryOf) -> PushedPlace | None:
        if repository not in self._places:
            if len(self._places) > 4 * len(self._ports.readers()) + _SPARE:
                self._places.clear()
            self._places[repository] = place_of_source(repository)
        return self._places[repository]

    async def _tell(self, key: str) -> Requeue:
        if len(self._told) > 4 * len(self._ports.readers()) + _SPARE:
            self._told.clear()
        self._told[key] = self._ports.clock()
        if key == IMAGES:
            images, self._images = list(self._images), {}
            if images:
                await self._ports.images(images)
            return Requeue.never()
        waiting = self._pending.pop(key, None)
        if waiting is None:
            return Requeue.never()
        try:
            await self._look(*waiting)
        except Exception:
            # It is tried again, with what comes meanwhile.
            self._pending[key] = (waiting[0], None if key in self._pending else waiting[1])
            raise
        return Requeue.never()

    async def _look(self, place: PushedPlace, news: list[News] | None) -> None:
        commits = {each.commit for each in news or () if isinstance(each, GitPush) and each.commit}
        commit = commits.pop() if len(commits) == 1 else ""
        readers = self._ports.readers()
        pushed = Pushed(place, news) if news is not None else None
        for repository in self._repositories():
            if self._place(repository) != place:
                continue
            keys = await self._concerned(readers.get(repository, ()), pushed)
            # A base that lies elsewhere is read at a revision that only its kustomization says.
            if keys or repository not in readers:
                log.info("push told", place=f"{place.host}/{place.path}", applications=len(keys), commit=commit)
                await self._ports.look(repository, keys, commit)

    async def _concerned(self, keys: Iterable[str], pushed: Pushed | None) -> list[str]:
        found: list[str] = []
        for key in sorted(keys):
            # Between two, others have their turn.
            await asyncio.sleep(0)
            stored = self._ports.application(key)
            if stored is not None and (pushed is None or pushed.concerns(stored.app)):
                found.append(key)
        return found


def _few(news: Sequence[News]) -> bool:
    """Whether they are kept apart."""
    files = sum(len(each.files or ()) for each in news if isinstance(each, GitPush))
    return len(news) <= MOST_PUSHES and files <= MOST_FILES
