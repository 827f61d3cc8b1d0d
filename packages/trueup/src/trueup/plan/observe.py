"""What became of the tasks recorded so far, judged by what is live now."""

from collections.abc import Iterable

import msgspec

from trueup.model.health import Health, HealthCode
from trueup.model.live import LiveObject
from trueup.model.resource import GroupKind
from trueup.model.status import ResourceResult, ResultCode, SyncPhase
from trueup.plan.build import SyncPlan
from trueup.plan.facts import Facts
from trueup.plan.hooks import belongs
from trueup.plan.order import place_key
from trueup.plan.results import (
    ERROR,
    FAILED,
    RUNNING,
    SUCCEEDED,
    ResultKey,
    moved,
    result_of,
    task_key,
)
from trueup.plan.task import AnyTask, ApplyTask, CreateNamespaceTask, PruneTask, RunHookTask

VANISHED = "deleted while the operation was running"
_JUDGED = (ApplyTask, CreateNamespaceTask, RunHookTask, PruneTask)


class View(msgspec.Struct, frozen=True, kw_only=True):
    """The plan seen against the record.

    Attributes:
        results: the record with what this pass observed.
        pending: tasks not done yet, in order.
        running: tasks whose health holds up what follows, in order: gated objects, and hooks.
        leaving: pruned objects the cluster is still deleting.
        failed: whether anything of the phases before SyncFail has failed.
        unrecorded: hooks whose end was seen in this pass only: it is on record before their objects go.
    """

    results: dict[ResultKey, ResourceResult]
    pending: tuple[AnyTask, ...]
    running: tuple[AnyTask, ...]
    leaving: tuple[PruneTask, ...]
    failed: bool
    unrecorded: tuple[RunHookTask, ...]


def observe(plan: SyncPlan, before: dict[ResultKey, ResourceResult], facts: Facts) -> View:
    """Judges every task once. One that is not done yet and has come to be refused has failed: the record says what was
    done, not what may be done, and a project may have changed since the operation began."""
    results = dict(before)
    pending: list[AnyTask] = []
    running: list[AnyTask] = []
    leaving: list[PruneTask] = []
    unrecorded: list[RunHookTask] = []
    last = last_place(plan.tasks)
    for task in plan.tasks:
        if not isinstance(task, _JUDGED):
            continue
        result = results.get(task_key(task)) or _adopted(task, facts)
        if result is None and (refused := facts.refusal(task.key)):
            results[task_key(task)] = result_of(task, ResultCode.SYNC_FAILED, refused)
            continue
        if result is None:
            pending.append(task)
            continue
        if isinstance(task, PruneTask):
            live = facts.live.get(task.key)
            if live is not None and live.deletion_timestamp and live.uid == task.uid:
                leaving.append(task)
        else:
            gated = isinstance(task, RunHookTask) or place_key((task.phase, task.wave)) < last
            judged = _judged(task, result, facts) if gated and result.hook_phase == RUNNING else result
            if gated and judged.hook_phase == RUNNING:
                running.append(task)
            if isinstance(task, RunHookTask) and result.hook_phase != judged.hook_phase:
                unrecorded.append(task)
            result = judged
        results[task_key(task)] = result
    return View(
        results=results,
        pending=tuple(pending),
        running=tuple(running),
        leaving=tuple(leaving),
        failed=any(_has_failed(result) for result in results.values()),
        unrecorded=tuple(unrecorded),
    )


def last_place(tasks: Iterable[AnyTask]) -> tuple[int, int]:
    """The last phase and wave that success leads through."""
    places = [place_key((task.phase, task.wave)) for task in tasks if task.phase is not SyncPhase.SYNC_FAIL]
    return max(places, default=(0, 0))


def settled(live: LiveObject, facts: Facts) -> bool:
    """Whether an object's health can be believed: the object is no older than our write, and its controller has seen
    its latest generation (cluster-truths 12)."""
    written, seen = facts.written.get(live.key, ""), live.resource_version
    if written.isdecimal() and seen.isdecimal() and int(seen) < int(written):
        return False
    return _observed_generation(live) >= live.generation


def _adopted(task: AnyTask, facts: Facts) -> ResourceResult | None:
    """A hook that this run created without living to record it."""
    if not isinstance(task, RunHookTask):
        return None
    live = facts.live.get(task.key)
    if live is None or not belongs(live, task.run_id):
        return None
    return result_of(task, ResultCode.SYNCED, f"{task.key.name} created")


def _judged(task: AnyTask, result: ResourceResult, facts: Facts) -> ResourceResult:
    live = facts.live.get(task.key)
    if live is None:
        unseen = GroupKind(task.key.group, task.key.kind) in facts.unwatched
        return moved(result, SUCCEEDED) if unseen else moved(result, FAILED, VANISHED)
    if isinstance(task, RunHookTask) and not belongs(live, task.run_id):
        return moved(result, FAILED, VANISHED)
    health = facts.health.get(task.key)
    if health is None:
        return moved(result, SUCCEEDED)
    if isinstance(task, RunHookTask):
        return _judged_hook(result, live, health, facts)
    if not settled(live, facts):
        return result
    if health.status is HealthCode.HEALTHY:
        return moved(result, SUCCEEDED, health.message)
    return moved(result, FAILED, health.message) if health.status is HealthCode.DEGRADED else result


def _judged_hook(result: ResourceResult, live: LiveObject, health: Health, facts: Facts) -> ResourceResult:
    if not settled(live, facts):
        return result
    match health.status:
        case HealthCode.HEALTHY:
            return moved(result, SUCCEEDED, health.message)
        case HealthCode.DEGRADED | HealthCode.UNKNOWN:
            return moved(result, FAILED, health.message)
        case _:
            # Somebody deletes it, and nothing will end it but the removal of our finalizer.
            return moved(result, FAILED, VANISHED) if live.deletion_timestamp else result


def _has_failed(result: ResourceResult) -> bool:
    in_time = result.sync_phase != SyncPhase.SYNC_FAIL.value
    return in_time and (result.status == ResultCode.SYNC_FAILED.value or result.hook_phase in (FAILED, ERROR))


class _Seen(msgspec.Struct, rename="camel", gc=False):
    observed_generation: int | None = None


class _Status(msgspec.Struct, gc=False):
    status: _Seen | None = None


_STATUS = msgspec.json.Decoder(_Status)


def _observed_generation(live: LiveObject) -> int:
    """The generation a controller reports; the object's own where its kind reports none."""
    try:
        status = _STATUS.decode(live.body).status
    except msgspec.DecodeError:  # a kind of its own making may use the field for anything
        return live.generation
    return live.generation if status is None or status.observed_generation is None else status.observed_generation
