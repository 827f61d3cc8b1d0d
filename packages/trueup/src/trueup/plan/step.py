"""The next step of a sync: one wave of one phase, a wait, or the verdict.

Nothing is remembered but the results in the operation's state, so that any pass may be lost, repeated or taken over.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from kubegrammar.time import rest_of
from trueup.model.annotations import HOOK_FINALIZER
from trueup.model.hooks import HookDeletePolicy
from trueup.model.resource import ResourceKey
from trueup.model.status import OperationPhase, OperationState, ResourceResult, ResultCode, SyncPhase
from trueup.plan.build import SyncPlan, build
from trueup.plan.consent import consents
from trueup.plan.facts import Facts, sync_of
from trueup.plan.hooks import belongs, takes_along
from trueup.plan.kinds import NAMESPACE
from trueup.plan.observe import View, observe
from trueup.plan.options import FAIL_ON_SHARED
from trueup.plan.order import place_key
from trueup.plan.results import FAILED, RUNNING, ResultKey, merge, moved, recorded, result_of, task_key
from trueup.plan.retry import retry_in
from trueup.plan.task import (
    Act,
    AnyTask,
    ApplyTask,
    CreateNamespaceTask,
    DeleteHookTask,
    Finish,
    PruneTask,
    ReleaseHookTask,
    RunHookTask,
    Step,
    Wait,
)
from trueup.plan.validate import validate

ALL_RUN = "successfully synced (all tasks run)"
NO_MORE = "successfully synced (no more tasks)"
INVALID = "one or more synchronization tasks are not valid"
APPLY_FAILED = "one or more objects failed to apply"
UNSUCCESSFUL = "one or more synchronization tasks completed unsuccessfully"
TASKS_RUN = "one or more tasks are running"
TERMINATED = "Operation terminated"
DRY_RUN = " (dry run)"
CATCH_BREATH = 1.0
"""Seconds before a step that could not be carried out whole is looked at again."""
RECHECK = 10.0
"""Seconds after which a waiting operation looks again without being woken."""


def next_step(state: OperationState, facts: Facts, now: datetime) -> Step:
    """What to do next for an operation that has not ended.

    Args:
        state: the operation with the results recorded so far; phase Running or Terminating.
        facts: of this pass, of the revision the operation runs.
        now: the time, aware.
    """
    if state.phase is OperationPhase.TERMINATING:
        return _terminate(state, facts)
    if state.finished_at:
        wait = _until_retry(state, facts, now)
        if wait is not None:
            return wait
        state = attempt_begun(state)
    plan = build(state, facts)
    before = recorded(state)
    if not before and facts.shared and FAIL_ON_SHARED in facts.options.texts:
        message = f"Shared resource found: {', '.join(facts.shared)}"
        return Finish(phase=OperationPhase.FAILED, message=message[:1024], results=())
    if not before and (faults := validate(state, facts, plan)):
        return Finish(phase=OperationPhase.FAILED, message=_because(INVALID, faults), results=tuple(faults))
    if sync_of(state).dry_run:
        return _dry_run(plan, before, facts)
    return _decide(plan, observe(plan, before, facts), state, facts, now)


def attempt_begun(state: OperationState) -> OperationState:
    """The state of an operation whose wait is over: nothing is recorded of the attempt that begins."""
    result = state.sync_result and msgspec.structs.replace(state.sync_result, resources=[])
    return msgspec.structs.replace(state, finished_at=None, sync_result=result)


def failure_message(results: Iterable[ResourceResult]) -> str:
    """Why an operation failed, in the words of Argo CD."""
    failed = [result for result in results if result.status == ResultCode.SYNC_FAILED.value]
    return _because(APPLY_FAILED, failed) if failed else UNSUCCESSFUL


def waiting_for(keys: Sequence[ResourceKey], what: str) -> str:
    """``waiting for healthy state of apps/Deployment/web and 2 more resources``; clients match on it."""
    first = keys[0]
    more = f" and {len(keys) - 1} more resources" if len(keys) > 1 else ""
    return f"waiting for {what} {first.group}/{first.kind}/{first.name}{more}"


def _decide(plan: SyncPlan, view: View, state: OperationState, facts: Facts, now: datetime) -> Step:
    results = tuple(view.results.values())
    ahead = [task for task in view.pending if task.phase is not SyncPhase.SYNC_FAIL]
    # The rest of a wave that was interrupted does not wait for its own first part.
    here = None if view.failed or not ahead else _place(ahead[0])
    holding = [task for task in view.running if here is None or _place(task) < here]
    if hooks := [task.key for task in holding if isinstance(task, RunHookTask)]:
        return Wait(message=waiting_for(hooks, "completion of hook"), after=RECHECK, results=results)
    if view.failed:
        return _fail(plan, view, state, facts, now)
    if ahead and holding:
        message = waiting_for([task.key for task in holding], "healthy state of")
        return Wait(message=message, after=RECHECK, results=results)
    if ahead and view.leaving:
        message = waiting_for([task.key for task in view.leaving], "deletion of")
        return Wait(message=message, after=RECHECK, results=results)
    if ahead:
        return _pause(ahead, plan, view, facts, now) or _wave(ahead, plan, view, state, facts, now)
    skipped = [result_of(task, ResultCode.PRUNE_SKIPPED, task.reason) for task in plan.skipped]
    view = msgspec.structs.replace(view, results=_merged(results, skipped))
    return _finish(OperationPhase.SUCCEEDED, NO_MORE if plan.has_hooks or not results else ALL_RUN, plan, view, facts)


def _fail(plan: SyncPlan, view: View, state: OperationState, facts: Facts, now: datetime) -> Step:
    """The SyncFail hooks, wave by wave, then the verdict."""
    rescue = [task for task in view.pending if task.phase is SyncPhase.SYNC_FAIL]
    if rescue:
        return _wave(rescue, plan, view, state, facts, now)
    return _finish(OperationPhase.FAILED, failure_message(view.results.values()), plan, view, facts)


def _pause(ahead: Sequence[AnyTask], plan: SyncPlan, view: View, facts: Facts, now: datetime) -> Wait | None:
    """The pause between two waves, for other controllers to react to the first."""
    if facts.acted_at is None:
        return None
    place = _place(ahead[0])
    done = [
        _place(task)
        for task in plan.tasks
        if isinstance(task, ApplyTask | RunHookTask | PruneTask) and task_key(task) in view.results
    ]
    left = rest_of(facts.wave_delay, facts.acted_at, now)
    if not done or max(done) >= place or not left:
        return None
    return Wait(message=TASKS_RUN, after=left, results=tuple(view.results.values()))


def _wave(
    ahead: Sequence[AnyTask], plan: SyncPlan, view: View, state: OperationState, facts: Facts, now: datetime
) -> Step:
    """The first phase and wave of ``ahead``: prunes, then old hook objects, and once those are gone the rest."""
    results = tuple(view.results.values())
    place = (ahead[0].phase, ahead[0].wave)
    tasks = [task for task in ahead if (task.phase, task.wave) == place]
    if blocked := _consent(tasks, state, facts, now) or _namespace_leaving(tasks, facts):
        return Wait(message=blocked, after=RECHECK, results=results)
    prunes = [task for task in tasks if isinstance(task, PruneTask)]
    old = [key for task in tasks if isinstance(task, RunHookTask) and (key := _stale(task, facts))]
    if old:
        deletions = [task for task in old if isinstance(task, DeleteHookTask)]
        if not prunes and not deletions:
            return Wait(message=waiting_for([task.key for task in old], "deletion of"), after=RECHECK, results=results)
        if view.unrecorded:
            return Wait(message=TASKS_RUN, after=0.0, results=results)
        return _act([*prunes, *deletions], place, plan, results, settles_in=CATCH_BREATH)
    first = not any(
        isinstance(task, ApplyTask | RunHookTask | PruneTask) and task_key(task) in view.results for task in plan.tasks
    )
    skipped = plan.skipped if first else ()
    tasks.sort(key=lambda task: task.stage)
    final = not plan.has_hooks and len(tasks) == len(ahead)
    settles_in = CATCH_BREATH if final else facts.wave_delay
    return _act([*skipped, *tasks], place, plan, results, final=final, settles_in=settles_in)


def _act(
    tasks: Sequence[AnyTask],
    place: tuple[SyncPhase, int],
    plan: SyncPlan,
    results: tuple[ResourceResult, ...],
    *,
    settles_in: float,
    final: bool = False,
) -> Act:
    return Act(
        phase=place[0],
        wave=place[1],
        tasks=tuple(tasks),
        results=results,
        message=TASKS_RUN,
        final=final,
        closes=not plan.has_hooks,
        settles_in=settles_in,
    )


def _consent(tasks: Sequence[AnyTask], state: OperationState, facts: Facts, now: datetime) -> str:
    """``Prune=confirm`` waits for an approval that is no older than the operation."""
    asked = [task.key for task in tasks if isinstance(task, PruneTask) and task.confirm]
    if not asked or consents(facts.approved_at, state.started_at, now):
        return ""
    return waiting_for(asked, "pruning confirmation of")


def _namespace_leaving(tasks: Sequence[AnyTask], facts: Facts) -> str:
    """An own namespace that is still being deleted takes no object; it is waited for by name."""
    for task in tasks:
        if isinstance(task, CreateNamespaceTask | ApplyTask) and task.manifest.group_kind == NAMESPACE:
            live = facts.live.get(task.key)
            if live is not None and live.deletion_timestamp:
                return waiting_for([task.key], "deletion of")
    return ""


def _stale(task: RunHookTask, facts: Facts) -> DeleteHookTask | RunHookTask | None:
    """An object of an earlier run in the hook's way: how to delete it, or the task itself while it is going."""
    live = facts.live.get(task.key)
    if live is None or HookDeletePolicy.BEFORE_HOOK_CREATION not in task.policies or takes_along(live):
        return None
    if live.deletion_timestamp and HOOK_FINALIZER not in live.finalizers:
        return task
    return DeleteHookTask(
        key=task.key, phase=task.phase, wave=task.wave, rank=task.rank, uid=live.uid, api_version=live.api_version
    )


