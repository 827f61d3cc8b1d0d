"""Hooks: when they run, what they are called, how they are judged, what becomes of their objects."""

import pytest
from tests.support.plans import START, ToyCluster, facts, live_of, manifest, run, state

from trueup.model.annotations import (
    HELM_HOOK,
    HELM_HOOK_DELETE_POLICY,
    HELM_HOOK_WEIGHT,
    HOOK_FINALIZER,
    OPERATION_ID,
    TRACKING_ID,
)
from trueup.model.health import HealthCode
from trueup.model.hooks import delete_policies, hook_types, is_hook, sync_phases, wave_of
from trueup.model.live import LiveObject
from trueup.model.status import OperationPhase, OperationState, ResultCode
from trueup.model.tracking import owner_instance
from trueup.plan.build import build
from trueup.plan.hooks import Run, hook_keys, run_of
from trueup.plan.record import advance
from trueup.plan.results import result_of
from trueup.plan.step import next_step
from trueup.plan.task import Act, DeleteHookTask, Finish, ReleaseHookTask, RunHookTask, Wait
from trueup.plan.validate import validate

WEB = manifest("ConfigMap", "web")
ARGO, ARGO_POLICY = "argocd.argoproj.io/hook", "argocd.argoproj.io/hook-delete-policy"
WAVE = "argocd.argoproj.io/sync-wave"

CLASSES = {
    "a valid type": ({ARGO: "PreSync"}, True, {"PreSync"}),
    "several types": ({ARGO: "PreSync, PostSync"}, True, {"PreSync", "PostSync"}),
    "an invalid value is a hook without a phase": ({ARGO: "Whenever"}, True, set()),
    "an empty value is a hook without a phase": ({ARGO: ""}, True, set()),
    "Skip alone runs never": ({ARGO: "Skip"}, True, set()),
    "Skip beside another does not count": ({ARGO: "Skip,Sync"}, True, {"Sync"}),
    "delete hooks run in no sync": ({ARGO: "PreDelete"}, True, set()),
    "a delete hook that names a sync phase too runs in it": ({ARGO: "PostDelete,PostSync"}, True, {"PostSync"}),
    "Helm's install and upgrade hooks are one": ({HELM_HOOK: "pre-install,pre-upgrade"}, True, {"PreSync"}),
    "Helm's post-upgrade": ({HELM_HOOK: "post-upgrade"}, True, {"PostSync"}),
    "Helm's crd-install is a plain object": ({HELM_HOOK: "crd-install"}, False, set()),
    "Helm's test hooks never run": ({HELM_HOOK: "test"}, True, set()),
    "a valid Argo CD value switches Helm's off": ({ARGO: "Sync", HELM_HOOK: "pre-install"}, True, {"Sync"}),
    "an invalid one falls back to Helm's": ({ARGO: "no", HELM_HOOK: "pre-install"}, True, {"PreSync"}),
    "no annotation": ({}, False, set()),
}


@pytest.mark.parametrize(("annotations", "hook", "phases"), CLASSES.values(), ids=CLASSES.keys())
def test_classification(annotations: dict[str, str], hook: bool, phases: set[str]) -> None:
    assert is_hook(annotations) is hook
    assert {phase.value for phase in sync_phases(annotations)} == phases


def test_skip_is_a_type_of_its_own() -> None:
    assert hook_types({ARGO: "Skip"}) == {"Skip"}


@pytest.mark.parametrize(
    ("revision", "short"),
    [
        ("0123456789" * 4, "0123456"),
        ("1.0.0+b.1", "1-0-0-b"),
        ("1.0.0", "1-0-0"),
        ("v1", "v1"),
        (f"sha256:{'ab' * 32}", "abababa"),
    ],
)
def test_a_generated_name_has_of_a_revision_what_a_name_may_have(revision: str, short: str) -> None:
    made, zero = (Run(revision=each, started_at="2026-01-02T03:04:05Z") for each in (revision, "0" * 40))
    assert made.name("before-", "PreSync") == zero.name("before-", "PreSync").replace("0000000", short, 1)


POLICIES = {
    "none means BeforeHookCreation": ({}, {"BeforeHookCreation"}),
    "an unknown one counts as none": ({ARGO_POLICY: "Sometimes"}, {"BeforeHookCreation"}),
    "both notations are united": (
        {ARGO_POLICY: "HookFailed", HELM_HOOK_DELETE_POLICY: "hook-succeeded"},
        {"HookFailed", "HookSucceeded"},
    ),
}


@pytest.mark.parametrize(("annotations", "expected"), POLICIES.values(), ids=POLICIES.keys())
def test_delete_policies(annotations: dict[str, str], expected: set[str]) -> None:
    assert {policy.value for policy in delete_policies(annotations)} == expected


