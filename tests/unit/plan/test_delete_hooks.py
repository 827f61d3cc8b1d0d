"""Hooks of a deletion: in which order, when they are over, what becomes of their objects."""

from collections.abc import Sequence
from typing import Any

import msgspec
import pytest
from tests.support.plans import REVISION, live_of, manifest

from trueup.model.annotations import HELM_HOOK, HOOK_FINALIZER, RESOURCES_FINALIZER
from trueup.model.health import Health, HealthCode
from trueup.model.hooks import DeletePhase
from trueup.model.live import LiveObject
from trueup.model.manifest import Manifest
from trueup.model.resource import ResourceKey
from trueup.plan.delete_hooks import (
    DeletionStage,
    HookStep,
    applied_finalizers,
    cleanup_step,
    prepared,
    run_step,
    runnable,
    skips_unreadable,
    stage_of,
    with_hook_finalizers,
)
from trueup.plan.deletion import AllGone, DeletionWait
from trueup.plan.hooks import Run
from trueup.plan.task import DeleteHookTask, ReleaseHookTask, RunHookTask

PRE, POST = DeletePhase.PRE_DELETE, DeletePhase.POST_DELETE
BEFORE, AFTER = "pre-delete-finalizer.argocd.argoproj.io", "post-delete-finalizer.argocd.argoproj.io"
RUN = Run(revision=REVISION, started_at="2026-01-02T03:04:05Z")
BACKUP = manifest("Job", "backup", hook="PreDelete")
FAREWELL = manifest("Job", "farewell", hook="PostDelete")

STAGES: dict[str, tuple[list[str], DeletionStage | None]] = {
    "hooks before everything": ([RESOURCES_FINALIZER, BEFORE, BEFORE + "/cleanup"], DeletionStage(PRE)),
    "then the cascade": ([RESOURCES_FINALIZER, BEFORE + "/cleanup", AFTER, AFTER + "/cleanup"], None),
    "then what is left of the first hooks": (
        [BEFORE + "/cleanup", AFTER, AFTER + "/cleanup"],
        DeletionStage(PRE, True),
    ),
    "then hooks after everything": (["x/y", AFTER, AFTER + "/cleanup"], DeletionStage(POST)),
    "then what is left of those": ([AFTER + "/cleanup"], DeletionStage(POST, True)),
    "then nothing": (["x/y"], None),
    "hooks run without a cascade, too": ([BEFORE], DeletionStage(PRE)),
}


@pytest.mark.parametrize(("finalizers", "expected"), STAGES.values(), ids=STAGES.keys())
def test_stages(finalizers: list[str], expected: DeletionStage | None) -> None:
    assert stage_of(finalizers) == expected


BOTH = [BEFORE, BEFORE + "/cleanup", AFTER, AFTER + "/cleanup"]
FINALIZERS: dict[str, tuple[list[str], list[Manifest], list[str]]] = {
    "of the phase that a hook names": (["a/b"], [BACKUP], ["a/b", BEFORE, BEFORE + "/cleanup"]),
    "of both": ([RESOURCES_FINALIZER], [BACKUP, FAREWELL], [RESOURCES_FINALIZER, *BOTH]),
    "of a hook that names both": ([], [manifest("Job", "x", hook="PreDelete,PostDelete")], BOTH),
    "of Helm's hooks": ([], [manifest("Job", "x", annotations={HELM_HOOK: "post-delete,pre-upgrade"})], BOTH[2:]),
    "none without such hooks": (["a/b", *BOTH], [manifest("Job", "x", hook="PreSync")], ["a/b"]),
    "those that are there keep their place": ([AFTER, "a/b"], [FAREWELL], [AFTER, "a/b", AFTER + "/cleanup"]),
    "nothing to change": ([*BOTH, "a/b"], [BACKUP, FAREWELL], [*BOTH, "a/b"]),
}


@pytest.mark.parametrize(("before", "hooks", "after"), FINALIZERS.values(), ids=FINALIZERS.keys())
def test_finalizers_follow_from_the_hooks(before: list[str], hooks: list[Manifest], after: list[str]) -> None:
    assert with_hook_finalizers(before, hooks) == after


