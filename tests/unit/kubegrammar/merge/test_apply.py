"""Server-side apply: who owns what, who may take it, and what goes when nobody wants it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubegrammar.merge import (
    DEDUCED,
    Conflicts,
    Type,
    TypedError,
    apply,
    compile_type,
    fill_defaults,
    predict,
    prune,
    track_update,
    unknown_fields,
)

NOW = "2026-01-01T00:00:00Z"
LATER = "2026-01-01T00:01:00Z"
ITEM: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "value": {"type": "string"}, "count": {"type": "integer", "default": 1}},
}
SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "spec": {
            "type": "object",
            "properties": {
                "size": {"type": "integer"},
                "text": {"type": "string"},
                "items": {
                    "type": "array",
                    "x-kubernetes-list-type": "map",
                    "x-kubernetes-list-map-keys": ["name"],
                    "items": ITEM,
                },
                "tags": {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}},
                "words": {"type": "array", "items": {"type": "string"}},
                "labels": {"type": "object", "additionalProperties": {"type": "string"}},
                "block": {"type": "object", "x-kubernetes-map-type": "atomic", "additionalProperties": True},
            },
        },
        "status": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    },
}
TYPE = compile_type(SCHEMA, {})


class Versions:
    """One version, one type."""

    def type_of(self, api_version: str) -> Type:
        return TYPE

    def serves(self, api_version: str) -> bool:
        return api_version == "example.com/v1"

    def convert(self, obj: dict[str, Any], api_version: str) -> dict[str, Any]:
        return obj


def widget(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "a"}, "spec": spec}


def applied(
    live: dict[str, Any] | None, config: dict[str, Any], manager: str = "one", *, force: bool = False, now: str = NOW
) -> dict[str, Any]:
    return apply(live, config, Versions(), manager=manager, force=force, now=now)


def fields(obj: dict[str, Any], manager: str) -> dict[str, Any]:
    """What a manager owns of the spec."""
    entries = [one for one in obj["metadata"].get("managedFields", ()) if one["manager"] == manager]
    owned: dict[str, Any] = entries[0]["fieldsV1"].get("f:spec", {}) if entries else {}
    return owned


OWNED = {
    "a scalar": (widget(size=1), {"f:size": {}}),
    "an item and its fields": (
        widget(items=[{"name": "x", "value": "y"}]),
        {"f:items": {'k:{"name":"x"}': {".": {}, "f:name": {}, "f:value": {}}}},
    ),
    "members of a set": (widget(tags=["a"]), {"f:tags": {'v:"a"': {}}}),
    "an atomic list as a whole": (widget(words=["a", "b"]), {"f:words": {}}),
    "an atomic map as a whole": (widget(block={"a": {"b": 1}}), {"f:block": {}}),
    "entries of a free map": (widget(labels={"a": "b"}), {"f:labels": {"f:a": {}}}),
    "an empty map": (widget(labels={}), {"f:labels": {}}),
    "an empty list of items not at all": (widget(items=[], size=1), {"f:size": {}}),
}


@pytest.mark.parametrize(("config", "owned"), OWNED.values(), ids=OWNED.keys())
def test_an_applier_owns_what_it_declares(config: dict[str, Any], owned: dict[str, Any]) -> None:
    assert fields(applied(None, config), "one") == owned


def test_another_value_is_a_conflict_that_names_the_field_and_its_owner() -> None:
    live = applied(None, widget(size=1, items=[{"name": "x", "value": "y"}]))
    with pytest.raises(Conflicts, match=r'^Apply failed with 1 conflict: conflict with "one": \.spec\.size$'):
        applied(live, widget(size=2), "two")
    with pytest.raises(Conflicts) as caught:
        applied(live, widget(size=2, items=[{"name": "x", "value": "z"}]), "two")
    assert str(caught.value) == (
        'Apply failed with 2 conflicts: conflicts with "one":\n- .spec.size\n- .spec.items[name="x"].value'
    )


def test_the_same_value_is_shared() -> None:
    live = applied(applied(None, widget(size=1)), widget(size=1), "two")
    assert fields(live, "one") == fields(live, "two") == {"f:size": {}}


def test_force_takes_the_field() -> None:
    live = applied(applied(None, widget(size=1, text="x")), widget(size=2), "two", force=True)
    assert live["spec"] == {"size": 2, "text": "x"}
    assert fields(live, "one") == {"f:text": {}}


def test_what_is_no_longer_declared_goes() -> None:
    live = applied(None, widget(size=1, items=[{"name": "x"}, {"name": "y"}], tags=["a", "b"], labels={"p": "q"}))
    assert applied(live, widget(items=[{"name": "y"}], tags=["b"]))["spec"] == {"items": [{"name": "y"}], "tags": ["b"]}


def test_what_others_own_too_stays() -> None:
    live = applied(applied(None, widget(size=1, tags=["a"])), widget(size=1, tags=["b"]), "two")
    assert applied(live, widget())["spec"] == {"size": 1, "tags": ["b"]}


def test_a_field_that_nobody_declared_stays() -> None:
    live = applied(None, widget(size=1))
    live["spec"]["text"] = "theirs"
    assert applied(live, widget(size=2))["spec"] == {"size": 2, "text": "theirs"}


def test_what_was_there_before_the_first_apply_has_an_owner() -> None:
    live = applied({**widget(size=1), "metadata": {"name": "a", "uid": "u"}}, widget(text="x"))
    assert fields(live, "before-first-apply") == {".": {}, "f:size": {}}


def test_an_apply_that_changes_nothing_keeps_its_time() -> None:
    live = applied(None, widget(size=1))
    assert applied(live, widget(size=1), now=LATER) == live


def test_an_update_owns_what_it_changes_and_takes_it_from_all() -> None:
    live = applied(None, widget(size=1, text="x"))
    new = {**live, "spec": {"size": 2, "text": "x"}, "metadata": dict(live["metadata"])}
    track_update(live, new, Versions(), manager="two", now=LATER)
    assert fields(new, "one") == {"f:text": {}}
    assert fields(new, "two") == {"f:size": {}}


@pytest.mark.parametrize("entries", [[], [{}]], ids=["an empty list", "one empty entry"])
def test_owners_are_forgotten_on_request(entries: list[Any]) -> None:
    live = applied(None, widget(size=1))
    live["metadata"]["uid"] = "u"
    new = {**live, "metadata": {**live["metadata"], "managedFields": entries}}
    track_update(live, new, Versions(), manager="two", now=LATER)
    assert "managedFields" not in new["metadata"]


def test_of_many_updaters_the_oldest_become_one() -> None:
    obj: dict[str, Any] = widget(labels={})
    obj["metadata"]["uid"] = ""
    live: dict[str, Any] | None = None
    for number in range(14):
        new = {**obj, "metadata": dict((live or obj)["metadata"]), "spec": {"labels": {f"l{number}": "x"}}}
        if live is not None:
            new["spec"]["labels"] |= live["spec"]["labels"]
        track_update(live, new, Versions(), manager=f"m{number:02}", now=f"2026-01-01T00:00:{number:02}Z")
        live = new
    assert live is not None
    managers = [entry["manager"] for entry in live["metadata"]["managedFields"]]
    assert len(managers) == 10
    assert "ancient-changes" in managers


REFUSED = {
    "an unknown field": (widget(nothing=1), ".spec.nothing: field not declared in schema"),
    "a text for a number": (widget(size="x"), ".spec.size: expected numeric (int or float), got string"),
    "a number for a text": (widget(text=1), ".spec.text: expected string, got &value.valueUnstructured{Value:1}"),
    "a map for a list": (widget(tags={}), ".spec.tags: expected list, got &{map[]}"),
    "two items of one key": (
        widget(items=[{"name": "x"}, {"name": "x"}]),
        '.spec.items: duplicate entries for key [name="x"]',
    ),
    "an item without a key": (
        widget(items=[{"value": "x"}]),
        '.spec.items: element 0: associative list with keys has an element that omits all key fields ["name"] (and'
        " doesn't have default values for any key fields)",
    ),
}


@pytest.mark.parametrize(("config", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_what_does_not_fit_is_refused_in_the_real_words(config: dict[str, Any], message: str) -> None:
    with pytest.raises(TypedError) as caught:
        applied(None, config)
    assert str(caught.value) == message


names = st.sampled_from(["x", "y", "z"])
item: st.SearchStrategy[Any] = st.fixed_dictionaries({"name": names}, optional={"value": names})
size: st.SearchStrategy[Any] = st.integers(0, 2)
specs: st.SearchStrategy[dict[str, Any]] = st.fixed_dictionaries(
    # Who owns nothing is not remembered, hence one field that always is.
    {"size": size},
    optional={
        "text": st.sampled_from(["a", "b"]),
        "items": st.lists(item, min_size=1, unique_by=lambda one: str(one["name"])),
        "tags": st.lists(names, min_size=1, unique=True),
        "words": st.lists(names, min_size=1),
        "labels": st.dictionaries(names, names, min_size=1),
        "block": st.dictionaries(names, names, min_size=1),
    },
)


@given(st.lists(st.tuples(st.sampled_from(["one", "two"]), specs), min_size=1, max_size=5))
def test_applying_twice_changes_nothing(steps: list[tuple[str, dict[str, Any]]]) -> None:
    live: dict[str, Any] | None = None
    for manager, spec in steps:
        live = applied(live, widget(**spec), manager, force=True)
        assert applied(live, widget(**spec), manager, now=LATER) == live
        assert predict(live, widget(**spec), Versions(), manager=manager) is live


@given(specs, specs)
def test_what_is_applied_is_there(first: dict[str, Any], second: dict[str, Any]) -> None:
    live = applied(applied(None, widget(**first)), widget(**second), "two", force=True)
    for name, value in second.items():
        found = live["spec"].get(name, [] if isinstance(value, list) else {})
        if name == "items":
            assert {one["name"] for one in value} <= {one["name"] for one in found}
        elif name == "tags":
            assert set(value) <= set(found)
        elif name == "labels":
            assert value.items() <= found.items()
        else:
            assert found == value


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["spec", "items", "x"]), inner),
    max_leaves=12,
)


@given(values)
def test_pruning_leaves_nothing_unknown(value: Any) -> None:
    obj = {"apiVersion": "example.com/v1", "kind": "Widget", "spec": value}
    gone = prune(obj, TYPE)
    assert unknown_fields(obj, TYPE) == []
    assert (prune(obj, TYPE), len(gone) >= 0) == ([], True)


def test_unknown_fields_are_named_with_their_place() -> None:
    obj = widget(nothing=1, items=[{"name": "x"}, {"name": "y", "other": 1}])
    assert unknown_fields(obj, TYPE) == ["spec.nothing", "spec.items[1].other"]


def test_defaults_fill_what_is_absent() -> None:
    obj = widget(items=[{"name": "x"}, {"name": "y", "count": 5}])
    fill_defaults(obj, TYPE)
    assert [one["count"] for one in obj["spec"]["items"]] == [1, 5]


def test_without_a_schema_maps_merge_and_lists_do_not() -> None:
    class Untyped(Versions):
        def type_of(self, api_version: str) -> Type:
            return DEDUCED

    live = apply(None, widget(a={"b": 1}, l=[1]), Untyped(), manager="one", force=False, now=NOW)
    live = apply(live, widget(a={"c": 2}), Untyped(), manager="two", force=False, now=NOW)
    assert live["spec"] == {"a": {"b": 1, "c": 2}, "l": [1]}
