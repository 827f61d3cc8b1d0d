"""What writes do: metadata, no-ops, dry runs, patches, deletion."""

import pytest
from tests.unit.pocketkube.cluster.api.served import (
    APPLY_PATCH,
    CONFIG_MAPS,
    DEPLOYMENTS,
    JSON_PATCH,
    MERGE_PATCH,
    PODS,
    STRATEGIC_PATCH,
    Served,
    config_map,
    deployment,
    pod,
)

from kubegrammar.json_patch import JsonPatchError, apply_json_patch


async def test_a_new_object_gets_its_metadata_from_the_server(served: Served) -> None:
    sent = config_map(uid="mine", creationTimestamp="2020-01-01T00:00:00Z", selfLink="x")
    made = await served.make(CONFIG_MAPS, sent)
    metadata = made["metadata"]
    assert metadata["creationTimestamp"] == "2026-01-01T00:00:00Z"
    assert metadata["namespace"] == "default"
    assert metadata["uid"] != "mine"
    assert "selfLink" not in metadata


async def test_kind_and_version_may_be_left_out(served: Served) -> None:
    made = await served.make(CONFIG_MAPS, {"metadata": {"name": "a"}})
    assert (made["kind"], made["apiVersion"]) == ("ConfigMap", "v1")


async def test_generated_names_end_in_five_random_letters(served: Served) -> None:
    first = await served.make(CONFIG_MAPS, {"metadata": {"generateName": "g-"}})
    second = await served.make(CONFIG_MAPS, {"metadata": {"generateName": "g-"}})
    assert first["metadata"]["name"] != second["metadata"]["name"]
    assert len(first["metadata"]["name"]) == len("g-") + 5


async def test_the_manager_is_the_user_agent_up_to_its_slash(served: Served) -> None:
    answer = await served.ask("POST", CONFIG_MAPS, config_map(), agent="kubectl/v1.37")
    assert answer.body["metadata"]["managedFields"][0]["manager"] == "kubectl"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_a_dry_run_changes_nothing(served: Served, method: str) -> None:
    await served.make(CONFIG_MAPS, config_map())
    before = served.storage.revision
    target = CONFIG_MAPS if method == "POST" else f"{CONFIG_MAPS}/a"
    body = None if method == "DELETE" else {**config_map("b" if method == "POST" else "a"), "data": {"x": "2"}}
    kind = MERGE_PATCH if method == "PATCH" else "application/json"
    answer = await served.ask(method, f"{target}?dryRun=All", body, content_type=kind)
    assert answer.code in (200, 201)
    assert served.storage.revision == before


async def test_a_dry_run_tells_what_would_be(served: Served) -> None:
    answer = await served.ask("POST", f"{CONFIG_MAPS}?dryRun=All", config_map())
    assert answer.body["data"] == {"x": "1"}
    assert "resourceVersion" not in answer.body["metadata"]


async def test_an_update_that_changes_nothing_keeps_the_revision(served: Served) -> None:
    made = await served.make(CONFIG_MAPS, config_map())
    served.later(60)
    again = await served.ask("PUT", f"{CONFIG_MAPS}/a", config_map())
    assert again.body == made


async def test_an_update_keeps_uid_and_creation(served: Served) -> None:
    made = await served.make(CONFIG_MAPS, config_map())
    served.later(60)
    changed = await served.ask("PUT", f"{CONFIG_MAPS}/a", {**config_map(), "data": {"x": "2"}})
    for key in ("uid", "creationTimestamp"):
        assert changed.body["metadata"][key] == made["metadata"][key]
    assert changed.body["metadata"]["resourceVersion"] != made["metadata"]["resourceVersion"]


async def test_put_makes_a_lease_but_then_needs_its_revision(served: Served) -> None:
    path = "/apis/coordination.k8s.io/v1/namespaces/default/leases/l"
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "l"}, "spec": {}}
    assert (await served.ask("PUT", path, lease)).code == 201
    again = await served.ask("PUT", path, lease)
    text = "metadata.resourceVersion: Invalid value: 0: must be specified for an update"
    assert again.refusal == (422, "Invalid", f'leases.coordination.k8s.io "l" is invalid: {text}')


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (MERGE_PATCH, {"data": {"x": None, "y": "2"}}),
        (STRATEGIC_PATCH, {"data": {"x": None, "y": "2"}}),
        (
            JSON_PATCH,
            [{"op": "move", "from": "/data/x", "path": "/data/y"}, {"op": "replace", "path": "/data/y", "value": "2"}],
        ),
    ],
    ids=["merge", "strategic", "JSON"],
)
async def test_patches(served: Served, kind: str, body: object) -> None:
    await served.make(CONFIG_MAPS, config_map())
    answer = await served.ask("PATCH", f"{CONFIG_MAPS}/a", body, content_type=kind)
    assert answer.body["data"] == {"y": "2"}