WAVES = {
    "the wave": ({WAVE: "-3"}, -3),
    "a weight stands in for an absent wave": ({HELM_HOOK_WEIGHT: "7"}, 7),
    "a weight stands in for a malformed wave": ({WAVE: "1.5", HELM_HOOK_WEIGHT: "7"}, 7),
    "a valid wave beats the weight": ({WAVE: "1", HELM_HOOK_WEIGHT: "7"}, 1),
    "digits with underscores are no integer": ({WAVE: "1_0"}, 0),
    "neither": ({}, 0),
}


@pytest.mark.parametrize(("annotations", "expected"), WAVES.values(), ids=WAVES.keys())
def test_waves(annotations: dict[str, str], expected: int) -> None:
    assert wave_of(annotations) == expected


def hook_task(running: OperationState) -> RunHookTask:
    (task,) = build(running, facts([manifest("Job", "db", hook="PreSync")])).tasks
    assert isinstance(task, RunHookTask)
    return task


def ours(running: OperationState, *, deletion_timestamp: str = "") -> LiveObject:
    """The object of this operation's hook."""
    task = hook_task(running)
    return live_of(task.manifest, uid="ours", finalizers=(HOOK_FINALIZER,), deletion_timestamp=deletion_timestamp)


def test_a_generated_name_is_made_of_revision_phase_and_start_and_is_the_same_every_time() -> None:
    job = manifest("Job", "", generate_name="db-", hook="PreSync")
    (task,) = build(state(), facts([job])).tasks
    assert task.key.name == "db-0123456-presync-1767323045"
    assert hook_keys(state(), facts([job]).comparison) == {task.key}
    assert isinstance(task, RunHookTask)
    assert task.manifest.object()["metadata"]["name"] == task.key.name
    assert "generateName" not in task.manifest.object()["metadata"]


def test_a_further_attempt_gets_a_name_and_an_identity_of_its_own() -> None:
    first, again = (run_of(state(retry_count=count), facts().comparison) for count in (0, 2))
    assert again.name("db-", "Sync") == first.name("db-", "Sync") + "-2"
    assert again.id("Sync") != first.id("Sync")


GENERATED = {
    "two hooks of one kind": ([("Job", "db-"), ("Job", "db-")], ["db-{run}", "db-{run}-0-1"]),
    "three": ([("Job", "db-")] * 3, ["db-{run}", "db-{run}-0-1", "db-{run}-0-2"]),
    "of two kinds are no namesakes": ([("Job", "db-"), ("ConfigMap", "db-")], ["db-{run}", "db-{run}"]),
    "of two prefixes": ([("Job", "a-"), ("Job", "b-")], ["a-{run}", "b-{run}"]),
    "a long prefix gives way": ([("Job", "x" * 60)], ["x" * 37 + "{run}"]),
    "so do two that then are alike": (
        [("Job", "x" * 60 + "a"), ("Job", "x" * 60 + "b")],
        ["x" * 37 + "{run}", "x" * 33 + "{run}-0-1"],
    ),
}


@pytest.mark.parametrize(("hooks", "names"), GENERATED.values(), ids=GENERATED.keys())
def test_hooks_with_one_generate_name_are_each_run_once(hooks: list[tuple[str, str]], names: list[str]) -> None:
    run_name = "0123456-presync-1767323045"
    manifests = [manifest(kind, "", generate_name=prefix, hook="PreSync") for kind, prefix in hooks]
    cluster = ToyCluster([*manifests, WEB])
    assert not validate(state(), facts(manifests))
    ended = run(cluster, state(), replay=range(20), lose=(0, 2))
    assert ended.phase is OperationPhase.SUCCEEDED
    assert sorted(key.name for key in cluster.created) == sorted([*(n.format(run=run_name) for n in names), "web"])
    assert all(len(key.name) <= 63 for key in cluster.created)


def test_names_of_a_second_hook_and_of_a_second_attempt_differ() -> None:
    hooks = [manifest("Job", "", generate_name="db-", hook="PreSync")] * 2
    tries = [hook_keys(state(retry_count=count), facts(hooks).comparison) for count in range(4)]
    assert len(frozenset().union(*tries)) == 8


def test_a_generated_name_completes_the_tracking_id() -> None:
    marked = {TRACKING_ID: "shop:batch/Job:shop/"}
    (task,) = build(
        state(), facts([manifest("Job", "", generate_name="db-", hook="PreSync", annotations=marked)])
    ).tasks
    assert isinstance(task, RunHookTask)
    assert owner_instance(task.manifest.annotations, task.key) == "shop", "its deletion takes the object along"


