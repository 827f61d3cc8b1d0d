"""Objects, pages and versions as they are read from JSON."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubegrammar.hidden import Hidden
from trueup.kube.discovery import ResourceType
from trueup.kube.errors import Invalid
from trueup.kube.object import newer, read_object, read_page, supersedes
from trueup.kube.watch import _read_lines
from trueup.model.resource import ResourceKey

POD = b"""{"kind":"Pod","apiVersion":"v1","metadata":{"name":"web","namespace":"a","uid":"u","resourceVersion":"7",
"generation":3,"creationTimestamp":"2026-01-01T00:00:00Z","labels":{"l":"1"},"annotations":{"n":"2"},"finalizers":["f"],
"ownerReferences":[{"apiVersion":"apps/v1","kind":"ReplicaSet","name":"web-1","uid":"r","controller":true}],
"managedFields":[{"manager":"m"}]},"spec":{"x":12345678901234567890123}}"""


def test_metadata_is_typed_and_the_body_is_kept_to_the_byte() -> None:
    found = read_object(POD)
    assert found.key == ResourceKey("", "Pod", "a", "web")
    assert (found.uid, found.resource_version, found.generation) == ("u", "7", 3)
    assert (found.labels, found.annotations, found.finalizers) == ({"l": "1"}, {"n": "2"}, ("f",))
    assert [(owner.kind, owner.uid, owner.controller) for owner in found.owners] == [("ReplicaSet", "r", True)]
    assert found.deletion_timestamp == ""
    assert found.body == POD


def test_the_text_of_an_object_holds_neither_body_nor_annotations() -> None:
    body = b'{"kind":"Secret","metadata":{"name":"s","annotations":{"k":"hunter2"}},"data":{"p":"hunter2"}}'
    assert "hunter2" not in repr(read_object(body))


LISTED = {
    "an object": (b'{"metadata":{"name":"x"}}', "x"),
    "an empty object": (b"{}", ""),
    "space before it": (b' {"metadata":{"name":"y"}}', "y"),
}


@pytest.mark.parametrize(("item", "name"), LISTED.values(), ids=LISTED.keys())
def test_an_item_of_a_list_is_given_its_kind(item: bytes, name: str) -> None:
    page = read_page(
        b'{"metadata":{"resourceVersion":"9","continue":"t"},"items":[%s]}' % item, "apps/v1", "Deployment"
    )
    (found,) = page.objects
    assert found.key == ResourceKey("apps", "Deployment", "", name)
    assert msgspec.json.decode(found.body)["kind"] == "Deployment"
    assert msgspec.json.decode(found.body)["apiVersion"] == "apps/v1"
    assert (page.resource_version, page.continue_token) == ("9", "t")


def test_a_list_without_items_is_empty() -> None:
    page = read_page(b'{"metadata":{"resourceVersion":"9"},"items":null}', "v1", "Pod")
    assert (page.objects, page.continue_token) == ([], "")


NUMBERS = st.integers(min_value=0, max_value=2**63)


@given(NUMBERS, NUMBERS)
def test_versions_are_ordered_as_numbers_not_as_text(left: int, right: int) -> None:
    assert newer(str(left), str(right)) is (left > right)
    assert supersedes(str(left), str(right)) is (left > right)


@given(st.text(), st.text())
def test_of_two_versions_at_most_one_is_newer_whatever_they_are(left: str, right: str) -> None:
    assert not (newer(left, right) and newer(right, left))
    assert not newer(left, left)


PODS = ResourceType("", "v1", "Pod", "pods", True)
ROLES = ResourceType("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", False)

PATHS = {
    "all namespaces": (PODS.path(), "/api/v1/pods"),
    "one namespace": (PODS.path("a"), "/api/v1/namespaces/a/pods"),
    "one object": (PODS.path("a", "web"), "/api/v1/namespaces/a/pods/web"),
    "a subresource": (PODS.path("a", "web", "status"), "/api/v1/namespaces/a/pods/web/status"),
    "a cluster-scoped kind has no namespace": (
        ROLES.path("a", "system:auth"),
        "/apis/rbac.authorization.k8s.io/v1/clusterroles/system:auth",
    ),
    "a name that is no plain text is quoted": (PODS.path("a", "x y?z#"), "/api/v1/namespaces/a/pods/x%20y%3Fz%23"),
}


@pytest.mark.parametrize(("path", "expected"), PATHS.values(), ids=PATHS.keys())
def test_paths(path: str, expected: str) -> None:
    assert path == expected


@pytest.mark.parametrize("name", ["..", ".", "a/b", "../../secrets/x", "a%2fb"])
def test_a_name_cannot_lead_elsewhere(name: str) -> None:
    with pytest.raises(Invalid):
        PODS.path("a", name)
    with pytest.raises(Invalid):
        PODS.path(name, "web")


DEEP = b'{"a":' * 9000 + b"1" + b"}" * 9000
DEEP_POD = b'{"kind":"Pod","metadata":{"name":"deep","managedFields":[' + DEEP + b']},"spec":{"x":' + DEEP + b"}}"


@pytest.mark.parametrize("levels", [140, 900, 9000])
def test_an_object_that_nests_too_deeply_says_so_and_hides_no_other(levels: int) -> None:
    value = b'{"a":' * levels + b"1" + b"}" * levels
    deep = b'{"metadata":{"name":"deep","managedFields":[' + value + b']},"spec":{"x":' + value + b"}}"
    page = read_page(
        b'{"metadata":{"resourceVersion":"9"},"items":[' + deep + b',{"metadata":{"name":"b"}}]}', "v1", "Pod"
    )
    assert [(found.key.name, found.deep) for found in page.objects] == [("deep", ("spec.x.a.a.a...",)), ("b", ())]
    assert page.objects[0].object()["spec"]["x"]["a"]


def test_what_nests_deeply_in_the_record_of_ownership_alone_is_left_out_of_it() -> None:
    found = read_object(b'{"kind":"Pod","metadata":{"name":"a","managedFields":[' + DEEP + b"]}}")
    assert found.deep == ()
    assert found.object()["metadata"]["managedFields"]


def test_an_event_of_an_object_that_nests_too_deeply_ends_no_watch() -> None:
    lines = [b'{"type":"ADDED","object":' + body + b"}" for body in (DEEP_POD, POD)]
    events = list(_read_lines(lines, "v1", "Pod", "watch Pod", Hidden(())))
    assert [(event.object.key.name, event.object.deep) for event in events] == [
        ("deep", ("spec.x.a.a.a...",)),
        ("web", ()),
    ]
