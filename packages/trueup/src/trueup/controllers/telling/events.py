"""Kubernetes Events as a reader of what is told."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from trueup.controllers.begin import initiated
from trueup.model.live import LiveObject
from trueup.model.progress import Finished, Started, Told, VerdictChanged, Warned
from trueup.model.status import OperationPhase
from trueup.store.applications import StoredApplication


class Recording(Protocol):
    """Records Events beside the work: :class:`trueup.store.events.Recorder`."""

    def record(self, about: LiveObject, reason: str, message: str, *, now: datetime, warning: bool = False) -> None: ...


class EventReader:
    """An Event for what a person waits for, or should know."""

    def __init__(self, recorder: Recording, now: Callable[[], datetime]) -> None:
        self._recorder, self._now = recorder, now

    async def happened(self, stored: StoredApplication, told: Sequence[Told]) -> None:
        """Nothing yet: who reads an Event finds in the status what it says."""

    def recorded(self, stored: StoredApplication, live: LiveObject, told: Sequence[Told]) -> None:
        """Queue the Events."""
        for each in told:
            match each.change:
                case Started(state=state, found=False):
                    self._record(live, "OperationStarted", initiated(state))
                case Finished(state=state, message=message):
                    text = f"{initiated(state)}: {state.phase}: {message}"
                    failed = state.phase is not OperationPhase.SUCCEEDED
                    self._record(live, "OperationCompleted", text, warning=failed)
                case VerdictChanged(verdict=verdict, before=before, after=after):
                    # Argo CD's words.
                    self._record(live, "ResourceUpdated", f"Updated {verdict} status: {before} -> {after}")
                case Warned(reason=reason, message=message, passing=passing):
                    self._record(live, reason, message, warning=not passing)
                case _:
                    pass

    def _record(self, live: LiveObject, reason: str, message: str, *, warning: bool = False) -> None:
        self._recorder.record(live, reason, message, now=self._now(), warning=warning)
