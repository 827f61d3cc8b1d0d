"""Proof of equality without asking the server; whatever is not certain is asked."""

from copy import deepcopy
from typing import Any

import pytest

from trueup.diff import is_settled

DESIRED: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web"}},
    "spec": {
        "replicas": 2,
        "template": {
            "spec": {
                "containers": [
                    {"name": "web", "image": "web:1", "args": ["-v"], "ports": [{"containerPort": 80}]},
                ],
                "tolerations": [{"key": "a", "operator": "Exists"}],
                "volumes": [{"name": "tmp", "emptyDir": {}}],
            }
        },
    },
}
FIELDS: dict[str, Any] = {
    "f:metadata": {"f:labels": {"f:app": {}}},
    "f:spec": {
        "f:replicas": {},
        "f:template": {
            "f:spec": {
                "f:containers": {
                    'k:{"name":"web"}': {
                        ".": {},
                        "f:name": {},
                        "f:image": {},
                        "f:args": {},
                        "f:ports": {'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:containerPort": {}}},
                    }
                },
                "f:tolerations": {},
                "f:volumes": {'k:{"name":"tmp"}': {".": {}, "f:name": {}, "f:emptyDir": {}}},
            }
        },
    },
}


def entry(**fields: Any) -> dict[str, Any]:
    base = {"manager": "argocd-controller", "operation": "Apply", "apiVersion": "apps/v1", "fieldsV1": FIELDS}
    return base | {"fieldsType": "FieldsV1", "time": "2026-01-01T00:00:00Z"} | fields


def as_stored(*entries: dict[str, Any]) -> dict[str, Any]:
    """The object as a server holds it: with defaults, status and bookkeeping."""
    obj = deepcopy(DESIRED)
    obj["metadata"] |= {
        "uid": "u",
        "resourceVersion": "7",
        "generation": 1,
        "managedFields": list(entries or [entry()]),
    }
    obj["spec"]["strategy"] = {"type": "RollingUpdate"}
    pod = obj["spec"]["template"]["spec"]
    pod["restartPolicy"] = "Always"
    pod["containers"][0]["ports"][0]["protocol"] = "TCP"
    pod["containers"][0]["imagePullPolicy"] = "IfNotPresent"
    obj["status"] = {"replicas": 2}
    return obj


def changed(path: str, value: Any, obj: dict[str, Any] | None = None) -> dict[str, Any]:
    obj = obj or as_stored()
    place: Any = obj
    *above, last = [int(step) if step.isdecimal() else step for step in path.split("/")]
    for step in above:
        place = place[step]
    if value is None:
        del place[last]
    elif isinstance(last, int) and last == len(place):
        place.append(value)
    else:
        place[last] = value
    return obj


CONTAINERS = "spec/template/spec/containers"
SIDE_CAR = {"name": "mesh", "image": "mesh:1"}
CERTAIN = {
    "as we applied it": as_stored(),
    "defaults and fields of others are not ours": changed("spec/paused", True),
    "a container that somebody added": changed(f"{CONTAINERS}/1", SIDE_CAR),
    "a label that somebody added": changed("metadata/labels/team", "a"),
    "records of status and scale": as_stored(
        entry(), entry(operation="Update", subresource="status"), entry(manager="kubectl", operation="Update")
    ),
}


@pytest.mark.parametrize("rule", CERTAIN)
def test_certain(rule: str) -> None:
    assert is_settled(DESIRED, CERTAIN[rule])


def without_field(fields: dict[str, Any], name: str) -> dict[str, Any]:
    copy = deepcopy(fields)
    del copy["f:spec"][name]
    return copy


def with_field(name: str) -> dict[str, Any]:
    copy = deepcopy(FIELDS)
    copy["f:spec"][name] = {}
    return copy


def with_old_container() -> dict[str, Any]:
    copy = deepcopy(FIELDS)
    copy["f:spec"]["f:template"]["f:spec"]["f:containers"]['k:{"name":"old"}'] = {".": {}, "f:name": {}}
    return copy


UNCERTAIN = {
    "a value differs": changed("spec/replicas", 3),
    "a value of another type": changed("spec/replicas", True),
    "a field is gone": changed("spec/template/spec/volumes", None),
    "an element differs": changed(f"{CONTAINERS}/0/image", "web:2"),
    "an element is gone": changed(f"{CONTAINERS}/0/name", "other"),
    "an atomic list has more in it": changed("spec/template/spec/tolerations/0/effect", "NoExecute"),
    "a list of scalars has more in it": changed(f"{CONTAINERS}/0/args/1", "-x"),
    "an element is there twice": changed(f"{CONTAINERS}/1", {"name": "web", "image": "web:1"}),
    "never applied by us": as_stored(entry(manager="kubectl")),
    "applied client-side by us": as_stored(entry(operation="Update")),
    "applied client-side by us and not migrated": as_stored(entry(), entry(operation="Update")),
    "kubectl applied it too": as_stored(entry(), entry(manager="kubectl-client-side-apply", operation="Update")),
    "applied in another version": as_stored(entry(apiVersion="apps/v1beta2")),
    "we own a field that left Git": as_stored(entry(fieldsV1=with_field("f:paused"))),
    "we own an element that left Git": as_stored(entry(fieldsV1=with_old_container())),
    "somebody took a field over": as_stored(entry(fieldsV1=without_field(FIELDS, "f:replicas"))),
    "no records at all": changed("metadata/managedFields", []),
    "records that cannot be read": changed("metadata/managedFields", [entry(fieldsV1={"f:spec": {"k:{": {}}})]),
}


@pytest.mark.parametrize("rule", UNCERTAIN)
def test_uncertain(rule: str) -> None:
    assert not is_settled(DESIRED, UNCERTAIN[rule])


def test_two_elements_in_another_order_are_uncertain() -> None:
    desired, stored = deepcopy(DESIRED), as_stored()
    fields = deepcopy(FIELDS)
    fields["f:spec"]["f:template"]["f:spec"]["f:containers"]['k:{"name":"mesh"}'] = {
        ".": {},
        "f:name": {},
        "f:image": {},
    }
    stored["metadata"]["managedFields"] = [entry(fieldsV1=fields)]
    stored["spec"]["template"]["spec"]["containers"].append(SIDE_CAR)
    desired["spec"]["template"]["spec"]["containers"].append(SIDE_CAR)
    assert is_settled(desired, stored)
    desired["spec"]["template"]["spec"]["containers"].reverse()
    assert not is_settled(desired, stored)


def test_null_in_a_manifest_is_uncertain() -> None:
    desired = deepcopy(DESIRED)
    desired["spec"]["paused"] = None
    assert not is_settled(desired, as_stored())


def test_values_of_a_set() -> None:
    desired: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "finalizers": ["a/b", "a/c"]},
    }
    fields: dict[str, Any] = {"f:metadata": {"f:finalizers": {'v:"a/b"': {}, 'v:"a/c"': {}}}}
    stored = deepcopy(desired)
    stored["metadata"] = {**desired["metadata"], "managedFields": [entry(apiVersion="v1", fieldsV1=fields)]}
    assert is_settled(desired, stored)
    stored["metadata"]["finalizers"] = ["x/y", "a/b", "a/c"]
    assert is_settled(desired, stored)
    stored["metadata"]["finalizers"] = ["a/b"]
    assert not is_settled(desired, stored)
    stored["metadata"]["finalizers"] = ["a/b", "a/c", "a/d"]
    assert not is_settled({**desired, "metadata": {"name": "p", "finalizers": ["a/b", "a/d"]}}, stored)
