"""Secrets are masked by what they are, wherever they stand, and equal values get equal masks."""

import base64
import json
from typing import Any

from trueup.diff import Masks, masked

CANARY = "Can4ry-value"
ENCODED = base64.b64encode(CANARY.encode()).decode()


def secret(**more: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", **more.pop("metadata", {})}, **more}


def without_canary(value: Any) -> Any:
    text = json.dumps(value)
    assert CANARY not in text and ENCODED not in text
    return value


def test_data_and_string_data_of_one_value_have_one_mask() -> None:
    shown = without_canary(Masks().shown([secret(data={"a": ENCODED, "b": "eA=="}), secret(stringData={"a": CANARY})]))
    assert shown[0]["data"] == {"a": "++++++++", "b": "+++++++++"}
    assert shown[1]["stringData"] == {"a": "++++++++"}


def test_a_secret_in_a_list_below_a_field_and_of_a_version_that_is_none() -> None:
    odd = {**secret(data={"a": ENCODED}), "apiVersion": "v9"}
    item = {"kind": "List", "apiVersion": "v1", "items": [odd], "spec": {"template": secret(stringData={"a": CANARY})}}
    without_canary(Masks().shown(item))


def test_the_record_of_the_last_apply_is_masked_inside() -> None:
    record = json.dumps(secret(data={"a": ENCODED}))
    metadata = {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": record, "note": "kept"}}
    shown = without_canary(Masks().shown(secret(data={"a": ENCODED}, metadata=metadata)))
    assert shown["metadata"]["annotations"]["note"] == "kept"
    assert json.loads(shown["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"])["data"] == {
        "a": "++++++++"
    }
    # One of an older value, and one that cannot be read.
    for old in (json.dumps(secret(data={"a": "b2xkLXZhbHVl"})), '{"kind":"Secret","data":{"a":"b2xkLXZhbHVl"'):
        metadata = {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": old}}
        assert "b2xkLXZhbHVl" not in json.dumps(Masks().shown(secret(metadata=metadata)))
    # On another object.
    copied = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"annotations": {"copy": record}},
        "data": {"a": "x"},
    }
    assert without_canary(Masks().shown(copied))["data"] == {"a": "x"}


def test_annotations_that_hold_a_value_or_are_named_are_masked() -> None:
    metadata = {"annotations": {"plain": f"is {CANARY}", "encoded": ENCODED, "other": "stays"}}
    shown = without_canary(Masks().shown(secret(stringData={"a": CANARY}, metadata=metadata)))
    assert shown["metadata"]["annotations"]["other"] == "stays"
    named = {"kind": "Widget", "apiVersion": "x/v1", "metadata": {"annotations": {"x/token": "t0ken", "y": "z"}}}
    assert Masks(["x/token"]).shown(named)["metadata"]["annotations"] == {"x/token": "++++++++", "y": "z"}


def test_what_is_no_secret_stays_as_it_is() -> None:
    objects = [
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "c", "annotations": {"a": "{"}},
            "data": {"a": "b"},
        },
        {"apiVersion": "bitnami.com/v1alpha1", "kind": "Secret", "metadata": {}, "data": {"a": "b"}},
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}, "type": "Opaque", "data": None},
    ]
    assert Masks().shown(objects) == objects


def test_one_secret_among_the_sides_masks_them_all() -> None:
    before, after = masked({**secret(data={"a": ENCODED}), "kind": "ConfigMap"}, secret(data={"a": ENCODED}))
    assert before is not None and after is not None
    assert without_canary(before)["data"] == without_canary(after)["data"]
