"""The parts of an apply that need no cluster: what is sent, merged, migrated and said."""

from typing import Any

import msgspec
import pytest
from tests.support.plans import live_of, manifest

from trueup.apply.ownership import applied_by_us, migration_patch
from trueup.apply.perform import interrupts, object_message
from trueup.apply.sanitise import wanted_object
from trueup.apply.takeover import after_takeover
from trueup.apply.write import leaves_alone
from trueup.kube.errors import ApiError, Forbidden, Invalid, ServerError, TooManyRequests, Unreachable
from trueup.model.annotations import LAST_APPLIED
from trueup.model.live import LiveObject
from trueup.model.manifest import Manifest
from trueup.model.resource import ResourceKey
from trueup.plan.task import Writing


def declared(kind: str, content: dict[str, Any]) -> Manifest:
    body = msgspec.json.encode(content)
    return msgspec.structs.replace(manifest(kind, "a"), body=body)


def live(content: dict[str, Any], kind: str = "ConfigMap") -> LiveObject:
    annotations = content.get("metadata", {}).get("annotations", {})
    return live_of(manifest(kind, "a"), version=7, body=msgspec.json.encode(content), annotations=annotations)


SENT = {
    "server-owned metadata is left out": (
        "ConfigMap",
        {"metadata": {"name": "a", "uid": "u", "resourceVersion": "1", "managedFields": [], "generation": 2}},
        {"metadata": {"name": "a"}},
    ),
    "status is left out": ("Deployment", {"metadata": {"name": "a"}, "status": {"x": 1}}, {"metadata": {"name": "a"}}),
    "stringData becomes data and wins": (
        "Secret",
        {"metadata": {"name": "a"}, "data": {"k": "b2xk", "l": "bA=="}, "stringData": {"k": "new"}},
        {"metadata": {"name": "a"}, "data": {"k": "bmV3", "l": "bA=="}},
    ),
    "stringData of another kind is its own business": (
        "ConfigMap",
        {"metadata": {"name": "a"}, "stringData": {"k": "v"}},
        {"metadata": {"name": "a"}, "stringData": {"k": "v"}},
    ),
    "stringData that is no text is left for the server to refuse": (
        "Secret",
        {"metadata": {"name": "a"}, "stringData": {"k": 1}},
        {"metadata": {"name": "a"}, "stringData": {"k": 1}},
    ),
}


@pytest.mark.parametrize(("kind", "content", "sent"), SENT.values(), ids=SENT.keys())
def test_what_is_sent(kind: str, content: dict[str, Any], sent: dict[str, Any]) -> None:
    assert wanted_object(declared(kind, content)) == sent


def entry(manager: str, operation: str, fields: dict[str, Any], subresource: str = "") -> dict[str, Any]:
    made = {
        "manager": manager,
        "operation": operation,
        "apiVersion": "v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": fields,
    }
    return made | ({"subresource": subresource} if subresource else {})


DATA: dict[str, Any] = {"f:data": {"f:a": {}}}
MORE: dict[str, Any] = {"f:data": {"f:b": {}}}
MOVED = {
    "Argo CD's and kubectl's client-side entries become ours": (
        [entry("argocd-controller", "Update", DATA), entry("kubectl-client-side-apply", "Update", MORE)],
        [entry("argocd-controller", "Apply", {"f:data": {"f:a": {}, "f:b": {}}})],
    ),
    "they join the entry that is ours already": (
        [entry("argocd-controller", "Apply", DATA), entry("before-first-apply", "Update", MORE)],
        [entry("argocd-controller", "Apply", {"f:data": {"f:a": {}, "f:b": {}}})],
    ),
    "what one owns as a whole, or as empty, and another in parts, we own as a whole and in parts": (
        [entry("argocd-controller", "Apply", {"f:data": {}}), entry("before-first-apply", "Update", MORE)],
        [entry("argocd-controller", "Apply", {"f:data": {".": {}, "f:b": {}}})],
    ),
    "status entries and other managers stay": (
        [
            entry("argocd-controller", "Update", DATA),
            entry("argocd-controller", "Update", MORE, "status"),
            entry("argocd-server", "Update", MORE),
            entry("kubectl-edit", "Update", MORE),
        ],
        [
            entry("argocd-controller", "Update", MORE, "status"),
            entry("argocd-server", "Update", MORE),
            entry("kubectl-edit", "Update", MORE),
            entry("argocd-controller", "Apply", DATA),
        ],
    ),
}


