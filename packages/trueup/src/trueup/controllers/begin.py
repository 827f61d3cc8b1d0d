"""How an operation begins: who asks for it, for what, and whether it can be had."""

from collections.abc import Iterator, Sequence
from datetime import datetime

import msgspec

from kubegrammar.time import format_time
from trueup import policy
from trueup.controllers.entries import written_by
from trueup.controllers.ports import Ports
from trueup.kube.errors import ApiError
from trueup.model.application import Operation, Source
from trueup.model.errors import InvalidSpec, SourceUnavailable, Stalled, TrueupError
from trueup.model.project import Project
from trueup.model.repository import short_revision
from trueup.model.status import OperationPhase, OperationState, SyncOperationResult
from trueup.observe.observation import Observation
from trueup.store.applications import StoredApplication

SHOWN = 100
"""Characters of a name that others wrote."""


def begun(
    stored: StoredApplication,
    project: Project,
    operation: Operation,
    head: Observation | TrueupError,
    ports: Ports,
) -> OperationState:
    """A new operation. Its revision is fixed here: it cannot move while the operation lasts.

    Args:
        operation: an empty one where the one that is asked for cannot be read.
        head: what the application declares now, or why that is not known.

    Raises:
        TrueupError: it cannot start; the message tells why.
    """
    if operation.sync is None:
        problem = stored.operation_fault or "no operation specified"
        raise InvalidSpec(f"Invalid operation request: {problem}", hint="write .operation.sync")
    if problem := _unbuilt(operation, stored):
        raise InvalidSpec(f"Invalid operation request: {problem}", hint="leave that field out")
    policy.admit_local(stored.app, project, operation)
    sync = operation.sync
    asked = sync.sources or ([sync.source] if sync.source else [])
    policy.admit_sources(stored.app, project, asked)
    sources = asked or stored.app.spec.all_sources()
    wanted = sync.revisions or ([sync.revision] if sync.revision else [])
    if sync.manifests:
        revisions: Sequence[str] = ()
    elif any(wanted) or (asked and asked != stored.app.spec.all_sources()):
        revisions = ports.observer.resolve(stored.app, sources, wanted)
    elif isinstance(head, Observation):
        revisions = head.comparison.revisions
    else:
        raise head
    return OperationState(
        operation=operation,
        phase=OperationPhase.RUNNING,
        message="waiting to start",
        sync_result=_result(stored, sources, revisions),
        started_at=format_time(ports.clock.now()),
    )


def pinned(stored: StoredApplication, state: OperationState, revisions: Sequence[str]) -> OperationState:
    """An operation with a revision: one that a status brought without is of those that it was first looked at with.
    One that brings its manifests has none."""
    had, sync = state.sync_result, state.operation.sync
    if (had is not None and (had.revision or had.revisions)) or (sync and sync.manifests):
        return state
    asked = (sync.sources or ([sync.source] if sync.source else [])) if sync else []
    result = _result(stored, asked or stored.app.spec.all_sources(), revisions)
    return msgspec.structs.replace(
        state, sync_result=msgspec.structs.replace(result, resources=had.resources if had else [])
    )


def _result(stored: StoredApplication, sources: list[Source], revisions: Sequence[str]) -> SyncOperationResult:
    """What an operation of these revisions has come to before its first step."""
    several, sync_policy = len(sources) > 1, stored.app.spec.sync_policy
    return SyncOperationResult(
        revision="" if several else "".join(revisions[:1]),
        revisions=list(revisions) if several else [],
        source=None if several else sources[0],
        sources=sources if several else [],
        managed_namespace_metadata=sync_policy.managed_namespace_metadata if sync_policy else None,
    )


def asked_for(stored: StoredApplication) -> Operation | None:
    """The operation that somebody asks for, with notes of who wrote it and of what it brings; an empty one where it
    cannot be read."""
    operation = stored.app.operation or (Operation() if stored.operation_fault else None)
    return operation and policy.marked_local(policy.foreign(operation, written_by(stored.live, "operation")))


def overwritten(stored: StoredApplication, ended: OperationState) -> str:
    """What to tell where somebody has written another operation over the one that ran; empty where nobody has.

    It goes with the end of that one: a patch merges with what was there, so that nobody can say any more which of its
    fields, such as pruning, were asked for. Commands refuse such a request; who patches by himself is told.
    """
    asked = stored.app.operation
    if asked is None or asked.initiated_by == ended.operation.initiated_by:
        return ""
    who = asked.initiated_by.username[:SHOWN] or "somebody"
    return f"{who} wrote another operation while this one ran: it is not carried out, ask for it again"


def refused(
    stored: StoredApplication, running: OperationState | None, message: str, now: datetime
) -> OperationState | None:
    """The end, in Error, of the operation that runs, or of the one that is asked for and cannot even start.

    Returns:
        None where there is neither.
    """
    at, asked = format_time(now), asked_for(stored)
    if running is None and asked is not None:
        running = OperationState(operation=asked, phase=OperationPhase.RUNNING, started_at=at)
    if running is None:
        return None
    return msgspec.structs.replace(running, phase=OperationPhase.ERROR, message=message, finished_at=at)


def _unbuilt(operation: Operation, stored: StoredApplication) -> str:
    """What of an operation that somebody asks for is not supported."""
    if operation.initiated_by.automated:
        return ""  # automation of another engine, by what the specification says
    unknown = [place for place in stored.unknown if place.startswith("operation.")]
    return f"{unknown[0]} is not known" if unknown else policy.unbuilt_operation(operation)


def operation_sources(stored: StoredApplication) -> list[Source]:
    """What the operation that is asked for, or the one that runs, is to be read from."""
    state = stored.status.operation_state
    running = state.operation if state is not None and not state.phase.completed else None
    operation = running or stored.app.operation
    sync = operation.sync if operation else None
    own = (sync.sources or ([sync.source] if sync.source else [])) if sync else []
    return own or stored.app.spec.all_sources()


def named_revisions(stored: StoredApplication) -> Iterator[tuple[Source, str]]:
    """The revisions that an application names, each with what it is one of.

    They are those of its sources, and of the operation that is asked for or runs.
    """
    state = stored.status.operation_state
    running = state if state is not None and not state.phase.completed else None
    operation = running.operation if running else stored.app.operation
    own = operation_sources(stored)
    for source in [*stored.app.spec.all_sources(), *own]:
        yield source, source.target_revision
    asked = operation.sync if operation is not None else None
    for sync in (asked, running.sync_result if running is not None else None):
        if sync is not None:
            yield from zip(own, sync.revisions or [sync.revision], strict=False)


def about_source(error: TrueupError) -> bool:
    """Whether an error says that there are no manifests, rather than that the cluster does not answer."""
    return isinstance(error, Stalled | SourceUnavailable) and not isinstance(error, ApiError)


def initiated(state: OperationState) -> str:
    """Who asked for an operation, and for which revision, for Events."""
    by = policy.initiator(state.operation)
    who = "automated sync" if by.automated else f"{by.username or 'unknown user'} initiated sync"
    if origin := policy.local_origin(state.operation):
        return f"{who} of {origin}"
    result = state.sync_result
    revision = (result.revision or ",".join(result.revisions)) if result else ""
    return f"{who} to {short_revision(revision, 12)}" if revision else who
