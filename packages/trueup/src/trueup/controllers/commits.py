"""Commits that leave an application as it is: of most in a monorepo that is all there is to be said of any commit.

An application is at rest when a pass has found it Synced and had nothing to tell, to do or to wait for. What it is
compared with cannot have changed until something wakes it; and where the news of a repository alone does, all that can
be new is what the commit declares. Where that is made of the very same files, the commit is put on record, and nothing
is rendered or compared.
"""

import msgspec

from trueup.controllers.noticing import Noticing
from trueup.controllers.ports import Ports
from trueup.model.errors import TrueupError
from trueup.model.live import LiveObject
from trueup.model.status import SyncCode
from trueup.observe.observation import Observation
from trueup.runtime.outcome import Requeue
from trueup.store import status as build
from trueup.store.applications import StoredApplication
from trueup.store.write import ApplicationWrite


class _Rest(msgspec.Struct, frozen=True):
    """An application at rest.

    Attributes:
        version: of the object as the pass has left it; empty until that is known.
        revisions: that it was found Synced to.
        made_of: what is declared there, by the files that it is made of.
        due: when the pass wants the next one, by the monotonic clock.
        same: further commits at which it is made of the very same.
    """

    version: str
    revisions: tuple[str, ...]
    made_of: tuple[str, ...]
    due: float
    same: tuple[str, ...] = ()


class Commits:
    """Knows which applications are at rest. What it forgets costs a look at everything."""

    def __init__(self, ports: Ports, noticing: Noticing) -> None:
        self._ports, self._noticing = ports, noticing
        self._resting: dict[str, _Rest] = {}

    def forget(self, key: str) -> None:
        """The application is looked at, or gone."""
        self._resting.pop(key, None)

    def looked(self, stored: StoredApplication, write: ApplicationWrite, seen: Observation, requeue: Requeue) -> None:
        """A pass has seen an application, and is about to write what it has made of it."""
        state = stored.status.operation_state
        at_rest = (
            seen.comparison.status is SyncCode.SYNCED
            and stored.app.operation is None
            and (state is None or state.phase.completed)
            and write.status.get("operationState") == stored.raw_status.get("operationState")
            and not (write.status.get("conditions") or write.held or seen.leaving or seen.unseen)
        )
        if not at_rest or not requeue.seconds:
            return
        made_of = self._ports.observer.made_of(stored, seen.comparison.revisions)
        if made_of:
            due = self._ports.clock.monotonic() + requeue.seconds
            self._resting[stored.key] = _Rest("", seen.comparison.revisions, made_of, due)

    def written(self, live: LiveObject, key: str) -> None:
        """The pass is over, and has left the application like this."""
        rest = self._resting.get(key)
        if rest is not None:
            self._resting[key] = msgspec.structs.replace(rest, version=live.resource_version)

    def leave_alone(self, key: str) -> bool:
        """Whether the commits that an application's sources mean now leave it as it is."""
        stored = self._ports.applications.get(key) if key in self._resting else None
        return stored is not None and bool(self._same_at(stored))

    async def passed_by(self, stored: StoredApplication) -> Requeue | None:
        """A pass over an application that news alone have woken; None where it has to be looked at.

        Raises:
            Conflict, NotFound, StatusRefused, ApiError: as :meth:`trueup.store.writing.Writes.writing`.
        """
        revisions = self._same_at(stored)
        rest = self._resting.pop(stored.key, None)
        if rest is None or not revisions or stored.status.sync is None:
            return None
        if revisions != rest.revisions:
            async with self._ports.writes.writing(stored) as write:
                write.set("sync", build.synced_to(stored.app, stored.status.sync, revisions))
                write.tell(*await self._noticing.passed_by(stored, revisions))
            rest = msgspec.structs.replace(rest, version=write.live.resource_version, revisions=revisions, same=())
        self._resting[stored.key] = rest
        return Requeue.after(rest.due - self._ports.clock.monotonic())

    def _same_at(self, stored: StoredApplication) -> tuple[str, ...]:
        """The commits that its sources mean now, where it is at rest and they leave it as it is."""
        ports, rest = self._ports, self._resting.get(stored.key)
        if rest is None or rest.version != stored.live.resource_version or ports.clock.monotonic() >= rest.due:
            return ()
        app = stored.app
        if any(ports.repositories.error(each) is not None for each in app.spec.repositories()):
            return ()
        try:
            revisions = ports.observer.resolve(app, app.spec.all_sources(), ())
            if revisions in (rest.revisions, rest.same):
                return revisions
            if ports.observer.made_of(stored, revisions) != rest.made_of:
                return ()
        except TrueupError:
            return ()
        # It is asked when the news comes, and once more when it is its turn.
        self._resting[stored.key] = msgspec.structs.replace(rest, same=revisions)
        return revisions
