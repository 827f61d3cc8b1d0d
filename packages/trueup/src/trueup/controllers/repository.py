"""The repository reconciler: the only one that talks to Git servers, and it wakes the applications that read them."""

import asyncio
import itertools
from collections.abc import Callable, Iterable

import structlog

from trueup.controllers.cadence import LIVELY, LIVELY_LOOKS, Cadence, KnownRepository, url_of
from trueup.memory.bounded import Memory
from trueup.model.errors import TooBusy, TrueupError
from trueup.model.repository import RepositoryOf
from trueup.model.share import Share, Urgency
from trueup.model.tree import MEBIBYTE
from trueup.runtime.outcome import Requeue
from trueup.runtime.queue import Queue
from trueup.sources.commit import CommitInfo
from trueup.sources.mirror import Mirror
from trueup.sources.mirrors import Mirrors
from trueup.sources.port import Origin
from trueup.store.settings import Settings

log = structlog.get_logger("trueup.repository")

DESCRIBED, DESCRIPTIONS = 256, 16 * MEBIBYTE
"""Commits whose description is remembered, and bytes for them."""
AT_ONCE = 4096
"""Looks at a time: one only waits, for git's turn and for the server."""


class Repositories:
    """Keeps mirrors fresh: one ls-remote per repository at a time, one fetch for all its applications.

    How soon the next one comes is said by :class:`~trueup.controllers.cadence.Cadence`.

    Args:
        mirrors: the bare mirrors on disk.
        users: the applications (keys) that read a repository, by its identity.
        wake: asks for an application's reconcile.
        settings: the polling interval, read at each turn.
        share: whose a repository is, by its identity.
        may: whether an application's project permits a repository, by (application, repository); what it does not is
            neither looked at nor shown a credential.
    """

    def __init__(
        self,
        mirrors: Mirrors,
        *,
        users: Callable[[str], Iterable[str]],
        wake: Callable[[str], None],
        settings: Callable[[], Settings],
        share: Callable[[str], Share] = lambda name: Share(repository=name),
        may: Callable[[str, str | RepositoryOf], bool] = lambda _app, _repository: True,
    ) -> None:
        self._mirrors = mirrors
        self._users = users
        self._wake = wake
        self._cadence = Cadence(settings)
        self._may = may
        self._known: dict[str, KnownRepository] = {}
        self._described: Memory[tuple[str | RepositoryOf, str], CommitInfo] = Memory(
            entries=DESCRIBED, size=DESCRIPTIONS, weigh=lambda info: len(info.message)
        )
        self._next_state = itertools.count(1)
        self.queue = Queue("repositories", self.reconcile, subject="repository", workers=AT_ONCE, share=share)

    def identity(self, repository: str | RepositoryOf) -> str:
        """What the URLs of one repository have in common."""
        return self._mirrors.identity(repository)

    def mirror(self, repository: str | RepositoryOf) -> Mirror | None:
        """The mirror of a Git repository, once it has been fetched.

        Raises:
            TrueupError: the last attempt to fetch a mirror that was never there failed.
        """
        return self._mirrors.get(repository) if self._is_there(repository) else None

    def origin(self, repository: str | RepositoryOf) -> Origin | None:
        """Where the files of a repository come from, once it has been looked at.

        Raises:
            TrueupError: there was no look that did not fail.
        """
        return self._mirrors.origin(repository) if self._is_there(repository) else None

    async def obtain(self, repository: str | RepositoryOf, revision: str) -> bool:
        """Whether the mirror holds a revision. A commit (full SHA) that no branch or tag leads to, and a ref that is
        neither, is asked of the server, which may refuse it."""
        try:
            origin = self.origin(repository)
            if origin is None:
                return False
            await origin.locate(revision)
        except TrueupError:
            return False
        return True

    def commit(self, repository: str | RepositoryOf, revision: str) -> CommitInfo | None:
        """What a commit says, None where that is not known; a monorepo's newest is asked for by each of its users."""
        if isinstance(repository, RepositoryOf) and repository.packed:
            return None
        known = self._described.get((repository, revision))
        if known is None:
            try:
                mirror = self.mirror(repository)
                known = mirror.commit(revision) if mirror else None
            except TrueupError:
                return None
            if known is not None:
                self._described.put((repository, revision), known)
        return known

    def state(self, repository: str | RepositoryOf) -> int:
        """A number for the refs a mirror has: another one after each change, 0 while there is no mirror."""
        known = self._find(repository)
        return known.state if known else 0

    def begun(self, repository: str | RepositoryOf) -> int:
        """The number of the look at the server that began last; 0 before the first."""
        known = self._find(repository)
        return known.begun if known else 0

    def ended(self, repository: str | RepositoryOf) -> int:
        """The number of the look that ended last, well or not. One greater than :meth:`begun` was at some moment
        knows what the server had at that moment."""
        known = self._find(repository)
        return known.ended if known else 0

    def polls(self, repository: str | RepositoryOf) -> bool:
        """Whether the repository is known and looked at again by itself."""
        return self._find(repository) is not None

    def error(self, repository: str | RepositoryOf) -> TrueupError | None:
        """Why the last look at the server failed; None when it did not."""
        known = self._find(repository)
        if known is not None and known.error is None and isinstance(repository, RepositoryOf) and repository.packed:
            return self._mirrors.shelf(repository).problem(repository.chart)
        return known.error if known else None

    def resting(self, repository: str | RepositoryOf) -> bool:
        """Whether the last look failed, so that the next one comes later: a person's wish goes straight through."""
        known = self._find(repository)
        return known is not None and known.error is not None and known.retry_at > asyncio.get_running_loop().time()

    def readers(self, name: str) -> set[str]:
        """The applications that read a repository (its identity), or have asked about it, as of the last look."""
        known = self._known.get(name)
        return known.readers | known.asked if known else set()

    def urgency(self, name: str) -> Urgency:
        """How soon a repository (its identity) is to be looked at."""
        known = self._known.get(name)
        return known.urgency if known else Urgency.ROUTINE

    def request(self, repository: str | RepositoryOf, app: str, urgency: Urgency = Urgency.PERSON) -> None:
        """An application wants to know what the server has from now on; it is woken when that is known."""
        if not self._may(app, repository):
            log.warning("repository not permitted", application=app, repository=url_of(repository))
            return
        known = self._ask(repository, app)
        known.urgency = min(known.urgency, urgency)
        if urgency is Urgency.PERSON or not self.resting(repository):
            self.queue.add(self._mirrors.identity(repository), urgency=urgency)

    def pushed(self, repository: str | RepositoryOf, commit: str = "") -> None:
        """Somebody says that the server has something new: it is looked at soon, whatever became of the last look.

        Who reads it is woken where there is something new: whoever can say so costs no more than that look.

        Args:
            commit: that was pushed; empty where it is not known.
        """
        known = self._find(repository)
        if known is not None:
            known.quiet, known.urgency = 0, min(known.urgency, Urgency.NEWS)
            known.told, known.lively_at = commit, asyncio.get_running_loop().time()
            self.queue.add(self._mirrors.identity(repository), urgency=Urgency.NEWS)

    def was_told(self, repository: str | RepositoryOf, commit: str) -> bool:
        """Whether somebody has said last that this commit was pushed."""
        known = self._find(repository)
        return known is not None and bool(commit) and known.told == commit

    def need(self, repository: str | RepositoryOf, app: str) -> None:
        """An application cannot go on before the repository has been read; the look that is under way will do."""
        known = self._find(repository)
        if known is not None and known.begun > known.ended:
            known.answering.add(app)
        else:
            self.request(repository, app, Urgency.NEWS)

    def look_once_more(self, repository: str | RepositoryOf) -> None:
        """Somebody was just answered: what was asked meanwhile, by the same words, may have gone unheard."""
        known = self._find(repository)
        if known is not None:
            known.quiet = 0
            self.queue.add(self._mirrors.identity(repository), after=LIVELY)

    def retry_failed(self) -> None:
        """Look again at the repositories that could not be read: something has changed that may help."""
        for name, known in self._known.items():
            if known.error is not None or known.lacking is not None:
                self.queue.add(name)

    async def look(self, repository: str | RepositoryOf, app: str) -> None:
        """Look at one repository now, for a caller that waits.

        Raises:
            TrueupError: it cannot be read.
        """
        self._ask(repository, app)
        await self.reconcile(self._mirrors.identity(repository))
        if error := self.error(repository):
            raise error

    async def reconcile(self, name: str) -> Requeue:
        """One look at one repository."""
        known = self._known.get(name)
        if known is None:
            return Requeue.never()
        users = set(self._users(name))
        # Who asks while this look is under way is answered by the next one.
        asked = known.answering = known.asked
        known.asked = set()
        known.readers = users | asked
        if not users and not asked:
            del self._known[name]
            return Requeue.never()
        known.begun = number = known.begun + 1
        began = asyncio.get_running_loop().time()
        try:
            place = self._mirrors.place(known.repository)
            moved = await place.update()
        except TrueupError as error:
            known.ended = max(known.ended, number)
            known.urgency = Urgency.ROUTINE
            return self._unread(known, error, users, asked, asyncio.get_running_loop().time() - began)
        except BaseException:
            # They are still waiting: the queue looks again.
            known.asked |= asked
            raise
        known.ended = max(known.ended, number)
        known.urgency = Urgency.ROUTINE
        known.lacking = place.lacking
        known.took = asyncio.get_running_loop().time() - began
        # An application that came while the server was looked at compared the state of before.
        requeue = self._read(known, moved, users | set(self._users(name)), asked)
        if known.lacking is None:
            return requeue
        known.failures += 1
        return requeue.within(
            self._cadence.after_failing(known, known.lacking, asyncio.get_running_loop().time() - began)
        )

    def _read(self, known: KnownRepository, moved: bool, users: set[str], asked: set[str]) -> Requeue:
        first = not known.state
        news = moved or known.error is not None or first
        known.error, known.failures = None, known.failures if known.lacking is not None else 0
        if moved or first:
            known.state = next(self._next_state)
        if first:
            known.quiet = LIVELY_LOOKS  # an engine that starts meets all its repositories: that is no push
        else:
            known.quiet = 0 if moved or asked else known.quiet + 1
        now = asyncio.get_running_loop().time()
        if first or moved or asked:
            known.lively_at = now
        self._wake_all(users | asked if news else asked)
        return self._cadence.after_reading(known, now)

    def _unread(
        self, known: KnownRepository, error: TrueupError, users: set[str], asked: set[str], took: float
    ) -> Requeue:
        first = known.error is None
        known.error = error
        known.failures += 1
        if not known.state and self._kept(known.repository):
            known.state = next(self._next_state)
        if isinstance(error, TooBusy):
            self._cadence.complained(known.repository, asyncio.get_running_loop().time())
        wait = self._cadence.after_failing(known, error, took)
        known.retry_at = asyncio.get_running_loop().time() + wait
        shown = url_of(known.repository)
        log.warning("repository not read", repository=shown, error=str(error), again_in_seconds=round(wait))
        self._wake_all(users | asked if first else asked)
        return Requeue.after(wait)

    def _kept(self, repository: str | RepositoryOf) -> bool:
        """Whether an earlier engine left a mirror: what it holds is the last that is known, as it was to that one."""
        try:
            return self._mirrors.place(repository).is_kept()
        except TrueupError:
            return False

    def _is_there(self, repository: str | RepositoryOf) -> bool:
        """Whether a repository has been looked at.

        Raises:
            TrueupError: no look succeeded.
        """
        known = self._find(repository)
        if known is not None and not known.state and known.error is not None:
            raise known.error
        return known is not None and bool(known.state)

    def _find(self, repository: str | RepositoryOf) -> KnownRepository | None:
        return self._known.get(self._mirrors.identity(repository))

    def _ask(self, repository: str | RepositoryOf, app: str) -> KnownRepository:
        known = self._known.setdefault(self._mirrors.identity(repository), KnownRepository(repository))
        known.repository = repository
        known.asked.add(app)
        return known

    def _wake_all(self, apps: Iterable[str]) -> None:
        for app in sorted(apps):
            self._wake(app)