def test_a_hook_is_created_with_its_run_and_our_finalizer() -> None:
    task = hook_task(state())
    metadata = task.manifest.object()["metadata"]
    assert metadata["finalizers"] == [HOOK_FINALIZER]
    assert metadata["annotations"][OPERATION_ID] == task.run_id


def test_an_object_of_the_same_run_is_awaited_and_never_created_again() -> None:
    running = state()
    job = manifest("Job", "db", hook="PreSync")
    step = next_step(running, facts([job, WEB], live=[ours(running)], health={"db": HealthCode.PROGRESSING}), START)
    assert isinstance(step, Wait)
    assert step.message == "waiting for completion of hook batch/Job/db"


def test_an_object_of_an_earlier_run_is_deleted_first() -> None:
    job = manifest("Job", "db", hook="PreSync")
    step = next_step(state(), facts([job, WEB], live=[live_of(job, uid="old")]), START)
    assert isinstance(step, Act)
    assert [(type(task), getattr(task, "uid", "")) for task in step.tasks] == [(DeleteHookTask, "old")]


def test_an_object_that_cannot_be_deleted_fails_its_hook() -> None:
    running, seen = state(), facts([manifest("Job", "db", hook="PreSync")], live=[live_of(manifest("Job", "db"))])
    step = next_step(running, seen, START)
    assert isinstance(step, Act)
    (task,) = step.tasks
    assert isinstance(task, DeleteHookTask)
    after = advance(running, step, [result_of(task, ResultCode.SYNC_FAILED, "may not")], START)
    verdict = next_step(after, seen, START)
    assert isinstance(verdict, Finish)
    assert verdict.message == "one or more objects failed to apply, reason: may not"


def test_an_object_that_is_already_going_is_waited_for() -> None:
    job = manifest("Job", "db", hook="PreSync")
    going = live_of(job, uid="old", deletion_timestamp="2026-01-01T00:00:00Z")
    step = next_step(state(), facts([job, WEB], live=[going]), START)
    assert isinstance(step, Wait)
    assert step.message == "waiting for deletion of batch/Job/db"


def test_without_before_hook_creation_the_object_is_written_over() -> None:
    job = manifest("Job", "db", hook="PreSync", policy="HookSucceeded")
    step = next_step(state(), facts([job], live=[live_of(job, uid="old")]), START)
    assert isinstance(step, Act)
    assert [type(task) for task in step.tasks] == [RunHookTask]


JUDGED = {
    "healthy is success": (HealthCode.HEALTHY, "Succeeded"),
    "degraded is failure": (HealthCode.DEGRADED, "Failed"),
    "unknown is failure": (HealthCode.UNKNOWN, "Failed"),
    "a kind without health succeeds at once": (None, "Succeeded"),
    "progressing runs": (HealthCode.PROGRESSING, "Running"),
    "suspended runs": (HealthCode.SUSPENDED, "Running"),
}


@pytest.mark.parametrize(("health", "phase"), JUDGED.values(), ids=JUDGED.keys())
def test_judgement(health: HealthCode | None, phase: str) -> None:
    running = state()
    seen = facts([manifest("Job", "db", hook="PreSync")], live=[ours(running)], health={"db": health})
    step = next_step(running, seen, START)
    assert [result.hook_phase for result in step.results] == [phase]
    assert step.results[0].hook_type == "PreSync"


GONE = {
    "an object that vanished": [],
    "an object that somebody deletes while it runs": [ours(state(), deletion_timestamp="2026-01-02T03:04:06Z")],
    "an object that was replaced": [live_of(manifest("Job", "db"), uid="foreign")],
}


@pytest.mark.parametrize("live", GONE.values(), ids=GONE.keys())
def test_a_running_hook_that_is_lost_fails(live: list[LiveObject]) -> None:
    running = state(results=[result_of(hook_task(state()), ResultCode.SYNCED, "")])
    seen = facts([manifest("Job", "db", hook="PreSync"), WEB], live=live, health={"db": HealthCode.PROGRESSING})
    step = next_step(running, seen, START)
    assert step.results[0].hook_phase == "Failed"
    assert step.results[0].message == "deleted while the operation was running"


