"""What of a replace is drift, and what is carried over where the server does not let it go."""

from typing import Any

import pytest

from pocketkube.cluster.catalog import type_of
from trueup.apply.replace import spared

DEPLOYMENT = type_of("apps/v1", "Deployment")
Case = tuple[dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any]]


def pods(*containers: dict[str, Any]) -> dict[str, Any]:
    return {"spec": {"template": {"spec": {"containers": list(containers)}}}}


C, SIDE = {"name": "c", "image": "c:1"}, {"name": "side", "image": "s"}
OURS_C: dict[str, Any] = {
    "f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"c"}': {".": {}, "f:image": {}}}}}}
}
OURS_SIDE: dict[str, Any] = {"f:spec": {"f:template": {"f:spec": {"f:containers": {'k:{"name":"side"}': {".": {}}}}}}}
LABELS: dict[str, Any] = {"f:metadata": {"f:labels": {".": {}, "f:a": {}}}}

# What the replace would leave, live, declared, our fields; what is told.
CASES: dict[str, Case] = {
    "replicas that an autoscaler set are no drift": (
        {"spec": {"replicas": 1, "paused": True}},
        {"spec": {"replicas": 5, "paused": True}},
        {"spec": {"paused": True}},
        {"f:spec": {"f:paused": {}}},
        {"spec": {"replicas": 5, "paused": True}},
    ),
    "replicas that Git declares are": (
        {"spec": {"replicas": 1}},
        {"spec": {"replicas": 5}},
        {"spec": {"replicas": 1}},
        {},
        {"spec": {"replicas": 1}},
    ),
    "an annotation of a controller is no drift": (
        {"metadata": {"name": "a"}},
        {"metadata": {"name": "a", "annotations": {"revision": "1"}}},
        {"metadata": {"name": "a"}},
        {},
        {"metadata": {"name": "a", "annotations": {"revision": "1"}}},
    ),
    "what we set and Git no longer declares is": (
        {"metadata": {"labels": {"b": "1"}}},
        {"metadata": {"labels": {"a": "1", "b": "1"}}},
        {"metadata": {"labels": {"b": "1"}}},
        LABELS,
        {"metadata": {"labels": {"b": "1"}}},
    ),
    "the last of it takes its section along": ({}, {"metadata": {"labels": {"a": "1"}}}, {}, LABELS, {}),
    "but not what others have in it": (
        {},
        {"metadata": {"labels": {"a": "1", "x": "1"}}},
        {},
        LABELS,
        {"metadata": {"labels": {"x": "1"}}},
    ),
    "a container of another is no drift": (pods(C), pods(SIDE, C), pods(C), OURS_C, pods(SIDE, C)),
    "a container that we set and Git no longer declares is": (pods(C), pods(C, SIDE), pods(C), OURS_SIDE, pods(C)),
    "a container that Git declares and is not there is": (pods(C, SIDE), pods(C), pods(C, SIDE), {}, pods(C, SIDE)),
    "a default beside what is declared is as it is live": (
        pods({**C, "imagePullPolicy": "Always"}),
        pods({**C, "imagePullPolicy": "Never"}),
        pods(C),
        {},
        pods({**C, "imagePullPolicy": "Never"}),
    ),
    "a declared list without keys is one value": (
        pods({**C, "args": ["a"]}),
        pods({**C, "args": ["a", "b"]}),
        pods({**C, "args": ["a"]}),
        {},
        pods({**C, "args": ["a"]}),
    ),
    "the order of what is declared is drift": (pods(C, SIDE), pods(SIDE, C), pods(C, SIDE), {}, pods(C, SIDE)),
}


@pytest.mark.parametrize(("after", "live", "wanted", "ours", "told"), CASES.values(), ids=CASES.keys())
def test_what_is_told(
    after: dict[str, Any],
    live: dict[str, Any],
    wanted: dict[str, Any],
    ours: dict[str, Any],
    told: dict[str, Any],
) -> None:
    assert spared(after, live, wanted, ours, DEPLOYMENT) == told


def test_what_the_server_chose_is_carried_over() -> None:
    job = type_of("batch/v1", "Job")
    chosen = {"matchLabels": {"uid": "1"}}
    container = [{"name": "c", "image": "c:1"}]
    wanted = {"spec": {"template": {"spec": {"containers": container}}}}
    template = {"metadata": {"labels": {"uid": "1"}}, "spec": {"containers": container, "dnsPolicy": "Default"}}
    live = {"spec": {"selector": chosen, "template": template}}
    assert spared(wanted, live, wanted, {}, job) == live
