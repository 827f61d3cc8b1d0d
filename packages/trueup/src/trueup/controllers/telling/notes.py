"""Git notes as a reader of what is told."""

from collections.abc import Callable, Sequence

from trueup.model.live import LiveObject
from trueup.model.progress import Finished, Told
from trueup.model.status import OperationPhase, OperationState
from trueup.store.applications import StoredApplication


class NoteReader:
    """Has deployments noted.

    Args:
        deployed: told of each sync that succeeded.
    """

    def __init__(self, deployed: Callable[[StoredApplication, OperationState], None]) -> None:
        self._deployed = deployed

    async def happened(self, stored: StoredApplication, told: Sequence[Told]) -> None:
        """Nothing yet: what is not on record is not noted."""

    def recorded(self, stored: StoredApplication, live: LiveObject, told: Sequence[Told]) -> None:
        """Note the syncs that succeeded."""
        for each in told:
            match each.change:
                case Finished(state=state) if state.phase is OperationPhase.SUCCEEDED:
                    self._deployed(stored, state)
                case _:
                    pass
