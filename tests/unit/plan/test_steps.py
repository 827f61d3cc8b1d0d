"""Waves, gates and verdicts: what the next step is, rule by rule."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
import pytest
from tests.support.plans import START, ToyCluster, facts, live_of, manifest, run, state

from trueup.model.application import SyncOperationResource, SyncStrategy, SyncStrategyApply
from trueup.model.health import HealthCode
from trueup.model.live import LiveObject
from trueup.model.manifest import Manifest
from trueup.model.resource import GroupKind, ResourceKey
from trueup.model.status import OperationPhase, OperationState, ResourceResult, ResultCode, SyncCode
from trueup.plan.build import build
from trueup.plan.record import advance
from trueup.plan.results import merge, result_of
from trueup.plan.step import next_step
from trueup.plan.task import Act, AnyTask, Finish, PruneTask, ReleaseHookTask, RunHookTask, Step, Wait

WEB = manifest("Deployment", "web")
API = manifest("Deployment", "api")
LATER = manifest("ConfigMap", "later", wave=1)
PROGRESSING, HEALTHY, DEGRADED = HealthCode.PROGRESSING, HealthCode.HEALTHY, HealthCode.DEGRADED


def recorded(task: AnyTask, code: ResultCode = ResultCode.SYNCED, message: str = "") -> ResourceResult:
    assert not isinstance(task, ReleaseHookTask)
    return result_of(task, code, message)


def done(targets: Sequence[Manifest], *, code: ResultCode = ResultCode.SYNCED, message: str = "") -> OperationState:
    """An operation that has already written these."""
    plan = build(state(), facts(targets))
    return state(results=[recorded(task, code, message) for task in plan.tasks])


def names(step: Step) -> list[str]:
    assert isinstance(step, Act)
    return [task.key.name for task in step.tasks]


def phases(step: Step) -> dict[str, str]:
    return {result.name: result.hook_phase for result in step.results}


def test_the_first_step_is_the_first_wave_alone() -> None:
    step = next_step(state(), facts([WEB, LATER]), START)
    assert isinstance(step, Act)
    assert names(step) == ["web"]
    assert (step.final, step.closes, step.settles_in) == (False, True, 2.0)


def test_the_last_wave_without_hooks_is_final() -> None:
    step = next_step(state(), facts([WEB]), START)
    assert isinstance(step, Act)
    assert step.final


GATES: dict[str, tuple[list[Manifest], list[Manifest], dict[str, HealthCode | None], str]] = {
    "a wave waits while an earlier one is progressing": (
        [WEB, LATER],
        [WEB],
        {"web": PROGRESSING},
        "waiting for healthy state of apps/Deployment/web",
    ),
    "the message counts the others that hold it up": (
        [WEB, API, LATER],
        [WEB, API],
        {"web": PROGRESSING, "api": PROGRESSING},
        "waiting for healthy state of apps/Deployment/api and 1 more resources",
    ),
    "a suspended object holds its wave": (
        [WEB, LATER],
        [WEB],
        {"web": HealthCode.SUSPENDED},
        "waiting for healthy state of apps/Deployment/web",
    ),
    "a core kind has an empty group in the message": (
        [manifest("Service", "s"), LATER],
        [manifest("Service", "s")],
        {"s": PROGRESSING},
        "waiting for healthy state of /Service/s",
    ),
}


@pytest.mark.parametrize(("targets", "written", "health", "message"), GATES.values(), ids=GATES.keys())
def test_gates_hold(
    targets: list[Manifest], written: list[Manifest], health: dict[str, HealthCode | None], message: str
) -> None:
    step = next_step(done(written), facts(targets, live=[live_of(item) for item in written], health=health), START)
    assert isinstance(step, Wait)
    assert step.message == message


@pytest.mark.parametrize("health", [HEALTHY, None], ids=["a healthy object opens", "a kind without a check opens"])
def test_gates_open(health: HealthCode | None) -> None:
    step = next_step(done([WEB]), facts([WEB, LATER], live=[live_of(WEB)], health={"web": health}), START)
    assert names(step) == ["later"]
    assert phases(step) == {"web": "Succeeded"}


def test_a_degraded_object_fails_the_operation_and_nothing_later_is_written() -> None:
    step = next_step(done([WEB]), facts([WEB, LATER], live=[live_of(WEB)], health={"web": DEGRADED}), START)
    assert isinstance(step, Finish)
    assert (step.phase, step.message) == (
        OperationPhase.FAILED,
        "one or more synchronization tasks completed unsuccessfully",
    )


def test_an_object_that_vanishes_while_it_is_waited_for_fails_the_operation() -> None:
    step = next_step(done([WEB]), facts([WEB, LATER]), START)
    assert isinstance(step, Finish)
    assert step.results[0].message == "deleted while the operation was running"


def test_absence_says_nothing_of_a_kind_that_is_not_watched() -> None:
    seen = facts([WEB, LATER], unwatched=frozenset({GroupKind("apps", "Deployment")}))
    assert names(next_step(done([WEB]), seen, START)) == ["later"]


STALE = {
    "health of an object older than our write does not count": (live_of(WEB, version=41), {WEB.key: "42"}),
    "health of a generation its controller has not seen does not count": (
        live_of(WEB, generation=3, body=msgspec.json.encode({"status": {"observedGeneration": 2}})),
        {},
    ),
}


@pytest.mark.parametrize(("live", "written"), STALE.values(), ids=STALE.keys())
def test_stale_health_keeps_the_gate_shut(live: LiveObject, written: dict[ResourceKey, str]) -> None:
    seen = facts([WEB, LATER], live=[live], health={"web": HEALTHY}, written=written)
    assert isinstance(next_step(done([WEB]), seen, START), Wait)


def test_the_rest_of_an_interrupted_wave_does_not_wait_for_its_first_part() -> None:
    seen = facts([WEB, API, LATER], live=[live_of(WEB)], health={"web": PROGRESSING})
    assert names(next_step(done([WEB]), seen, START)) == ["api"]


def test_the_rest_of_an_interrupted_wave_follows_without_a_pause() -> None:
    seen = facts([WEB, API], live=[live_of(WEB)], health={"web": HEALTHY}, acted_at=START)
    assert names(next_step(done([WEB]), seen, START)) == ["api"]


def test_an_object_of_the_last_wave_is_not_judged_though_a_hook_beside_it_is() -> None:
    targets = [WEB, manifest("Job", "db", hook="Sync")]
    running = done(targets)
    (hook,) = [task for task in build(running, facts(targets)).tasks if isinstance(task, RunHookTask)]
    seen = facts(targets, live=[live_of(WEB), live_of(hook.manifest)], health={"web": DEGRADED, "db": HEALTHY})
    step = next_step(running, seen, START)
    assert phases(step) == {"web": "Running", "db": "Succeeded"}
    ended = next_step(advance(running, step, [], START), seen, START)
    assert isinstance(ended, Finish)
    assert ended.phase is OperationPhase.SUCCEEDED


def test_an_operation_under_way_is_not_stopped_by_a_kind_that_goes() -> None:
    seen = facts([WEB, LATER], live=[live_of(WEB)], health={"web": HEALTHY}, serves=lambda api_version, kind: False)
    assert names(next_step(done([WEB]), seen, START)) == ["later"]


PAUSES = {
    "a wave follows two seconds after the one before": (0.5, 1.5),
    "a pause that is over is over": (2.0, None),
    "a clock that went back does not lengthen it": (-60.0, None),
}


@pytest.mark.parametrize(("elapsed", "left"), PAUSES.values(), ids=PAUSES.keys())
def test_pause_between_waves(elapsed: float, left: float | None) -> None:
    acted = START - timedelta(seconds=elapsed)
    seen = facts([WEB, LATER], live=[live_of(WEB)], health={"web": HEALTHY}, acted_at=acted)
    step = next_step(done([WEB]), seen, START)
    assert (step.after if isinstance(step, Wait) else None) == left


def test_a_success_of_the_final_wave_ends_the_operation_in_the_same_pass() -> None:
    cluster = ToyCluster([WEB])
    running = state()
    step = next_step(running, cluster.observe(running), START)
    ended = advance(running, step, cluster.perform(step), START)
    assert (ended.phase, ended.message) == (OperationPhase.SUCCEEDED, "successfully synced (all tasks run)")
    assert ended.finished_at == "2026-01-02T03:04:05Z"


def test_a_refused_object_does_not_keep_its_wave_from_being_written_but_ends_the_operation() -> None:
    cluster = ToyCluster([WEB, API, LATER], refusing=["api"])
    ended = run(cluster, state())
    assert [key.name for key in cluster.written] == ["web"]
    assert ended.phase is OperationPhase.FAILED
    assert ended.message == "one or more objects failed to apply, reason: apps/Deployment shop/api refused"


def test_a_task_without_an_outcome_keeps_the_operation_running() -> None:
    running = state()
    step = next_step(running, facts([WEB, API]), START)
    assert isinstance(step, Act)
    ended = advance(running, step, [recorded(step.tasks[0])], START)
    assert ended.phase is OperationPhase.RUNNING
    assert names(next_step(ended, facts([WEB, API], live=[live_of(API)]), START)) == ["web"]


def test_an_application_without_objects_succeeds() -> None:
    step = next_step(state(), facts(), START)
    assert isinstance(step, Finish)
    assert (step.phase, step.message) == (OperationPhase.SUCCEEDED, "successfully synced (no more tasks)")


SKIPS = {
    "pruning that nobody asked for is skipped": (False, "", "ignored (requires pruning)"),
    "Prune=false on the live object skips it": (True, "Prune=false", "ignored (no prune)"),
}


@pytest.mark.parametrize(("prune", "options", "message"), SKIPS.values(), ids=SKIPS.keys())
def test_skipped_prunes_are_recorded_and_hold_up_nothing(prune: bool, options: str, message: str) -> None:
    running = state(prune=prune)
    extra = [live_of(manifest("ConfigMap", "old", options=options, wave=9))]
    cluster = ToyCluster([manifest("ConfigMap", "new")], extra)
    ended = run(cluster, running)
    assert ended.sync_result is not None
    old = next(result for result in ended.sync_result.resources if result.name == "old")
    assert (old.status, old.message, old.hook_phase) == ("PruneSkipped", message, "Succeeded")
    assert not cluster.pruned


def test_an_option_of_the_live_object_overrides_the_application() -> None:
    extra = [live_of(manifest("ConfigMap", "old", options="Prune=true"))]
    plan = build(state(prune=True), facts([], extra, options=["Prune=false"]))
    assert [type(task) for task in plan.tasks] == [PruneTask]


def test_prunes_come_before_applies_of_their_wave() -> None:
    cluster = ToyCluster([manifest("ConfigMap", "a")], [live_of(manifest("Service", "z"))])
    run(cluster, state(prune=True))
    assert [(verb, key.name) for verb, key in cluster.order] == [("prune", "z"), ("write", "a")]


def test_what_follows_waits_for_a_pruned_object_to_be_gone() -> None:
    old = live_of(manifest("ConfigMap", "old", wave=0), deletion_timestamp="2026-01-02T03:04:06Z")
    plan = build(state(prune=True), facts([LATER], [old]))
    running = state(prune=True, results=[recorded(plan.tasks[0], ResultCode.PRUNED, "pruned")])
    step = next_step(running, facts([LATER], [old]), START)
    assert isinstance(step, Wait)
    assert step.message == "waiting for deletion of /ConfigMap/old"


CONSENT = {
    "no approval": (None, True),
    "an approval older than the operation": (START - timedelta(seconds=1), True),
    "an approval since it began": (START, False),
}


@pytest.mark.parametrize(("approved", "waits"), CONSENT.values(), ids=CONSENT.keys())
def test_prune_confirm_waits_for_consent(approved: datetime | None, waits: bool) -> None:
    extra = [live_of(manifest("ConfigMap", "old", options="Prune=confirm"))]
    step = next_step(state(prune=True), facts([], extra, approved_at=approved), START)
    if waits:
        assert isinstance(step, Wait)
        assert step.message == "waiting for pruning confirmation of /ConfigMap/old"
    else:
        assert names(step) == ["old"]


SELECTED = {
    "a namespace left out matches any": ({"kind": "ConfigMap", "name": "later"}, ["later"]),
    "a namespace given has to match": ({"kind": "ConfigMap", "name": "later", "namespace": "else"}, []),
    "the group has to match": ({"kind": "Deployment", "name": "web"}, []),
    "no hook runs": ({"group": "apps", "kind": "Deployment", "name": "web"}, ["web"]),
}


@pytest.mark.parametrize(("entry", "expected"), SELECTED.values(), ids=SELECTED.keys())
def test_selective_sync(entry: dict[str, str], expected: list[str]) -> None:
    running = state(resources=[SyncOperationResource(**entry)])
    plan = build(running, facts([WEB, LATER, manifest("Job", "hook", hook="PreSync")]))
    assert [task.key.name for task in plan.tasks] == expected


def test_the_apply_strategy_runs_no_hooks() -> None:
    running = state(sync_strategy=SyncStrategy(apply=SyncStrategyApply()))
    plan = build(running, facts([WEB, manifest("Job", "hook", hook="PreSync")]))
    assert [task.key.name for task in plan.tasks] == ["web"]


def test_apply_out_of_sync_only_leaves_synced_objects_out_but_keeps_those_it_has_just_written() -> None:
    seen = facts([WEB, API, LATER], live=[live_of(WEB), live_of(API)], options=["ApplyOutOfSyncOnly=true"])
    pairs = [
        msgspec.structs.replace(pair, status=SyncCode.SYNCED if pair.key.kind == "Deployment" else pair.status)
        for pair in seen.comparison.resources
    ]
    seen = msgspec.structs.replace(seen, comparison=msgspec.structs.replace(seen.comparison, resources=tuple(pairs)))
    assert [task.key.name for task in build(state(), seen).tasks] == ["later"]
    assert [task.key.name for task in build(done([WEB]), seen).tasks] == ["web", "later"]


def test_a_dry_run_asks_everything_at_once_and_then_ends() -> None:
    running = state(dry_run=True, prune=True)
    seen = facts([WEB, LATER], [live_of(manifest("ConfigMap", "old"))])
    step = next_step(running, seen, START)
    assert isinstance(step, Act)
    assert step.dry_run
    assert sorted(names(step)) == ["later", "old", "web"]
    outcomes = [recorded(task) for task in step.tasks]
    interrupted = next_step(advance(running, step, outcomes[:1], START), seen, START)
    assert sorted([*names(interrupted), outcomes[0].name]) == ["later", "old", "web"]
    ended = advance(running, step, outcomes, START)
    assert (ended.phase, ended.message) == (OperationPhase.SUCCEEDED, "successfully synced (all tasks run) (dry run)")


def test_results_of_one_object_and_phase_are_kept_once() -> None:
    first = ResourceResult(kind="A", name="a", sync_phase="Sync", message="1")
    other = ResourceResult(kind="A", name="a", sync_phase="PreSync", message="2")
    later = ResourceResult(kind="A", name="a", sync_phase="Sync", message="3")
    assert [result.message for result in merge([first, other], [later])] == ["3", "2"]
