"""When a repository is looked at again."""

import random
from collections.abc import Callable

import msgspec

from trueup.model.errors import InvalidSpec, SourceUnavailable, TrueupError, Waiting
from trueup.model.repository import RepositoryOf
from trueup.model.repository_url import parse_repository_url
from trueup.model.share import Urgency
from trueup.policy import polling
from trueup.runtime.outcome import LONGEST_RETRY, Requeue, backoff
from trueup.store.settings import Settings

LIVELY = 2.0
"""Seconds after which a repository is looked at once more where it has moved, or where somebody has asked. Each look
that finds nothing doubles them: who pushes once pushes again soon, and a refresh that is asked for while one is on
record is no change that anybody hears."""
LIVELY_LOOKS = 5
"""How often in a row: the last of them comes a minute after the first, where :mod:`~trueup.policy.polling` wants none
sooner."""
MOST_HOSTS = 1000
"""Whose budgets are remembered."""
UNPOLLED = 120.0
"""Seconds after which a repository that only an edit can help is looked at again, where polling is off."""


class KnownRepository(msgspec.Struct):
    """What is known of one repository.

    Attributes:
        repository: by one of its spellings.
        asked: applications that wait for a look that begins from now on.
        answering: applications that wait for the one that is under way.
        readers: applications that the last look was for.
        urgency: of the next look.
        retry_at: when the next look comes after one that failed, by the loop's clock.
        error: of the last look.
        lacking: why the last look has not brought something that is new.
        failures: looks in a row that failed.
        begun, ended: numbers of looks.
        state: the number of its refs; 0 before the first look that succeeded.
        quiet: looks in a row that found nothing new and answered nobody.
        told: the commit of which somebody has said last that it was pushed.
        lively_at: when something happened to it last, by the loop's clock.
        took: seconds of the last look.
    """

    repository: str | RepositoryOf
    asked: set[str] = msgspec.field(default_factory=set)
    answering: set[str] = msgspec.field(default_factory=set)
    readers: set[str] = msgspec.field(default_factory=set)
    urgency: Urgency = Urgency.ROUTINE
    retry_at: float = 0.0
    error: TrueupError | None = None
    lacking: TrueupError | None = None
    failures: int = 0
    begun: int = 0
    ended: int = 0
    state: int = 0
    quiet: int = 0
    told: str = ""
    lively_at: float = 0.0
    took: float = 0.0


def url_of(repository: str | RepositoryOf) -> str:
    """The URL, on behalf of whichever project."""
    return repository if isinstance(repository, str) else repository.url


class Cadence:
    """Often while people work, seldom else, within the budget of each host and the polling interval.

    Args:
        settings: the polling interval, read at each turn.
    """

    def __init__(self, settings: Callable[[], Settings]) -> None:
        self._settings = settings
        self._budgets: dict[str, polling.HostBudget] = {}

    def after_reading(self, known: KnownRepository, now: float) -> Requeue:
        """When a repository that could be read is looked at again.

        Args:
            now: by the loop's clock.
        """
        interval = self._interval()
        lively = LIVELY * 2.0**known.quiet if known.quiet < LIVELY_LOOKS else float("inf")
        if not interval:
            return Requeue.after(lively) if known.quiet < LIVELY_LOOKS else Requeue.never()
        if isinstance(known.repository, RepositoryOf) and known.repository.packed:
            # There is no small question: each is for a whole index.
            return Requeue.after(min(lively, interval))
        budget = self._budget(known.repository)
        wanted = polling.pause(now - known.lively_at, known.took, budget.eased(now))
        if lively < wanted:
            return Requeue.after(min(lively, interval))
        return Requeue.after(budget.slot(now, wanted, interval))

    def _budget(self, repository: str | RepositoryOf) -> polling.HostBudget:
        """That of the repository's host."""
        try:
            host = parse_repository_url(url_of(repository)).host
        except InvalidSpec:
            host = ""
        if host not in self._budgets and len(self._budgets) >= MOST_HOSTS:
            self._budgets.clear()
        return self._budgets.setdefault(host, polling.HostBudget())

    def after_failing(self, known: KnownRepository, error: TrueupError, took: float) -> float:
        """Seconds: what refuses at once is asked again at the next poll at the latest, what cost a wait later."""
        interval = self._interval()
        wait = backoff(known.failures + 3) if isinstance(error, SourceUnavailable) else interval or UNPOLLED
        wait = min(wait, interval) if interval else wait
        if isinstance(error, Waiting):
            wait = error.after  # the server says so
        return min(LONGEST_RETRY, max(wait, took * 2.0 ** min(known.failures - 1, 5)))

    def complained(self, repository: str | RepositoryOf, now: float) -> None:
        """The host says that it is asked too often."""
        self._budget(repository).complained(now)

    def _interval(self) -> float:
        settings = self._settings()
        if not settings.resync_seconds:
            return 0.0
        return settings.resync_seconds + random.uniform(0, settings.resync_jitter_seconds)  # noqa: S311 - spreads load
