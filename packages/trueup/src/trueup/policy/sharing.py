"""Which of several applications has applied an object last: what a mark says of that, anybody may write."""

from collections.abc import Iterator
from datetime import datetime

from kubegrammar.time import format_time, past_time
from trueup.model.application import Operation
from trueup.model.resource import ResourceKey
from trueup.model.status import OperationState, ResultCode, Status


def applied_at(status: Status, key: ResourceKey, now: datetime) -> str:
    """When an application applied an object last, as far as its status tells; RFC 3339, empty where it has not.

    An operation under way counts from its start, which stands there before its first effect: whoever looks in between
    takes what it writes for no drift. A time that is yet to come is none: it would outdo every apply there will be.
    """
    times = (past_time(text, now) for text in _times(status, key))
    return next((format_time(time) for time in times if time is not None), "")


def _times(status: Status, key: ResourceKey) -> Iterator[str | None]:
    """When the object was applied by what is on record, the latest first."""
    state = status.operation_state
    if state is not None and _means(state.operation, key):
        if not state.phase.completed:
            yield state.started_at
        elif _did(state, key):
            yield state.finished_at or state.started_at
    yield from (past.deployed_at for past in reversed(status.history))


def _means(operation: Operation, key: ResourceKey) -> bool:
    sync = operation.sync
    if sync is None or sync.dry_run:
        return False
    chosen = [(item.group, item.kind, item.name) for item in sync.resources]
    return not chosen or (key.group, key.kind, key.name) in chosen


def _did(state: OperationState, key: ResourceKey) -> bool:
    results = state.sync_result.resources if state.sync_result else []
    return any(
        ResourceKey(line.group, line.kind, line.namespace, line.name) == key and line.status == ResultCode.SYNCED
        for line in results
    )
