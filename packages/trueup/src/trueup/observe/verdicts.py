"""Verdicts over the health of objects, each version read and judged once."""

from collections.abc import Callable

from trueup import health
from trueup.memory.bounded import Memory
from trueup.model.health import Health
from trueup.model.live import LiveObject
from trueup.store.settings import Settings

REMEMBERED = 50_000
_REMEMBERED_SIZE = 400
"""Bytes of one of them, on the average."""


class Verdicts:
    """Judges live objects."""

    def __init__(self, settings: Callable[[], Settings]) -> None:
        self._settings = settings
        self._known: Memory[tuple[str, str, bool], tuple[Health | None]] = Memory(
            entries=REMEMBERED,
            size=REMEMBERED * _REMEMBERED_SIZE,
            weigh=lambda known: len(known[0].message) if known[0] else 0,
        )

    def of(self, found: LiveObject) -> Health | None:
        """The verdict over one version of an object; None where it has no health."""
        applications = self._settings().judges_applications
        version = (found.uid, found.resource_version, applications)
        known = self._known.get(version)
        if known is None:
            known = (health.assess(found, applications=applications),)
            self._known.put(version, known)
        return known[0]
