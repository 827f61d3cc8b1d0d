"""How often a Git server is asked whether something was pushed: often while people work, seldom else.

A repository is asked the sooner the shorter ago something happened to it: who has waited for an hour does not mind a
minute, and who has just pushed pushes again. A host has a budget; one that is slow, or says that it is asked too often,
is asked less.
"""

from typing import Final

QUICK: Final = 5.0
"""Seconds between two questions while people work."""
PART: Final = 60.0
"""A pause is at most this part of the time in which nothing has happened."""
LEISURE: Final = 20.0
"""A server works on our questions for at most this part of the time."""
BUDGET: Final = 1.0
"""Questions a second to one host, on the average of any time."""
RECOVERY: Final = 600.0
"""Seconds after which a host that said that it is asked too often is asked twice as often again."""
MOST_EASED: Final = 64.0
_REMEMBERED: Final = 1024


def pause(quiet_for: float, took: float, eased: float = 1.0) -> float:
    """Seconds until the next question, the host's budget and the upper bound aside.

    Args:
        quiet_for: seconds since something happened: a push, somebody who asked, an application that is new or another,
            the start of an engine.
        took: seconds that the last question took.
        eased: how many times less often the host wants to be asked.
    """
    return max(QUICK, quiet_for / PART, took * LEISURE) * eased


class HostBudget:
    """Times at which one host is asked: no more of them than :data:`BUDGET` a second, where nothing else is due.

    Args:
        rate: questions a second.
    """

    def __init__(self, rate: float = BUDGET) -> None:
        self._every = 1.0 / rate
        self._taken: set[int] = set()
        self._eased, self._eased_at = 1.0, 0.0

    def eased(self, now: float) -> float:
        """How many times less often the host wants to be asked at present; 1 where it has not complained."""
        halves = int((now - self._eased_at) / RECOVERY)
        return max(1.0, self._eased / 2.0 ** min(halves, 60))

    def complained(self, now: float) -> None:
        """The host says that it is asked too often."""
        self._eased, self._eased_at = min(MOST_EASED, 2.0 * self.eased(now)), now

    def slot(self, now: float, wanted: float, bound: float) -> float:
        """Seconds until a question that is wanted after some, at a time that nobody else has been given.

        Args:
            bound: seconds after which it is due in any case: whatever others have taken, it is asked then.
        """
        wanted = min(wanted, bound)
        if len(self._taken) > _REMEMBERED:
            self._taken = {each for each in self._taken if each >= int(now / self._every)}
        for each in range(int((now + wanted) / self._every), int((now + bound) / self._every) + 1):
            if each not in self._taken:
                self._taken.add(each)
                return max(wanted, each * self._every - now)
        return bound
