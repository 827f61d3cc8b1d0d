"""The order of a plan: phase, wave, kind, name; definitions pulled ahead; prunes mirrored."""

import pytest
from tests.support.plans import definition, facts, live_of, manifest, state

from trueup.model.manifest import Manifest
from trueup.plan.build import build
from trueup.plan.explain import explain
from trueup.plan.kinds import kind_rank
from trueup.plan.task import PruneTask

Row = tuple[str, int, str]


def planned(*targets: Manifest, options: tuple[str, ...] = ()) -> list[Row]:
    plan = build(state(), facts(targets, options=options))
    return [(task.phase.value, task.wave, f"{task.key.kind}/{task.key.name}") for task in plan.tasks]


ORDER = {
    "phase precedes wave": (
        [manifest("ConfigMap", "a", wave=-5), manifest("Job", "b", hook="PreSync", wave=9)],
        [("PreSync", 9, "Job/b"), ("Sync", -5, "ConfigMap/a")],
    ),
    "wave precedes kind": (
        [manifest("Namespace", "z", wave=1), manifest("Ingress", "a", wave=0)],
        [("Sync", 0, "Ingress/a"), ("Sync", 1, "Namespace/z")],
    ),
    "kind precedes name": (
        [manifest("Deployment", "a"), manifest("ConfigMap", "b"), manifest("Service", "a"), manifest("Secret", "c")],
        [("Sync", 0, "Secret/c"), ("Sync", 0, "ConfigMap/b"), ("Sync", 0, "Service/a"), ("Sync", 0, "Deployment/a")],
    ),
    "custom resources come last": (
        [manifest("Widget", "a"), manifest("Ingress", "b")],
        [("Sync", 0, "Ingress/b"), ("Sync", 0, "Widget/a")],
    ),
    "a custom resource that shares a built-in kind's name comes last": (
        [manifest("NetworkPolicy", "a", api_version="crd.projectcalico.org/v1"), manifest("ConfigMap", "b")],
        [("Sync", 0, "ConfigMap/b"), ("Sync", 0, "NetworkPolicy/a")],
    ),
    "a namespace is pulled to its first dependant's wave": (
        [manifest("Namespace", "shop", wave=5), manifest("ConfigMap", "a", wave=2), manifest("Secret", "b", wave=7)],
        [("Sync", 2, "Namespace/shop"), ("Sync", 2, "ConfigMap/a"), ("Sync", 7, "Secret/b")],
    ),
    "a namespace is pulled into PreSync by a hook that needs it": (
        [manifest("Namespace", "shop", wave=5), manifest("Job", "a", hook="PreSync", wave=-1)],
        [("PreSync", -1, "Namespace/shop"), ("PreSync", -1, "Job/a")],
    ),
    "a namespace already early enough stays": (
        [manifest("Namespace", "shop", wave=-3), manifest("ConfigMap", "a")],
        [("Sync", -3, "Namespace/shop"), ("Sync", 0, "ConfigMap/a")],
    ),
    "a namespace nothing depends on stays": (
        [manifest("Namespace", "other", wave=5), manifest("ConfigMap", "a")],
        [("Sync", 0, "ConfigMap/a"), ("Sync", 5, "Namespace/other")],
    ),
    "a definition is pulled to the first object of its kind": (
        [definition("example.com", "Widget", wave=3), manifest("Widget", "a", wave=1)],
        [("Sync", 1, "CustomResourceDefinition/widgets.example.com"), ("Sync", 1, "Widget/a")],
    ),
    "a malformed wave counts as none": ([manifest("ConfigMap", "a", wave="two")], [("Sync", 0, "ConfigMap/a")]),
    "a hook runs once in each of its phases": (
        [manifest("Job", "a", hook="PreSync,PostSync")],
        [("PreSync", 0, "Job/a"), ("PostSync", 0, "Job/a")],
    ),
}


@pytest.mark.parametrize(("targets", "expected"), ORDER.values(), ids=ORDER.keys())
def test_tasks_are_ordered(targets: list[Manifest], expected: list[Row]) -> None:
    assert planned(*reversed(targets)) == expected


PRUNES = {
    "one wave keeps its number": ([3], (), {3: 3}),
    "waves swap among the waves that have prunes": ([0, 2, 5], (), {0: 5, 2: 2, 5: 0}),
    "negative waves take part": ([-1, 4], (), {-1: 4, 4: -1}),
    "PruneLast goes one past the highest wave of Sync": ([0, 2], ("PruneLast=true",), {0: 8, 2: 8}),
}


@pytest.mark.parametrize(("waves", "options", "expected"), PRUNES.values(), ids=PRUNES.keys())
def test_prune_waves(waves: list[int], options: tuple[str, ...], expected: dict[int, int]) -> None:
    extra = [live_of(manifest("ConfigMap", f"old{wave}", wave=wave)) for wave in waves]
    targets = [manifest("ConfigMap", "new", wave=7 if options else 0)]
    plan = build(state(prune=True), facts(targets, extra, options=options))
    found = {task.key.name: task.wave for task in plan.tasks if isinstance(task, PruneTask)}
    assert found == {f"old{wave}": place for wave, place in expected.items()}


def test_prune_last_counts_from_wave_zero_at_least_and_the_sync_phase_only() -> None:
    extra = [live_of(manifest("ConfigMap", "old", wave=-9))]
    targets = [manifest("ConfigMap", "a", wave=-4), manifest("Job", "late", hook="PostSync", wave=9)]
    plan = build(state(prune=True), facts(targets, extra, options=["PruneLast=true"]))
    assert [task.wave for task in plan.tasks if isinstance(task, PruneTask)] == [1]


@pytest.mark.parametrize(
    ("group", "kind", "before"),
    [
        ("", "Namespace", ("networking.k8s.io", "NetworkPolicy")),
        ("apiextensions.k8s.io", "CustomResourceDefinition", ("rbac.authorization.k8s.io", "ClusterRole")),
        ("apps", "Deployment", ("apps", "StatefulSet")),
        ("apiregistration.k8s.io", "APIService", ("example.com", "Anything")),
    ],
    ids=lambda value: value if isinstance(value, str) else "/".join(value),
)
def test_kind_table(group: str, kind: str, before: tuple[str, str]) -> None:
    assert kind_rank(group, kind) < kind_rank(*before)


def test_the_plan_reads_as_text() -> None:
    extra = [live_of(manifest("ConfigMap", "old")), live_of(manifest("Secret", "keep", options="Prune=false"))]
    targets = [
        manifest("Job", "db", hook="PreSync"),
        manifest("ConfigMap", "new"),
        manifest("Deployment", "web", wave=1),
    ]
    assert explain(state(prune=True), facts(targets, extra)) == (
        "PreSync wave 0\n"
        "  run hook batch/Job shop/db, delete on BeforeHookCreation\n"
        "Sync wave 0\n"
        "  prune ConfigMap shop/old\n"
        "  apply ConfigMap shop/new\n"
        "Sync wave 1\n"
        "  apply apps/Deployment shop/web\n"
        "Left alone\n"
        "  Secret shop/keep: ignored (no prune)\n"
    )
