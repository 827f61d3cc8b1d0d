"""Client-side apply: what the patch says, on the schemas of Kubernetes itself."""

# ruff: noqa: E501 - a case is a line

from typing import Any

import pytest

from kubegrammar.merge import DEDUCED, Merging, compile_type, strategic_merge, three_way
from kubegrammar.patch import merge_patch
from pocketkube.cluster.catalog import type_of

DEPLOYMENT = Merging(type_of("apps/v1", "Deployment"), strategic=True)
SERVICE = Merging(type_of("v1", "Service"), strategic=True)
POD = Merging(type_of("v1", "Pod"), strategic=True)
ACCOUNT = Merging(type_of("v1", "ServiceAccount"), strategic=True)
LISTENERS = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "properties": {
                "listeners": {
                    "type": "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name"],
                    "items": {
                        "type": "object",
                        "properties": {"name": {"type": "string"}, "port": {"type": "integer"}},
                    },
                },
                "words": {"type": "array", "items": {"type": "string"}},
            },
        }
    },
}
CUSTOM = Merging(compile_type(LISTENERS, {}), strategic=False)
UNKNOWN = Merging(DEDUCED, strategic=False)

Case = tuple[Merging, dict[str, Any], dict[str, Any], dict[str, Any], dict[str, Any]]


def pod(*containers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"spec": {"containers": list(containers), **more}}


def ports(*ports: dict[str, Any]) -> dict[str, Any]:
    return {"spec": {"ports": list(ports)}}


C, SIDE = {"name": "c", "image": "c:1"}, {"name": "side", "image": "s"}
A1, A2, B1, X9 = ({"name": name, "value": value} for name, value in ("A1", "A2", "B1", "X9"))
TCP, UDP = {"port": 53, "protocol": "TCP", "name": "t"}, {"port": 53, "protocol": "UDP", "name": "u"}

