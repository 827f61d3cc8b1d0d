"""Paths of printer columns lead where client-go's do."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.often import often

from pocketkube.cluster.tables.jsonpath import JsonPathError, compile_path

THING: dict[str, Any] = {
    "name": "web",
    "a.b": 1,
    "count": 3,
    "null": None,
    "list": ["x", "y", "z"],
    "conditions": [{"type": "Ready", "status": "True", "weight": 2}, {"type": "Synced", "status": "False"}],
    "deep": {"one": {"name": "inner"}},
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        pytest.param(".name", ["web"], id="a field"),
        pytest.param("$.name", ["web"], id="a field of the root"),
        pytest.param(".absent.name", [], id="a field that is missing"),
        pytest.param(".name.first", [], id="a field of a text"),
        pytest.param(".null", [None], id="null is a value"),
        pytest.param(r".a\.b", [1], id="a dot in a name is escaped"),
        pytest.param("['name']", ["web"], id="a name in brackets"),
        pytest.param("['name','count']", ["web", 3], id="several names in brackets"),
        pytest.param(".list[1]", ["y"], id="an index"),
        pytest.param(".list[-1]", ["z"], id="an index from the end"),
        pytest.param(".list[0,2]", ["x", "z"], id="several indexes"),
        pytest.param(".list[1:]", ["y", "z"], id="from an index on"),
        pytest.param(".list[:-1]", ["x", "y"], id="up to an index from the end"),
        pytest.param(".list[::2]", ["x", "z"], id="every second"),
        pytest.param(".list[*]", ["x", "y", "z"], id="all of a list"),
        pytest.param(".list[3:3]", [], id="an empty part"),
        pytest.param(".deep.*.name", ["inner"], id="all of a map"),
        pytest.param("..name", ["web", "inner"], id="at any depth, nearest first"),
        pytest.param('.conditions[?(@.type=="Ready")].status', ["True"], id="elements that have a value"),
        pytest.param(".conditions[?(@.type!='Ready')].status", ["False"], id="elements that have another value"),
        pytest.param(".conditions[?(@.weight>=2)].type", ["Ready"], id="elements with a large enough number"),
        pytest.param(".conditions[?(@.weight)].type", ["Ready"], id="elements that have a field"),
        pytest.param('.conditions[?(@.type=="a)b")].type', [], id="a bracket in quotes ends no filter"),
        pytest.param(".list[?(@=='y')]", ["y"], id="elements that are a value"),
        pytest.param(".list[?(@==@.a)]", [], id="elements compared with nothing"),
    ],
)
def test_finds(path: str, found: list[Any]) -> None:
    assert compile_path(path).find(THING) == found


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(".list[3]", id="an index past the end"),
        pytest.param(".list[-4]", id="an index before the start"),
        pytest.param(".list[2:1]", id="a part that ends before it starts"),
        pytest.param(".list[::0]", id="steps of nothing"),
        pytest.param(".name[0]", id="an index of a text"),
        pytest.param(".name[?(@.a)]", id="elements of a text"),
        pytest.param(".conditions[?(@.type>1)]", id="a text compared with a number"),
        pytest.param(".conditions[?(@.status>true)]", id="order of booleans"),
    ],
)
def test_refuses_values_that_do_not_fit(path: str) -> None:
    with pytest.raises(JsonPathError):
        compile_path(path).find(THING)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(".list[", id="brackets that stay open"),
        pytest.param(".list[a]", id="an index that is none"),
        pytest.param(".list[?(@.a", id="a filter that stays open"),
        pytest.param('"text', id="quotes that stay open"),
        pytest.param("{.a}", id="braces"),
        pytest.param(".a[?(@.b=!1)]", id="an operator that is none"),
        pytest.param("1.2.3", id="a number that is none"),
        pytest.param(".a[" + "9" * 5000 + "]", id="an index beyond all lists"),
        pytest.param("range", id="a loop"),
    ],
)
def test_refuses_texts_that_are_no_path(path: str) -> None:
    with pytest.raises(JsonPathError):
        compile_path(path)


SIGNS = st.text(st.sampled_from(list(".[]?()@$*'\"\\<>=!-:,019abtrue{} \n")), max_size=30)
STEPS = st.sampled_from(
    [".list", "..name", "[0]", "[-1]", "[0:2]", "[*]", ".conditions", ".*", "[?(@.a==1)]", "[?(@.b)]", "[0,1]"]
)


@given(often(st.lists(STEPS, min_size=1, max_size=5).map("".join), SIGNS))
def test_any_text_is_a_path_or_refused(text: str) -> None:
    try:
        found = compile_path(text).find(THING)
    except JsonPathError:
        return
    assert isinstance(found, list)