async def test_an_apply_makes_what_is_not_there(served: Served) -> None:
    answer = await served.ask("PATCH", f"{CONFIG_MAPS}/new?fieldManager=m", config_map("new"), content_type=APPLY_PATCH)
    assert answer.code == 201
    assert answer.body["metadata"]["managedFields"][0]["operation"] == "Apply"


async def test_a_second_equal_apply_keeps_the_revision(served: Served) -> None:
    path = f"{CONFIG_MAPS}/a?fieldManager=m"
    first = await served.ask("PATCH", path, config_map(), content_type=APPLY_PATCH)
    served.later(60)
    second = await served.ask("PATCH", path, config_map(), content_type=APPLY_PATCH)
    assert second.body == first.body


async def test_an_apply_of_status_makes_nothing(served: Served) -> None:
    body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d"}, "status": {"replicas": 1}}
    answer = await served.ask("PATCH", f"{DEPLOYMENTS}/d/status?fieldManager=m", body, content_type=APPLY_PATCH)
    assert answer.code == 404


async def test_unknown_fields_are_dropped_with_a_warning(served: Served) -> None:
    answer = await served.ask("POST", CONFIG_MAPS, {**config_map(), "foo": 1})
    assert "foo" not in answer.body
    assert answer.warnings == ['299 - "unknown field \\"foo\\""']


async def test_unknown_fields_are_refused_where_validation_is_strict(served: Served) -> None:
    answer = await served.ask("POST", f"{CONFIG_MAPS}?fieldValidation=Strict", {**config_map(), "foo": 1})
    text = 'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: unknown field "foo"'
    assert answer.refusal == (400, "BadRequest", text)


async def test_unknown_fields_are_nobodys_business_where_validation_is_off(served: Served) -> None:
    answer = await served.ask("POST", f"{CONFIG_MAPS}?fieldValidation=Ignore", {**config_map(), "foo": 1})
    assert (answer.code, answer.warnings) == (201, [])


async def test_owners_that_are_there_twice_are_so_once(served: Served) -> None:
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "o", "uid": "u"}
    answer = await served.ask("POST", CONFIG_MAPS, config_map(ownerReferences=[owner, dict(owner)]))
    assert answer.body["metadata"]["ownerReferences"] == [owner]
    assert "duplicate UID(s) observed: u" in answer.warnings[0]


async def test_a_deletion_answers_with_the_details_of_what_went(served: Served) -> None:
    made = await served.make(CONFIG_MAPS, config_map())
    answer = await served.ask("DELETE", f"{CONFIG_MAPS}/a")
    assert answer.body["status"] == "Success"
    assert answer.body["details"] == {"name": "a", "kind": "configmaps", "uid": made["metadata"]["uid"]}
    assert (await served.ask("GET", f"{CONFIG_MAPS}/a")).code == 404


async def test_finalizers_keep_an_object_until_the_last_is_gone(served: Served) -> None:
    await served.make(CONFIG_MAPS, config_map(finalizers=["a/b"]))
    marked = await served.ask("DELETE", f"{CONFIG_MAPS}/a")
    assert marked.body["metadata"]["deletionTimestamp"] == "2026-01-01T00:00:00Z"
    assert (await served.ask("POST", CONFIG_MAPS, config_map())).refusal == (
        409,
        "AlreadyExists",
        'object is being deleted: configmaps "a" already exists',
    )
    more = {"metadata": {"finalizers": ["a/b", "c/d"]}}
    refused = await served.ask("PATCH", f"{CONFIG_MAPS}/a", more, content_type=MERGE_PATCH)
    assert 'found new finalizers []string{"c/d"}' in refused.refusal[2]
    await served.ask("PATCH", f"{CONFIG_MAPS}/a", {"metadata": {"finalizers": None}}, content_type=MERGE_PATCH)
    assert (await served.ask("GET", f"{CONFIG_MAPS}/a")).code == 404


@pytest.mark.parametrize(("policy", "finalizer"), [("Foreground", "foregroundDeletion"), ("Orphan", "orphan")])
async def test_policies_leave_the_rest_to_the_garbage_collector(served: Served, policy: str, finalizer: str) -> None:
    await served.make(DEPLOYMENTS, deployment())
    answer = await served.ask("DELETE", f"{DEPLOYMENTS}/d", {"propagationPolicy": policy})
    metadata = answer.body["metadata"]
    assert (metadata["finalizers"], metadata["deletionGracePeriodSeconds"]) == ([finalizer], 0)
    assert metadata["generation"] == 2


async def test_a_pod_without_a_node_goes_at_once(served: Served) -> None:
    await served.make(PODS, pod())
    gone = await served.ask("DELETE", f"{PODS}/p")
    assert gone.body["kind"] == "Pod"
    assert (await served.ask("GET", f"{PODS}/p")).code == 404