# Kind; last applied, declared, live; what becomes of the live object.
CASES: dict[str, Case] = {
    "what is equal stays": (DEPLOYMENT, {}, {"spec": {"replicas": 1}}, {"spec": {"replicas": 1, "paused": True}}, {"spec": {"replicas": 1, "paused": True}}),
    "what was applied last and is no longer declared goes": (DEPLOYMENT, {"spec": {"replicas": 1, "paused": True}}, {"spec": {"replicas": 1}}, {"spec": {"replicas": 1, "paused": True}}, {"spec": {"replicas": 1}}),
    "what somebody else set stays": (DEPLOYMENT, {"metadata": {"labels": {"a": "1"}}}, {"metadata": {"labels": {"a": "1"}}}, {"metadata": {"labels": {"a": "1", "z": "9"}}}, {"metadata": {"labels": {"a": "1", "z": "9"}}}),
    "a section that is no longer declared goes whole": (DEPLOYMENT, {"spec": {"strategy": {"type": "Recreate"}}}, {"spec": {}}, {"spec": {"strategy": {"type": "Recreate"}}}, {"spec": {}}),
    "null deletes": (DEPLOYMENT, {}, {"spec": {"replicas": None}}, {"spec": {"replicas": 2, "paused": True}}, {"spec": {"paused": True}}),
    "a container of another stays": (POD, pod(C), pod({**C, "image": "c:2"}), pod(SIDE, C), pod(SIDE, {**C, "image": "c:2"})),
    "a container that left Git goes": (POD, pod(C, SIDE), pod(C), pod(C, SIDE), pod(C)),
    "a new container comes": (POD, pod(C), pod(C, SIDE), pod(C, {"name": "x"}), pod(C, SIDE, {"name": "x"})),
    "an environment variable of another stays": (POD, pod({**C, "env": [A1]}), pod({**C, "env": [{**A1, "value": "2"}]}), pod({**C, "env": [A1, X9]}), pod({**C, "env": [{**A1, "value": "2"}, X9]})),
    "an environment variable that left Git goes": (POD, pod({**C, "env": [A1, B1]}), pod({**C, "env": [B1]}), pod({**C, "env": [A1, B1, X9]}), pod({**C, "env": [B1, X9]})),
    "the order of Git is restored": (POD, {}, pod({**C, "env": [A1, B1]}), pod({**C, "env": [B1, A1]}), pod({**C, "env": [A1, B1]})),
    "a port keeps what the server gave it": (SERVICE, ports({"port": 80}), ports({"port": 80, "targetPort": 8080}), ports({"port": 80, "nodePort": 30001, "protocol": "TCP"}), ports({"port": 80, "targetPort": 8080, "nodePort": 30001, "protocol": "TCP"})),
    "two ports of one number are told apart by protocol": (SERVICE, ports(TCP, UDP), ports({**TCP, "targetPort": 5}, UDP), ports({**TCP, "nodePort": 1}, {**UDP, "nodePort": 2}), ports({**TCP, "nodePort": 1, "targetPort": 5}, {**UDP, "nodePort": 2})),
    "of two ports of one number one leaves": (SERVICE, ports(TCP, UDP), ports(UDP), ports(TCP, UDP, {"port": 9}), ports(UDP, {"port": 9})),
    "a port of another beside one of its number stays": (SERVICE, ports(TCP), ports({**TCP, "targetPort": 5}), ports(UDP, TCP), ports(UDP, {**TCP, "targetPort": 5})),
    "two variables of one name are as declared": (POD, {}, pod({**C, "env": [A1, {**A1, "value": "2"}]}), pod({**C, "env": [A1, X9]}), pod({**C, "env": [A1, {**A1, "value": "2"}, X9]})),
    "a duplicate that left Git goes": (POD, pod({**C, "env": [A1, A1]}), pod({**C, "env": [A1]}), pod({**C, "env": [A1, A1, X9]}), pod({**C, "env": [A1, X9]})),
    "a volume changes its source": (POD, pod(C, volumes=[{"name": "v", "emptyDir": {}}]), pod(C, volumes=[{"name": "v", "configMap": {"name": "m"}}]), pod(C, volumes=[{"name": "v", "emptyDir": {}}, {"name": "token"}]), pod(C, volumes=[{"name": "v", "configMap": {"name": "m"}}, {"name": "token"}])),
    "a volume changes a source that nobody remembers": (POD, {}, pod(C, volumes=[{"name": "v", "configMap": {"name": "m"}}]), pod(C, volumes=[{"name": "v", "emptyDir": {}}]), pod(C, volumes=[{"name": "v", "configMap": {"name": "m"}}])),
    "a mount of another stays": (POD, pod({**C, "volumeMounts": [{"name": "v", "mountPath": "/a"}]}), pod({**C, "volumeMounts": [{"name": "v", "mountPath": "/b"}]}), pod({**C, "volumeMounts": [{"name": "v", "mountPath": "/a"}, {"name": "t", "mountPath": "/t"}]}), pod({**C, "volumeMounts": [{"name": "v", "mountPath": "/b"}, {"name": "t", "mountPath": "/t"}]})),
    "pull secrets of a Pod merge": (POD, pod(imagePullSecrets=[{"name": "a"}]), pod(imagePullSecrets=[{"name": "b"}]), pod(imagePullSecrets=[{"name": "a"}, {"name": "x"}]), pod(imagePullSecrets=[{"name": "b"}, {"name": "x"}])),
    "pull secrets of a ServiceAccount are one value": (ACCOUNT, {}, {"imagePullSecrets": [{"name": "a"}]}, {"imagePullSecrets": [{"name": "a"}, {"name": "x"}]}, {"imagePullSecrets": [{"name": "a"}]}),
    "tolerations are one value": (POD, {}, pod(tolerations=[{"key": "a"}]), pod(tolerations=[{"key": "b"}, {"key": "a"}]), pod(tolerations=[{"key": "a"}])),
    "arguments are one value": (POD, {}, pod({**C, "args": ["a"]}), pod({**C, "args": ["a", "b"]}), pod({**C, "args": ["a"]})),
    "finalizers of others stay": (POD, {"metadata": {"finalizers": ["a"]}}, {"metadata": {"finalizers": ["b"]}}, {"metadata": {"finalizers": ["a", "x"]}}, {"metadata": {"finalizers": ["b", "x"]}}),
    "owners of others stay": (POD, {}, {"metadata": {"ownerReferences": [{"uid": "1", "name": "a"}]}}, {"metadata": {"ownerReferences": [{"uid": "2", "name": "x"}]}}, {"metadata": {"ownerReferences": [{"uid": "1", "name": "a"}, {"uid": "2", "name": "x"}]}}),
    "a member of a union that is not declared goes": (DEPLOYMENT, {}, {"spec": {"strategy": {"type": "Recreate"}}}, {"spec": {"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}}}, {"spec": {"strategy": {"type": "Recreate"}}}),
    "a list that empties loses what we had in it": (POD, pod({**C, "env": [A1]}), pod({**C, "env": []}), pod({**C, "env": [A1, X9]}), pod({**C, "env": [X9]})),
    "items of a custom resource with keys merge": (CUSTOM, {"spec": {"listeners": [A1, B1]}}, {"spec": {"listeners": [{**A1, "port": 2}]}}, {"spec": {"listeners": [X9, B1, A1]}}, {"spec": {"listeners": [X9, {**A1, "port": 2}]}}),
    "other lists of a custom resource are one value": (CUSTOM, {}, {"spec": {"words": ["a"]}}, {"spec": {"words": ["b"]}}, {"spec": {"words": ["a"]}}),
    "finalizers of others stay on a custom resource": (CUSTOM, {"metadata": {"finalizers": ["a"]}}, {"metadata": {"finalizers": []}}, {"metadata": {"finalizers": ["a", "x"]}}, {"metadata": {"finalizers": ["x"]}}),
    "maps merge and lists are one value without a schema": (UNKNOWN, {"a": {"b": 1, "c": [1]}}, {"a": {"c": [2]}}, {"a": {"b": 1, "c": [1], "d": 1}}, {"a": {"c": [2], "d": 1}}),
}  # fmt: skip


@pytest.mark.parametrize(("merging", "last", "wanted", "live", "expected"), CASES.values(), ids=CASES.keys())
def test_three_way_merge(
    merging: Merging, last: dict[str, Any], wanted: dict[str, Any], live: dict[str, Any], expected: dict[str, Any]
) -> None:
    patch = three_way([last], wanted, live, merging)
    after = strategic_merge(live, patch.body, merging.type) if merging.strategic else merge_patch(live, patch.body)
    assert after == expected
    again = three_way([wanted], wanted, after, merging).body
    settled = strategic_merge(after, again, merging.type) if merging.strategic else merge_patch(after, again)
    assert settled == expected, "an apply changes nothing the second time"


def test_duplicates_stay_in_the_order_that_a_creation_or_a_patch_gave_them() -> None:
    wanted = pod({**C, "env": [A1, B1, A1]})
    assert three_way([], wanted, wanted, POD).body == {}, "as they were created"
    after = strategic_merge(pod(C), three_way([], wanted, pod({**C, "env": [X9]}), POD).body, POD.type)
    assert three_way([], wanted, after, POD).body == {}, "as a patch leaves them: those of one key together"


def test_a_patch_that_holds_items_of_others_is_for_one_version_alone() -> None:
    exact = three_way([], ports({**TCP, "targetPort": 5}), ports(UDP, TCP), SERVICE)
    assert exact.exact
    assert not three_way([], pod({**C, "image": "c:2"}), pod(SIDE, C), POD).exact


def test_what_is_as_declared_needs_no_patch() -> None:
    assert three_way([pod(C)], pod(C), pod(SIDE, C), POD).body == {}


def test_an_object_nested_too_deep_is_refused() -> None:
    deep: dict[str, Any] = {}
    for _ in range(5000):
        deep = {"a": deep}
    with pytest.raises(ValueError, match="too deep"):
        three_way([], deep, deep, UNKNOWN)
