"""What jq names is taken out, and an object jq says nothing certain about is not judged."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.diff.objects import answer, both, config_map, judged, only

from trueup.diff import JqFacts, whole
from trueup.diff.jq import Path, without_paths
from trueup.model.application import IgnoreDifference
from trueup.model.status import SyncCode

LIST = {"a": [{"x": 1}, {"y": 2}, {"z": 3}]}

TAKEN_OUT: dict[str, tuple[Any, list[Path], Any]] = {
    "a field goes": ({"a": 1, "b": 2}, [("a",)], {"b": 2}),
    "a path that leads nowhere takes nothing": ({"a": 1}, [("b", "c"), ("a", "b"), ("a", 0)], {"a": 1}),
    "items go from the end, whatever the order of the paths": (LIST, [("a", 0), ("a", 2)], {"a": [{"y": 2}]}),
    "an item named twice goes once": (LIST, [("a", 1), ("a", 1)], {"a": [{"x": 1}, {"z": 3}]}),
    "a negative number counts from the end": (LIST, [("a", -1)], {"a": [{"x": 1}, {"y": 2}]}),
    "an item named from both ends goes once": (LIST, [("a", -1), ("a", 2)], {"a": [{"x": 1}, {"y": 2}]}),
    "a slice is all its items": (LIST, [("a", {"start": 1, "end": None})], {"a": [{"x": 1}]}),
    "a field of each item of a slice": (LIST, [("a", {"start": 0, "end": 1}, "x")], {"a": [{"y": 2}, {"z": 3}]}),
    "what is left empty goes with it": ({"m": {"l": {"a": 1}}, "b": 2}, [("m", "l", "a")], {"b": 2}),
    "an item left empty goes with it": ({"a": [{"x": 1}, 2]}, [("a", 0, "x")], {"a": [2]}),
    "a field and what lies in it": ({"a": {"b": 1}, "c": 2}, [("a",), ("a", "b")], {"c": 2}),
    "a part that is all of its item, and the item": (LIST, [("a", 0, "x"), ("a", 0)], {"a": [{"y": 2}, {"z": 3}]}),
    "everything, at every depth": ({"a": {"b": [1]}}, [(), ("a",), ("a", "b"), ("a", "b", 0)], None),
    "the whole document": ({"a": 1}, [()], None),
    "the whole document and a part of it": ({"a": 1}, [(), ("a",)], None),
    "a field of a list, an item of a map": (
        {"a": [1], "b": {"0": 1}},
        [("a", "0"), ("b", 0)],
        {"a": [1], "b": {"0": 1}},
    ),
    "true is no number": ({"a": [1, 2]}, [("a", True)], {"a": [1, 2]}),
}


@pytest.mark.parametrize("rule", TAKEN_OUT)
def test_paths_are_taken_out(rule: str) -> None:
    document, paths, expected = TAKEN_OUT[rule]
    assert without_paths(document, tuple(paths)) == expected
    assert without_paths(document, tuple(reversed(paths))) == expected


DOCUMENTS = st.recursive(
    st.integers(0, 2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
)
STEPS = st.sampled_from(["a", "b", 0, 1, -1, 2])


@given(DOCUMENTS, st.lists(st.lists(STEPS, max_size=4).map(tuple), max_size=6), st.randoms())
def test_whatever_is_named_is_taken_out_in_any_order(document: Any, paths: list[Path], random: Any) -> None:
    left = without_paths(document, tuple(paths))
    shuffled = list(paths)
    random.shuffle(shuffled)
    assert without_paths(document, tuple(shuffled)) == left
    assert without_paths(document, tuple(paths * 2)) == left


RULE = [IgnoreDifference(kind="ConfigMap", jq_path_expressions=[".data.a"])]
NAMED = JqFacts(live=(("data", "a"),), answer=(("data", "a"),), declared=(("data", "a"),))


def test_a_field_that_jq_names_is_no_difference() -> None:
    pair = both(config_map(), config_map(data={"a": "2"}))
    assert judged(pair, answer(config_map()), ignored=RULE, jq={pair.key: NAMED}).status is SyncCode.SYNCED


def test_a_field_beside_the_named_one_is_a_difference() -> None:
    pair = both(config_map(), config_map(data={"a": "2", "b": "3"}))
    named = answer(config_map(data={"a": "1", "b": "4"}))
    seen = judged(pair, named, ignored=RULE, jq={pair.key: NAMED})
    assert only(seen).message == "differs from Git: data.b"


def test_an_object_whose_expression_failed_is_unknown_and_so_is_not_healed() -> None:
    pair = both(config_map(), config_map(data={"a": "2"}))
    fault = "spec.ignoreDifferences[0].jqPathExpressions[0]: jq did not end within 1 s"
    seen = judged(pair, answer(config_map()), ignored=RULE, jq={pair.key: JqFacts(faults=(fault,))})
    assert (only(seen).status, only(seen).message) == (SyncCode.UNKNOWN, f"not compared: {fault}")


def test_scripts_see_status_and_metadata_and_a_secrets_data() -> None:
    secret = config_map() | {"kind": "Secret", "stringData": {"p": "x"}, "status": {"s": 1}}
    secret["metadata"] = {**secret["metadata"], "uid": "u", "managedFields": [{"manager": "m"}]}
    seen = whole(secret)
    assert (seen["data"]["p"], seen["status"], seen["metadata"]["uid"]) == ("eA==", {"s": 1}, "u")
    assert "managedFields" not in seen["metadata"]
