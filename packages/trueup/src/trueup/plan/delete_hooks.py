"""Hooks of an application's deletion: before its objects go, and after (Argo CD ``controller/hook.go``).

Two finalizers stand for each: the first goes when its hooks have ended well, the second when their delete policies are
done. What is left of them is all that says how far a deletion has come.
"""

from collections.abc import Container, Iterable, Mapping, Sequence
from itertools import groupby

import msgspec

from trueup.model.annotations import CLEANUP, HOOK_FINALIZER, POST_DELETE_FINALIZER, PRE_DELETE_FINALIZER
from trueup.model.health import Health, HealthCode
from trueup.model.hooks import DeletePhase, HookDeletePolicy, delete_phases, delete_policies, is_hook, wave_of
from trueup.model.live import LiveObject
from trueup.model.manifest import Manifest
from trueup.model.resource import ResourceKey
from trueup.model.status import SyncPhase
from trueup.plan.deletion import AllGone, DeletionWait, propagation_of
from trueup.plan.hooks import Run, armed, belongs, named, takes_along
from trueup.plan.kinds import kind_rank
from trueup.plan.observe import VANISHED
from trueup.plan.step import RECHECK, waiting_for
from trueup.plan.task import DeleteHookTask, ReleaseHookTask, RunHookTask

_FINALIZERS = {DeletePhase.PRE_DELETE: PRE_DELETE_FINALIZER, DeletePhase.POST_DELETE: POST_DELETE_FINALIZER}


class DeletionStage(msgspec.Struct, frozen=True):
    """A part of a deletion: the run of a phase's hooks, or the clean-up after them."""

    phase: DeletePhase
    cleanup: bool = False

    @property
    def finalizer(self) -> str:
        """What holds the application until the stage is over."""
        return _FINALIZERS[self.phase] + (CLEANUP if self.cleanup else "")


_BEFORE = DeletionStage(DeletePhase.PRE_DELETE)
_AFTER = (
    DeletionStage(DeletePhase.PRE_DELETE, cleanup=True),
    DeletionStage(DeletePhase.POST_DELETE),
    DeletionStage(DeletePhase.POST_DELETE, cleanup=True),
)


def stage_of(finalizers: Sequence[str]) -> DeletionStage | None:
    """The stage that is next; None where it is the cascade's turn, or nothing is left."""
    if _BEFORE.finalizer in finalizers:
        return _BEFORE
    if propagation_of(finalizers):
        return None
    return next((stage for stage in _AFTER if stage.finalizer in finalizers), None)


def with_hook_finalizers(
    finalizers: Sequence[str], hooks: Iterable[Manifest], declared: Container[str] = ()
) -> list[str]:
    """An application's finalizers, with both of each phase that its hooks name and without those of the others.

    Args:
        declared: what somebody applies with the application (:func:`applied_finalizers`). It stays: taking it off would
            be drift of the application that declares this one, to be healed and taken off again for ever.
    """
    phases = {phase for hook in hooks for phase in delete_phases(hook.annotations)}
    wanted = [stage.finalizer for stage in (_BEFORE, *_AFTER) if stage.phase in phases]
    ours = {stage.finalizer for stage in (_BEFORE, *_AFTER)}
    kept = [name for name in finalizers if name not in ours or name in wanted or name in declared]
    return [*kept, *(name for name in wanted if name not in kept)]


UNREADABLE_SECONDS = 900.0
"""How long hooks are looked for whose loss destroys nothing."""


def skips_unreadable(stage: DeletionStage, finalizers: Sequence[str], seconds: float) -> bool:
    """Whether a deletion goes on without hooks that could not be read for so long.

    A repository that is gone must not hold an application for ever. But objects are not deleted unless what was to
    run before has run (a backup, say) or a person says that it need not.
    """
    guards = stage.phase is DeletePhase.PRE_DELETE and bool(propagation_of(finalizers))
    return not guards and seconds >= UNREADABLE_SECONDS


