"""Laws of the planner, over random applications, failures and accidents."""

from collections import Counter
from random import Random

import hypothesis.strategies as st
from hypothesis import given, settings
from tests.support.plans import ToyCluster, facts, live_of, manifest, run, state

from trueup.model.hooks import sync_phases
from trueup.model.live import LiveObject
from trueup.model.manifest import Manifest
from trueup.model.status import OperationPhase, OperationState
from trueup.plan.build import build
from trueup.plan.order import place_key
from trueup.plan.task import ApplyTask, PruneTask, RunHookTask

WAVES = st.integers(-3, 3)
KINDS = st.sampled_from(["ConfigMap", "Secret", "Deployment", "Service", "Widget"])
PLAIN = st.builds(lambda kind, name, wave: manifest(kind, name, wave=wave), KINDS, st.sampled_from("abcd"), WAVES)
HOOKS = st.builds(
    lambda name, types, policy, wave: manifest("Job", f"hook-{name}", hook=types, policy=policy, wave=wave),
    st.sampled_from("xyz"),
    st.sampled_from(["PreSync", "Sync", "PostSync", "SyncFail", "PreSync,PostSync"]),
    st.sampled_from(["", "HookSucceeded", "HookFailed", "BeforeHookCreation,HookSucceeded"]),
    WAVES,
)
TARGETS = st.lists(PLAIN | HOOKS, max_size=9, unique_by=lambda target: target.key)
OLD = st.lists(
    st.builds(
        lambda name, wave: live_of(manifest("ConfigMap", f"old-{name}", wave=wave)), st.sampled_from("ef"), WAVES
    ),
    max_size=2,
    unique_by=lambda found: found.key,
)
FAILING = st.frozensets(st.sampled_from(["a", "hook-x", "hook-y"]))
PASSES = st.frozensets(st.integers(0, 12))
Outcome = tuple[OperationPhase, frozenset[tuple[str, str, str, str]]]


def outcome(ended: OperationState) -> Outcome:
    """The verdict with what is on record: messages and the order of repetition aside."""
    resources = ended.sync_result.resources if ended.sync_result else []
    return ended.phase, frozenset((item.kind, item.name, item.sync_phase, item.status) for item in resources)


@given(TARGETS, OLD, st.randoms(use_true_random=False))
def test_the_order_is_total_and_does_not_depend_on_the_input(
    targets: list[Manifest], old: list[LiveObject], random: Random
) -> None:
    shuffled = list(targets)
    random.shuffle(shuffled)
    first = [task.order for task in build(state(prune=True), facts(targets, old)).tasks]
    again = [task.order for task in build(state(prune=True), facts(shuffled, old)).tasks]
    assert len(set(first)) == len(first)
    assert first == sorted(first) == again


@given(TARGETS, OLD)
def test_every_target_appears_exactly_once_in_each_of_its_phases_and_nothing_else_does(
    targets: list[Manifest], old: list[LiveObject]
) -> None:
    plan = build(state(prune=True), facts(targets, old))
    expected = Counter(
        (target.key, phase)
        for target in targets
        for phase in ([entry.value for entry in sync_phases(target.annotations)] or ["Sync"])
    )
    written = [task for task in plan.tasks if isinstance(task, ApplyTask | RunHookTask)]
    assert Counter((task.key, task.phase.value) for task in written) == expected
    assert {task.key for task in plan.tasks if isinstance(task, PruneTask)} == {found.key for found in old}


@given(TARGETS, OLD, FAILING, st.booleans())
@settings(max_examples=60, deadline=None)
def test_an_operation_ends_writes_nothing_outside_its_plan_and_succeeds_unless_something_fails(
    targets: list[Manifest], old: list[LiveObject], failing: frozenset[str], prune: bool
) -> None:
    cluster = ToyCluster(targets, old, failing=failing)
    ended = run(cluster, state(prune=prune))
    assert set(cluster.written) <= {target.key for target in targets}
    assert set(cluster.pruned) <= ({found.key for found in old} if prune else set())
    if not failing:
        assert ended.phase is OperationPhase.SUCCEEDED
        due = {target.key for target in targets if "SyncFail" not in target.annotations.values()}
        assert set(cluster.written) == due


@given(TARGETS, OLD, FAILING, PASSES, PASSES)
@settings(max_examples=80, deadline=None)
def test_passes_lost_or_carried_out_twice_change_nothing_and_run_no_hook_again(
    targets: list[Manifest], old: list[LiveObject], failing: frozenset[str], twice: frozenset[int], lost: frozenset[int]
) -> None:
    calm, rough = ToyCluster(targets, old, failing=failing), ToyCluster(targets, old, failing=failing)
    smooth = run(calm, state(prune=True))
    shaken = run(rough, state(prune=True), replay=twice, lose=lost)
    assert shaken.phase is smooth.phase
    jobs = [Counter(key for key in cluster.created if key.kind == "Job") for cluster in (calm, rough)]
    assert jobs[0] == jobs[1]
    assert rough.objects.keys() == calm.objects.keys()


@given(TARGETS, OLD)
@settings(max_examples=60, deadline=None)
def test_writes_follow_the_waves(targets: list[Manifest], old: list[LiveObject]) -> None:
    cluster = ToyCluster(targets, old)
    plan = build(state(), cluster.observe(state()))
    places = {}
    for task in plan.tasks:
        if isinstance(task, ApplyTask):
            places[task.key] = place_key((task.phase, task.wave))
    run(cluster, state())
    applied = [places[key] for key in cluster.written if key in places]
    assert applied == sorted(applied)
