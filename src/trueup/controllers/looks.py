"""Questions that a look at the repositories answers, such as a refresh: put once, answered by a look begun later."""

from collections.abc import Sequence

import msgspec

from trueup.controllers.repository import Repositories


class Looks:
    """What applications wait for. Losing it costs one more look."""

    def __init__(self, repositories: Repositories) -> None:
        self._repositories = repositories
        self._asked: dict[str, _Asked] = {}

    def answered(self, key: str, question: str, urls: Sequence[str]) -> bool:
        """Whether each repository has been looked at since this question was first put; asks for that when it is new.

        Args:
            key: of the application, which is woken when the look has ended.
            question: another one replaces it.
            urls: the repositories that can answer.
        """
        asked = self._asked.get(key)
        if asked is None or asked.question != question or asked.begun.keys() != set(urls):
            self._asked[key] = _Asked(question, {url: self._repositories.begun(url) for url in urls})
            for url in urls:
                self._repositories.request(url, key)
            return False
        return all(self._repositories.ended(url) > before for url, before in asked.begun.items())

    def forget(self, key: str) -> None:
        """The question is settled."""
        self._asked.pop(key, None)


class _Asked(msgspec.Struct, frozen=True):
    """A question, and the last look at each repository that had begun before it."""

    question: str
    begun: dict[str, int]