def applied_finalizers(application: LiveObject) -> frozenset[str]:
    """The finalizers of an application that somebody declares by server-side apply, as an application of
    applications does."""
    entries = (application.object().get("metadata") or {}).get("managedFields") or []
    owned = [
        ((entry.get("fieldsV1") or {}).get("f:metadata") or {}).get("f:finalizers") or {}
        for entry in entries
        if entry.get("operation") == "Apply"
    ]
    return frozenset(name for name in application.finalizers if any(f'v:"{name}"' in fields for fields in owned))


class HookStep(msgspec.Struct, frozen=True, kw_only=True, tag="hook-step"):
    """Do these tasks, and come back with the next watch event or after a while.

    Attributes:
        failed: why hooks failed; their objects are deleted, to be tried again after a pause.
    """

    tasks: tuple[RunHookTask | DeleteHookTask | ReleaseHookTask, ...]
    message: str
    failed: str = ""
    settles_in: float = RECHECK


DeleteHookStep = HookStep | DeletionWait | AllGone


def prepared(phase: DeletePhase, hooks: Sequence[Manifest], run: Run) -> list[RunHookTask]:
    """The hooks of one phase as they are created, each with a name and its run's identity; in the order of waves."""
    of_phase = [hook for hook in hooks if phase in delete_phases(hook.annotations)]
    tasks = [
        RunHookTask(
            key=hook.key,
            phase=SyncPhase.SYNC,
            wave=wave_of(hook.annotations),
            rank=kind_rank(hook.key.group, hook.key.kind),
            manifest=armed(hook, run.id(phase.value)),
            run_id=run.id(phase.value),
            policies=delete_policies(hook.annotations),
        )
        for hook in named(of_phase, run, phase.value)
    ]
    return sorted(tasks, key=lambda task: task.order)


def runnable(
    phase: DeletePhase, tasks: Sequence[RunHookTask], namespaces: Container[str], managed: Iterable[LiveObject]
) -> list[RunHookTask]:
    """The hooks without those that nothing but a new namespace could let run, where nothing waits for them.

    So it is after the cascade, which may have deleted the namespace, and before it where the application has never
    deployed anything: its deletion must not be held for ever by what cannot be.

    Args:
        namespaces: those that are there.
        managed: the live objects of the application.
    """
    if phase is DeletePhase.PRE_DELETE and any(not is_hook(found.annotations) for found in managed):
        return list(tasks)
    return [task for task in tasks if not task.key.namespace or task.key.namespace in namespaces]


def run_step(
    phase: DeletePhase,
    tasks: Sequence[RunHookTask],
    live: Mapping[ResourceKey, LiveObject],
    health: Mapping[ResourceKey, Health | None],
) -> DeleteHookStep:
    """What to do next for the hooks of a phase.

    Args:
        tasks: of :func:`prepared`.
        live, health: of the objects that have the tasks' keys.

    A wave waits for the one before. Gone: all have ended well. An object of this very run is awaited and never created
    again; a kind without a health check has ended when it is there.
    """
    for _, group in groupby(tasks, key=lambda task: task.wave):
        wave = list(group)
        if failed := [task for task in wave if _failure(task, live, health)]:
            told = ", ".join(f"{task.key}: {_failure(task, live, health)}" for task in failed)
            return HookStep(
                tasks=tuple(_deletion(live[task.key], task) for task in failed),
                message=told,
                failed=f"{phase.value} hook failed: {told}",
            )
        missing = [task for task in wave if not _is_run(task, live)]
        if missing:
            return _started(missing, live)
        running = [task.key for task in wave if not _has_ended(task, health)]
        if running:
            return DeletionWait(message=waiting_for(running, "completion of hook"), after=RECHECK)
    return AllGone()


def _started(missing: Sequence[RunHookTask], live: Mapping[ResourceKey, LiveObject]) -> DeleteHookStep:
    """Creates the hooks; objects of earlier runs in their way go first."""
    stale = [task for task in missing if _in_the_way(task, live)]
    going = [task.key for task in stale if _is_going(live[task.key])]
    if going:
        return DeletionWait(message=waiting_for(going, "deletion of"), after=RECHECK)
    deletions = tuple(_deletion(live[task.key], task) for task in stale)
    return HookStep(
        tasks=deletions or tuple(missing), message=waiting_for([task.key for task in missing], "completion of hook")
    )


