"""What of an answer is sent."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup.server.request import StoredBody
from trueup.server.transport.masks import Mask

_NAMES = st.sampled_from(["a", "b", "metadata", "name", "managedFields"])
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | st.text("xy", max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(_NAMES, inner, max_size=3),
    max_leaves=8,
)
_OBJECTS = st.dictionaries(_NAMES, _VALUES, max_size=4)
_PATHS = st.lists(_NAMES, min_size=1, max_size=3).map(".".join)


def sent(mask: Mask, answer: dict[str, Any]) -> Any:
    return msgspec.json.decode(msgspec.json.encode(mask.of(answer)))


@given(st.lists(_OBJECTS, max_size=2), st.lists(_PATHS, max_size=3), st.booleans())
def test_what_is_stored_is_sent_as_what_is_read(objects: list[Any], paths: list[str], without: bool) -> None:
    stored = [StoredBody(msgspec.json.encode(each)) for each in objects]
    mask = Mask(("-" if without else "") + ",".join(f"items.{path}" for path in paths))
    assert sent(mask, {"items": stored}) == sent(mask, {"items": [each.object() for each in stored]})


@pytest.mark.parametrize(
    ("fields", "found"),
    [
        ("items.metadata.name", {"metadata": {"name": "x"}}),
        ("items.metadata.name,items.metadata", {"metadata": {"name": "x", "uid": "u"}}),
        ("items.metadata,items.metadata.name", {"metadata": {"name": "x", "uid": "u"}}),
        ("items.spec.none.deeper", {"spec": {}}),
        ("items.list.a", {"list": [{"a": 1}, {}]}),
        ("-items.spec,items.list", {"metadata": {"name": "x", "uid": "u"}}),
        ("items", {"metadata": {"name": "x", "uid": "u"}, "spec": {"p": 1}, "list": [{"a": 1}, {"b": 2}]}),
        ("", {"metadata": {"name": "x", "uid": "u"}, "spec": {"p": 1}, "list": [{"a": 1}, {"b": 2}]}),
    ],
)
def test_fields(fields: str, found: Any) -> None:
    metadata = {"name": "x", "uid": "u", "managedFields": [{}]}
    body = {"metadata": metadata, "spec": {"p": 1}, "list": [{"a": 1}, {"b": 2}]}
    answer = {"metadata": {"v": 1}, "items": [StoredBody(msgspec.json.encode(body))]}
    assert sent(Mask(fields), answer) == {"metadata": {"v": 1}, "items": [found]}


@pytest.mark.parametrize("stored", [True, False])
def test_a_dot_of_a_name_is_no_dot_of_the_path(stored: bool) -> None:
    body = {"metadata": {"annotations": {"a.b/c": "d", "e": "f"}, "name": "x"}}
    answer = {"items": [StoredBody(msgspec.json.encode(body)) if stored else body]}
    assert sent(Mask(r"items.metadata.annotations.a\.b/c"), answer) == {
        "items": [{"metadata": {"annotations": {"a.b/c": "d"}}}]
    }


@given(_OBJECTS, st.lists(_PATHS, max_size=3), st.booleans())
def test_an_event_is_sent_as_what_is_read(found: dict[str, Any], paths: list[str], without: bool) -> None:
    stored = StoredBody(msgspec.json.encode(found))
    mask = Mask(("-" if without else "") + ",".join(("result.type", *(f"result.application.{each}" for each in paths))))
    told = {"type": "ADDED", "application": stored}
    assert sent(mask, {"result": told}) == sent(mask, {"result": {**told, "application": stored.object()}})


def test_an_event_without_fields_is_whole() -> None:
    told = {"type": "ADDED", "application": StoredBody(b'{"a":1}')}
    for text in ("result", "result.type,result.application", "-result.type"):
        assert sent(Mask(text), {"result": told})["result"]["application"] == {"a": 1}
