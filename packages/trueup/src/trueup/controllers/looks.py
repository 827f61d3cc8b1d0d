"""Questions that a look at the repositories answers, such as a refresh: put once, answered by a look begun later."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from trueup.model.errors import TrueupError
from trueup.model.repository import RepositoryOf
from trueup.model.share import Urgency


class RepositoryLooks(Protocol):
    """Who looks at repositories: :class:`trueup.controllers.repository.Repositories`."""

    def begun(self, repository: str | RepositoryOf) -> int: ...

    def ended(self, repository: str | RepositoryOf) -> int: ...

    def error(self, repository: str | RepositoryOf) -> TrueupError | None: ...

    def resting(self, repository: str | RepositoryOf) -> bool: ...

    def polls(self, repository: str | RepositoryOf) -> bool: ...

    def request(self, repository: str | RepositoryOf, app: str, urgency: Urgency = Urgency.PERSON) -> None: ...

    def was_told(self, repository: str | RepositoryOf, commit: str) -> bool: ...

    def need(self, repository: str | RepositoryOf, app: str) -> None: ...

    def look_once_more(self, repository: str | RepositoryOf) -> None: ...


class PendingLooks:
    """What applications wait for. Losing it costs one more look."""

    def __init__(self, repositories: RepositoryLooks) -> None:
        self._repositories = repositories
        self._asked: dict[str, _Asked] = {}

    def answered(
        self,
        key: str,
        question: str,
        repositories: Sequence[str | RepositoryOf],
        urgency: Urgency = Urgency.PERSON,
    ) -> bool:
        """Whether each repository has been looked at since this question was first put; asks for that when it is new.

        Args:
            key: of the application, which is woken when the look has ended.
            question: another one replaces it.
            repositories: those that can answer.
            urgency: without a person who asks, a repository that failed a moment ago has answered by that.
        """
        asked = self._asked.get(key)
        if asked is None or asked.question != question or asked.begun.keys() != set(repositories):
            begun = {each: self._repositories.begun(each) for each in repositories}
            asked = self._asked[key] = _Asked(question, begun)
            for each in repositories:
                self._repositories.request(each, key, urgency)
        return all(
            self._repositories.ended(each) > before
            or (urgency is not Urgency.PERSON and self._repositories.resting(each))
            for each, before in asked.begun.items()
        )

    def forget(self, key: str) -> None:
        """The question is settled."""
        self._asked.pop(key, None)


class _Asked(msgspec.Struct, frozen=True):
    """A question, and the last look at each repository that had begun before it."""

    question: str
    begun: dict[str | RepositoryOf, int]
