"""Manifests that come with an operation: each is one, or the operation says which is not."""

import json

import pytest
from hypothesis import given as examples
from hypothesis import strategies as st

from trueup.model.errors import RenderFailed
from trueup.render.given import FIELD, NOTHING, given, read_given
from trueup.render.output import Objects


def read(*texts: str) -> list[str]:
    """Names of the objects in such texts.

    Raises:
        RenderFailed: one is none.
    """
    objects = Objects()
    read_given(given(texts)[1], objects)
    return [f"{made.key.kind}/{made.key.name}" for made in objects.finish()]


A = json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}})
B = "apiVersion: v1\nkind: Secret\nmetadata: {name: b}\n"

BAD: dict[str, tuple[tuple[str, ...], str]] = {
    "no object at all": (("", "---\n", "# nothing\n"), NOTHING),
    "no text": ((), NOTHING),
    "text": ((A, "hello"), f"{FIELD}[1]:1: a manifest must be a mapping"),
    "another tool's file": ((A, "a: 1"), f"{FIELD}[1]:1: it has no kind"),
    "an object without a name": (('{"apiVersion": "v1", "kind": "Pod"}',), f"{FIELD}[0]:1: Pod has no name"),
    "half of one": (('{"apiVersion": "v1", "kind"',), f"{FIELD}[0]"),
    "an alias of nothing": (("a: *b",), f"{FIELD}[0]"),
    "two in one": ((A, B + B), f"{FIELD}[1]:"),
    "a null in a list": (('{"apiVersion": "v1", "kind": "List", "items": [null]}',), f"{FIELD}[0]"),
}


@pytest.mark.parametrize(("texts", "told"), BAD.values(), ids=BAD)
def test_what_is_no_manifest_is_an_error_that_names_its_place(texts: tuple[str, ...], told: str) -> None:
    with pytest.raises(RenderFailed) as caught:
        read(*texts)
    assert caught.value.message.startswith(told)
    assert "commit" not in caught.value.hint


def test_manifests_are_read_as_json_and_yaml_alone_in_streams_and_in_lists() -> None:
    listed = f'{{"apiVersion": "v1", "kind": "List", "items": [{A}]}}'
    assert read(A, B, "", f"{B}---\n{B.replace('b}', 'c}')}", listed) == [
        *("ConfigMap/a", "Secret/b", "Secret/b", "Secret/c", "ConfigMap/a"),
    ]


@examples(st.lists(st.text() | st.just(A), max_size=4))
def test_no_text_is_passed_over_in_silence(texts: list[str]) -> None:
    try:
        assert read(*texts)
    except RenderFailed as error:
        assert FIELD in error.message


def test_a_recipe_is_known_by_what_is_read() -> None:
    assert given([A, B])[0].key == given([A, B])[0].key
    assert len({given(texts)[0].key for texts in ([A, B], [B, A], [A], [A + B])}) == 4
