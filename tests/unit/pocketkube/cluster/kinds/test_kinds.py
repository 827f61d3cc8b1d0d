"""Behaviours of built-in kinds, beyond what the recorded cases show."""

import json
from collections.abc import Iterable
from copy import deepcopy
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.golden.kinds.cases import Account, all_cases, prepared

from pocketkube.cluster.failure import Failure
from pocketkube.cluster.kinds import Kinds

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CASES = [case for _, case, expected in all_cases() if "created" in expected]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=5,
)


def kinds() -> Kinds:
    return Kinds(Account(), lambda: NOW, Random(1))


def places(value: Any) -> Iterable[tuple[Any, Any]]:
    """Every container with a key of it."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield value, key
        yield from places(item)


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_whatever_stands_anywhere_is_taken_or_refused(data: st.DataObject) -> None:
    obj = prepared(data.draw(st.sampled_from(CASES)))
    group, _, version = obj["apiVersion"].rpartition("/")
    behaviour = kinds().behaviour_of(group, obj["kind"])
    inner = [place for place in places(obj) if place[0] is not obj]
    container, key = data.draw(st.sampled_from(inner))
    container[key] = data.draw(JSON)
    if not isinstance(obj["metadata"], dict):
        return
    try:
        behaviour.check(obj, version)
        behaviour.default(obj, version)
        old = deepcopy(obj)
        obj["metadata"]["uid"] = "u"
        behaviour.prepare_create(obj, version)
        behaviour.validate(obj, version)
        behaviour.prepare_update(old, obj, version, "")
        behaviour.validate_update(old, obj, version, "")
    except Failure as failure:
        assert failure.code in (400, 403, 422)


@pytest.mark.parametrize("case", [pytest.param(case, id=case["case"]) for case in CASES])
def test_defaulting_twice_changes_nothing(case: dict[str, Any]) -> None:
    obj = prepared(case)
    group, _, version = obj["apiVersion"].rpartition("/")
    behaviour = kinds().behaviour_of(group, obj["kind"])
    behaviour.default(obj, version)
    again = json.loads(json.dumps(obj))
    behaviour.default(again, version)
    assert again == json.loads(json.dumps(obj))


@pytest.mark.parametrize(
    ("group", "kind", "obj", "labels"),
    [
        pytest.param(
            "",
            "Pod",
            {"spec": {"nodeName": "n"}, "status": {"phase": "Running", "podIPs": [{"ip": "10.0.0.1"}]}},
            {"spec.nodeName": "n", "status.phase": "Running", "status.podIP": "10.0.0.1", "spec.hostNetwork": "false"},
            id="pods by node and phase",
        ),
        pytest.param("", "Secret", {"type": "x"}, {"type": "x"}, id="secrets by type"),
        pytest.param("", "Namespace", {"status": {"phase": "Active"}}, {"status.phase": "Active"}, id="namespaces"),
        pytest.param("batch", "Job", {"status": {"succeeded": 2}}, {"status.successful": "2"}, id="jobs by success"),
        pytest.param("", "Node", {"spec": {"unschedulable": True}}, {"spec.unschedulable": "true"}, id="nodes"),
        pytest.param(
            "",
            "Event",
            {"apiVersion": "v1", "involvedObject": {"kind": "Pod", "name": "p"}, "source": {"component": "c"}},
            {"involvedObject.kind": "Pod", "involvedObject.name": "p", "source": "c", "reason": ""},
            id="events by their object",
        ),
        pytest.param(
            "events.k8s.io",
            "Event",
            {"apiVersion": "v1", "involvedObject": {"name": "p"}, "reportingComponent": "r"},
            {"regarding.name": "p", "reportingController": "r"},
            id="events of the other group by other names",
        ),
    ],
)
def test_field_labels(group: str, kind: str, obj: dict[str, Any], labels: dict[str, str]) -> None:
    found = kinds().behaviour_of(group, kind).field_labels(obj)
    assert {key: found[key] for key in labels} == labels


@pytest.mark.parametrize(
    ("group", "kind", "subresource", "paths"),
    [
        pytest.param("apps", "Deployment", "", [("status",)], id="a write of the object never owns the status"),
        pytest.param("apps", "Deployment", "status", [("spec",), ("metadata", "labels")], id="nor the status the rest"),
        pytest.param("", "ConfigMap", "", [], id="a kind without a status"),
        pytest.param("flowcontrol.apiserver.k8s.io", "FlowSchema", "status", [("metadata",), ("spec",)], id="metadata"),
    ],
)
def test_reset_fields(group: str, kind: str, subresource: str, paths: list[tuple[str, ...]]) -> None:
    assert list(kinds().behaviour_of(group, kind).reset_fields("v1", subresource)) == paths


@pytest.mark.parametrize(
    ("group", "kind", "name", "right"),
    [
        pytest.param("", "ConfigMap", "a.b", True, id="most names are subdomains"),
        pytest.param("", "Namespace", "a.b", False, id="a namespace is a label"),
        pytest.param("", "Service", "1a", True, id="a service may begin with a digit"),
        pytest.param("apps", "StatefulSet", "a.b", False, id="the pods of a set are named after it"),
        pytest.param("rbac.authorization.k8s.io", "ClusterRole", "system:node", True, id="a role may have colons"),
    ],
)
def test_names_of_kinds(group: str, kind: str, name: str, right: bool) -> None:
    assert (kinds().behaviour_of(group, kind).name_problems(name) == []) is right


def test_an_event_goes_to_the_other_group_and_back() -> None:
    behaviour = kinds().behaviour_of("", "Event")
    event: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "e", "namespace": "d"},
        "involvedObject": {"kind": "Pod", "name": "p"},
        "message": "m",
        "source": {"component": "c"},
        "count": 2,
    }
    behaviour.default(event, "v1")
    other = behaviour.convert(event, "events.k8s.io/v1")
    assert (other["regarding"], other["note"], other["deprecatedCount"]) == ({"kind": "Pod", "name": "p"}, "m", 2)
    assert behaviour.convert(other, "v1") == event


def test_services_that_are_stored_keep_their_address_from_others() -> None:
    made = kinds()
    taken = {"metadata": {"name": "a"}, "spec": {"type": "ClusterIP", "clusterIPs": ["10.96.0.10"]}}
    made.stored("services", None, taken)
    wanted: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "b"},
        "spec": {"clusterIP": "10.96.0.10", "ports": [{"port": 80}]},
    }
    behaviour = made.behaviour_of("", "Service")
    behaviour.default(wanted, "v1")
    with pytest.raises(Failure, match="already allocated"):
        behaviour.prepare_create(deepcopy(wanted), "v1")
    made.stored("services", taken, None)
    behaviour.prepare_create(wanted, "v1")
    assert wanted["spec"]["clusterIPs"] == ["10.96.0.10"]