def cleanup_step(
    phase: DeletePhase,
    run: Run,
    managed: Iterable[LiveObject],
    health: Mapping[ResourceKey, Health | None],
    forbidden: Container[ResourceKey] = frozenset(),
) -> DeleteHookStep:
    """What to do next about the objects of a phase's hooks: their delete policies count, and the health of all.

    Args:
        managed: the live objects of the application.
        health: of them.
        forbidden: of those, the ones its project does not permit: they stay.

    What stays loses our finalizer, or nobody would ever take it off. Gone: all that is to go has gone.
    """
    identity = run.id(phase.value)
    ours = sorted((found for found in managed if belongs(found, identity)), key=lambda found: found.key)
    # What is on its way already says nothing of how the hooks went.
    leaving = [found for found in ours if _is_going(found)]
    rest = [found for found in ours if found not in leaving]
    verdicts = [verdict for found in rest if (verdict := health.get(found.key)) is not None]
    worst = max((verdict.status for verdict in verdicts), key=lambda code: code.rank, default=HealthCode.HEALTHY)
    going = {
        HealthCode.HEALTHY: HookDeletePolicy.HOOK_SUCCEEDED,
        HealthCode.DEGRADED: HookDeletePolicy.HOOK_FAILED,
    }.get(worst)
    tasks: list[DeleteHookTask | ReleaseHookTask] = []
    for found in rest:
        if going in delete_policies(found.annotations) and found.key not in forbidden:
            tasks.append(_deletion(found))
        elif HOOK_FINALIZER in found.finalizers:
            tasks.append(_release(found))
    if tasks:
        return HookStep(tasks=tuple(tasks), message="cleaning up after hooks", settles_in=0.0)
    if leaving:
        return DeletionWait(message=waiting_for([found.key for found in leaving], "deletion of"), after=RECHECK)
    return AllGone()


def _is_run(task: RunHookTask, live: Mapping[ResourceKey, LiveObject]) -> bool:
    found = live.get(task.key)
    return found is not None and belongs(found, task.run_id)


def _has_ended(task: RunHookTask, health: Mapping[ResourceKey, Health | None]) -> bool:
    verdict = health.get(task.key)
    return verdict is None or verdict.status is HealthCode.HEALTHY


def _failure(
    task: RunHookTask, live: Mapping[ResourceKey, LiveObject], health: Mapping[ResourceKey, Health | None]
) -> str:
    """Why a hook of this run has failed; empty where it has not."""
    verdict = health.get(task.key)
    if not _is_run(task, live) or verdict is None or verdict.status is HealthCode.HEALTHY:
        return ""
    if verdict.status is HealthCode.DEGRADED:
        return verdict.message or str(verdict.status)
    # Somebody deletes it, and nothing will end it but the removal of our finalizer.
    found = live[task.key]
    return VANISHED if found.deletion_timestamp and HOOK_FINALIZER in found.finalizers else ""


def _in_the_way(task: RunHookTask, live: Mapping[ResourceKey, LiveObject]) -> bool:
    found = live.get(task.key)
    return found is not None and HookDeletePolicy.BEFORE_HOOK_CREATION in task.policies and not takes_along(found)


def _is_going(found: LiveObject) -> bool:
    return bool(found.deletion_timestamp) and HOOK_FINALIZER not in found.finalizers


def _deletion(found: LiveObject, task: RunHookTask | None = None) -> DeleteHookTask:
    wave = task.wave if task else wave_of(found.annotations)
    rank = kind_rank(found.key.group, found.key.kind)
    return DeleteHookTask(
        key=found.key, phase=SyncPhase.SYNC, wave=wave, rank=rank, uid=found.uid, api_version=found.api_version
    )


def _release(found: LiveObject) -> ReleaseHookTask:
    rank = kind_rank(found.key.group, found.key.kind)
    return ReleaseHookTask(
        key=found.key,
        phase=SyncPhase.SYNC,
        wave=wave_of(found.annotations),
        rank=rank,
        uid=found.uid,
        api_version=found.api_version,
    )
