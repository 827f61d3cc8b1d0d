"""Results recorded in an operation's state: all the memory a sync has."""

from collections.abc import Iterable

import msgspec

from trueup.model.resource import ResourceKey, version_of
from trueup.model.status import OperationState, ResourceResult, ResultCode, SyncPhase
from trueup.plan.task import ApplyTask, CreateNamespaceTask, DeleteHookTask, PruneTask, RunHookTask, SkipPruneTask

Recordable = ApplyTask | CreateNamespaceTask | RunHookTask | PruneTask | SkipPruneTask | DeleteHookTask
ResultKey = tuple[ResourceKey, str]

RUNNING, SUCCEEDED, FAILED, ERROR = "Running", "Succeeded", "Failed", "Error"
_PHASE_OF = {
    ResultCode.SYNCED: RUNNING,
    ResultCode.SYNC_FAILED: FAILED,
    ResultCode.PRUNED: SUCCEEDED,
    ResultCode.PRUNE_SKIPPED: SUCCEEDED,
}
MESSAGE_LIMIT = 1024


def result_key(result: ResourceResult) -> ResultKey:
    """What a result is about: one object in one phase."""
    return ResourceKey(result.group, result.kind, result.namespace, result.name), result.sync_phase


def task_key(task: Recordable) -> ResultKey:
    """The key of a task's result. The destination namespace counts as PreSync wherever it was created (Argo CD)."""
    return task.key, _phase(task)


def result_of(task: Recordable, code: ResultCode, message: str) -> ResourceResult:
    """The result of a task as Argo CD words it: a synced object is Running until its health is known."""
    key = task.key
    hook = isinstance(task, RunHookTask | DeleteHookTask)
    manifest = getattr(task, "manifest", None)
    api_version = manifest.api_version if manifest is not None else getattr(task, "api_version", "")
    return ResourceResult(
        group=key.group,
        version=version_of(api_version),
        kind=key.kind,
        namespace=key.namespace,
        name=key.name,
        status=code.value,
        message=message[:MESSAGE_LIMIT],
        hook_type=task.phase.value if hook else "",
        hook_phase=_PHASE_OF[code],
        sync_phase=_phase(task),
    )


def merge(earlier: Iterable[ResourceResult], later: Iterable[ResourceResult]) -> list[ResourceResult]:
    """Both lists, one result for each object and phase, the later one counting; order of first appearance."""
    merged = {result_key(result): result for result in earlier}
    merged.update((result_key(result), result) for result in later)
    return list(merged.values())


def recorded(state: OperationState) -> dict[ResultKey, ResourceResult]:
    """The results of the running attempt."""
    resources = state.sync_result.resources if state.sync_result else []
    return {result_key(result): result for result in resources}


def moved(result: ResourceResult, phase: str, message: str = "") -> ResourceResult:
    """The result with another phase; the message stays where there is no new one."""
    return msgspec.structs.replace(result, hook_phase=phase, message=(message or result.message)[:MESSAGE_LIMIT])


def _phase(task: Recordable) -> str:
    return SyncPhase.PRE_SYNC.value if isinstance(task, CreateNamespaceTask) else task.phase.value
