"""What an engine that is gone did, and could not say: told by the next one."""

from collections.abc import Iterable, Iterator

import msgspec

from trueup.controllers.telling.audit import Audit
from trueup.controllers.telling.entries import spelt
from trueup.model.audit import Action, AuditRecord
from trueup.model.progress import Change, Resumed
from trueup.model.resource import ResourceKey
from trueup.model.status import OperationState, SyncCode
from trueup.observe.observation import Observation
from trueup.store.applications import StoredApplication

CARRIED_OUT = "carried out by an engine that ended before it could say so"
PERHAPS = "begun by an engine that ended before it could say so"


class Resuming:
    """Looks at what was meant, once for each application."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit
        self._done: set[str] = set()

    async def operation(self, stored: StoredApplication, state: OperationState, seen: Observation) -> list[Change]:
        """Before an operation is stepped. What was not carried out is done again by the step, and told then.

        Args:
            seen: of the operation's own revision: it says which of the intents were carried out.
        """
        return [*_of_operation(state, seen, await self._left(stored.key))]

    async def deletion(self, stored: StoredApplication, left: Iterable[ResourceKey]) -> list[Change]:
        """Before objects of an application that is being deleted are deleted; ``left`` are those still there."""
        return [*_of_deletion({spelt(key) for key in left}, await self._left(stored.key))]

    def forget(self, application: str) -> None:
        """The application is gone."""
        self._done.discard(application)

    async def _left(self, application: str) -> list[AuditRecord]:
        if application in self._done:
            return []
        self._done.add(application)
        return await self._audit.intended(application)


def _of_operation(state: OperationState, seen: Observation, intents: list[AuditRecord]) -> Iterator[Change]:
    compared = {spelt(resource.key): resource for resource in seen.comparison.compared}
    live = {spelt(key) for key in seen.live}
    for intent in intents:
        resource = compared.get(intent.object)
        if intent.operation != state.started_at:
            done, message = True, PERHAPS
        elif intent.action is Action.PRUNED:
            done, message = intent.object not in live, CARRIED_OUT
        elif intent.action is Action.HOOK:
            done, message = intent.object in live, CARRIED_OUT
        else:
            done, message = resource is not None and resource.status is SyncCode.SYNCED, CARRIED_OUT
        if done:
            yield Resumed(entry=msgspec.structs.replace(intent, message=message))


def _of_deletion(there: set[str], intents: list[AuditRecord]) -> Iterator[Change]:
    for intent in intents:
        if intent.action is not Action.PRUNED:
            yield Resumed(entry=msgspec.structs.replace(intent, message=PERHAPS))
        elif intent.object not in there:
            yield Resumed(entry=msgspec.structs.replace(intent, message=CARRIED_OUT))
