"""Strategic merge patches: directives, merge keys, order."""

# ruff: noqa: E501 - a case is a line

from typing import Any

import pytest

from kubegrammar.merge import PatchError, compile_type, strategic_merge

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "properties": {
                "items": {
                    "type": "array",
                    "x-kubernetes-patch-strategy": "merge",
                    "x-kubernetes-patch-merge-key": "name",
                    "items": {"type": "object", "additionalProperties": True},
                },
                "names": {"type": "array", "x-kubernetes-patch-strategy": "merge", "items": {"type": "string"}},
                "words": {"type": "array", "items": {"type": "string"}},
                "way": {"type": "object", "x-kubernetes-patch-strategy": "retainKeys", "additionalProperties": True},
                "whole": {"type": "object", "x-kubernetes-patch-strategy": "replace", "additionalProperties": True},
            },
        }
    },
}
TYPE = compile_type(SCHEMA, {})
A, B, C = ({"name": name, "value": name} for name in "abc")


def patched(before: dict[str, Any], patch: dict[str, Any]) -> Any:
    original = {"spec": before}
    result = strategic_merge(original, {"spec": patch}, TYPE)
    assert original == {"spec": before}
    return result["spec"]


CASES: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "an item is merged by its key": ({"items": [A, B]}, {"items": [{"name": "b", "more": 1}]}, {"items": [A, {**B, "more": 1}]}),
    "a new item comes first unless it was there": ({"items": [A, B]}, {"items": [C]}, {"items": [C, A, B]}),
    "an item is deleted": ({"items": [A, B]}, {"items": [{"name": "a", "$patch": "delete"}]}, {"items": [B]}),
    "a list is replaced": ({"items": [A, B]}, {"items": [C, {"$patch": "replace"}]}, {"items": [C]}),
    "the order is as told": (
        {"items": [A, B]},
        {"$setElementOrder/items": [{"name": "b"}, {"name": "c"}, {"name": "a"}], "items": [C]},
        {"items": [B, C, A]},
    ),
    "texts are joined": ({"names": ["a", "b"]}, {"names": ["b", "c"]}, {"names": ["a", "b", "c"]}),
    "texts are taken out": ({"names": ["a", "b"]}, {"$deleteFromPrimitiveList/names": ["a"]}, {"names": ["b"]}),
    "an atomic list is replaced": ({"words": ["a", "b"]}, {"words": ["c"]}, {"words": ["c"]}),
    "null deletes": ({"words": ["a"], "names": ["b"]}, {"words": None}, {"names": ["b"]}),
    "null in something new says nothing": ({}, {"way": {"a": None, "b": 1}}, {"way": {"b": 1}}),
    "keys are retained": ({"way": {"a": 1, "b": 2}}, {"way": {"$retainKeys": ["b"], "b": 3}}, {"way": {"b": 3}}),
    "a map is replaced on request": ({"way": {"a": 1}}, {"way": {"$patch": "replace", "b": 2}}, {"way": {"b": 2}}),
    "a map is emptied": ({"way": {"a": 1}}, {"way": {"$patch": "delete"}}, {"way": {}}),
    "a map of that strategy is replaced": ({"whole": {"a": 1}}, {"whole": {"b": 2}}, {"whole": {"b": 2}}),
}  # fmt: skip


@pytest.mark.parametrize(("before", "patch", "after"), CASES.values(), ids=CASES.keys())
def test_patches(before: dict[str, Any], patch: dict[str, Any], after: dict[str, Any]) -> None:
    result = patched(before, patch)
    if "names" in after and "names" in patch:
        assert sorted(result["names"]) == after["names"]
    else:
        assert result == after


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown directive": ({"way": {"$patch": "paint"}}, "unknown patch type: paint in map: map[$patch:paint]"),
    "an item without its key": (
        {"items": [{"value": 1}]},
        "map: map[value:1] does not contain declared merge key: name",
    ),
    "keys that are not retained": ({"way": {"$retainKeys": ["a"], "b": 1}}, "invalid patch format of retainKeys"),
    "an order of no list": ({"$setElementOrder/items": 1}, "expected a []interface {}, but received a int64"),
    "an order without a field": ({"$setElementOrder": []}, "invalid patch format of setElementOrder list"),
}


@pytest.mark.parametrize(("patch", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refusals(patch: dict[str, Any], message: str) -> None:
    with pytest.raises(PatchError) as caught:
        patched({"items": [A], "way": {"a": 1}}, patch)
    assert str(caught.value) == message