@pytest.mark.parametrize(("entries", "expected"), MOVED.values(), ids=MOVED.keys())
def test_ownership_moves(entries: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    patch = migration_patch(live({"metadata": {"managedFields": entries}}))
    assert patch is not None
    fields, version = msgspec.json.decode(patch)
    assert [{key: value for key, value in item.items() if key != "time"} for item in fields["value"]] == expected
    assert version == {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"}


def test_nothing_moves_where_nobody_applied_client_side() -> None:
    entries = [entry("argocd-controller", "Apply", DATA), entry("kubectl-edit", "Update", MORE)]
    found = live({"metadata": {"managedFields": entries}})
    assert migration_patch(found) is None
    assert applied_by_us(found)


ALONE = {
    "an object in sync that another engine applied is left alone": (
        True,
        [entry("argocd-controller", "Update", DATA)],
        True,
    ),
    "one that we have applied is applied again": (True, [entry("argocd-controller", "Apply", DATA)], False),
    "one out of sync is written": (False, [entry("argocd-controller", "Update", DATA)], False),
}


@pytest.mark.parametrize(("in_sync", "entries", "expected"), ALONE.values(), ids=ALONE.keys())
def test_taking_over_an_estate_writes_nothing(in_sync: bool, entries: list[dict[str, Any]], expected: bool) -> None:
    found = live({"metadata": {"managedFields": entries}})
    assert leaves_alone(found, Writing(in_sync=in_sync)) is expected


PORTS: dict[str, Any] = {
    "f:spec": {"f:ports": {'k:{"port":80,"protocol":"TCP"}': {".": {}, "f:port": {}, "f:name": {}}}}
}
PORT = {"port": 80, "protocol": "TCP", "name": "http"}
TAKEN = {
    "a key that Git dropped goes": (
        [entry("argocd-controller", "Update", {"f:data": {"f:a": {}, "f:b": {}}})],
        {"data": {"a": "1", "b": "2"}},
        {"data": {"a": "1"}},
        {"data": {"a": "1"}},
    ),
    "one that somebody else owns, too, stays": (
        [entry("argocd-controller", "Update", MORE), entry("hpa", "Update", MORE)],
        {"data": {"a": "1", "b": "2"}},
        {"data": {"a": "1"}},
        {"data": {"a": "1", "b": "2"}},
    ),
    "a section that empties goes with its last key": (
        [entry("kubectl-client-side-apply", "Update", {"f:data": {".": {}, "f:b": {}}})],
        {"data": {"b": "2"}},
        {},
        {},
    ),
    "a list entry that Git dropped goes": (
        [entry("argocd-controller", "Update", PORTS)],
        {"spec": {"ports": [PORT, {"port": 81, "protocol": "TCP"}]}},
        {"spec": {"ports": [{"port": 81}]}},
        {"spec": {"ports": [{"port": 81, "protocol": "TCP"}]}},
    ),
    "a list entry that somebody else owns, too, stays": (
        [entry("argocd-controller", "Update", PORTS), entry("other", "Update", PORTS)],
        {"spec": {"ports": [PORT]}},
        {"spec": {"ports": []}},
        {"spec": {"ports": [PORT]}},
    ),
    "a list entry that Git declares without its defaults stays and loses what Git dropped of it": (
        [entry("argocd-controller", "Update", PORTS)],
        {"spec": {"ports": [PORT]}},
        {"spec": {"ports": [{"port": 80}]}},
        {"spec": {"ports": [{"port": 80, "protocol": "TCP"}]}},
    ),
    "a set member that Git dropped goes": (
        [entry("argocd-controller", "Update", {"f:metadata": {"f:finalizers": {'v:"x"': {}}}})],
        {"metadata": {"finalizers": ["x", "y"]}},
        {"metadata": {}},
        {"metadata": {"finalizers": ["y"]}},
    ),
    "the memory of kubectl's last apply is no drift": (
        [entry("kubectl-client-side-apply", "Update", {"f:metadata": {"f:annotations": {f"f:{LAST_APPLIED}": {}}}})],
        {"metadata": {"annotations": {LAST_APPLIED: "{}"}}},
        {"metadata": {}},
        {"metadata": {"annotations": {LAST_APPLIED: "{}"}}},
    ),
}


@pytest.mark.parametrize(("entries", "answer", "wanted", "expected"), TAKEN.values(), ids=TAKEN.keys())
def test_what_a_takeover_removes(
    entries: list[dict[str, Any]], answer: dict[str, Any], wanted: dict[str, Any], expected: dict[str, Any]
) -> None:
    stored = after_takeover(live(answer), live({"metadata": {"managedFields": entries}}), wanted)
    assert msgspec.json.decode(stored) == expected


def test_messages_are_kubectls() -> None:
    assert (
        object_message(ResourceKey("apps", "Deployment", "n", "web"), "configured") == "deployment.apps/web configured"
    )
    told = object_message(ResourceKey("", "Service", "n", "web"), "created", ["unknown field"])
    assert told == "service/web created (warning: unknown field)"


def test_a_warning_about_the_name_of_argo_cds_own_finalizer_is_not_repeated_for_every_child() -> None:
    name = "resources-finalizer.argocd.argoproj.io"
    ours, other = (f'metadata.finalizers: "{each}": prefer a domain-qualified name' for each in (name, "other"))
    told = object_message(ResourceKey("argoproj.io", "Application", "argocd", "web"), "created", [ours, other])
    assert told == f"application.argoproj.io/web created (warning: {other})"


INTERRUPTIONS: dict[str, tuple[ApiError, bool]] = {
    "no answer interrupts": (Unreachable("x"), True),
    "overload interrupts": (TooManyRequests("x", code=429), True),
    "a gateway without a server interrupts": (ServerError("x", code=503), True),
    "a failing webhook is the object's own error": (ServerError("x", code=500), False),
    "a rule is the object's own error": (Invalid("x", code=422), False),
    "a permission is the object's own error": (Forbidden("x", code=403), False),
}


@pytest.mark.parametrize(("error", "expected"), INTERRUPTIONS.values(), ids=INTERRUPTIONS.keys())
def test_what_interrupts_a_step(error: ApiError, expected: bool) -> None:
    assert interrupts(error) is expected
