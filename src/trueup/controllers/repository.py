"""The repository reconciler: the only one that talks to Git servers, and it wakes the applications that read them."""

import itertools
import random
from collections.abc import Callable, Iterable

import structlog

from trueup.model.errors import SourceUnavailable, TrueupError
from trueup.runtime.outcome import Requeue, backoff
from trueup.runtime.queue import Queue
from trueup.sources.commit import CommitInfo
from trueup.sources.mirror import Mirror
from trueup.sources.mirrors import Mirrors
from trueup.sources.url import redact
from trueup.store.settings import Settings

log = structlog.get_logger("trueup.repository")

DESCRIBED = 256
"""Commits whose description is remembered."""


class Repositories:
    """Keeps mirrors fresh: one ls-remote per repository and interval, one fetch for all its applications.

    Args:
        mirrors: the bare mirrors on disk.
        users: the applications (keys) that read a repository, by its identity.
        wake: asks for an application's reconcile.
        settings: the polling interval, read at each turn.
    """

    def __init__(
        self,
        mirrors: Mirrors,
        *,
        users: Callable[[str], Iterable[str]],
        wake: Callable[[str], None],
        settings: Callable[[], Settings],
    ) -> None:
        self._mirrors = mirrors
        self._users = users
        self._wake = wake
        self._settings = settings
        self._urls: dict[str, str] = {}
        self._asked: dict[str, set[str]] = {}
        self._errors: dict[str, TrueupError] = {}
        self._failures: dict[str, int] = {}
        self._updates: dict[str, int] = {}
        self._looks: dict[str, int] = {}
        self._states: dict[str, int] = {}
        self._described: dict[tuple[str, str], CommitInfo] = {}
        self._next_state = itertools.count(1)
        self.queue = Queue("repositories", self.reconcile, workers=4)

    def mirror(self, url: str) -> Mirror | None:
        """The mirror, once it has been fetched.

        Raises:
            TrueupError: the last attempt to fetch a mirror that was never there failed.
        """
        name = self._mirrors.identity(url)
        if self._updates.get(name):
            return self._mirrors.get(url)
        error = self._errors.get(name)
        if error is not None:
            raise error
        return None

    def commit(self, url: str, revision: str) -> CommitInfo | None:
        """What a commit says, None where that is not known; a monorepo's newest is asked for by each of its users."""
        known = self._described.get((url, revision))
        if known is None:
            try:
                mirror = self.mirror(url)
                known = mirror.commit(revision) if mirror else None
            except TrueupError:
                return None
            if known is not None:
                if len(self._described) >= DESCRIBED:
                    self._described.clear()
                self._described[(url, revision)] = known
        return known

    def state(self, url: str) -> int:
        """A number for the refs a mirror has: another one after each change, 0 while there is no mirror."""
        return self._states.get(self._mirrors.identity(url), 0)

    def looks(self, url: str) -> int:
        """How many looks at the server have ended, well or not; a request is served when the number has grown."""
        return self._looks.get(self._mirrors.identity(url), 0)

    def polls(self, url: str) -> bool:
        """Whether the repository is known and looked at again by itself."""
        return self._mirrors.identity(url) in self._urls

    def error(self, url: str) -> TrueupError | None:
        """Why the last look at the server failed; None when it did not."""
        return self._errors.get(self._mirrors.identity(url))

    def request(self, url: str, app: str) -> None:
        """An application wants to know what the server has from now on; it is woken when that is known."""
        name = self._mirrors.identity(url)
        self._urls[name] = url
        self._asked.setdefault(name, set()).add(app)
        self.queue.add(name)

    def retry_failed(self) -> None:
        """Look again at the repositories that could not be read: something has changed that may help."""
        for name in self._errors:
            self.queue.add(name)

    async def look(self, url: str, app: str) -> None:
        """Look at one repository now, for a caller that waits.

        Raises:
            TrueupError: it cannot be read.
        """
        name = self._mirrors.identity(url)
        self._urls[name] = url
        self._asked.setdefault(name, set()).add(app)
        await self.reconcile(name)
        error = self._errors.get(name)
        if error is not None:
            raise error

    async def reconcile(self, name: str) -> Requeue:
        """One look at one repository."""
        users = set(self._users(name))
        # Who asks while this look is under way is answered by the next one.
        asked = self._asked.pop(name, set())
        if not users and not asked:
            for memory in (self._urls, self._errors, self._failures, self._updates, self._looks, self._states):
                memory.pop(name, None)
            return Requeue.never()
        url = self._urls[name]
        try:
            moved = await self._mirrors.get(url).update()
        except TrueupError as error:
            self._looks[name] = self._looks.get(name, 0) + 1
            first = name not in self._errors
            self._errors[name] = error
            failures = self._failures[name] = self._failures.get(name, 0) + 1
            log.warning("repository not read", repository=redact(url), error=str(error))
            self._wake_all(users | asked if first else asked)
            interval = self._interval()
            wait = backoff(failures + 3) if isinstance(error, SourceUnavailable) else interval or 120.0
            return Requeue.after(min(wait, interval) if interval else wait)
        self._looks[name] = self._looks.get(name, 0) + 1
        recovered = self._errors.pop(name, None) is not None
        self._failures.pop(name, None)
        first = not self._updates.get(name)
        self._updates[name] = self._updates.get(name, 0) + 1
        if moved or first:
            self._states[name] = next(self._next_state)
        self._wake_all(users | asked if moved or recovered or first else asked)
        interval = self._interval()
        return Requeue.after(interval) if interval else Requeue.never()

    def _wake_all(self, apps: Iterable[str]) -> None:
        for app in sorted(apps):
            self._wake(app)

    def _interval(self) -> float:
        settings = self._settings()
        if not settings.resync_seconds:
            return 0.0
        return settings.resync_seconds + random.uniform(0, settings.resync_jitter_seconds)  # noqa: S311 - spreads load
