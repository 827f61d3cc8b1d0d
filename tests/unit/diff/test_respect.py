"""What RespectIgnoreDifferences sends (feature inventory, rule 18 of section 3)."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup.diff import comparable
from trueup.diff.respect import always, owned, respected
from trueup.diff.rules import leave_out
from trueup.model.application import IgnoreDifference

Object = dict[str, Any]


def thing(**spec: Any) -> Object:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


def records(**managers: Object) -> list[Object]:
    return [
        {"manager": name.replace("_", "-"), "operation": "Apply", "fieldsV1": {"f:spec": fields}}
        for name, fields in managers.items()
    ]


def sent(wanted: Object, live: Object, *rules: IgnoreDifference, apply: bool = False) -> Object:
    before = copy.deepcopy((wanted, live))
    seen, declared = comparable(live), comparable(wanted)
    made = respected(declared, seen, leave_out(declared, seen, live, list(rules)), owned(live) if apply else always)
    assert (wanted, live) == before, "neither side is changed"
    return made


def pointers(*texts: str) -> IgnoreDifference:
    return IgnoreDifference(json_pointers=list(texts))


REPLICAS = pointers("/spec/replicas")
IMAGES = pointers("/spec/containers/0/image")
ONE = {"name": "a", "image": "a:1", "args": ["x"]}
TWO = {"name": "b", "image": "b:1"}
LABEL = pointers("/spec/labels/x")

# wanted, live, rule, sent
REPLACED: dict[str, tuple[Object, Object, IgnoreDifference, Object]] = {
    "the ignored field has its live value, its siblings Git's": (
        {"replicas": 1, "paused": True},
        {"replicas": 5, "paused": False},
        REPLICAS,
        {"replicas": 5, "paused": True},
    ),
    "a field that nobody ignores is Git's": ({"paused": True}, {"paused": False}, REPLICAS, {"paused": True}),
    "what is live alone comes along where it is ignored": (
        {"paused": True},
        {"replicas": 5},
        REPLICAS,
        {"paused": True, "replicas": 5},
    ),
    "what is live alone and not ignored does not": ({"paused": True}, {"other": 5}, REPLICAS, {"paused": True}),
    "an ignored field that is not live is not made": ({"replicas": 1, "a": 1}, {"a": 1}, REPLICAS, {"a": 1}),
    "a label beside others": (
        {"labels": {"x": "g", "y": "g"}},
        {"labels": {"x": "l", "y": "l"}},
        LABEL,
        {"labels": {"x": "l", "y": "g"}},
    ),
    "the only label of Git's": (
        {"labels": {"x": "g"}},
        {"labels": {"x": "l", "z": "l"}},
        LABEL,
        {"labels": {"x": "l"}},
    ),
    "the only label that is live": (
        {"labels": {"x": "g", "y": "g"}},
        {"labels": {"x": "l"}},
        LABEL,
        {"labels": {"x": "l", "y": "g"}},
    ),
    "a label where Git has none": ({"a": 1}, {"labels": {"x": "l"}}, LABEL, {"a": 1, "labels": {"x": "l"}}),
    "labels as a whole": (
        {"labels": {"x": "g"}},
        {"labels": {"z": "l"}},
        pointers("/spec/labels"),
        {"labels": {"z": "l"}},
    ),
    "a field of one container, the rest of it Git's": (
        {"containers": [{**ONE, "image": "a:2", "args": ["y"]}, {**TWO, "image": "b:2"}]},
        {"containers": [ONE, TWO]},
        IMAGES,
        {"containers": [{**ONE, "args": ["y"]}, {**TWO, "image": "b:2"}]},
    ),
    "a container that is ignored and live alone": (
        {"containers": [ONE]},
        {"containers": [ONE, TWO]},
        pointers("/spec/containers/1"),
        {"containers": [ONE, TWO]},
    ),
    "a whole list": ({"list": [1]}, {"list": [2, 3]}, pointers("/spec/list"), {"list": [2, 3]}),
    "an empty value of Git's stays": (
        {"empty": {}, "none": [], "replicas": 1},
        {"empty": {}, "none": [], "replicas": 2},
        REPLICAS,
        {"empty": {}, "none": [], "replicas": 2},
    ),
}


@pytest.mark.parametrize(("wanted", "live", "rule", "expected"), REPLACED.values(), ids=REPLACED.keys())
def test_a_write_that_removes_what_it_does_not_name(
    wanted: Object, live: Object, rule: IgnoreDifference, expected: Object
) -> None:
    assert sent(thing(**wanted), thing(**live), rule)["spec"] == expected


OURS: Object = {"f:replicas": {}}
OTHERS: Object = {"f:paused": {}}
CONTAINER: Object = {"f:containers": {'k:{"name":"a"}': {".": {}, "f:name": {}, "f:image": {}}}}
# wanted, live, managers, rule, sent
APPLIED: dict[str, tuple[Object, Object, Object, IgnoreDifference, Object]] = {
    "what we own goes along, or it would be removed": (
        {"replicas": 1}, {"replicas": 5}, {"argocd_controller": OURS}, REPLICAS, {"replicas": 5},
    ),
    "so does what kubectl applied, which we take over": (
        {"replicas": 1}, {"replicas": 5}, {"kubectl_client_side_apply": OURS}, REPLICAS, {"replicas": 5},
    ),
    "what another owns is left to it": (
        {"replicas": 1, "a": 1}, {"replicas": 5}, {"autoscaler": OURS, "argocd_controller": OTHERS}, REPLICAS, {"a": 1},
    ),
    "what both own stays both's": (
        {"replicas": 1}, {"replicas": 5}, {"autoscaler": OURS, "argocd_controller": OURS}, REPLICAS, {"replicas": 5},
    ),
    "what nobody owns is left alone": ({"replicas": 1, "a": 1}, {"replicas": 5}, {}, REPLICAS, {"a": 1}),
    "by item of a list": (
        {"containers": [{**ONE, "image": "a:2"}]},
        {"containers": [ONE]},
        {"setter": CONTAINER},
        IMAGES,
        {"containers": [{"name": "a", "args": ["x"]}]},
    ),
    "an item of a list that is ours": (
        {"containers": [{**ONE, "image": "a:2"}]},
        {"containers": [ONE]},
        {"argocd_controller": CONTAINER},
        IMAGES,
        {"containers": [ONE]},
    ),
    "a list that is owned as a whole is sent as a whole": (
        {"containers": [{**ONE, "image": "a:2"}]},
        {"containers": [ONE]},
        {"setter": {"f:containers": {}}},
        IMAGES,
        {"containers": [ONE]},
    ),
    "the fields of a manager": (
        {"replicas": 1, "paused": True},
        {"replicas": 5, "paused": False},
        {"autoscaler": OURS},
        IgnoreDifference(managed_fields_managers=["autoscaler"]),
        {"paused": True},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("wanted", "live", "managers", "rule", "expected"), APPLIED.values(), ids=APPLIED.keys())
def test_an_apply(wanted: Object, live: Object, managers: Object, rule: IgnoreDifference, expected: Object) -> None:
    found = thing(**live)
    found["metadata"]["managedFields"] = records(**managers)
    assert sent(thing(**wanted), found, rule, apply=True)["spec"] == expected


def test_what_the_last_client_side_apply_named_goes_along_for_a_merge_would_remove_it() -> None:
    found = thing(replicas=5)
    memory = '{"spec":{"replicas":1}}'
    found["metadata"]["annotations"] = {"kubectl.kubernetes.io/last-applied-configuration": memory}
    assert sent(thing(replicas=1), found, REPLICAS, apply=True)["spec"] == {"replicas": 5}


def test_the_status_and_what_the_server_says_are_never_sent() -> None:
    found = {**thing(replicas=5), "status": {"replicas": 5}}
    found["metadata"] |= {"uid": "u", "resourceVersion": "1"}
    made = sent(thing(replicas=1), found, pointers("/status", "/metadata/uid", "/metadata/resourceVersion"))
    assert made == thing(replicas=1)


VALUES = st.recursive(
    st.integers(0, 3) | st.text("ab", max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3) | st.lists(inner, max_size=3),
    max_leaves=8,
)
SPECS = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)


@given(SPECS, SPECS)
def test_without_a_rule_git_is_sent(wanted: Object, live: Object) -> None:
    assert sent(thing(**wanted), thing(**live)) == thing(**wanted)


def full(value: Any) -> Any:
    """Without empty maps and lists, which an ignored place takes along."""
    if isinstance(value, dict):
        return {name: inner for name, item in value.items() if (inner := full(item)) not in ({}, [])}
    return value


@given(SPECS, SPECS, st.lists(st.sampled_from(["/spec/a", "/spec/b/a", "/spec/c/b/a"]), max_size=3))
def test_the_rest_is_gits_and_a_second_time_changes_nothing(wanted: Object, live: Object, ignored: list[str]) -> None:
    rule = pointers(*ignored)
    made = sent(thing(**wanted), thing(**live), rule)
    declared, result = thing(**wanted), made
    left, rest = leave_out(comparable(declared), comparable(result), declared, [rule])
    assert full(left) == full(rest), "outside of the ignored places all is Git's"
    assert sent(made, thing(**live), rule) == made


WHOLE: dict[str, IgnoreDifference] = {
    "the whole object": pointers(""),
    "its kind": pointers("/kind"),
    "its version and name": pointers("/apiVersion", "/metadata/name"),
    "all its metadata": pointers("/metadata"),
}


@pytest.mark.parametrize("apply", [True, False], ids=["server-side apply", "replace"])
@pytest.mark.parametrize("rule", WHOLE)
def test_an_object_keeps_its_kind_and_name_whatever_may_differ(rule: str, apply: bool) -> None:
    metadata = {"name": "web", "managedFields": records(us={"f:replicas": {}})}
    made = sent(thing(replicas=1), {**thing(replicas=5, paused=True), "metadata": metadata}, WHOLE[rule], apply=apply)
    assert (made["apiVersion"], made["kind"], made["metadata"]["name"]) == ("apps/v1", "Deployment", "web")
    if rule == "the whole object" and not apply:
        assert made["spec"] == {"replicas": 5, "paused": True}