def test_the_end_of_a_hook_is_on_record_before_its_object_goes() -> None:
    running = state(results=[result_of(hook_task(state()), ResultCode.SYNCED, "")])
    job = manifest("Job", "db", hook="PreSync", policy="HookSucceeded")
    (task,) = build(running, facts([job])).tasks
    assert isinstance(task, RunHookTask)
    live = live_of(task.manifest, uid="ours", finalizers=(HOOK_FINALIZER,))
    seen = facts([job], live=[live], health={"db": HealthCode.HEALTHY})
    first = next_step(running, seen, START)
    assert isinstance(first, Wait)
    assert first.after == 0.0
    second = next_step(advance(running, first, [], START), seen, START)
    assert isinstance(second, Finish)
    assert [(type(item), item.uid) for item in second.cleanup] == [(DeleteHookTask, "ours")]
    assert second.message == "successfully synced (no more tasks)"


ENDINGS = {
    "HookSucceeded goes at a successful end": ("HookSucceeded", False, []),
    "HookSucceeded stays at a failed end": ("HookSucceeded", True, ["db"]),
    "HookFailed goes at a failed end": ("HookFailed", True, []),
    "HookFailed stays at a successful end": ("HookFailed", False, ["db"]),
    "BeforeHookCreation stays until the next run": ("BeforeHookCreation", False, ["db"]),
}


@pytest.mark.parametrize(("policy", "fails", "left"), ENDINGS.values(), ids=ENDINGS.keys())
def test_delete_policies_at_the_end(policy: str, fails: bool, left: list[str]) -> None:
    cluster = ToyCluster([manifest("Job", "db", hook="PreSync", policy=policy)], failing=["db"] if fails else [])
    ended = run(cluster, state())
    assert ended.phase is (OperationPhase.FAILED if fails else OperationPhase.SUCCEEDED)
    assert [key.name for key in cluster.objects] == left
    assert all(not found.finalizers for found in cluster.objects.values()), "a hook that has ended is released"


def test_a_hook_of_two_phases_is_a_new_object_in_the_second() -> None:
    cluster = ToyCluster([manifest("Job", "db", hook="PreSync,PostSync"), WEB])
    run(cluster, state())
    assert [key.name for key in cluster.created] == ["db", "web", "db"]


def test_phases_follow_each_other() -> None:
    hooks = [manifest("Job", f"job-{phase}", hook=phase) for phase in ("PostSync", "PreSync", "Sync", "SyncFail")]
    cluster = ToyCluster([*hooks, WEB])
    ended = run(cluster, state())
    assert [key.name for key in cluster.created] == ["job-PreSync", "web", "job-Sync", "job-PostSync"]
    assert ended.phase is OperationPhase.SUCCEEDED


def test_sync_fail_hooks_run_after_a_failure_and_the_operation_stays_failed() -> None:
    cluster = ToyCluster(
        [manifest("Job", "db", hook="PreSync"), manifest("Job", "rescue", hook="SyncFail"), WEB], failing=["db"]
    )
    ended = run(cluster, state())
    assert [key.name for key in cluster.created] == ["db", "rescue"]
    assert (ended.phase, ended.message) == (
        OperationPhase.FAILED,
        "one or more synchronization tasks completed unsuccessfully",
    )


def test_sync_fail_hooks_run_when_an_object_is_refused() -> None:
    cluster = ToyCluster([manifest("Job", "rescue", hook="SyncFail"), WEB], refusing=["web"])
    ended = run(cluster, state())
    assert [key.name for key in cluster.created] == ["rescue"]
    assert ended.message == "one or more objects failed to apply, reason: ConfigMap shop/web refused"


def test_terminating_deletes_what_runs_releases_what_has_ended_and_writes_nothing() -> None:
    running = state(phase=OperationPhase.TERMINATING, results=[result_of(hook_task(state()), ResultCode.SYNCED, "")])
    seen = facts(
        [manifest("Job", "db", hook="PreSync"), WEB], live=[ours(running)], health={"db": HealthCode.PROGRESSING}
    )
    step = next_step(running, seen, START)
    assert isinstance(step, Finish)
    assert [(type(item), item.uid) for item in step.cleanup] == [(DeleteHookTask, "ours")]
    ended = advance(running, step, [], START)
    assert (ended.phase, ended.message) == (OperationPhase.FAILED, "Operation terminated")
    assert [result.hook_phase for result in step.results] == ["Failed"]


def test_terminating_releases_a_hook_that_has_ended() -> None:
    running = state(phase=OperationPhase.TERMINATING)
    seen = facts([manifest("Job", "db", hook="PreSync")], live=[ours(running)], health={"db": HealthCode.HEALTHY})
    step = next_step(running, seen, START)
    assert isinstance(step, Finish)
    assert [type(item) for item in step.cleanup] == [ReleaseHookTask]


def test_no_terminated_operation_is_tried_again() -> None:
    running = state(phase=OperationPhase.TERMINATING, automated=True)
    ended = advance(running, next_step(running, facts([WEB]), START), [], START)
    assert ended.phase is OperationPhase.FAILED
