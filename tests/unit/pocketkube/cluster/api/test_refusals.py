"""Codes, reasons and messages of refusals, as kube-apiserver 1.37.2 gave them."""

from typing import Any

import pytest
from tests.unit.pocketkube.cluster.api.served import (
    APPLY_PATCH,
    CONFIG_MAPS,
    DEPLOYMENTS,
    JSON_PATCH,
    MERGE_PATCH,
    NAMESPACE,
    STRATEGIC_PATCH,
    Served,
    config_map,
)

MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"
NOT_SERVED = (404, "NotFound", "the server could not find the requested resource")
NO_METHOD = (405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
REJECTED = (422, "Invalid", "the server rejected our request due to an error in our request")
MEDIA = "application/json, application/yaml, application/vnd.kubernetes.protobuf"

Case = tuple[str, str, Any, tuple[int, str, str]]

ROUTES: dict[str, Case] = {
    "an unknown resource of the core group": ("GET", "/api/v1/foos", None, NOT_SERVED),
    "an unknown resource of a known group": ("GET", "/apis/apps/v1/foos", None, NOT_SERVED),
    "an unknown version of a known group": ("GET", "/apis/apps/v9/deployments", None, NOT_SERVED),
    "an unknown subresource": ("GET", f"{CONFIG_MAPS}/a/scale", None, NOT_SERVED),
    "a cluster-scoped resource in a namespace": ("GET", f"{NAMESPACE}/nodes", None, NOT_SERVED),
    "a namespaced object without a namespace": ("GET", "/api/v1/configmaps/a", None, NOT_SERVED),
    "a slash in a name": ("DELETE", f"{CONFIG_MAPS}/a/b", None, NOT_SERVED),
    "POST on an object": ("POST", f"{CONFIG_MAPS}/a", config_map(), NO_METHOD),
    "PUT on a collection": ("PUT", CONFIG_MAPS, config_map(), NO_METHOD),
    "POST across namespaces": ("POST", "/api/v1/configmaps", config_map(), NO_METHOD),
    "deletecollection of namespaces": ("DELETE", "/api/v1/namespaces", None, NO_METHOD),
    "HEAD": ("HEAD", f"{CONFIG_MAPS}/a", None, NO_METHOD),
    "POST on status": ("POST", f"{DEPLOYMENTS}/d/status", {}, NO_METHOD),
    "POST on a document": ("POST", "/version", {}, NO_METHOD),
    "listing access reviews": ("GET", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", None, NO_METHOD),
}

CREATES: dict[str, Case] = {
    "a name that is taken": (
        "POST",
        CONFIG_MAPS,
        config_map(),
        (409, "AlreadyExists", 'configmaps "a" already exists'),
    ),
    "a resourceVersion on a new object": (
        "POST",
        CONFIG_MAPS,
        config_map("b", resourceVersion="5"),
        (500, "", "resourceVersion should not be set on objects to be created"),
    ),
    "another kind": (
        "POST",
        CONFIG_MAPS,
        {"kind": "Secret", "apiVersion": "v1", "metadata": {"name": "z"}},
        (
            400,
            "BadRequest",
            'Secret in version "v1" cannot be handled as a ConfigMap: converting (v1.Secret) to (core.ConfigMap): '
            "unknown conversion",
        ),
    ),
    "a kind that does not exist": (
        "POST",
        CONFIG_MAPS,
        {"kind": "ConfigMap", "apiVersion": "v2", "metadata": {"name": "z"}},
        (
            400,
            "BadRequest",
            'ConfigMap in version "v2" cannot be handled as a ConfigMap: no kind "ConfigMap" is registered for version '
            '"v2" in scheme "pkg/runtime/scheme.go:111"',
        ),
    ),
    "another namespace": (
        "POST",
        CONFIG_MAPS,
        config_map("b", namespace="other"),
        (400, "BadRequest", "the namespace of the provided object does not match the namespace sent on the request"),
    ),
    "a namespace that does not exist": (
        "POST",
        "/api/v1/namespaces/nons/configmaps",
        config_map("b"),
        (404, "NotFound", 'namespaces "nons" not found'),
    ),
    "no name": (
        "POST",
        CONFIG_MAPS,
        {"kind": "ConfigMap", "apiVersion": "v1"},
        (
            422,
            "Invalid",
            'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required',
        ),
    ),
    "annotations that are too large": (
        "POST",
        CONFIG_MAPS,
        config_map("b", annotations={"a": "x" * 262_144}),
        (422, "Invalid", 'ConfigMap "b" is invalid: metadata.annotations: Too long: may not be more than 262144 bytes'),
    ),
    "an owner that is not named": (
        "POST",
        CONFIG_MAPS,
        config_map("b", ownerReferences=[{"kind": "x"}]),
        (
            422,
            "Invalid",
            'ConfigMap "b" is invalid: [metadata.ownerReferences[0].apiVersion: Required value: must not be empty, '
            "metadata.ownerReferences[0].name: Required value: must not be empty, "
            "metadata.ownerReferences[0].uid: Required value: must not be empty]",
        ),
    ),
    "a body that ends too early": (
        "POST",
        CONFIG_MAPS,
        b"{",
        (
            400,
            "BadRequest",
            "the object provided is unrecognized (must be of type ConfigMap): couldn't get version/kind; json parse "
            "error: unexpected end of JSON input ({)",
        ),
    ),
    "a body that is too large": (
        "POST",
        CONFIG_MAPS,
        b" " * (3 * 1024 * 1024 + 1),
        (413, "RequestEntityTooLarge", "Request entity too large: limit is 3145728"),
    ),
    "options that are wrong": (
        "POST",
        f"{CONFIG_MAPS}?fieldValidation=Bad&dryRun=Some",
        config_map("b"),
        (
            422,
            "Invalid",
            'CreateOptions.meta.k8s.io "" is invalid: [dryRun: Unsupported value: ["Some"]: supported values: "All", '
            'fieldValidation: Unsupported value: "Bad": supported values: "", "Ignore", "Strict", "Warn"]',
        ),
    ),
}

UPDATES: dict[str, Case] = {
    "a stale resourceVersion": (
        "PUT",
        f"{CONFIG_MAPS}/a",
        config_map(resourceVersion="1"),
        (409, "Conflict", f'Operation cannot be fulfilled on configmaps "a": {MODIFIED}'),
    ),
    "a resourceVersion that is no number": (
        "PUT",
        f"{CONFIG_MAPS}/a",
        config_map(resourceVersion="abc"),
        (500, "", 'strconv.ParseUint: parsing "abc": invalid syntax'),
    ),
    "an object that is not there": (
        "PUT",
        f"{CONFIG_MAPS}/nope",
        config_map("nope"),
        (404, "NotFound", 'configmaps "nope" not found'),
    ),
    "another name": (
        "PUT",
        f"{CONFIG_MAPS}/a",
        config_map("b"),
        (400, "BadRequest", "the name of the object (b) does not match the name on the URL (a)"),
    ),
    "no name": (
        "PUT",
        f"{CONFIG_MAPS}/a",
        {"kind": "ConfigMap", "apiVersion": "v1"},
        (400, "BadRequest", "the name of the object (a based on URL) was undeterminable: name must be provided"),
    ),
}

READS: dict[str, Case] = {
    "an object that is not there": (
        "GET",
        f"{CONFIG_MAPS}/nope",
        None,
        (404, "NotFound", 'configmaps "nope" not found'),
    ),
    "a limit that is no number": (
        "GET",
        f"{CONFIG_MAPS}?limit=x",
        None,
        (400, "BadRequest", 'strconv.ParseInt: parsing "x": invalid syntax'),
    ),
    "a continue token that is none": (
        "GET",
        f"{CONFIG_MAPS}?continue=abc",
        None,
        (
            400,
            "BadRequest",
            "invalid continue token: continue key is not valid: invalid character 'i' looking for beginning of value",
        ),
    ),
    "an unknown field selector": (
        "GET",
        f"{CONFIG_MAPS}?fieldSelector=data.x=1",
        None,
        (
            400,
            "BadRequest",
            '"data.x" is not a known field selector: only "metadata.name", "metadata.namespace"',
        ),
    ),
    "an unknown field of Pods": (
        "GET",
        f"{NAMESPACE}/pods?fieldSelector=status.foo=1",
        None,
        (400, "BadRequest", "field label not supported: status.foo"),
    ),
    "a revision that is no number": (
        "GET",
        f"{CONFIG_MAPS}?resourceVersion=abc",
        None,
        (
            400,
            "BadRequest",
            'invalid resource version: resourceVersion: Invalid value: "abc": strconv.ParseUint: parsing "abc": '
            "invalid syntax",
        ),
    ),
    "a match without a revision": (
        "GET",
        f"{CONFIG_MAPS}?resourceVersionMatch=Exact",
        None,
        (
            422,
            "Invalid",
            'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden '
            "unless resourceVersion is provided",
        ),
    ),
    "initial events of a list": (
        "GET",
        f"{CONFIG_MAPS}?sendInitialEvents=true",
        None,
        (
            422,
            "Invalid",
            'ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is forbidden for '
            "list",
        ),
    ),
    "initial events without a match": (
        "GET",
        f"{CONFIG_MAPS}?watch=1&sendInitialEvents=true",
        None,
        (
            422,
            "Invalid",
            'ListOptions.meta.k8s.io "" is invalid: resourceVersionMatch: Forbidden: sendInitialEvents requires '
            "setting resourceVersionMatch to NotOlderThan",
        ),
    ),
}

DELETES: dict[str, Case] = {
    "an object that is not there": (
        "DELETE",
        f"{CONFIG_MAPS}/nope",
        None,
        (404, "NotFound", 'configmaps "nope" not found'),
    ),
    "another resourceVersion": (
        "DELETE",
        f"{CONFIG_MAPS}/a",
        {"preconditions": {"uid": "x"}},
        (409, "Conflict", ""),
    ),
    "an unknown policy": (
        "DELETE",
        f"{CONFIG_MAPS}/a?propagationPolicy=Bad",
        None,
        (
            422,
            "Invalid",
            'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Unsupported value: "Bad": supported values: '
            '"Foreground", "Background", "Orphan", "nil"',
        ),
    ),
    "two policies": (
        "DELETE",
        f"{CONFIG_MAPS}/a?orphanDependents=true&propagationPolicy=Orphan",
        None,
        (
            422,
            "Invalid",
            'DeleteOptions.meta.k8s.io "" is invalid: propagationPolicy: Invalid value: "Orphan": orphanDependents and '
            "deletionPropagation cannot be both set",
        ),
    ),
    "options of another kind": (
        "DELETE",
        f"{CONFIG_MAPS}/a",
        {"kind": "Foo", "apiVersion": "v1"},
        (400, "BadRequest", 'no kind "Foo" is registered for version "v1" in scheme "pkg/runtime/scheme.go:111"'),
    ),
    "a namespace that stays": (
        "DELETE",
        "/api/v1/namespaces/default",
        None,
        (403, "Forbidden", 'namespaces "default" is forbidden: this namespace may not be deleted'),
    ),
}

GROUPS = {
    "routes": ROUTES,
    "create": CREATES,
    "update": UPDATES,
    "read": READS,
    "delete": DELETES,
}


@pytest.mark.parametrize(
    ("method", "path", "body", "expected"),
    [pytest.param(*case, id=f"{group}: {rule}") for group, cases in GROUPS.items() for rule, case in cases.items()],
)
async def test_refused(served: Served, method: str, path: str, body: Any, expected: tuple[int, str, str]) -> None:
    await served.make(CONFIG_MAPS, config_map())
    code, reason, message = (await served.ask(method, path, body)).refusal
    assert (code, reason, message if expected[2] else "") == expected


PATCHES: dict[str, tuple[str, str, Any, tuple[int, str, str]]] = {
    "an unknown type": ("text/plain", "a", {}, (415, "UnsupportedMediaType", "415: Unsupported Media Type")),
    "no JSON": (MERGE_PATCH, "a", b"{", (400, "BadRequest", "invalid JSON patch")),
    "nothing to patch": (MERGE_PATCH, "nope", {}, (404, "NotFound", 'configmaps "nope" not found')),
    "a merge patch that is a list": (
        MERGE_PATCH,
        "a",
        [],
        (
            400,
            "BadRequest",
            "error decoding patch: json: cannot unmarshal array into Go value of type map[string]interface {}",
        ),
    ),
    "a strategic patch that is a list": (
        STRATEGIC_PATCH,
        "a",
        [],
        (400, "BadRequest", "json: cannot unmarshal array into Go value of type map[string]interface {}"),
    ),
    "a JSON patch that is an object": (
        JSON_PATCH,
        "a",
        {},
        (
            400,
            "BadRequest",
            "error decoding patch: json: cannot unmarshal object into Go value of type []handlers.jsonPatchOp",
        ),
    ),
    "a test that fails": (JSON_PATCH, "a", [{"op": "test", "path": "/data/x", "value": "9"}], REJECTED),
    "removing what is not there": (JSON_PATCH, "a", [{"op": "remove", "path": "/data/q"}], REJECTED),
    "an unknown operation": (JSON_PATCH, "a", [{"op": "bogus", "path": "/data/q"}], REJECTED),
    "a document that is no object": (JSON_PATCH, "a", [{"op": "replace", "path": "", "value": "9"}], REJECTED),
    "another name": (
        MERGE_PATCH,
        "a",
        {"metadata": {"name": "x"}},
        (400, "BadRequest", "the name of the object (x) does not match the name on the URL (a)"),
    ),
    "a stale resourceVersion": (
        MERGE_PATCH,
        "a",
        {"metadata": {"resourceVersion": "1"}},
        (409, "Conflict", f'Operation cannot be fulfilled on configmaps "a": {MODIFIED}'),
    ),
    "another uid": (
        MERGE_PATCH,
        "a",
        {"metadata": {"uid": "1"}},
        (422, "Invalid", 'ConfigMap "a" is invalid: metadata.uid: Invalid value: "1": field is immutable'),
    ),
    "an apply without a manager": (
        APPLY_PATCH,
        "a",
        config_map(),
        (
            422,
            "Invalid",
            'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch',
        ),
    ),
    "an apply of no kind": (
        APPLY_PATCH,
        "a?fieldManager=m",
        {"data": {}},
        (400, "BadRequest", "invalid object type: /, Kind="),
    ),
    "an apply of another kind": (
        APPLY_PATCH,
        "a?fieldManager=m",
        {"apiVersion": "v1", "kind": "Secret"},
        (400, "BadRequest", "invalid object type: /v1, Kind=Secret"),
    ),
    "an apply of another name": (
        APPLY_PATCH,
        "a?fieldManager=m",
        config_map("b"),
        (400, "BadRequest", "the name of the object (b) does not match the name on the URL (a)"),
    ),
    "an apply with managedFields": (
        APPLY_PATCH,
        "a?fieldManager=m",
        config_map(managedFields=[{"manager": "x"}]),
        (400, "BadRequest", "metadata.managedFields must be nil"),
    ),
    "an apply that is a list": (
        APPLY_PATCH,
        "a?fieldManager=m",
        b"[]",
        (
            400,
            "BadRequest",
            "error decoding patch: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal array into Go "
            "value of type map[string]interface {}",
        ),
    ),
    "an apply of an unknown field": (
        APPLY_PATCH,
        "a?fieldManager=m&force=true",
        {**config_map(), "foo": 1},
        (
            500,
            "",
            "failed to create typed patch object (/a; /v1, Kind=ConfigMap): .foo: field not declared in schema",
        ),
    ),
    "an apply against another manager": (
        APPLY_PATCH,
        "a?fieldManager=m",
        {**config_map(), "data": {"x": "2"}},
        (409, "Conflict", 'Apply failed with 1 conflict: conflict with "test" using v1: .data.x'),
    ),
    "an apply that makes an object with a uid": (
        APPLY_PATCH,
        "new?fieldManager=m",
        config_map("new", uid="q"),
        (
            409,
            "Conflict",
            'Operation cannot be fulfilled on configmaps "new": uid mismatch: the provided object specified uid q, and '
            "no existing object was found",
        ),
    ),
}


@pytest.mark.parametrize(("kind", "where", "body", "expected"), PATCHES.values(), ids=PATCHES.keys())
async def test_patch_refused(served: Served, kind: str, where: str, body: Any, expected: tuple[int, str, str]) -> None:
    await served.make(CONFIG_MAPS, config_map())
    answer = await served.ask("PATCH", f"{CONFIG_MAPS}/{where}", body, content_type=kind)
    assert answer.refusal == expected


@pytest.mark.parametrize("path", ["/apis/nope/v1", "/apis/nope/v1/foos", "/nope"])
async def test_unknown_groups_and_paths_are_plain_text(served: Served, path: str) -> None:
    answer = await served.ask("GET", path)
    assert (answer.code, answer.body) == (404, b"404 page not found\n")


@pytest.mark.parametrize(
    ("accept", "message"),
    [
        ("text/plain", f"406: Not Acceptable\n\nAvailable representations: {MEDIA}"),
        (
            "application/json;as=Foo;g=meta.k8s.io;v=v1",
            f"only the following media types are accepted: {MEDIA}",
        ),
        (
            "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
            "you requested PartialObjectMetadataList, but the requested object is not a list (*core.ConfigMap)",
        ),
    ],
    ids=["no JSON", "an unknown conversion", "a list where one object is"],
)
async def test_not_acceptable(served: Served, accept: str, message: str) -> None:
    await served.make(CONFIG_MAPS, config_map())
    answer = await served.ask("GET", f"{CONFIG_MAPS}/a", accept=accept)
    assert answer.refusal == (406, "NotAcceptable", message)


async def test_a_media_type_that_is_not_spoken(served: Served) -> None:
    answer = await served.ask("POST", CONFIG_MAPS, config_map(), content_type="text/plain")
    text = f"the body of the request was in an unknown format - accepted media types include: {MEDIA}"
    assert answer.refusal == (415, "UnsupportedMediaType", text)


async def test_a_revision_that_is_yet_to_come(served: Served) -> None:
    answer = await served.ask("GET", f"{CONFIG_MAPS}?resourceVersion=99999999")
    assert answer.code == 504
    assert answer.body["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"