def _finish(phase: OperationPhase, message: str, plan: SyncPlan, view: View, facts: Facts) -> Step:
    """The verdict; the ends of all hooks are on record before the first of their objects goes."""
    results = tuple(view.results.values())
    if view.unrecorded:
        return Wait(message=TASKS_RUN, after=0.0, results=results)
    policy = HookDeletePolicy.HOOK_SUCCEEDED if phase is OperationPhase.SUCCEEDED else HookDeletePolicy.HOOK_FAILED
    return Finish(phase=phase, message=message, results=results, cleanup=_cleanup(plan, view.results, facts, policy))


def _cleanup(
    plan: SyncPlan, results: dict[ResultKey, ResourceResult], facts: Facts, policy: HookDeletePolicy
) -> tuple[DeleteHookTask | ReleaseHookTask, ...]:
    tasks: list[DeleteHookTask | ReleaseHookTask] = []
    for task in plan.tasks:
        live = facts.live.get(task.key)
        if not isinstance(task, RunHookTask) or live is None or not belongs(live, task.run_id):
            continue
        result = results.get(task_key(task))
        ended = result is not None and result.hook_phase != RUNNING
        if (not ended or policy in task.policies) and not facts.refusal(task.key):
            kind: type[DeleteHookTask | ReleaseHookTask] = DeleteHookTask
        elif HOOK_FINALIZER in live.finalizers:
            kind = ReleaseHookTask
        else:
            continue
        tasks.append(
            kind(
                key=task.key,
                phase=task.phase,
                wave=task.wave,
                rank=task.rank,
                uid=live.uid,
                api_version=live.api_version,
            )
        )
    return tuple(tasks)


