"""Merge patches and pointers."""

from typing import Any

import pytest

from kubegrammar.patch import equal, merge_diff, merge_patch, parse_pointer, pointer_get, pointer_remove

# The table of RFC 7386, appendix A, and a few rules of its text.
PATCHED: dict[str, tuple[Any, Any, Any]] = {
    "a value is replaced": ({"a": "b"}, {"a": "c"}, {"a": "c"}),
    "a key is added": ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
    "null deletes": ({"a": "b"}, {"a": None}, {}),
    "null deletes that key alone": ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
    "a list gives way to a scalar": ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
    "a scalar gives way to a list": ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
    "mappings are merged": ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
    "a list of mappings is replaced": ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
    "lists are not merged": (["a", "b"], ["c", "d"], ["c", "d"]),
    "a mapping gives way to a list": ({"a": "b"}, ["c"], ["c"]),
    "a null patch gives null": ({"a": "foo"}, None, None),
    "a null that was there stays": ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
    "a list gives way to a mapping": ([1, 2], {"a": "b", "c": None}, {"a": "b"}),
    "nulls vanish from new mappings": ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    "nulls in a list stay": ({}, {"a": [None, {"b": None}]}, {"a": [None, {"b": None}]}),
}

DIFFS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any]]] = {
    "equal values need nothing": ({"a": {"b": [1]}}, {"a": {"b": [1]}}, {}),
    "only what differs is named": ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, {"a": {"c": 3}}),
    "a key that is gone becomes null": ({"a": 1, "b": {"c": 2}}, {"b": {}}, {"a": None, "b": {"c": None}}),
    "a list is given whole": ({"a": [1, 2]}, {"a": [1, 3]}, {"a": [1, 3]}),
    "true is not 1": ({"a": True}, {"a": 1}, {"a": 1}),
    "zero is not false, in lists either": ({"a": [{"b": 0}]}, {"a": [{"b": False}]}, {"a": [{"b": False}]}),
    "1.0 is 1": ({"a": 1.0}, {"a": 1}, {}),
    "a null that goes is deleted": ({"a": None}, {}, {"a": None}),
    "a null that comes is nothing": ({}, {"a": None}, {}),
    "a null that stays is nothing": ({"a": None}, {"a": None}, {}),
    "a value that becomes null is deleted": ({"a": 1}, {"a": None}, {"a": None}),
    "a scalar that becomes a mapping": ({"a": 1}, {"a": {"b": 1, "c": None}}, {"a": {"b": 1}}),
    "an empty mapping that comes": ({}, {"a": {}}, {"a": {}}),
}

DOCUMENT: dict[str, Any] = {"a": [{"b": 1}, 2], "x/y": {"~": None}, "": 3, "0": "zero"}

FOUND: dict[str, tuple[str, Any]] = {
    "the whole document": ("", DOCUMENT),
    "a key": ("/a", [{"b": 1}, 2]),
    "an index and a key": ("/a/0/b", 1),
    "a digit as a key": ("/0", "zero"),
    "an escaped slash and tilde": ("/x~1y/~0", None),
    "the empty key": ("/", 3),
    "an index beyond the end": ("/a/2", "none"),
    "a padded index": ("/a/00", "none"),
    "an index of a thousand digits": ("/a/1" + "0" * 1000, "none"),
    "a negative index": ("/a/-1", "none"),
    "the place behind the end": ("/a/-", "none"),
    "a key of a list": ("/a/b", "none"),
    "a key of a scalar": ("/a/1/c", "none"),
}


@pytest.mark.parametrize(("target", "patch", "result"), PATCHED.values(), ids=PATCHED.keys())
def test_merge_patch(target: Any, patch: Any, result: Any) -> None:
    assert merge_patch(target, patch) == result


@pytest.mark.parametrize(("old", "new", "patch"), DIFFS.values(), ids=DIFFS.keys())
def test_merge_diff(old: dict[str, Any], new: dict[str, Any], patch: dict[str, Any]) -> None:
    assert equal(merge_diff(old, new), patch)


def test_a_patch_changes_nothing_in_place() -> None:
    target = {"a": {"b": 1}}
    merge_patch(target, {"a": {"b": None}, "c": 1})
    assert target == {"a": {"b": 1}}


@pytest.mark.parametrize(("pointer", "value"), FOUND.values(), ids=FOUND.keys())
def test_a_pointer_finds_its_value_or_the_default(pointer: str, value: Any) -> None:
    assert pointer_get(DOCUMENT, pointer, "none") == value


@pytest.mark.parametrize("pointer", [pointer for pointer, value in FOUND.values() if value == "none"])
def test_removing_what_is_not_there_gives_the_same_document(pointer: str) -> None:
    assert pointer_remove(DOCUMENT, pointer) is DOCUMENT


def test_removing_leaves_the_rest_and_the_original() -> None:
    assert pointer_remove(DOCUMENT, "/a/0/b") == {**DOCUMENT, "a": [{}, 2]}
    assert pointer_remove(DOCUMENT, "/a/1") == {**DOCUMENT, "a": [{"b": 1}]}
    assert pointer_remove(DOCUMENT, "/x~1y") == {"a": [{"b": 1}, 2], "": 3, "0": "zero"}
    assert pointer_remove(DOCUMENT, "") is None
    assert DOCUMENT["a"] == [{"b": 1}, 2]


@pytest.mark.parametrize("pointer", ["a", "a/b", "/a~", "/~2"])
def test_a_malformed_pointer_is_refused_by_name(pointer: str) -> None:
    with pytest.raises(ValueError, match=pointer):
        parse_pointer(pointer)
