"""Laws of owned fields and schemas."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from kubegrammar.merge import Type, compile_type
from kubegrammar.merge.fieldset import FieldSet, is_member
from kubegrammar.merge.reconcile import reconciled
from kubegrammar.merge.typed import field_set

NAMES = ("a", "b")
TEXT = {"type": "string"}


@st.composite
def schemas(draw: st.DrawFn, depth: int = 3) -> dict[str, Any]:
    """Structs, maps and lists of one shape for each name of a field, so that a value fits the schema of every draw."""
    properties: dict[str, Any] = {"name": TEXT}
    if depth:
        below = draw(schemas(depth=depth - 1))
        listed = draw(st.sampled_from([{}, {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}]))
        properties["a"] = below
        properties["b"] = {"type": "array", "items": below, **listed}
    atomic = draw(st.sampled_from([{}, {}, {"x-kubernetes-map-type": "atomic"}]))
    return {"type": "object", "properties": properties, **atomic}


def values(depth: int = 3) -> st.SearchStrategy[dict[str, Any]]:
    """Values that fit all of these schemas."""
    fields: dict[str, st.SearchStrategy[Any]] = {"name": st.sampled_from(NAMES)}
    optional: dict[str, st.SearchStrategy[Any]] = {}
    if depth:
        below = values(depth - 1)
        optional = {"a": below, "b": st.lists(below, max_size=2, unique_by=lambda item: item["name"])}
    return st.fixed_dictionaries(fields, optional=optional)


def type_of(schema: dict[str, Any]) -> Type:
    return compile_type({"type": "object", "properties": {"part": schema}}, {})


def objects() -> st.SearchStrategy[dict[str, Any]]:
    return values().map(lambda value: {"apiVersion": "v1", "kind": "Thing", "part": value})


def covers(fields: FieldSet, before: FieldSet) -> bool:
    """Whether every path of the first is one of the second, or above one."""
    return all(element in before and (not below or covers(below, before[element])) for element, below in fields.items())


def reached(fields: FieldSet, after: FieldSet) -> bool:
    """Whether every path of the first is in the second, or below a path of it that has nothing below."""
    return all(
        element in after and (not after[element] or (bool(below) and reached(below, after[element])))
        for element, below in fields.items()
        if element != "."
    )


@given(objects(), schemas())
def test_what_a_schema_made_it_leaves_as_it_is(value: dict[str, Any], schema: dict[str, Any]) -> None:
    fields = field_set(value, type_of(schema))
    assert reconciled(fields, type_of(schema)) is fields


@given(objects(), schemas(), schemas())
def test_another_schema_moves_ownership_up_and_loses_none(
    value: dict[str, Any], before: dict[str, Any], after: dict[str, Any]
) -> None:
    fields = field_set(value, type_of(before))
    found = reconciled(fields, type_of(after))
    assert covers(found, fields) and reached(fields, found)
    assert reconciled(found, type_of(after)) is found
    assert all(is_member(found[element]) or found[element] for element in found)
