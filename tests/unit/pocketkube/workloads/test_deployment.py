"""A rollout by ReplicaSets: what grows and shrinks when, what is kept, what is told of it."""

from typing import Any

import pytest
from tests.unit.pocketkube.workloads.objects import (
    BEFORE,
    LABELS,
    MOMENT,
    NOW,
    TEMPLATE,
    condition,
    owned,
    status_of,
    told,
    workload,
)

from pocketkube.workloads import Create, Object, PatchObject
from pocketkube.workloads.deployment import decide
from pocketkube.workloads.strategy import DESIRED, MAXIMUM, REVISION, REVISION_HISTORY, max_surge, max_unavailable


def deployment(status: dict[str, Any] | None = None, annotations: dict[str, str] | None = None, **spec: Any) -> Object:
    return workload("Deployment", {"replicas": 4, **spec}, status=status, annotations=annotations or {})


def image(number: int) -> Object:
    return {**TEMPLATE, "spec": {"containers": [{"name": "c", "image": f"web:{number}"}]}}


def replica_set(
    name: str,
    number: int,
    size: int,
    available: int | None = None,
    *,
    noted: int = 4,
    revision: int | None = None,
    **status: Any,
) -> Object:
    """The ReplicaSet of ``web:NUMBER``."""
    there = size if available is None else available
    made = workload("ReplicaSet", {"replicas": size, "template": image(number)}, name=name, uid=f"uid-{name}")
    made["metadata"]["labels"] = LABELS
    made["metadata"]["creationTimestamp"] = f"2026-01-02T03:0{number}:00Z"
    made["metadata"]["annotations"] = {
        DESIRED: str(noted),
        MAXIMUM: str(noted + 1),
        REVISION: str(number if revision is None else revision),
    }
    counts = {"replicas": size, "readyReplicas": there, "availableReplicas": there, "observedGeneration": 1}
    made["status"] = {**counts, **status}
    return owned(made, deployment())


RECREATE: dict[str, Any] = {"strategy": {"type": "Recreate"}}
GENTLE: dict[str, Any] = {"strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}}}
BOLD: dict[str, Any] = {"strategy": {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "50%"}}}
DONE: dict[str, Any] = {"updatedReplicas": 4, "replicas": 4, "availableReplicas": 4, "observedGeneration": 1}
STEPS: dict[str, tuple[Object, list[Object], list[str]]] = {
    "of a new one all Pods come at once": (deployment(template=image(1)), [], ["create ReplicaSet web-"]),
    "a new template begins with what the surge allows": (
        deployment(template=image(2), **GENTLE),
        [replica_set("old", 1, 4)],
        ["create ReplicaSet web-"],
    ),
    "an old Pod goes when a new one is there": (
        deployment(template=image(2), **GENTLE),
        [replica_set("old", 1, 4), replica_set("new", 2, 1)],
        ["size ReplicaSet old 3"],
    ),
    "and none before": (
        deployment(template=image(2), **GENTLE),
        [replica_set("old", 1, 4), replica_set("new", 2, 1, 0)],
        [],
    ),
    "then the new one grows": (
        deployment(template=image(2), **GENTLE),
        [replica_set("old", 1, 3), replica_set("new", 2, 1)],
        ["size ReplicaSet new 2"],
    ),
    "without a surge the old ones go first": (
        deployment(template=image(2), **BOLD),
        [replica_set("old", 1, 4, noted=4), replica_set("new", 2, 0)],
        ["size ReplicaSet old 2"],
    ),
    "what does not run goes first": (
        deployment(template=image(2), **GENTLE),
        [replica_set("old", 1, 4, 3), replica_set("new", 2, 1)],
        ["size ReplicaSet old 3"],
    ),
    "the old ones are emptied before the new one is made": (
        deployment(template=image(2), **RECREATE),
        [replica_set("old", 1, 4)],
        ["size ReplicaSet old 0"],
    ),
    "and are gone": (
        deployment(template=image(2), **RECREATE),
        [replica_set("old", 1, 0, terminatingReplicas=1)],
        [],
    ),
    "then it is made": (
        deployment(template=image(2), **RECREATE),
        [replica_set("old", 1, 0)],
        ["create ReplicaSet web-"],
    ),
    "a template of before is taken up again": (
        deployment(template=image(1), **GENTLE),
        [replica_set("first", 1, 0, revision=1), replica_set("second", 2, 4, revision=2)],
        ["size ReplicaSet first 1"],
    ),
    "a paused one makes nothing": (deployment(template=image(2), paused=True), [replica_set("old", 1, 4)], []),
    "a paused one is scaled all the same": (
        deployment(template=image(1), paused=True, replicas=6),
        [replica_set("now", 1, 4)],
        ["size ReplicaSet now 6"],
    ),
    "in mid-rollout a new size is shared out": (
        deployment(template=image(2), replicas=8, strategy={"rollingUpdate": {"maxSurge": 2}}),
        [replica_set("old", 1, 3), replica_set("new", 2, 2)],
        ["size ReplicaSet old 6", "size ReplicaSet new 4"],
    ),
    "nothing is left of what a saturated one replaces": (
        deployment(template=image(2), paused=True),
        [replica_set("old", 1, 2), replica_set("new", 2, 4)],
        ["size ReplicaSet old 0"],
    ),
    "history beyond its limit goes when the rollout is done": (
        deployment(DONE, template=image(4), revisionHistoryLimit=1),
        [replica_set("a", 1, 0), replica_set("b", 2, 0), replica_set("c", 3, 0), replica_set("d", 4, 4)],
        ["delete ReplicaSet a", "delete ReplicaSet b"],
    ),
    "and not before": (
        deployment(template=image(4), revisionHistoryLimit=0),
        [replica_set("a", 1, 0), replica_set("d", 4, 4)],
        [],
    ),
}


