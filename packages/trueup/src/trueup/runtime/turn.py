"""A piece of work that waits for a slot, or has one."""

import asyncio
from collections.abc import Callable

from trueup.model.share import Share
from trueup.runtime.line import Line


class Turn:
    """A piece of work and where it is.

    Args:
        share: whose it is.
        begin: called when it has a slot.
        stop: ends it soon, so that it can be begun anew; None where it cannot.

    Attributes:
        slow: it has stepped aside.
        begin_at_once: for who waits for a slot: go on without one.
    """

    def __init__(self, share: Share, begin: Callable[[], None], stop: Callable[[], None] | None = None) -> None:
        self.share, self.begin = share, begin
        self.slow = False
        self.since = 0.0
        self.borrowed = False
        self.tries = 0
        self.queued = share
        self.line: Line[Turn] | None = None
        self.stopped = False
        self.lasting = False
        self.pressed: Callable[[], None] = nothing
        self.begin_at_once: Callable[[], None] = nothing
        self.rests = 0
        self._stop = stop
        self._gentle: list[Callable[[], None]] = []

    @property
    def may_stop(self) -> bool:
        return self._stop is not None

    @property
    def patient(self) -> bool:
        """Whether it was slow before: what costs time to make ready is left to others."""
        return self.slow or self.borrowed

    def yielding(self, gentle: Callable[[], None]) -> Callable[[], None]:
        """Call this when the work has to step aside, such as to lower its priority; at once where it was slow before.

        Its time begins now: that a process had to be started is not its fault.

        Returns:
            To be called when the work is seen to last, before its moment has passed.
        """
        self.since = asyncio.get_running_loop().time()
        self._gentle.append(gentle)
        if self.patient:
            gentle()
        return self._lasts

    def _lasts(self) -> None:
        self.lasting = True
        self.pressed()

    def step_aside(self) -> None:
        self.slow = True
        for gentle in self._gentle:
            gentle()

    def stop(self) -> None:
        assert self._stop is not None
        self.stopped = True
        self._stop()


def nothing() -> None:
    """Who waits for its turn is told by another."""