def test_a_finalizer_that_an_application_of_applications_declares_stays() -> None:
    def entry(manager: str, operation: str, *names: str) -> dict[str, Any]:
        finalizers: dict[str, Any] = {f'v:"{name}"': {} for name in names}
        return {
            "manager": manager,
            "operation": operation,
            "fieldsV1": {"f:metadata": {"f:finalizers": {".": {}, **finalizers}}},
        }

    entries = [entry("argocd-controller", "Apply", AFTER), entry("trueup", "Update", AFTER + "/cleanup")]
    body = msgspec.json.encode({"metadata": {"managedFields": entries}})
    application = live_of(manifest("Job", "x"), body=body, finalizers=tuple(BOTH))
    declared = applied_finalizers(application)
    assert declared == {AFTER}
    assert with_hook_finalizers(BOTH, [], declared) == [AFTER]


def tasks_of(*hooks: Manifest) -> list[RunHookTask]:
    return prepared(PRE, hooks, RUN)


def ours(task: RunHookTask, **more: Any) -> LiveObject:
    return live_of(task.manifest, **({"finalizers": (HOOK_FINALIZER,)} | more))


def stepped(tasks: Sequence[RunHookTask], live: Sequence[LiveObject] = (), **health: HealthCode) -> Any:
    found = {item.key: item for item in live}
    verdicts: dict[ResourceKey, Health | None] = {
        key: Health(code, f"{key.name} says") if (code := health.get(key.name)) else None for key in found
    }
    return run_step(PRE, tasks, found, verdicts)


def test_hooks_of_other_phases_are_not_prepared_and_names_are_made() -> None:
    generated = manifest("Job", "", generate_name="b-", hook="PreDelete")
    tasks = tasks_of(FAREWELL, generated, generated, manifest("Job", "x", hook="PreSync"))
    assert [task.key.name for task in tasks] == ["b-0123456-predelete-1767323045", "b-0123456-predelete-1767323045-0-1"]


def test_a_hook_is_created_once_and_awaited() -> None:
    tasks = tasks_of(BACKUP)
    step = stepped(tasks)
    assert isinstance(step, HookStep)
    assert step.tasks == tuple(tasks)
    waiting = stepped(tasks, [ours(tasks[0])], backup=HealthCode.PROGRESSING)
    assert isinstance(waiting, DeletionWait)
    assert waiting.message == "waiting for completion of hook batch/Job/backup"
    assert isinstance(stepped(tasks, [ours(tasks[0])], backup=HealthCode.SUSPENDED), DeletionWait)
    assert isinstance(stepped(tasks, [ours(tasks[0])], backup=HealthCode.HEALTHY), AllGone)
    assert isinstance(stepped(tasks, [ours(tasks[0])]), AllGone), "a kind without a check has ended"


def test_a_hook_that_has_ended_and_is_being_deleted_has_ended() -> None:
    tasks = tasks_of(BACKUP)
    expired = ours(tasks[0], deletion_timestamp="2026-01-02T03:04:06Z")
    assert isinstance(stepped(tasks, [expired], backup=HealthCode.HEALTHY), AllGone)


FAILURES: dict[str, tuple[dict[str, str], HealthCode, str]] = {
    "it has failed": ({}, HealthCode.DEGRADED, "backup says"),
    "it is deleted while it runs": (
        {"deletion_timestamp": "2026-01-02T03:04:06Z"},
        HealthCode.PROGRESSING,
        "deleted while the operation was running",
    ),
}


@pytest.mark.parametrize(("how", "health", "says"), FAILURES.values(), ids=FAILURES.keys())
def test_a_hook_that_fails_is_told_deleted_and_made_again(how: dict[str, str], health: HealthCode, says: str) -> None:
    tasks = tasks_of(BACKUP)
    step = stepped(tasks, [ours(tasks[0], **how)], backup=health)
    assert isinstance(step, HookStep)
    assert [type(task) for task in step.tasks] == [DeleteHookTask]
    assert step.failed == f"PreDelete hook failed: batch/Job shop/backup: {says}"
    assert stepped(tasks).tasks == tuple(tasks), "it is gone, and comes again"


ROLE = manifest("ClusterRole", "x", hook="PreDelete")
THERE: dict[str, tuple[DeletePhase, list[str], list[LiveObject], list[str]]] = {
    "before the cascade a hook is waited for": (PRE, [], [live_of(manifest("ConfigMap", "a"))], ["x", "backup"]),
    "not where nothing was deployed": (PRE, [], [], ["x"]),
    "hooks of a sync are nothing that was deployed": (PRE, [], [live_of(BACKUP)], ["x"]),
    "nor after the cascade": (POST, [], [live_of(manifest("ConfigMap", "a"))], ["x"]),
    "its namespace is there": (POST, ["shop"], [], ["x", "backup"]),
}