def _terminate(state: OperationState, facts: Facts) -> Finish:
    """Stops: what still runs is deleted, what has ended is released, nothing else is touched."""
    plan = build(state, facts)
    before = recorded(state)
    view = observe(plan, before, facts)
    results = dict(view.results)
    stopped = {task_key(task) for task in view.running if isinstance(task, RunHookTask)}
    cleanup = _cleanup(
        plan,
        {key: result for key, result in results.items() if key not in stopped},
        facts,
        HookDeletePolicy.HOOK_FAILED,
    )
    for key in stopped:
        results[key] = moved(results[key], FAILED, TERMINATED)
    return Finish(
        phase=OperationPhase.FAILED, message=TERMINATED, results=tuple(results.values()), cleanup=cleanup, retry=False
    )


def _dry_run(plan: SyncPlan, before: dict[ResultKey, ResourceResult], facts: Facts) -> Step:
    """Everything at once, asked of the server and stored nowhere; what was interrupted is asked again."""
    before = dict(before)
    for task in plan.tasks:
        if not isinstance(task, ReleaseHookTask) and _unasked(task, before) and (refused := facts.refusal(task.key)):
            before[task_key(task)] = result_of(task, ResultCode.SYNC_FAILED, refused)
    results = tuple(before.values())
    left = tuple(task for task in (*plan.skipped, *plan.tasks) if _unasked(task, before))
    if not left:
        failed = any(result.status == ResultCode.SYNC_FAILED.value for result in results)
        phase = OperationPhase.FAILED if failed else OperationPhase.SUCCEEDED
        message = failure_message(results) if failed else ALL_RUN
        return Finish(phase=phase, message=message + DRY_RUN, results=results)
    return Act(
        phase=SyncPhase.PRE_SYNC,
        wave=0,
        tasks=left,
        results=results,
        message=TASKS_RUN,
        final=True,
        closes=True,
        dry_run=True,
        settles_in=CATCH_BREATH,
    )


def _unasked(task: AnyTask, before: dict[ResultKey, ResourceResult]) -> bool:
    return not isinstance(task, ReleaseHookTask) and task_key(task) not in before


def _until_retry(state: OperationState, facts: Facts, now: datetime) -> Step | None:
    results = tuple(recorded(state).values())
    try:
        left = retry_in(state, facts.retry, now)
    except ValueError as error:
        return Finish(
            phase=OperationPhase.FAILED,
            message=f"{state.message} (failed to retry: {error})",
            results=results,
            retry=False,
        )
    return Wait(message=state.message, after=left, results=results, retrying=True) if left > 0 else None


def _place(task: AnyTask) -> tuple[int, int]:
    return place_key((task.phase, task.wave))


def _merged(results: Iterable[ResourceResult], later: Iterable[ResourceResult]) -> dict[ResultKey, ResourceResult]:
    listed = merge(results, later)
    return {(_key(result), result.sync_phase): result for result in listed}


def _key(result: ResourceResult) -> ResourceKey:
    return ResourceKey(result.group, result.kind, result.namespace, result.name)


def _because(message: str, failed: Sequence[ResourceResult]) -> str:
    reasons = ",".join(dict.fromkeys(result.message for result in failed if result.message))
    return f"{message}, reason: {reasons}"[:1024] if reasons else message
