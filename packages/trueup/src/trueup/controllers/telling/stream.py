"""The stream of changes, and its readers."""

from collections.abc import Sequence
from typing import Protocol

from trueup.model.live import LiveObject
from trueup.model.progress import Told
from trueup.store.applications import StoredApplication


class Reader(Protocol):
    """Who reads. Whoever cannot deliver says so in the log, and stops nothing: neither of these raises."""

    async def happened(self, stored: StoredApplication, told: Sequence[Told]) -> None:
        """What a pass has seen and done. Nothing of it is in the status yet, and perhaps never will be."""

    def recorded(self, stored: StoredApplication, live: LiveObject, told: Sequence[Told]) -> None:
        """The same once the status has it, with what became of the status by it.

        Args:
            live: the application as it is now.
        """


class ChangeStream:
    """Hands changes on to each reader, in the order of the readers."""

    def __init__(self, *readers: Reader) -> None:
        self._readers = readers

    async def happened(self, stored: StoredApplication, told: Sequence[Told]) -> None:
        """As each reader's."""
        for reader in self._readers:
            await reader.happened(stored, told)

    def recorded(self, stored: StoredApplication, live: LiveObject, told: Sequence[Told]) -> None:
        """As each reader's."""
        for reader in self._readers:
            reader.recorded(stored, live, told)
