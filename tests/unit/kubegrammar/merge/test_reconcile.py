"""Owned fields after the schema has changed: what became atomic is owned whole, what became granular stays."""

from typing import Any

import pytest

from kubegrammar.merge import Conflicts, Type, apply, compile_type, track_update
from kubegrammar.merge.fieldset import FieldSet
from kubegrammar.merge.reconcile import reconciled

NOW = "2026-01-01T00:00:00Z"
NUMBER, TEXT = {"type": "integer"}, {"type": "string"}
STRUCT: dict[str, Any] = {"type": "object", "properties": {"numeric": NUMBER, "string": TEXT}}
ATOMIC_STRUCT = {**STRUCT, "x-kubernetes-map-type": "atomic"}
ITEM = {"type": "object", "required": ["name"], "properties": {"name": TEXT, "value": NUMBER}}
LIST: dict[str, Any] = {
    "type": "array", "items": ITEM, "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"],
}  # fmt: skip
ATOMIC_LIST = {"type": "array", "items": ITEM}
TEXTS = {"type": "object", "additionalProperties": TEXT}
ATOMIC_TEXTS = {**TEXTS, "x-kubernetes-map-type": "atomic"}
FREE = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
NESTED = {"type": "object", "properties": {"deep": ATOMIC_STRUCT, "flat": TEXT}}
LIST_OF_ATOMS = {**LIST, "items": {**ITEM, "properties": {"name": TEXT, "deep": ATOMIC_STRUCT}}}
ITEM_A = 'k:{"name":"a"}'


def type_of(part: dict[str, Any]) -> Type:
    return compile_type({"type": "object", "properties": {"part": part}}, {})


def part(below: FieldSet) -> FieldSet:
    return {"f:metadata": {"f:labels": {"f:a": {}}}, "f:part": below}


SETS: dict[str, tuple[dict[str, Any], FieldSet, FieldSet]] = {
    # the schema of today, what is owned of the part, what is owned of it then
    "a granular struct": (STRUCT, {"f:numeric": {}}, {"f:numeric": {}}),
    "a struct that has become atomic": (ATOMIC_STRUCT, {"f:numeric": {}}, {}),
    "one that was owned itself as well": (ATOMIC_STRUCT, {".": {}, "f:numeric": {}}, {}),
    "one that was atomic before": (ATOMIC_STRUCT, {}, {}),
    "a struct that was atomic and is granular": (STRUCT, {}, {}),
    "a map that has become atomic": (ATOMIC_TEXTS, {"f:a": {}, "f:b": {}}, {}),
    "a list that has become atomic": (ATOMIC_LIST, {ITEM_A: {".": {}, "f:name": {}}}, {}),
    "a set that has become atomic": ({"type": "array", "items": TEXT}, {'v:"a"': {}}, {}),
    "a list that was atomic and is granular": (LIST, {}, {}),
    "a struct in a struct": (NESTED, {"f:deep": {"f:numeric": {}}, "f:flat": {}}, {"f:deep": {}, "f:flat": {}}),
    "a struct in an item": (
        LIST_OF_ATOMS,
        {ITEM_A: {".": {}, "f:deep": {".": {}, "f:string": {}}, "f:name": {}}},
        {ITEM_A: {".": {}, "f:deep": {}, "f:name": {}}},
    ),
    "a field that the schema does not know any more": (STRUCT, {"f:gone": {"f:a": {}}}, {"f:gone": {"f:a": {}}}),
    "what is free of any schema": (FREE, {"f:a": {"f:b": {}}}, {"f:a": {"f:b": {}}}),
    "what has become a text": (TEXT, {"f:a": {}}, {"f:a": {}}),
}  # fmt: skip


@pytest.mark.parametrize("rule", SETS)
def test_what_is_owned_by_the_schema_of_today(rule: str) -> None:
    schema, before, after = SETS[rule]
    fields = part(before)
    found = reconciled(fields, type_of(schema))
    assert found == part(after)
    assert (found is fields) is (before == after), "what does not change is not copied"
    assert reconciled(found, type_of(schema)) is found


class Schema:
    """One version of a kind."""

    def __init__(self, part: dict[str, Any]) -> None:
        self._type = type_of(part)

    def type_of(self, api_version: str) -> Type:
        return self._type

    def serves(self, api_version: str) -> bool:
        return True

    def convert(self, obj: dict[str, Any], api_version: str) -> dict[str, Any]:
        return obj


def thing(**part: Any) -> dict[str, Any]:
    return {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "a", "uid": "u"}, "part": part}


def applied(
    live: dict[str, Any] | None, config: dict[str, Any], schema: dict[str, Any], manager: str, *, force: bool = False
) -> dict[str, Any]:
    return apply(live, config, Schema(schema), manager=manager, force=force, now=NOW)


def owned(obj: dict[str, Any]) -> dict[str, Any]:
    return {entry["manager"]: entry["fieldsV1"]["f:part"] for entry in obj["metadata"]["managedFields"]}


def test_what_became_atomic_is_in_conflict_as_a_whole() -> None:
    live = applied(None, thing(numeric=1), STRUCT, "one")
    with pytest.raises(Conflicts, match=r'conflict with "one": \.part$'):
        applied(live, thing(string="a"), ATOMIC_STRUCT, "two")
    forced = applied(live, thing(string="a"), ATOMIC_STRUCT, "two", force=True)
    assert forced["part"] == {"string": "a"}
    assert owned(forced) == {"two": {}}


def test_who_owns_nothing_of_it_any_more_is_in_nobodys_way() -> None:
    live = applied(applied(None, thing(numeric=1), STRUCT, "one"), thing(numeric=2), STRUCT, "two", force=True)
    with pytest.raises(Conflicts) as caught:
        applied(live, thing(string="a"), ATOMIC_STRUCT, "three")
    assert [conflict.manager for conflict in caught.value.conflicts] == ["two"]


def test_what_became_granular_can_be_had_in_part() -> None:
    live = applied(None, thing(numeric=1, string="a"), ATOMIC_STRUCT, "one")
    with pytest.raises(Conflicts, match=r"\.part$"):
        applied(live, thing(string="b"), ATOMIC_STRUCT, "two")
    shared = applied(live, thing(string="b"), STRUCT, "two")
    assert shared["part"] == {"numeric": 1, "string": "b"}
    assert owned(shared) == {"one": {}, "two": {"f:string": {}}}


def test_the_same_applied_again_is_owned_as_the_schema_has_it() -> None:
    live = applied(None, thing(numeric=1), STRUCT, "one")
    again = applied(live, thing(numeric=1), ATOMIC_STRUCT, "one")
    assert (again["part"], owned(again)) == ({"numeric": 1}, {"one": {}})


def test_another_write_reconciles_what_others_own() -> None:
    live = applied(None, thing(numeric=1), STRUCT, "one")
    new = {**live, "metadata": {**live["metadata"], "labels": {"a": "b"}}}
    track_update(live, new, Schema(ATOMIC_STRUCT), manager="two", now=NOW)
    entries = {entry["manager"]: entry["fieldsV1"] for entry in new["metadata"]["managedFields"]}
    assert entries["one"] == {"f:part": {}}
    assert "f:part" not in entries["two"]