async def test_a_pod_on_a_node_is_given_its_time(served: Served) -> None:
    await served.make(PODS, pod())
    await served.ask("POST", f"{PODS}/p/binding", {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n"}})
    first = await served.ask("DELETE", f"{PODS}/p")
    assert first.body["metadata"]["deletionTimestamp"] == "2026-01-01T00:00:30Z"
    shorter = await served.ask("DELETE", f"{PODS}/p?gracePeriodSeconds=5")
    assert shorter.body["metadata"]["deletionTimestamp"] == "2026-01-01T00:00:05Z"
    longer = await served.ask("DELETE", f"{PODS}/p?gracePeriodSeconds=50")
    assert longer.body["metadata"]["deletionGracePeriodSeconds"] == 5
    assert (await served.ask("DELETE", f"{PODS}/p?gracePeriodSeconds=0")).code == 200
    assert (await served.ask("GET", f"{PODS}/p")).code == 404


async def test_deletecollection_takes_what_selectors_choose(served: Served) -> None:
    await served.make(CONFIG_MAPS, config_map("a", labels={"x": "y"}))
    await served.make(CONFIG_MAPS, config_map("b"))
    answer = await served.ask("DELETE", f"{CONFIG_MAPS}?labelSelector=x=y")
    assert [item["metadata"]["name"] for item in answer.body["items"]] == ["a"]
    left = await served.ask("GET", CONFIG_MAPS)
    assert [item["metadata"]["name"] for item in left.body["items"]] == ["b"]


async def test_a_namespace_takes_in_nothing_once_it_goes(served: Served) -> None:
    await served.make("/api/v1/namespaces", {"metadata": {"name": "t"}})
    gone = await served.ask("DELETE", "/api/v1/namespaces/t")
    assert gone.body["status"]["phase"] == "Terminating"
    answer = await served.ask("POST", "/api/v1/namespaces/t/configmaps", config_map("r"))
    text = "unable to create new content in namespace t because it is being terminated"
    assert answer.refusal == (403, "Forbidden", f'configmaps "r" is forbidden: {text}')
    assert answer.body["details"]["causes"][0]["reason"] == "NamespaceTerminating"


async def test_a_finalized_namespace_is_gone(served: Served) -> None:
    await served.make("/api/v1/namespaces", {"metadata": {"name": "t"}})
    await served.ask("DELETE", "/api/v1/namespaces/t")
    await served.ask("PUT", "/api/v1/namespaces/t/finalize", {"metadata": {"name": "t"}, "spec": {}})
    assert (await served.ask("GET", "/api/v1/namespaces/t")).code == 404


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ([{"op": "add", "path": "/l/-", "value": 3}], {"l": [1, 2, 3]}),
        ([{"op": "add", "path": "/l/0", "value": 0}], {"l": [0, 1, 2]}),
        ([{"op": "add", "path": "/l/2", "value": 3}], {"l": [1, 2, 3]}),
        ([{"op": "remove", "path": "/l/-1"}], {"l": [1]}),
        ([{"op": "replace", "path": "/new", "value": 1}], {"l": [1, 2], "new": 1}),
        (
            [{"op": "copy", "from": "/l", "path": "/m"}, {"op": "add", "path": "/m/0", "value": 0}],
            {"l": [1, 2], "m": [0, 1, 2]},
        ),
        ([{"op": "test", "path": "/none", "value": None}], {"l": [1, 2]}),
        ([{"op": "replace", "path": "", "value": {"z": 1}}], {"z": 1}),
    ],
    ids=[
        "append",
        "insert first",
        "insert last",
        "from the end",
        "replace makes",
        "copies are apart",
        "null is absent",
        "whole",
    ],
)
def test_json_patch(operations: list[object], expected: object) -> None:
    assert apply_json_patch({"l": [1, 2]}, operations) == expected


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "add", "path": "/l/4", "value": 0},
        {"op": "add", "path": "no slash", "value": 0},
        {"op": "add", "path": "/l/x", "value": 0},
        {"op": "add", "path": "/none/x", "value": 0},
        {"op": "move", "path": "/x", "from": "/none"},
        {"op": "test", "path": "/l", "value": [1, True]},
        {"op": "add"},
        "text",
    ],
    ids=str,
)
def test_json_patch_that_does_not_apply(operation: object) -> None:
    with pytest.raises(JsonPatchError):
        apply_json_patch({"l": [1, 2]}, [operation])


def test_copies_that_grow_without_end_are_stopped() -> None:
    operations = [{"op": "copy", "from": "/l", "path": "/l/-"}] * 64
    with pytest.raises(JsonPatchError, match="copies too much"):
        apply_json_patch({"l": ["x" * 100]}, operations)
