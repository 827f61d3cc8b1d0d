"""Scale, binding, eviction, log, tokens and reviews."""

import pytest
from tests.unit.pocketkube.cluster.api.served import (
    APPLY_PATCH,
    DEPLOYMENTS,
    MERGE_PATCH,
    NAMESPACE,
    PODS,
    Served,
    deployment,
    pod,
)

from pocketkube.cluster.api.scaling import selector_text
from pocketkube.cluster.api.selectors import matches

SCALE = f"{DEPLOYMENTS}/d/scale"
BINDING = {"metadata": {"name": "p"}, "target": {"kind": "Node", "name": "n"}}


def scale(replicas: int, **metadata: str) -> dict[str, object]:
    return {
        "apiVersion": "autoscaling/v1",
        "kind": "Scale",
        "metadata": {"name": "d", **metadata},
        "spec": {"replicas": replicas},
    }


async def test_a_scale_shows_replicas_and_selector(served: Served) -> None:
    await served.make(DEPLOYMENTS, deployment())
    answer = await served.ask("GET", SCALE)
    assert (answer.body["kind"], answer.body["spec"]) == ("Scale", {"replicas": 1})
    assert answer.body["status"] == {"replicas": 0, "selector": "app=d"}


@pytest.mark.parametrize(
    ("method", "body", "kind"),
    [("PUT", scale(4), "application/json"), ("PATCH", {"spec": {"replicas": 4}}, MERGE_PATCH)],
    ids=["replaced", "patched"],
)
async def test_a_scale_changes_its_object(served: Served, method: str, body: object, kind: str) -> None:
    await served.make(DEPLOYMENTS, deployment())
    assert (await served.ask(method, SCALE, body, content_type=kind)).body["spec"] == {"replicas": 4}
    changed = (await served.ask("GET", f"{DEPLOYMENTS}/d")).body
    assert changed["spec"]["replicas"] == 4
    assert changed["metadata"]["generation"] == 2
    owners = {entry.get("subresource", ""): entry for entry in changed["metadata"]["managedFields"]}
    assert owners["scale"]["fieldsV1"] == {"f:spec": {"f:replicas": {}}}
    assert "time" not in owners["scale"]


async def test_an_applied_scale_meets_its_manager(served: Served) -> None:
    await served.make(DEPLOYMENTS, deployment())
    await served.ask("PATCH", SCALE, {"spec": {"replicas": 4}}, content_type=MERGE_PATCH)
    answer = await served.ask("PATCH", f"{SCALE}?fieldManager=s", scale(7), content_type=APPLY_PATCH)
    text = 'conflict with "test" with subresource "scale" using autoscaling/v1: .spec.replicas'
    assert answer.refusal == (409, "Conflict", f"Apply failed with 1 conflict: {text}")


async def test_a_scale_below_zero(served: Served) -> None:
    await served.make(DEPLOYMENTS, deployment())
    answer = await served.ask("PUT", SCALE, scale(-3))
    text = "spec.replicas: Invalid value: -3: must be greater than or equal to 0"
    assert answer.refusal == (422, "Invalid", f'Scale.autoscaling "d" is invalid: {text}')


async def test_a_stale_scale(served: Served) -> None:
    await served.make(DEPLOYMENTS, deployment())
    assert (await served.ask("PUT", SCALE, scale(2, resourceVersion="1"))).refusal[:2] == (409, "Conflict")


async def test_status_and_object_are_written_apart(served: Served) -> None:
    await served.make(DEPLOYMENTS, deployment())
    both = {"spec": {"replicas": 9}, "status": {"replicas": 1}}
    on_status = await served.ask("PATCH", f"{DEPLOYMENTS}/d/status", both, content_type=MERGE_PATCH)
    assert (on_status.body["spec"]["replicas"], on_status.body["status"]) == (1, {"replicas": 1})
    on_object = await served.ask("PATCH", f"{DEPLOYMENTS}/d", both | {"status": {}}, content_type=MERGE_PATCH)
    assert (on_object.body["spec"]["replicas"], on_object.body["status"]) == (9, {"replicas": 1})


async def test_a_pod_is_bound_once(served: Served) -> None:
    await served.make(PODS, pod())
    assert (await served.ask("POST", f"{PODS}/p/binding", BINDING)).code == 201
    bound = (await served.ask("GET", f"{PODS}/p")).body
    assert bound["spec"]["nodeName"] == "n"
    assert {"PodScheduled"} <= {condition["type"] for condition in bound["status"]["conditions"]}
    again = await served.ask("POST", f"{NAMESPACE}/bindings", BINDING)
    text = 'Operation cannot be fulfilled on pods/binding "p": pod p is already assigned to node "n"'
    assert again.refusal == (409, "Conflict", text)


