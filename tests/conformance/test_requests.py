"""Sequences of requests, most of them wrong in some way: both servers answer alike."""

# ruff: noqa: E501 - a case is a line

from typing import Any

import pytest
from tests.conformance.exchange import APPLY, JSON_PATCH, MERGE, STRATEGIC, TABLE, Both, Json

NS = "/api/v1/namespaces/{ns}"
MAPS = f"{NS}/configmaps"
EVENTS = "/api/v1/namespaces/default/events"
APPS = "/apis/apps/v1/namespaces/{ns}"
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
YAML = {"Content-Type": "application/yaml"}

Request = tuple[Any, ...]
"""Method and path, then body, headers and the code of the real server, where they matter."""


def config_map(name: str = "a", **more: Any) -> Json:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"x": "1"}, **more}


def deployment(**spec: Any) -> Json:
    template = {"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "a"},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"app": "a"}}, "template": template, **spec},
    }


def definition(plural: str, **version: Any) -> Json:
    schema = {"type": "object", "properties": {"spec": {"type": "object", "properties": {"a": {"type": "integer"}}}}}
    served = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}, **version}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.requests.example.com"},
        "spec": {
            "group": "requests.example.com",
            "scope": "Namespaced",
            "names": {"plural": plural, "kind": plural.title()},
            "versions": [served],
        },
    }


def deep(levels: int) -> bytes:
    return b'{"a":' * levels + b"1" + b"}" * levels


MADE: Request = ("POST", MAPS, config_map(), {}, 201)


def event(name: str) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": name},
        "involvedObject": {"apiVersion": "v1", "kind": "Pod", "namespace": "default", "name": "a"},
        "reason": "Tried",
        "source": {"component": "test"},
        "type": "Normal",
        "count": 1,
    }


