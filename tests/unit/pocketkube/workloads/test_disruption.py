"""How many Pods a budget lets go."""

from typing import Any

import pytest
from tests.unit.pocketkube.workloads.objects import BEFORE, MOMENT, NOW, condition, owned, pod, status_of, workload

from pocketkube.workloads import Object
from pocketkube.workloads.disruption import EVICTION_SECONDS, decide

SET = workload("ReplicaSet", {"replicas": 4})
PODS = [owned(pod(name), SET) for name in "abcd"]
ALONE = [pod(name) for name in "ab"]


def budget(status: dict[str, Any] | None = None, **spec: Any) -> Object:
    return workload("PodDisruptionBudget", {"template": None, **spec}, status=status)


COUNTS: dict[str, tuple[dict[str, Any], list[Object], tuple[int, int, int, int]]] = {
    # spec, what is there: healthy, desired, expected, allowed
    "as many as must be there": ({"minAvailable": 3}, PODS, (4, 3, 4, 1)),
    "a share is of what there should be, rounded up": ({"minAvailable": "30%"}, [SET, *PODS[:3]], (3, 2, 4, 1)),
    "as many as may be missing": ({"maxUnavailable": 1}, [SET, *PODS], (4, 3, 4, 1)),
    "a share of them, rounded up": ({"maxUnavailable": "30%"}, [SET, *PODS], (4, 2, 4, 2)),
    "one that is not ready does not count": ({"minAvailable": 3}, [*PODS[:3], pod("d", ready=False)], (3, 3, 4, 0)),
    "one that leaves does not count": ({"minAvailable": 1}, [pod("a", leaving=True), pod("b")], (1, 1, 2, 0)),
    "one that has ended is none": ({"minAvailable": 1}, [pod("a", "Succeeded"), *ALONE[1:]], (1, 1, 1, 0)),
    "no Pods, nothing to allow": ({"minAvailable": 0}, [], (0, 0, 0, 0)),
    "Pods without a controller count where a number is asked": ({"minAvailable": 1}, ALONE, (2, 1, 2, 1)),
}


@pytest.mark.parametrize("rule", COUNTS)
def test_counts(rule: str) -> None:
    spec, related, expected = COUNTS[rule]
    status = status_of(decide(budget(**spec), related, NOW))
    found = tuple(status[key] for key in ("currentHealthy", "desiredHealthy", "expectedPods", "disruptionsAllowed"))
    assert found == expected
    reason = "SufficientPods" if expected[3] else "InsufficientPods"
    assert condition(status, "DisruptionAllowed") == (str(expected[3] > 0), reason)


def test_the_size_is_that_of_the_deployment_above() -> None:
    above = workload("Deployment", {"replicas": 10})
    below = owned(SET, above)
    status = status_of(decide(budget(maxUnavailable=1), [above, below, *PODS], NOW))
    assert status["expectedPods"] == 10


def test_a_controller_that_nobody_finds_is_told_and_nothing_is_allowed() -> None:
    status = status_of(decide(budget({"disruptionsAllowed": 1}, maxUnavailable=1), PODS, NOW))
    assert status["disruptionsAllowed"] == 0
    assert condition(status, "DisruptionAllowed") == ("False", "SyncFailed")


EVICTED: dict[str, tuple[str, int, float | None]] = {
    "one that was let go a moment ago does not count": (MOMENT, 0, EVICTION_SECONDS),
    "one that has not gone for long counts again": (BEFORE, 1, None),
}


@pytest.mark.parametrize("rule", EVICTED)
def test_evicted(rule: str) -> None:
    at, allowed, again = EVICTED[rule]
    decision = decide(budget({"disruptedPods": {"a": at}}, minAvailable=3), PODS, NOW)
    assert (status_of(decision)["disruptionsAllowed"], decision.again) == (allowed, again)


def test_the_time_of_the_condition_stays_while_its_status_does() -> None:
    said = {"type": "DisruptionAllowed", "status": "True", "reason": "Old", "lastTransitionTime": BEFORE}
    status = status_of(decide(budget({"conditions": [said]}, minAvailable=3), PODS, NOW))
    assert [one["lastTransitionTime"] for one in status["conditions"]] == [BEFORE]
