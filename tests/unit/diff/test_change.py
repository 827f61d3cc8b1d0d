"""Differences as paths, values and text; digests; Secrets masked (security-and-reliability, rows 2 to 4)."""

import base64
from typing import Any

import pytest
from tests.unit.diff.objects import config_map

from trueup.diff import ABSENT, comparable, differences, live_digest, masked, render

LAST = "kubectl.kubernetes.io/last-applied-configuration"


def pod(*containers: dict[str, Any], **spec: Any) -> dict[str, Any]:
    return {"spec": {"containers": list(containers)} | spec}


WEB, DB = {"name": "web", "image": "web:1"}, {"name": "db"}
PATHS: dict[str, tuple[Any, Any, list[str]]] = {
    "equal": ({"a": {"b": [1]}}, {"a": {"b": [1]}}, []),
    "a scalar": ({"spec": {"replicas": 1}}, {"spec": {"replicas": 2}}, ["spec.replicas"]),
    "true is not 1": ({"a": True}, {"a": 1}, ["a"]),
    "null is not absent": ({"a": None}, {}, ["a"]),
    "a key with dots": ({"m": {"a.b/c": "1"}}, {"m": {}}, ['m["a.b/c"]']),
    "an element by name": (pod(WEB, DB), pod(DB | {"x": 1}, WEB), ["spec.containers[name=db].x"]),
    "an element that is new": (pod(WEB), pod(WEB, DB), ["spec.containers[name=db]"]),
    "another order alone": (pod(WEB, DB), pod(DB, WEB), ["spec.containers"]),
    "an element by position": ({"args": ["a", "b"]}, {"args": ["a", "c", "d"]}, ["args[1]", "args[2]"]),
    "an object that becomes a list": ({"a": {}}, {"a": []}, ["a"]),
}


@pytest.mark.parametrize("rule", PATHS)
def test_paths(rule: str) -> None:
    before, after, expected = PATHS[rule]
    assert [change.path for change in differences(before, after)] == expected


def test_values_and_their_absence() -> None:
    (change,) = differences({"a": 1}, {})
    assert (change.before, change.after) == (1, ABSENT)


def test_what_only_the_server_says_is_left_out() -> None:
    stored = config_map(
        uid="u",
        resourceVersion="7",
        generation=2,
        creationTimestamp="2026-01-01T00:00:00Z",
        managedFields=[{}],
        annotations={LAST: "{}"},
    ) | {"status": {"ok": True}}
    assert comparable(stored) == config_map()


def test_string_data_of_a_secret_becomes_data() -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {}, "data": {"a": "b2xk"}, "stringData": {"a": "new"}}
    assert comparable(secret)["data"] == {"a": base64.b64encode(b"new").decode()}
    assert "stringData" not in comparable(secret)
    assert "stringData" in secret


DIGEST_SAME: dict[str, dict[str, Any]] = {
    "status": config_map() | {"status": {"x": 1}},
    "resourceVersion and generation": config_map(resourceVersion="9", generation=4),
    "times of records": config_map(managedFields=[{"manager": "a", "time": "2027"}]),
    "records of status and scale": config_map(
        managedFields=[{"manager": "a"}, {"manager": "b", "subresource": "status"}, {"subresource": "scale"}]
    ),
}


@pytest.mark.parametrize("rule", DIGEST_SAME)
def test_a_digest_leaves_out(rule: str) -> None:
    base = config_map(managedFields=[{"manager": "a", "time": "2026"}])
    changed = DIGEST_SAME[rule]
    changed["metadata"].setdefault("managedFields", [{"manager": "a"}])
    assert live_digest(changed) == live_digest(base)


DIGEST_DIFFERS: dict[str, dict[str, Any]] = {
    "data": config_map(data={"a": "2"}),
    "labels": config_map(labels={"a": "b"}),
    "another object of the name": config_map(uid="other"),
    "owners of fields": config_map(managedFields=[{"manager": "a"}]),
    "deletion": config_map(deletionTimestamp="2026-01-01T00:00:00Z"),
}


@pytest.mark.parametrize("rule", DIGEST_DIFFERS)
def test_a_digest_tells(rule: str) -> None:
    assert live_digest(DIGEST_DIFFERS[rule]) != live_digest(config_map())


def secret(**data: str) -> dict[str, Any]:
    encoded = {name: base64.b64encode(value.encode()).decode() for name, value in data.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "data": encoded}


CANARY = "canary-7f3a"


def test_equal_values_have_equal_masks_and_others_do_not() -> None:
    before, after = masked(secret(a=CANARY, b=CANARY, c="other"), secret(a=CANARY, b="changed", c="other"))
    assert before is not None and after is not None
    assert before["data"]["a"] == before["data"]["b"] == after["data"]["a"]
    assert before["data"]["c"] == after["data"]["c"]
    assert len({before["data"]["a"], before["data"]["c"], after["data"]["b"]}) == 3
    assert set("".join(before["data"].values())) == {"+"}


def leaky(**data: str) -> dict[str, Any]:
    obj = secret(**data)
    plain = next(iter(data.values()))
    encoded = next(iter(obj["data"].values()))
    obj["metadata"]["annotations"] = {LAST: encoded, "copy": f"x {plain} y", "encoded": encoded, "harmless": "yes"}
    return obj


SIDES: dict[str, tuple[dict[str, Any] | None, dict[str, Any] | None]] = {
    "both sides": (leaky(a=CANARY), leaky(a=CANARY + "2")),
    "one side alone": (None, leaky(a=CANARY)),
    "plain text in stringData": (None, {**secret(), "stringData": {"a": CANARY}}),
    "stringData that is no mapping": (None, {**secret(), "stringData": CANARY}),
    "data that is no base64": (None, {**secret(), "data": {"a": CANARY}}),
    "the other side calls itself a ConfigMap": (leaky(a=CANARY), {**config_map(), "data": {"a": CANARY}}),
}


@pytest.mark.parametrize("rule", SIDES)
def test_a_secret_is_nowhere_in_a_diff(rule: str) -> None:
    before, after = SIDES[rule]
    shown = render(before, after, left="live", right="target") + repr(differences(before, after))
    assert CANARY not in shown
    assert base64.b64encode(CANARY.encode()).decode()[:12] not in shown


def test_a_secrets_other_annotations_stay_readable() -> None:
    (shown,) = masked(leaky(a=CANARY))
    assert shown is not None
    assert shown["metadata"]["annotations"]["harmless"] == "yes"
    assert LAST not in shown["metadata"]["annotations"]


def test_a_config_map_is_shown_as_it_is() -> None:
    (shown,) = masked(config_map(data={"a": "plain"}))
    assert shown == config_map(data={"a": "plain"})


def test_a_unified_diff() -> None:
    text = render(config_map(data={"a": "1"}), config_map(data={"a": "2"}), left="live", right="target")
    assert text.startswith("--- live\n+++ target\n@@ ")
    removed = [line for line in text.splitlines() if line.startswith("-") and not line.startswith("---")]
    added = [line for line in text.splitlines() if line.startswith("+") and not line.startswith("+++")]
    assert ([line[1:].strip() for line in removed], [line[1:].strip() for line in added]) == (['a: "1"'], ['a: "2"'])


def test_equal_objects_have_no_diff() -> None:
    assert render(config_map(uid="a"), config_map(uid="b"), left="live", right="target") == ""