CASES: dict[str, list[Request]] = {
    # Names
    "an Event with a name in upper case": [("POST", EVENTS, event("Web.a"), {}, 201)],
    "an Event with a name that no path takes": [("POST", EVENTS, event("a/b"), {}, 422)],
    # Bodies
    "a body that is no JSON": [("POST", MAPS, b"{", {}, 400)],
    "a body that is another kind of JSON": [("POST", MAPS, b"[1]", {}, 400)],
    "an empty body": [("POST", MAPS, b"", {}, 400)],
    "null": [("POST", MAPS, b"null", {}, 422)],
    "a key twice": [("POST", f"{MAPS}?fieldValidation=Strict", b'{"metadata":{"name":"a"},"data":{"x":"1","x":"2"}}', {}, 400)],
    "a key twice, warned of": [("POST", f"{MAPS}?fieldValidation=Warn", b'{"metadata":{"name":"a"},"data":{"x":"1","x":"2"}}', {}, 201)],
    "a body of another media type": [("POST", MAPS, b"x", {"Content-Type": "text/plain"}, 415)],
    "a body in YAML": [("POST", MAPS, b"metadata: {name: a}\ndata: {x: 'y'}\n", YAML, 201)],
    "broken protocol buffers": [("POST", MAPS, b"k8s\0\xff\xff", {"Content-Type": "application/vnd.kubernetes.protobuf"}, 400)],
    "an object that is too large": [("POST", MAPS, config_map(data={"x": "y" * 1_100_000}), {}, 422)],
    "annotations that are too large": [("POST", MAPS, {"metadata": {"name": "a", "annotations": {"x": "y" * 300_000}}}, {}, 422)],
    "another kind": [("POST", MAPS, {**config_map(), "kind": "ServiceAccount"}, {}, 400)],
    "another version": [("POST", MAPS, {**config_map(), "apiVersion": "apps/v1"}, {}, 400)],
    "another namespace": [("POST", MAPS, {"metadata": {"name": "a", "namespace": "other"}}, {}, 400)],
    "another name": [MADE, ("PUT", f"{MAPS}/a", config_map("b"), {}, 400)],
    "no name": [("POST", MAPS, {"metadata": {}}, {}, 422)],
    "a bad name": [("POST", MAPS, config_map("No_Good"), {}, 422)],
    "a bad label": [("POST", MAPS, {"metadata": {"name": "a", "labels": {"a b": "c d"}}}, {}, 422)],
    "a bad annotation": [("POST", MAPS, {"metadata": {"name": "a", "annotations": {"a b": "c"}}}, {}, 422)],
    "a bad finalizer": [("POST", MAPS, {"metadata": {"name": "a", "finalizers": ["x y"]}}, {}, 422)],
    "a bad owner": [("POST", MAPS, {"metadata": {"name": "a", "ownerReferences": [{"kind": "X"}]}}, {}, 422)],
    "a wrong type": [("POST", MAPS, config_map(data={"x": 1}), {}, 400)],
    "a wrong type of metadata": [("POST", MAPS, {"metadata": "a"}, {}, 400)],
    "labels of a wrong type": [("POST", MAPS, {"metadata": {"name": "a", "labels": {"x": 1}}}, {}, 400)],
    "unknown fields": [("POST", f"{APPS}/deployments?fieldValidation=Strict", deployment(nothing=1, strategy={"x": 1}), {}, 400)],
    "unknown fields ignored": [("POST", f"{MAPS}?fieldValidation=Ignore", config_map(nothing=1), {}, 201)],
    "an unknown way of validation": [("POST", f"{MAPS}?fieldValidation=Maybe", config_map(), {}, 422)],
    "an unknown dry run": [("POST", f"{MAPS}?dryRun=Some", config_map(), {}, 422)],
    "a field manager that is too long": [("POST", f"{MAPS}?fieldManager={'x' * 129}", config_map(), {}, 422)],
    "a resourceVersion on creation": [("POST", MAPS, {"metadata": {"name": "a", "resourceVersion": "5"}}, {}, 500)],
    "a selector that the template does not match": [("POST", f"{APPS}/deployments", deployment(selector={"matchLabels": {"app": "b"}}), {}, 422)],
    "a deployment without a template": [("POST", f"{APPS}/deployments", {"metadata": {"name": "a"}, "spec": {"selector": {"matchLabels": {"a": "b"}}}}, {}, 422)],
    "negative replicas": [("POST", f"{APPS}/deployments", deployment(replicas=-1), {}, 422)],
    "a bad quantity": [("POST", f"{NS}/limitranges", {"metadata": {"name": "a"}, "spec": {"limits": [{"type": "Pod", "max": {"cpu": "lots"}}]}}, {}, 400)],
    # Paths
    "an unknown group": [("GET", "/apis/nothing.example.com/v1/things", None, {}, 404)],
    "an unknown version": [("GET", "/apis/apps/v9/deployments", None, {}, 404)],
    "an unknown resource": [("GET", f"{NS}/nothings", None, {}, 404)],
    "an unknown subresource": [MADE, ("GET", f"{MAPS}/a/nothing", None, {}, 404)],
    "an unknown path": [("GET", "/nothing", None, {}, 404)],
    "a method that is none": [MADE, ("POST", f"{MAPS}/a", config_map(), {}, 405)],
    "a cluster's resource in a namespace": [("GET", f"{NS}/namespaces", None, {}, 404)],
    "an object that is not there": [("GET", f"{MAPS}/nothing", None, {}, 404), ("DELETE", f"{MAPS}/nothing", None, {}, 404)],
    "an update of what is not there": [("PUT", f"{MAPS}/nothing", config_map("nothing"), {})],
    "a patch of what is not there": [("PATCH", f"{MAPS}/nothing", {}, {"Content-Type": MERGE}, 404)],
    "a namespace that is not there": [("POST", "/api/v1/namespaces/absent/configmaps", config_map(), {}, 404)],
    "a list in a namespace that is not there": [("GET", "/api/v1/namespaces/absent/configmaps", None, {}, 200)],
    # Patches
    "a patch of no known type": [MADE, ("PATCH", f"{MAPS}/a", b"{}", {"Content-Type": "application/x"}, 415)],
    "a JSON patch that is none": [MADE, ("PATCH", f"{MAPS}/a", {"a": 1}, {"Content-Type": JSON_PATCH}, 400)],
    "a JSON patch with an unknown operation": [MADE, ("PATCH", f"{MAPS}/a", [{"op": "paint", "path": "/x"}], {"Content-Type": JSON_PATCH})],
    "a JSON patch whose test fails": [MADE, ("PATCH", f"{MAPS}/a", [{"op": "test", "path": "/data/x", "value": "2"}], {"Content-Type": JSON_PATCH}, 422)],
    "a JSON patch that moves and copies": [MADE, ("PATCH", f"{MAPS}/a?fieldManager=p", [{"op": "copy", "from": "/data/x", "path": "/data/y"}, {"op": "move", "from": "/data/x", "path": "/data/z"}], {"Content-Type": JSON_PATCH}, 200)],
    "a JSON patch that breaks a type": [MADE, ("PATCH", f"{MAPS}/a", [{"op": "replace", "path": "/data", "value": 5}], {"Content-Type": JSON_PATCH}, 422)],
    "a merge patch that is no object": [MADE, ("PATCH", f"{MAPS}/a", b"[]", {"Content-Type": MERGE})],
    "a merge patch of the name": [MADE, ("PATCH", f"{MAPS}/a", {"metadata": {"name": "b"}}, {"Content-Type": MERGE}, 400)],
    "a merge patch of the uid": [MADE, ("PATCH", f"{MAPS}/a", {"metadata": {"uid": "x"}}, {"Content-Type": MERGE})],
    "a merge patch with a stale version": [MADE, ("PATCH", f"{MAPS}/a", {"metadata": {"resourceVersion": "1"}, "data": {"x": "2"}}, {"Content-Type": MERGE}, 409)],
    "a merge patch that changes nothing": [MADE, ("PATCH", f"{MAPS}/a?fieldManager=p", {}, {"Content-Type": MERGE}, 200)],
    "a strategic patch that adds a container": [("POST", f"{APPS}/deployments", deployment(), {}, 201), ("PATCH", f"{APPS}/deployments/a?fieldManager=p", {"spec": {"template": {"spec": {"containers": [{"name": "d", "image": "j"}]}}}}, {"Content-Type": STRATEGIC}, 200)],
    "a strategic patch that deletes a container": [("POST", f"{APPS}/deployments", deployment(), {}, 201), ("PATCH", f"{APPS}/deployments/a?fieldManager=p", {"spec": {"template": {"spec": {"containers": [{"name": "d", "image": "j"}, {"name": "c", "$patch": "delete"}]}}}}, {"Content-Type": STRATEGIC}, 200)],
    "a strategic patch that replaces": [("POST", f"{APPS}/deployments", deployment(), {}, 201), ("PATCH", f"{APPS}/deployments/a?fieldManager=p", {"spec": {"template": {"metadata": {"labels": {"$patch": "replace", "app": "a", "x": "y"}}}}}, {"Content-Type": STRATEGIC}, 200)],
    "a strategic patch that retains keys": [("POST", f"{APPS}/deployments", deployment(), {}, 201), ("PATCH", f"{APPS}/deployments/a?fieldManager=p", {"spec": {"strategy": {"$retainKeys": ["type"], "type": "Recreate"}}}, {"Content-Type": STRATEGIC}, 200)],
    "a strategic patch without a merge key": [("POST", f"{APPS}/deployments", deployment(), {}, 201), ("PATCH", f"{APPS}/deployments/a", {"spec": {"template": {"spec": {"containers": [{"image": "j"}]}}}}, {"Content-Type": STRATEGIC})],
    "a strategic patch that orders": [("POST", f"{APPS}/deployments", deployment(), {}, 201), ("PATCH", f"{APPS}/deployments/a?fieldManager=p", {"spec": {"template": {"spec": {"$setElementOrder/containers": [{"name": "d"}, {"name": "c"}], "containers": [{"name": "d", "image": "j"}]}}}}, {"Content-Type": STRATEGIC}, 200)],
    "an unknown directive": [MADE, ("PATCH", f"{MAPS}/a", {"data": {"$patch": "paint"}}, {"Content-Type": STRATEGIC})],
    "an immutable field": [("POST", f"{APPS}/deployments", deployment(), {}, 201), ("PATCH", f"{APPS}/deployments/a", {"spec": {"selector": {"matchLabels": {"app": "b"}}}}, {"Content-Type": MERGE}, 422)],
    "data of an immutable map": [("POST", MAPS, config_map(immutable=True), {}, 201), ("PATCH", f"{MAPS}/a", {"data": {"x": "2"}}, {"Content-Type": MERGE}, 422)],
    # Server-side apply
    "an apply without a manager": [("PATCH", f"{MAPS}/a", config_map(), {"Content-Type": APPLY})],
    "an apply of another kind": [("PATCH", f"{MAPS}/a?fieldManager=m", {**config_map(), "kind": "Secret"}, {"Content-Type": APPLY}, 400)],
    "an apply without kind and version": [("PATCH", f"{MAPS}/a?fieldManager=m", {"metadata": {"name": "a"}}, {"Content-Type": APPLY}, 400)],
    "an apply of an unknown field": [("PATCH", f"{MAPS}/a?fieldManager=m", config_map(nothing=1), {"Content-Type": APPLY}, 500)],
    "an apply of a wrong type": [("PATCH", f"{APPS}/deployments/a?fieldManager=m", deployment(replicas="x"), {"Content-Type": APPLY}, 500)],
    "an apply with managedFields": [("PATCH", f"{MAPS}/a?fieldManager=m", {**config_map(), "metadata": {"name": "a", "managedFields": [{"manager": "x"}]}}, {"Content-Type": APPLY}, 400)],
    "an apply of two equal keys": [("PATCH", f"{APPS}/deployments/a?fieldManager=m", deployment(template={"metadata": {"labels": {"app": "a"}}, "spec": {"containers": [{"name": "c", "image": "i"}, {"name": "c", "image": "j"}]}}), {"Content-Type": APPLY}, 500)],
    "an apply in YAML that is broken": [("PATCH", f"{MAPS}/a?fieldManager=m", b"a: [", {"Content-Type": APPLY}, 400)],
    "force without an apply": [MADE, ("PATCH", f"{MAPS}/a?force=true", {}, {"Content-Type": MERGE}, 422)],
    "an apply after an update by the same manager": [("POST", f"{MAPS}?fieldManager=m", config_map(), {}, 201), ("PATCH", f"{MAPS}/a?fieldManager=m", config_map(data={"x": "2"}), {"Content-Type": APPLY})],
    "an apply that takes a shared field away": [("PATCH", f"{MAPS}/a?fieldManager=m", config_map(), {"Content-Type": APPLY}, 201), ("PATCH", f"{MAPS}/a?fieldManager=n", config_map(), {"Content-Type": APPLY}, 200), ("PATCH", f"{MAPS}/a?fieldManager=m", config_map(data={"y": "2"}), {"Content-Type": APPLY}, 200)],
    "a reset of managedFields": [("PATCH", f"{MAPS}/a?fieldManager=m", config_map(), {"Content-Type": APPLY}, 201), ("PATCH", f"{MAPS}/a?fieldManager=x", {"metadata": {"managedFields": [{}]}}, {"Content-Type": MERGE}, 200), ("PATCH", f"{MAPS}/a?fieldManager=m", config_map(data={"x": "3"}), {"Content-Type": APPLY})],
    "an apply to the status": [("POST", f"{APPS}/deployments", deployment(paused=True), {}, 201), ("PATCH", f"{APPS}/deployments/a/status?fieldManager=m", {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": {"replicas": 9}}, {"Content-Type": APPLY}, 200)],
    # Subresources
    "a scale": [("POST", f"{APPS}/deployments", deployment(), {}, 201), ("GET", f"{APPS}/deployments/a/scale", None, {}, 200), ("PATCH", f"{APPS}/deployments/a/scale", {"spec": {"replicas": -1}}, {"Content-Type": MERGE}, 422)],
    "the spec by way of the status": [("POST", f"{APPS}/deployments", deployment(), {}, 201), ("PATCH", f"{APPS}/deployments/a/status?fieldManager=m", {"spec": {"replicas": 3}}, {"Content-Type": MERGE}, 200)],
    "an eviction of what is not there": [("POST", f"{NS}/pods/nothing/eviction", {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "nothing"}}, {}, 404)],
    "a log of what is not there": [("GET", f"{NS}/pods/nothing/log", None, {}, 404)],
    # Lists
    "a bad label selector": [("GET", f"{MAPS}?labelSelector=a%20in", None, {}, 400)],
    "a bad label value": [("GET", f"{MAPS}?labelSelector=a%3D-b", None, {}, 400)],
    "a bad field selector": [("GET", f"{MAPS}?fieldSelector=a", None, {}, 400)],
    "an unknown field in a selector": [("GET", f"{MAPS}?fieldSelector=data.x%3D1", None, {}, 400)],
    "a bad limit": [("GET", f"{MAPS}?limit=x", None, {}, 400)],
    "a bad continue token": [("GET", f"{MAPS}?limit=1&continue=x", None, {}, 400)],
    "a bad resourceVersion": [("GET", f"{MAPS}?resourceVersion=x", None, {}, 400)],
    "a resourceVersion of the future": [("GET", f"{MAPS}?resourceVersion=99999999", None, {}, 504)],
    "a match without a version": [("GET", f"{MAPS}?resourceVersionMatch=Exact", None, {}, 422)],
    "an unknown match": [("GET", f"{MAPS}?resourceVersion=1&resourceVersionMatch=X", None, {}, 422)],
    "initial events of a list": [("GET", f"{MAPS}?sendInitialEvents=true", None, {}, 422)],
    "a watch of initial events without a match": [("GET", f"{MAPS}?watch=1&sendInitialEvents=true", None, {}, 422)],
    "an Accept that nobody serves": [("GET", MAPS, None, {"Accept": "text/csv"}, 406)],
    "a table without objects": [MADE, ("GET", f"{MAPS}/a?includeObject=None", None, {"Accept": TABLE}, 200)],
    "a table with objects": [MADE, ("GET", f"{MAPS}/a?includeObject=Object", None, {"Accept": TABLE}, 200)],
    "a table with something else": [MADE, ("GET", f"{MAPS}/a?includeObject=X", None, {"Accept": TABLE}, 400)],
    # Deletion
    "an unknown propagation": [MADE, ("DELETE", f"{MAPS}/a", {"propagationPolicy": "Sideways"}, {}, 422)],
    "orphans and a propagation": [MADE, ("DELETE", f"{MAPS}/a", {"propagationPolicy": "Orphan", "orphanDependents": True}, {}, 422)],
    "delete options of another kind": [MADE, ("DELETE", f"{MAPS}/a", {"kind": "Pod", "apiVersion": "v1"}, {}, 400)],
    "a deletion with a stale version": [MADE, ("DELETE", f"{MAPS}/a", {"preconditions": {"resourceVersion": "1"}}, {}, 409)],
    "foreground deletion without dependents": [MADE, ("DELETE", f"{MAPS}/a", {"propagationPolicy": "Foreground"}, {}, 200)],
    "deletecollection by labels": [("POST", MAPS, {"metadata": {"name": "a", "labels": {"x": "y"}}}, {}, 201), ("POST", MAPS, config_map("b"), {}, 201), ("DELETE", f"{MAPS}?labelSelector=x%3Dy", None, {}, 200), ("GET", f"{MAPS}/a", None, {}, 404), ("GET", f"{MAPS}/b", None, {}, 200)],
    # Access
    "what I may do": [("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {"spec": {"resourceAttributes": {"verb": "create", "resource": "pods"}}}, {}, 201)],
    "an access review of nothing": [("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {"spec": {}}, {}, 422)],
    # Definitions
    "a definition of a wrong name": [("POST", CRDS, {**definition("wrong"), "metadata": {"name": "other.requests.example.com"}}, {}, 422)],
    "a definition without a schema": [("POST", CRDS, definition("schemaless", schema={}), {}, 422)],
    "a definition that stores nothing": [("POST", CRDS, definition("storeless", storage=False), {}, 422)],
    "a definition without a type": [("POST", CRDS, definition("typeless", schema={"openAPIV3Schema": {"properties": {"spec": {}}}}), {}, 422)],
    "a definition with a broken rule": [("POST", CRDS, definition("ruleless", schema={"openAPIV3Schema": {"type": "object", "x-kubernetes-validations": [{"rule": "self.a +"}]}}), {}, 422)],
    "a definition whose default is wrong": [("POST", CRDS, definition("defaultless", schema={"openAPIV3Schema": {"type": "object", "properties": {"a": {"type": "integer", "default": "x"}}}}), {}, 422)],
    "a definition without a kind": [("POST", CRDS, {"metadata": {"name": "x.requests.example.com"}, "spec": {"group": "requests.example.com", "scope": "Namespaced", "names": {"plural": "x"}, "versions": definition("x")["spec"]["versions"]}}, {}, 422)],
    "a definition in a protected group": [("POST", CRDS, {**definition("guarded"), "metadata": {"name": "guarded.example.k8s.io"}, "spec": {**definition("guarded")["spec"], "group": "example.k8s.io"}}, {}, 422)],
    # Namespaces
    "a bad namespace": [("POST", "/api/v1/namespaces", {"metadata": {"name": "a.b"}}, {}, 422)],
    "a namespace that must stay": [("DELETE", "/api/v1/namespaces/default", None, {}, 403)],
}  # fmt: skip


@pytest.mark.parametrize("requests", CASES.values(), ids=CASES.keys())
async def test_both_answer_alike(both: Both, namespace: str, requests: list[Request]) -> None:
    for method, path, *rest in requests:
        given = [*rest, None, None, 0][: len(rest)] + [None, {}, 0][len(rest) :]
        body, headers, code = given
        await both.same(method, path.format(ns=namespace), body, headers, code=code)


@pytest.mark.parametrize("levels", [300, 10_001])
async def test_a_deeply_nested_body_is_refused_or_taken_and_the_server_lives(
    both: Both, namespace: str, levels: int
) -> None:
    answer = await both.embedded.ask("POST", MAPS.format(ns=namespace), deep(levels))
    assert answer.code in (400, 413, 422), answer.body
    assert (await both.embedded.ask("GET", "/readyz")).code == 200
