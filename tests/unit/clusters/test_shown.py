"""What is kept of objects that nobody manages, for a tree to show."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup.clusters.managed import kept
from trueup.clusters.shown import shown
from trueup.kube.object import read_object
from trueup.model.health import Health, HealthCode
from trueup.model.live import LiveObject, Shown

HEALTHY = Health(HealthCode.HEALTHY)
Json = dict[str, Any]


def live(api_version: str, kind: str, namespace: str = "a", **fields: Any) -> LiveObject:
    metadata = {"name": "x", "namespace": namespace} | fields.pop("metadata", {})
    return read_object(msgspec.json.encode({"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}))


CONTAINERS = [{"image": "web:1"}, {"image": "proxy:2"}, {"image": "web:1"}]
READY = {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}
COUNTS = [{"ready": True, "restartCount": 2}, {"ready": False, "restartCount": 1}]
RULES: dict[str, tuple[LiveObject, Shown]] = {
    "a Pod: its images each once, restarts, and how many containers are ready": (
        live(
            "v1",
            "Pod",
            spec={"containers": CONTAINERS, "initContainers": [{"image": "init:3"}], "restartPolicy": "Always"},
            status={**READY, "containerStatuses": COUNTS},
        ),
        Shown(health=HEALTHY, images=("init:3", "web:1", "proxy:2"), restarts=3, ready="1/3"),
    ),
    "a Pod that nobody has seen yet": (
        live("v1", "Pod", spec={"containers": CONTAINERS, "restartPolicy": "Always"}, status={"phase": "Pending"}),
        Shown(health=Health(HealthCode.PROGRESSING), images=("web:1", "proxy:2"), ready="0/3"),
    ),
    "a ReplicaSet: its revision and the images of its template": (
        live(
            "apps/v1",
            "ReplicaSet",
            metadata={"annotations": {"deployment.kubernetes.io/revision": "4"}},
            spec={"replicas": 0, "template": {"spec": {"containers": CONTAINERS}}},
            status={"replicas": 0},
        ),
        Shown(health=HEALTHY, images=("web:1", "proxy:2"), revision="4"),
    ),
    "a ControllerRevision: its number": (live("apps/v1", "ControllerRevision", revision=7), Shown(revision="7")),
    "a kind without a strategy or a check": (live("v1", "Secret", data={"a": "c2VjcmV0"}), Shown()),
    "a kind with a check alone": (
        live("v1", "PersistentVolumeClaim", status={"phase": "Bound"}),
        Shown(health=HEALTHY),
    ),
}


@pytest.mark.parametrize("rule", RULES)
def test_shown_by_kind(rule: str) -> None:
    found, expected = RULES[rule]
    assert shown(found) == expected


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["image", "ready", "spec"]), inner),
    max_leaves=8,
)
PARTS = st.dictionaries(
    st.sampled_from(["containers", "initContainers", "template", "containerStatuses", "phase", "conditions", "spec"]),
    JSON,
)


@given(st.sampled_from(["Pod", "ReplicaSet", "Deployment", "Job", "ControllerRevision"]), PARTS | JSON, PARTS | JSON)
def test_whatever_a_cluster_answers_it_is_a_node(kind: str, spec: Any, status: Any) -> None:
    api_version = {"Pod": "v1", "Job": "batch/v1"}.get(kind, "apps/v1")
    assert isinstance(shown(live(api_version, kind, spec=spec, status=status)), Shown)


@pytest.mark.parametrize(
    ("found", "whole"),
    [
        pytest.param(live("argoproj.io/v1alpha1", "Application"), True, id="our own objects"),
        pytest.param(live("v1", "Namespace", ""), True, id="namespaces, whoever made them"),
        pytest.param(live("v1", "Secret"), False, id="a Secret"),
        pytest.param(live("apiextensions.k8s.io/v1", "CustomResourceDefinition", ""), False, id="a definition"),
    ],
)
def test_whose_bodies_are_kept_without_a_mark(found: LiveObject, whole: bool) -> None:
    assert kept(found) is whole