@pytest.mark.parametrize("rule", STEPS)
def test_steps(rule: str) -> None:
    owner, sets, expected = STEPS[rule]
    found = [text for text in told(decide(owner, sets, NOW)) if not text.startswith("patch ")]
    # The name ends with the hash of the template.
    assert [f"{text[:22]}" if text.startswith("create") else text for text in found] == expected


FIRST: dict[str, tuple[dict[str, Any], int]] = {
    "a surge of one": (GENTLE, 1),
    "no surge": (BOLD, 0),
    "nothing is left of the old ones": (RECREATE, 4),
}


@pytest.mark.parametrize("rule", FIRST)
def test_how_large_a_new_replica_set_begins(rule: str) -> None:
    strategy, size = FIRST[rule]
    owner = deployment(template=image(2), **strategy)
    assert made(owner, replica_set("old", 1, 0 if strategy is RECREATE else 4))["spec"]["replicas"] == size


def made(owner: Object, *sets: Object) -> Object:
    """The ReplicaSet that is made."""
    (created,) = [write.object for write in decide(owner, sets, NOW).writes if isinstance(write, Create)]
    return created


def test_a_new_replica_set_has_the_next_revision_and_no_note_of_kubectl() -> None:
    kept = {"team": "a", "kubectl.kubernetes.io/last-applied-configuration": "{}"}
    owner = deployment(annotations=kept, template=image(2), **GENTLE)
    created = made(owner, replica_set("old", 1, 4))
    assert created["metadata"]["annotations"] == {"team": "a", REVISION: "2", DESIRED: "4", MAXIMUM: "5"}


def test_one_that_is_taken_up_again_remembers_its_revisions() -> None:
    owner = deployment(template=image(1), **GENTLE)
    sets = [replica_set("first", 1, 0, revision=1), replica_set("second", 2, 4, revision=2)]
    (body,) = [
        write.body
        for write in decide(owner, sets, NOW).writes
        if isinstance(write, PatchObject) and write.target is sets[0]
    ]
    assert body["metadata"]["annotations"] == {REVISION: "3", REVISION_HISTORY: "1"}


