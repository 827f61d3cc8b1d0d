"""Who began an operation, and with what: anybody who may write an Application can write that one is running."""

from typing import NamedTuple

from trueup import policy
from trueup.controllers.entries import asked_by
from trueup.controllers.steps import revision_of
from trueup.controllers.telling.audit import Audit
from trueup.controllers.telling.entries import ENGINE
from trueup.diff.ownership import owners
from trueup.model.annotations import AGENT
from trueup.model.audit import Action
from trueup.model.status import OperationState
from trueup.store.applications import StoredApplication

PLACE = ("status", "operationState")
"""Where an Application says what operation is running."""


class Begun(NamedTuple):
    """What an operation is known again by.

    Attributes:
        engine: it is told as the engine's own.
        brought: what it said of manifests that came along; empty for none.
    """

    started: str
    revision: str
    engine: bool
    brought: str


class Beginnings:
    """Knows how operations began, by memory or by the trail."""

    def __init__(self, audit: Audit) -> None:
        self._audit = audit
        self._begun: dict[str, Begun] = {}

    def started(self, application: str, state: OperationState) -> None:
        """An operation begins, or is taken for begun."""
        self._begun[application] = mark(state)

    def forget(self, application: str) -> None:
        """The operation has ended, or the application is gone."""
        self._begun.pop(application, None)

    async def by_engine(self, stored: StoredApplication, state: OperationState) -> bool:
        """Whether an operation that an Application says is running is one that an engine has begun, this one or one
        before it.

        So it is where the trail says so, or where nobody but an engine is on record as its writer: the trail of another
        node is not to be had.
        """
        begun = await self._on_record(stored.key, state)
        return _continues(begun, mark(state)) if begun else set(owners(stored.live, *PLACE)) == {AGENT}

    async def swapped(self, stored: StoredApplication, state: OperationState) -> bool:
        """Whether an operation that is on record as begun brings other manifests by now, some or none."""
        begun = await self._on_record(stored.key, state)
        return begun is not None and begun.brought != mark(state).brought

    async def _on_record(self, application: str, state: OperationState) -> Begun | None:
        """How an operation began; None where neither knows of it."""
        known = self._begun.get(application)
        if known is None or known.started != state.started_at:
            last = await self._audit.last_operation(application)
            if last is None or last.action is not Action.STARTED or last.operation != state.started_at:
                return None
            known = Begun(last.operation, last.revision, last.by.kind == ENGINE.kind, last.message)
            self._begun[application] = known
        return known


def mark(state: OperationState) -> Begun:
    """What an operation is known again by. What it brings is looked at anew: its own note may be anybody's."""
    brought = policy.local_origin(policy.marked_local(state.operation))
    return Begun(state.started_at, revision_of(state), asked_by(state) == ENGINE, brought)


def _continues(begun: Begun, now: Begun) -> bool:
    """Whether an operation is the one that began. One that came without a revision was given it later."""
    return begun._replace(revision="") == now._replace(revision="") and begun.revision in ("", now.revision)
