"""Laws of comparing."""

import string
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from kubegrammar.json import canonical, digest
from trueup.diff import DryRunAnswer, Pair, Pairs, comparable, compare, differences, live_digest, masked, render
from trueup.diff.ownership import holds, without
from trueup.model.live import LiveObject
from trueup.model.manifest import Manifest
from trueup.model.resource import ResourceKey
from trueup.model.status import SyncCode

NAMES = st.text(string.ascii_lowercase, min_size=1, max_size=3)
SCALARS = st.none() | st.booleans() | st.integers(-9, 9) | st.text(string.ascii_letters, max_size=4)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3), max_leaves=12
)
BODIES = st.dictionaries(NAMES.map("x".__add__), VALUES, max_size=4)
KEY = ResourceKey("example.com", "Thing", "shop", "web")


def thing(body: dict[str, Any], **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "example.com/v1",
        "kind": "Thing",
        "metadata": {"name": "web", "namespace": "shop"} | metadata,
    } | body


def pair_of(wanted: dict[str, Any], found: dict[str, Any]) -> Pair:
    body = canonical(wanted)
    return Pair(
        key=KEY,
        target=Manifest(key=KEY, api_version="example.com/v1", body=body, digest=digest(body)),
        live=LiveObject(
            key=KEY, api_version="example.com/v1", uid="u", resource_version="1", body=msgspec.json.encode(found)
        ),
    )


@given(BODIES, BODIES)
def test_an_object_that_an_apply_would_leave_alone_is_synced_whatever_git_says(
    wanted: dict[str, Any], found: dict[str, Any]
) -> None:
    pair = pair_of(thing(wanted), thing(found, resourceVersion="1"))
    answers = {KEY: DryRunAnswer(body=msgspec.json.encode(thing(found, resourceVersion="2", managedFields=[])))}
    assert compare(Pairs((pair,)), answers, asked=[KEY]).status is SyncCode.SYNCED


@given(BODIES, BODIES)
def test_an_object_that_an_apply_would_change_is_never_synced(before: dict[str, Any], after: dict[str, Any]) -> None:
    pair = pair_of(thing(after), thing(before))
    status = compare(Pairs((pair,)), {KEY: DryRunAnswer(body=msgspec.json.encode(thing(after)))}, asked=[KEY]).status
    assert (status is SyncCode.SYNCED) == (canonical(before) == canonical(after))


@given(BODIES, BODIES)
def test_two_objects_differ_in_no_field_only_when_they_are_equal(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert (not differences(before, after)) == (canonical(before) == canonical(after))


@given(BODIES, BODIES)
def test_a_difference_and_its_text_agree(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert bool(render(before, after, left="a", right="b")) == bool(differences(before, after))


@given(BODIES)
def test_reducing_an_object_twice_is_reducing_it_once(body: dict[str, Any]) -> None:
    once = comparable(thing(body, uid="u"))
    assert comparable(once) == once


@given(st.dictionaries(NAMES, st.text(min_size=4, max_size=20).map("canary".__add__), min_size=1, max_size=4))
def test_no_value_of_a_secret_is_shown_and_equal_values_stay_equal(data: dict[str, str]) -> None:
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"annotations": dict(data)}, "stringData": data}
    (shown,) = masked(secret)
    assert shown is not None
    assert b"canary" not in msgspec.json.encode(shown)
    assert len(set(shown["data"].values())) == len(set(data.values()))


@given(BODIES, st.integers(), st.dictionaries(NAMES, VALUES))
def test_a_digest_follows_the_object_and_not_its_bookkeeping(
    body: dict[str, Any], version: int, status: dict[str, Any]
) -> None:
    touched = thing(body, resourceVersion=str(version)) | {"status": status}
    assert live_digest(touched) == live_digest(thing(body))
    assert live_digest(thing(body | {"xextra": 1})) != live_digest(thing(body)) or body.get("xextra") == 1


def fields_of(value: Any) -> dict[str, Any]:
    """The record of an apply to a custom resource: maps by field, lists and scalars as a whole."""
    return {f"f:{name}": fields_of(item) for name, item in value.items()} if isinstance(value, dict) else {}


@given(BODIES, BODIES)
def test_what_we_applied_holds_until_git_or_the_object_changes(desired: dict[str, Any], other: dict[str, Any]) -> None:
    assert holds(desired, desired | {"others": 1}, fields_of(desired))
    if canonical(desired) != canonical(other):
        assert not holds(other, desired, fields_of(desired))


@given(BODIES)
def test_without_the_fields_of_its_only_manager_nothing_is_left(body: dict[str, Any]) -> None:
    assert without(body, fields_of(body)) == {}