@pytest.mark.parametrize(("phase", "there", "managed", "left"), THERE.values(), ids=THERE.keys())
def test_hooks_without_a_namespace(
    phase: DeletePhase, there: list[str], managed: list[LiveObject], left: list[str]
) -> None:
    assert [task.key.name for task in runnable(phase, tasks_of(BACKUP, ROLE), there, managed)] == left


def test_a_wave_of_hooks_waits_for_the_one_before() -> None:
    tasks = tasks_of(BACKUP, manifest("ConfigMap", "settings", hook="PreDelete", wave=-1))
    first = stepped(tasks)
    assert isinstance(first, HookStep)
    assert [task.key.name for task in first.tasks] == ["settings"]
    second = stepped(tasks, [ours(tasks[0])])
    assert isinstance(second, HookStep)
    assert [task.key.name for task in second.tasks] == ["backup"]


def test_an_object_of_an_earlier_run_goes_first() -> None:
    tasks = tasks_of(BACKUP)
    step = stepped(tasks, [live_of(BACKUP, uid="old")])
    assert isinstance(step, HookStep)
    assert [(type(task), getattr(task, "uid", "")) for task in step.tasks] == [(DeleteHookTask, "old")]
    going = live_of(BACKUP, uid="old", deletion_timestamp="2026-01-01T00:00:00Z")
    assert isinstance(stepped(tasks, [going]), DeletionWait)


def test_without_before_hook_creation_it_is_written_over() -> None:
    tasks = tasks_of(manifest("Job", "backup", hook="PreDelete", policy="HookSucceeded"))
    step = stepped(tasks, [live_of(BACKUP, uid="old")])
    assert isinstance(step, HookStep)
    assert step.tasks == tuple(tasks)


POLICIES: dict[str, tuple[str, HealthCode, type]] = {
    "HookSucceeded goes": ("HookSucceeded", HealthCode.HEALTHY, DeleteHookTask),
    "HookFailed stays": ("HookFailed", HealthCode.HEALTHY, ReleaseHookTask),
    "HookFailed goes where one has failed": ("HookFailed", HealthCode.DEGRADED, DeleteHookTask),
    "without a policy it stays": ("", HealthCode.HEALTHY, ReleaseHookTask),
}


@pytest.mark.parametrize(("policy", "health", "expected"), POLICIES.values(), ids=POLICIES.keys())
def test_clean_up(policy: str, health: HealthCode, expected: type) -> None:
    (task,) = tasks_of(manifest("Job", "backup", hook="PreDelete", policy=policy))
    found = ours(task)
    step = cleanup_step(PRE, RUN, [found, live_of(FAREWELL)], {found.key: Health(health)})
    assert isinstance(step, HookStep)
    assert [type(item) for item in step.tasks] == [expected]


def test_what_is_cleaned_up_is_waited_for_and_then_over() -> None:
    (task,) = tasks_of(manifest("Job", "backup", hook="PreDelete", policy="HookSucceeded"))
    going = ours(task, finalizers=("foregroundDeletion",), deletion_timestamp="2026-01-02T03:04:06Z")
    health = {going.key: Health(HealthCode.PROGRESSING, "Pending deletion")}
    assert isinstance(cleanup_step(PRE, RUN, [going], health), DeletionWait)
    assert isinstance(cleanup_step(PRE, RUN, [], {}), AllGone)
    (stays,) = tasks_of(BACKUP)
    assert isinstance(cleanup_step(PRE, RUN, [ours(stays, finalizers=())], {}), AllGone)


CASCADE = [RESOURCES_FINALIZER, BEFORE, BEFORE + "/cleanup"]
UNREADABLE: dict[str, tuple[DeletionStage, list[str], float, bool]] = {
    "objects wait for what was to run before them": (DeletionStage(PRE), CASCADE, 10**6, False),
    "nothing is at stake without a cascade": (DeletionStage(PRE), [BEFORE], 901.0, True),
    "nor after it": (DeletionStage(POST), [AFTER], 901.0, True),
    "but the repository is given time": (DeletionStage(POST), [AFTER], 899.0, False),
}


@pytest.mark.parametrize(("stage", "finalizers", "seconds", "skipped"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_hooks_nobody_can_read(stage: DeletionStage, finalizers: list[str], seconds: float, skipped: bool) -> None:
    assert skips_unreadable(stage, finalizers, seconds) is skipped
