"""The size that an autoscaler asks for, and why."""

from typing import Any

import pytest
from tests.unit.pocketkube.workloads.objects import NOW, condition, status_of, told, workload

from pocketkube.wishes import UTILIZATION
from pocketkube.workloads import Object
from pocketkube.workloads.autoscaler import decide

CPU = {
    "type": "Resource",
    "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}},
}
MEMORY = {"type": "Resource", "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1Gi"}}}


def autoscaler(percent: str = "", kind: str = "Deployment", **spec: Any) -> Object:
    filled = {
        "scaleTargetRef": {"kind": kind, "name": "web"},
        "minReplicas": 2,
        "maxReplicas": 10,
        "metrics": [CPU],
        "selector": None,
        "template": None,
    }
    annotations = {UTILIZATION: percent} if percent else {}
    return workload("HorizontalPodAutoscaler", {**filled, **spec}, annotations=annotations)


def target(size: int, kind: str = "Deployment") -> Object:
    return workload(kind, {"replicas": size})


SIZES: dict[str, tuple[Object, int, list[str]]] = {
    "at its target it stays": (autoscaler(), 3, []),
    "a little more is no matter": (autoscaler("110"), 3, []),
    "more load, more Pods, rounded up": (autoscaler("150%"), 3, ["size Deployment web 5"]),
    "less load, fewer Pods, rounded up": (autoscaler("50"), 5, ["size Deployment web 3"]),
    "never fewer than the least": (autoscaler("1"), 5, ["size Deployment web 2"]),
    "never more than the most": (autoscaler("300"), 9, ["size Deployment web 10"]),
    "at most twice as many at a time": (autoscaler("900"), 3, ["size Deployment web 6"]),
    "but four of a few": (autoscaler("900", minReplicas=1), 1, ["size Deployment web 4"]),
    "below the least it is brought there": (autoscaler(), 1, ["size Deployment web 2"]),
    "above the most it is brought there": (autoscaler(), 20, ["size Deployment web 10"]),
    "one that was put to sleep is left asleep": (autoscaler(), 0, []),
    "a percentage that nobody can read is none": (autoscaler("lots"), 3, []),
}


@pytest.mark.parametrize("rule", SIZES)
def test_sizes(rule: str) -> None:
    scaler, size, expected = SIZES[rule]
    assert told(decide(scaler, [target(size)], NOW)) == expected


SAID: dict[str, tuple[Object, list[Object], dict[str, tuple[str, str]]]] = {
    "all is well": (
        autoscaler(),
        [target(3)],
        {
            "AbleToScale": ("True", "ReadyForNewScale"),
            "ScalingActive": ("True", "ValidMetricFound"),
            "ScalingLimited": ("False", "DesiredWithinRange"),
        },
    ),
    "it would be fewer": (autoscaler("1"), [target(5)], {"ScalingLimited": ("True", "TooFewReplicas")}),
    "it would be more": (autoscaler("300"), [target(9)], {"ScalingLimited": ("True", "TooManyReplicas")}),
    "it would be too fast": (autoscaler("900"), [target(3)], {"ScalingLimited": ("True", "ScaleUpLimit")}),
    "it was scaled": (autoscaler("150"), [target(3)], {"AbleToScale": ("True", "SucceededRescale")}),
    "it is asleep": (autoscaler(), [target(0)], {"ScalingActive": ("False", "ScalingDisabled")}),
    "there is nothing to scale": (autoscaler(), [], {"AbleToScale": ("False", "FailedGetScale")}),
    "of a kind that is not followed all is well": (
        autoscaler(kind="Rollout"),
        [],
        {"AbleToScale": ("True", "ReadyForNewScale")},
    ),
}


@pytest.mark.parametrize("rule", SAID)
def test_said(rule: str) -> None:
    scaler, related, expected = SAID[rule]
    status = status_of(decide(scaler, related, NOW))
    assert {type_: condition(status, type_) for type_ in expected} == expected


def test_a_metric_is_at_its_share_of_the_target() -> None:
    status = status_of(decide(autoscaler("150", metrics=[CPU, MEMORY]), [target(3)], NOW))
    cpu, memory = (metric["resource"]["current"] for metric in status["currentMetrics"])
    assert cpu["averageUtilization"] == 75 and memory == {"averageValue": "1610612736"}


def test_said_again_nothing_is_written() -> None:
    scaler = autoscaler()
    said = {**scaler, "status": status_of(decide(scaler, [target(3)], NOW))}
    assert decide(said, [target(3)], NOW).writes == ()
