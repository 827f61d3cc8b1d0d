"""HorizontalPodAutoscalers in both versions."""

import json
from typing import Any

import pytest

from pocketkube.cluster.kinds.autoscalers import V1, V2, convert

CPU = {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}
MEMORY = {"type": "Resource", "resource": {"name": "memory", "target": {"type": "AverageValue", "averageValue": "1Gi"}}}
PODS = {"type": "Pods", "pods": {"metric": {"name": "m"}, "target": {"type": "AverageValue", "averageValue": "5"}}}
EXTERNAL = {
    "type": "External",
    "external": {"metric": {"name": "e", "selector": {}}, "target": {"type": "Value", "value": "1"}},
}
OBJECT = {
    "type": "Object",
    "object": {
        "describedObject": {"kind": "Service", "name": "s"},
        "metric": {"name": "o"},
        "target": {"type": "Value", "value": "2"},
    },
}
CONTAINER = {
    "type": "ContainerResource",
    "containerResource": {"name": "cpu", "container": "c", "target": {"type": "Utilization", "averageUtilization": 9}},
}
BEHAVIOR = {"scaleUp": {"selectPolicy": "Max", "policies": [{"type": "Pods", "value": 1, "periodSeconds": 5}]}}


def autoscaler(*metrics: dict[str, Any], **spec: Any) -> dict[str, Any]:
    whole = {"scaleTargetRef": {"kind": "Deployment", "name": "d"}, "maxReplicas": 3, "metrics": list(metrics)} | spec
    status = {"desiredReplicas": 0, "currentMetrics": None}
    return {"apiVersion": V2, "kind": "HorizontalPodAutoscaler", "metadata": {}, "spec": whole, "status": status}


@pytest.mark.parametrize(
    "obj",
    [
        pytest.param(autoscaler(CPU), id="the one target of old"),
        pytest.param(autoscaler(MEMORY, PODS, EXTERNAL, OBJECT, CONTAINER, CPU), id="every source"),
        pytest.param(autoscaler(CPU, behavior=BEHAVIOR), id="behaviour"),
    ],
)
def test_there_and_back(obj: dict[str, Any]) -> None:
    assert convert(convert(obj, V1), V2) == obj


def test_what_the_old_version_has_no_field_for_is_in_annotations() -> None:
    old = convert(autoscaler(CPU, MEMORY), V1)
    assert old["spec"] == {
        "scaleTargetRef": {"kind": "Deployment", "name": "d"},
        "maxReplicas": 3,
        "targetCPUUtilizationPercentage": 50,
    }
    shown = json.loads(old["metadata"]["annotations"]["autoscaling.alpha.kubernetes.io/metrics"])
    assert shown == [{"type": "Resource", "resource": {"name": "memory", "targetAverageValue": "1Gi"}}]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("", id="nothing"),
        pytest.param("{", id="no JSON"),
        pytest.param('{"a": 1}', id="another shape"),
        pytest.param("[1, null]", id="other members"),
        pytest.param("[" * 100_000, id="deep"),
    ],
)
def test_a_broken_annotation_is_passed_over(text: str) -> None:
    annotations = {f"autoscaling.alpha.kubernetes.io/{key}": text for key in ("metrics", "behavior", "conditions")}
    old = {"apiVersion": V1, "metadata": {"annotations": annotations}, "spec": {"maxReplicas": 1}}
    new = convert(old, V2)
    assert new["spec"]["metrics"][0]["resource"]["target"]["averageUtilization"] == 80
    assert new["metadata"] == {}
