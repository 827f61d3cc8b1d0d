"""Which of several applications has an object that bears no mark: a definition."""

from trueup.model.application import Operation
from trueup.model.resource import ResourceKey
from trueup.model.status import OperationState, ResultCode, Status


def applied_at(status: Status, key: ResourceKey) -> str:
    """When an application applied an object last, as far as its status tells; RFC 3339, empty where it has not.

    An operation under way counts from its start, which stands there before its first effect: whoever looks in between
    takes what it writes for no drift.
    """
    state = status.operation_state
    if state is not None and _means(state.operation, key):
        if not state.phase.completed:
            return state.started_at
        if _did(state, key):
            return state.finished_at or state.started_at
    return status.history[-1].deployed_at if status.history else ""


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