@pytest.mark.parametrize(("allowed", "code"), [(1, 201), (0, 429)], ids=["may be disrupted", "may not"])
async def test_evictions_ask_the_budget(served: Served, allowed: int, code: int) -> None:
    await served.make(PODS, pod())
    running = {"status": {"phase": "Running"}}
    await served.ask("PATCH", f"{PODS}/p/status", running, content_type=MERGE_PATCH)
    budgets = "/apis/policy/v1/namespaces/default/poddisruptionbudgets"
    await served.make(budgets, {"metadata": {"name": "b"}, "spec": {"selector": {"matchLabels": {"app": "p"}}}})
    status = {"status": {"disruptionsAllowed": allowed, "currentHealthy": 1, "desiredHealthy": 1, "expectedPods": 1}}
    await served.ask("PATCH", f"{budgets}/b/status", status, content_type=MERGE_PATCH)
    answer = await served.ask("POST", f"{PODS}/p/eviction", {"metadata": {"name": "p"}})
    assert answer.code == code
    assert (await served.ask("GET", f"{PODS}/p")).code == (404 if code == 201 else 200)


async def test_the_log_of_a_pod_without_a_node_is_empty(served: Served) -> None:
    await served.make(PODS, pod())
    assert (await served.ask("GET", f"{PODS}/p/log")).code == 204
    other = await served.ask("GET", f"{PODS}/p/log?container=x")
    assert other.refusal == (400, "BadRequest", "container x is not valid for pod p")


async def test_the_log_of_a_pod_that_is_played_is_that_of_its_containers(served: Served) -> None:
    await served.make(PODS, pod())
    name = pod()["spec"]["containers"][0]["name"]
    for state, code in (({"running": {"startedAt": "2026-01-02T03:04:05Z"}}, 200), ({"waiting": {"reason": "X"}}, 400)):
        statuses = {"status": {"containerStatuses": [{"name": name, "state": state}]}}
        await served.ask("PATCH", f"{PODS}/p/status", statuses, content_type=MERGE_PATCH)
        assert (await served.ask("GET", f"{PODS}/p/log")).code == code


async def test_a_token_for_a_service_account(served: Served) -> None:
    await served.make(f"{NAMESPACE}/serviceaccounts", {"metadata": {"name": "s"}})
    answer = await served.ask("POST", f"{NAMESPACE}/serviceaccounts/s/token", {"spec": {"expirationSeconds": 600}})
    assert (answer.code, answer.body["kind"]) == (201, "TokenRequest")
    assert answer.body["status"]["token"].startswith("token of system:serviceaccount:default:s")


REVIEWS = {
    "one's own access": (
        "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
        {"spec": {"resourceAttributes": {"verb": "get", "resource": "pods"}}},
        {"allowed": True},
    ),
    "another's access": (
        "/apis/authorization.k8s.io/v1/subjectaccessreviews",
        {"spec": {"user": "x", "resourceAttributes": {"verb": "get", "resource": "pods"}}},
        {"allowed": True},
    ),
    "oneself": (
        "/apis/authentication.k8s.io/v1/selfsubjectreviews",
        {},
        {"userInfo": {"username": "tester", "groups": ["system:authenticated"]}},
    ),
    "a token that is none": (
        "/apis/authentication.k8s.io/v1/tokenreviews",
        {"spec": {"token": "bad"}},
        {"user": {}, "error": "invalid bearer token"},
    ),
}


@pytest.mark.parametrize(("path", "body", "status"), REVIEWS.values(), ids=REVIEWS.keys())
async def test_reviews(served: Served, path: str, body: object, status: object) -> None:
    before = served.storage.revision
    answer = await served.ask("POST", path, body)
    assert (answer.code, answer.body["status"]) == (201, status)
    assert served.storage.revision == before


async def test_a_review_of_nothing(served: Served) -> None:
    answer = await served.ask("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", {"spec": {}})
    text = "spec: Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified"
    assert answer.refusal == (422, "Invalid", f'.authorization.k8s.io "" is invalid: {text}')


EXPRESSIONS = [
    {"key": "b", "operator": "In", "values": ["2", "1"]},
    {"key": "c", "operator": "DoesNotExist"},
    {"key": "d", "operator": "Exists"},
]


def test_selectors_as_text() -> None:
    selector = {"matchLabels": {"a": "x"}, "matchExpressions": EXPRESSIONS}
    assert selector_text(selector) == "a=x,b in (1,2),!c,d"
    assert selector_text({"app": "x"}) == "app=x"


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({"b": "1", "d": ""}, True),
        ({"b": "3", "d": ""}, False),
        ({"b": "1", "c": "", "d": ""}, False),
        ({"b": "1"}, False),
    ],
)
def test_selectors_hold(labels: dict[str, str], expected: bool) -> None:
    assert matches({"matchExpressions": EXPRESSIONS}, labels) is expected


def test_no_selector_matches_nothing_and_an_empty_one_everything() -> None:
    assert not matches(None, {"a": "b"})
    assert matches({}, {"a": "b"})
