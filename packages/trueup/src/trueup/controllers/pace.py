"""How often the health of an application is written: an object that flaps must not write it to pieces."""

from datetime import datetime

import msgspec

from trueup.store.write import ApplicationWrite

APART = 1.0
"""Seconds between two writes of health."""
BURST = 10
"""Writes that may come at that pace, such as a rollout makes."""
LASTING = 5.0
"""Seconds in which one more is earned: what flaps for long is written as seldom."""


class HealthPace:
    """Holds back changes of health alone that come too soon. What it remembers costs a write when it is lost."""

    def __init__(self) -> None:
        self._written: dict[str, _Written] = {}

    def hold(self, key: str, write: ApplicationWrite) -> float:
        """Seconds for which a write keeps the health that is stored; 0 where it may tell the new one.

        Args:
            key: of the application.
            write: with everything that was seen; its health is taken back when it has to wait.
        """
        if not write.health_differs() or not write.stored.raw_status.get("health"):
            return 0.0
        now = write.now
        before = self._written.get(key, _Written(float(BURST), now, None))
        if before.at > now:
            before = _Written(float(BURST), now, None)  # the clock was set back
        left = min(float(BURST), before.left + (now - before.at).total_seconds() / LASTING)
        waits = [(1.0 - left) * LASTING]
        if before.last is not None:
            waits.append(APART - (now - before.last).total_seconds())
        if (wait := max(waits)) > 0:
            write.keep_health()
            return wait
        self._written[key] = _Written(left - 1.0, now, now)
        return 0.0

    def forget(self, key: str) -> None:
        """The application is gone."""
        self._written.pop(key, None)


class _Written(msgspec.Struct, frozen=True):
    """Writes that are left, as of when, and the last one."""

    left: float
    at: datetime
    last: datetime | None
