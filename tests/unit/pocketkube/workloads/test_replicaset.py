"""A number of equal Pods: which are made, which go first, what is counted."""

import pytest
from tests.unit.pocketkube.workloads.objects import MOMENT, NOW, owned, pod, status_of, told, workload

from pocketkube.workloads import Object
from pocketkube.workloads.replicaset import DELETION_COST, decide

SET = workload("ReplicaSet", {"replicas": 2})


def mine(*pods: Object) -> list[Object]:
    return [owned(one, SET) for one in pods]


YOUNG, OLD = pod("young", created="2026-01-02T03:02:00Z"), pod("old", created="2026-01-02T03:01:00Z")
DEAR = pod("dear", annotations={DELETION_COST: "9"}, created="2026-01-02T03:03:00Z")
STEPS: dict[str, tuple[list[Object], list[str]]] = {
    "what is missing is made": (mine(pod("a")), ["create Pod web-"]),
    "one that has ended is no replica": (mine(pod("a"), pod("b", "Failed")), ["create Pod web-"]),
    "one that leaves is no replica": (mine(pod("a"), pod("b", leaving=True)), ["create Pod web-"]),
    "one that does not run goes first": (mine(YOUNG, OLD, pod("z", "Pending")), ["delete Pod z"]),
    "then one that is not ready": (mine(YOUNG, OLD, pod("z", ready=False)), ["delete Pod z"]),
    "then the cheapest, however old": (mine(DEAR, YOUNG, OLD), ["delete Pod young"]),
    "an orphan that fits is adopted": ([*mine(pod("a")), pod("b")], ["adopt Pod b"]),
    "one that no longer fits is released": (
        mine(pod("a"), pod("b"), pod("x", labels={"app": "db"})),
        ["release Pod x"],
    ),
    "another owner's is left alone": (
        [*mine(pod("a"), pod("b")), owned(pod("c"), workload("ReplicaSet", {}, uid="other"))],
        [],
    ),
    "enough is enough": (mine(pod("a"), pod("b")), []),
}


@pytest.mark.parametrize("rule", STEPS)
def test_steps(rule: str) -> None:
    pods, expected = STEPS[rule]
    assert told(decide(SET, pods, NOW)) == expected


def test_one_that_is_deleted_makes_none() -> None:
    leaving = {**SET, "metadata": {**SET["metadata"], "deletionTimestamp": MOMENT}}
    assert told(decide(leaving, [], NOW)) == []


def test_what_is_counted() -> None:
    pods = mine(pod("a"), pod("b", ready=False), pod("c", leaving=True))
    assert status_of(decide(SET, pods, NOW)) == {
        **{"replicas": 2, "fullyLabeledReplicas": 2, "readyReplicas": 1, "availableReplicas": 1},
        **{"terminatingReplicas": 1, "observedGeneration": 1},
    }


def test_one_that_was_ready_for_too_short_is_waited_for() -> None:
    slow = workload("ReplicaSet", {"replicas": 1, "minReadySeconds": 10})
    decision = decide(slow, [owned(pod("a", since="2026-01-02T03:04:01Z"), slow)], NOW)
    assert "availableReplicas" not in status_of(decision)
    assert decision.again == 6