LIMITS: dict[str, tuple[dict[str, Any], tuple[int, int]]] = {
    # strategy: (surge, unavailable) of four
    "percentages: a surge is rounded up, what is missing down": (
        {"rollingUpdate": {"maxSurge": "30%", "maxUnavailable": "30%"}},
        (2, 1),
    ),
    "neither allowed: one may be missing": ({"rollingUpdate": {"maxSurge": 0, "maxUnavailable": "1%"}}, (0, 1)),
    "never more missing than there are": ({"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 9}}, (1, 4)),
    "all at once": ({"type": "Recreate"}, (0, 0)),
}


@pytest.mark.parametrize("rule", LIMITS)
def test_limits(rule: str) -> None:
    strategy, expected = LIMITS[rule]
    owner = deployment(strategy=strategy)
    assert (max_surge(owner), max_unavailable(owner)) == expected


def progressing(reason: str, status: str = "True", at: str = BEFORE) -> dict[str, Any]:
    said = {"type": "Progressing", "status": status, "reason": reason, "lastUpdateTime": at, "lastTransitionTime": at}
    return {"conditions": [said]}


LIMITED: dict[str, Any] = {"progressDeadlineSeconds": 600}
PROGRESS: dict[str, tuple[Object, list[Object], tuple[str, str] | None]] = {
    "a new ReplicaSet": (deployment(template=image(1), **LIMITED), [], ("True", "NewReplicaSetCreated")),
    "one that was there": (
        deployment(progressing("x") | {"conditions": []}, template=image(1), **LIMITED),
        [replica_set("now", 1, 4, 0, replicas=0, readyReplicas=0)],
        ("True", "FoundNewReplicaSet"),
    ),
    "more than before": (
        deployment(progressing("NewReplicaSetCreated"), template=image(1), **LIMITED),
        [replica_set("now", 1, 4, 2)],
        ("True", "ReplicaSetUpdated"),
    ),
    "all of it": (
        deployment(progressing("ReplicaSetUpdated"), template=image(1), **LIMITED),
        [replica_set("now", 1, 4)],
        ("True", "NewReplicaSetAvailable"),
    ),
    "nothing for too long": (
        deployment(
            {**progressing("ReplicaSetUpdated", at="2026-01-02T02:00:00Z"), "replicas": 4, "updatedReplicas": 4},
            template=image(1),
            **LIMITED,
        ),
        [replica_set("now", 1, 4, 0)],
        ("False", "ProgressDeadlineExceeded"),
    ),
    "paused": (
        deployment(progressing("ReplicaSetUpdated"), template=image(1), paused=True, **LIMITED),
        [replica_set("now", 1, 4)],
        ("Unknown", "DeploymentPaused"),
    ),
    "resumed": (
        deployment(
            {**progressing("DeploymentPaused", "Unknown", MOMENT), **DONE, "availableReplicas": 0},
            template=image(1),
            **LIMITED,
        ),
        [replica_set("now", 1, 4, 0)],
        ("Unknown", "DeploymentResumed"),
    ),
    "without a deadline nothing is said": (deployment(template=image(1)), [replica_set("now", 1, 4)], None),
}


@pytest.mark.parametrize("rule", PROGRESS)
def test_progress(rule: str) -> None:
    owner, sets, expected = PROGRESS[rule]
    decision = decide(owner, sets, NOW)
    assert condition(status_of(decision), "Progressing") == expected


def test_the_deadline_is_waited_for() -> None:
    owner = deployment(
        {**progressing("ReplicaSetUpdated"), "replicas": 4, "updatedReplicas": 4}, template=image(1), **LIMITED
    )
    assert decide(owner, [replica_set("now", 1, 4, 0)], NOW).again == 600 - 245 + 1


AVAILABILITY = {4: ("True", "MinimumReplicasAvailable"), 2: ("False", "MinimumReplicasUnavailable")}


@pytest.mark.parametrize("there", AVAILABILITY)
def test_availability(there: int) -> None:
    owner = deployment(template=image(1), **GENTLE)
    status = status_of(decide(owner, [replica_set("now", 1, 4, there)], NOW))
    assert condition(status, "Available") == AVAILABILITY[there]


def test_a_replica_set_that_cannot_make_pods_is_told() -> None:
    failing = replica_set("now", 1, 4, 0)
    said = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "lastTransitionTime": BEFORE}
    failing["status"]["conditions"] = [said]
    status = status_of(decide(deployment(template=image(1)), [failing], NOW))
    assert condition(status, "ReplicaFailure") == ("True", "FailedCreate")


def test_what_is_counted() -> None:
    sets = [replica_set("old", 1, 3), replica_set("new", 2, 2, 1)]
    status = status_of(decide(deployment(template=image(2), **GENTLE), sets, NOW))
    assert {key: value for key, value in status.items() if key.endswith("eplicas")} == {
        **{"replicas": 5, "updatedReplicas": 2, "readyReplicas": 4, "availableReplicas": 4},
        **{"unavailableReplicas": 1, "terminatingReplicas": 0},
    }
