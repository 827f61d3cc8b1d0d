"""What holds for every value, not only for those in the tables."""

import contextlib
import math
import unicodedata
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from kubegrammar import yaml
from kubegrammar.duration import format_duration, parse_duration
from kubegrammar.glob import doublestar_match, doublestar_problem, file_match, glob_match, glob_problem
from kubegrammar.json import canonical
from kubegrammar.patch import equal, merge_diff, merge_patch, pointer_get, pointer_remove
from kubegrammar.quantity import canonical_quantity, parse_quantity
from kubegrammar.semver import best_match, compare, is_range, parse_version

TRICKY_TEXT = st.text(
    st.sampled_from(" \n\t\r:#-'\"|>&*!%@`{}[],?.0123456789abenoxyEX~=<_+/\u0085\u2028\ufeffé😀"), max_size=12
)
TEXT = st.one_of(st.text(st.characters(exclude_categories=["Cs"]), max_size=12), TRICKY_TEXT)
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    # Beyond 53 bits Go's JSON, and so the reader, gives an integral float the digits of its shortest decimal form.
    st.floats(-(2**53), 2**53),
    TEXT,
)
NO_YAML = ("Cc", "Cn", "Zl", "Zp")
"""Kinds of characters that JSON leaves as they are; YAML refuses some and takes others for line breaks."""
KEYS = st.one_of(TEXT, st.text("ab", min_size=95, max_size=110))
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=15
)
FEW_KEYS = st.sampled_from("abcd")
OBJECTS = st.dictionaries(
    FEW_KEYS,
    st.recursive(
        st.none() | st.booleans() | st.integers(0, 1) | st.sampled_from(["x", "y"]),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(FEW_KEYS, inner, max_size=3),
        max_leaves=8,
    ),
    max_size=4,
)
PATTERNS = st.text(st.sampled_from("ab/*?[]{},!-^\\é"), max_size=20)
QUANTITIES = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "-", "+"]),
    st.integers(0, 10**20),
    st.sampled_from(["", ".", ".5", ".500", ".000000000001", ".125"]),
    st.sampled_from(
        ["", "n", "u", "m", "k", "M", "G", "T", "P", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "e3", "E-3", "e5"]
    ),
)


def without_nulls(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {key: without_nulls(item) for key, item in value.items() if item is not None}


@settings(max_examples=400)
@given(JSON)
def test_what_is_written_is_read_again(value: Any) -> None:
    assert equal(yaml.load(yaml.dump(value).encode(), "written.yaml"), value)


@given(st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXT, inner), max_leaves=10))
def test_json_is_yaml_of_the_same_value_where_its_characters_are_allowed(value: Any) -> None:
    assume(not any(unicodedata.category(character) in NO_YAML for character in canonical(value).decode()))
    assert equal(yaml.load(canonical(value), "written.json"), value)


@settings(max_examples=400)
@given(st.one_of(TRICKY_TEXT, st.binary(max_size=30), st.lists(TRICKY_TEXT, max_size=6).map("\n".join)))
def test_any_text_is_read_or_refused_with_its_place(text: str | bytes) -> None:
    data = text.encode() if isinstance(text, str) else text
    try:
        loaded = yaml.load_all(data, "f.yaml")
    except yaml.YamlError as error:
        assert error.line >= 1
        assert error.column >= 1
        assert error.problem
    else:
        for document in loaded.documents:
            assert yaml.load(yaml.dump(document.value).encode(), "f.yaml") == document.value


@given(OBJECTS, OBJECTS)
def test_the_diff_of_two_objects_turns_one_into_the_other(old: dict[str, Any], new: dict[str, Any]) -> None:
    old, new = without_nulls(old), without_nulls(new)
    patch = merge_diff(old, new)
    result = merge_patch(old, patch)
    assert equal(result, new)
    assert merge_diff(result, new) == {}
    assert equal(merge_patch(result, patch), new)


@given(OBJECTS, OBJECTS)
def test_after_a_patch_nothing_is_left_to_patch_even_with_nulls(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert merge_diff(merge_patch(old, merge_diff(old, new)), new) == {}


@given(OBJECTS, st.lists(st.sampled_from(["a", "b", "0", "1", "-"]), min_size=1, max_size=4))
def test_what_is_removed_is_not_found(document: dict[str, Any], tokens: list[str]) -> None:
    pointer = "/" + "/".join(tokens)
    missing = object()
    rest = pointer_remove(document, pointer)
    if pointer_get(document, pointer, missing) is missing:
        assert rest is document
    else:
        assert not equal(rest, document)


@given(PATTERNS, TEXT)
def test_a_glob_never_raises_and_a_malformed_one_matches_nothing(pattern: str, text: str) -> None:
    matched = [glob_match(pattern, text), glob_match(pattern, text, "/"), file_match(pattern, text)]
    assert not (glob_problem(pattern) and any(matched))
    assert not (doublestar_problem(pattern) and doublestar_match(pattern, text))


@given(st.text("ab/é.", max_size=10))
def test_text_without_special_characters_matches_itself_alone(text: str) -> None:
    assert glob_match(text, text)
    assert glob_match("".join(f"\\{character}" for character in text), text)
    assert doublestar_match(text, text)
    assert not glob_match(text, text + "x")


@given(PATTERNS, st.text("ab/", max_size=8))
def test_separators_only_make_a_glob_narrower(pattern: str, text: str) -> None:
    assert glob_match(pattern, text) or not glob_match(pattern, text, "/")


@given(QUANTITIES)
def test_a_canonical_quantity_is_its_own_canonical_form_and_keeps_the_value(text: str) -> None:
    # Kubernetes has no suffix for thousands of E, and drops their zeros.
    assume(abs(parse_quantity(text)) < 10**21)
    canonical_text = canonical_quantity(text)
    assert canonical_quantity(canonical_text) == canonical_text
    assert parse_quantity(canonical_text) == parse_quantity(text)


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_duration_is_read_as_it_was_written(nanoseconds: int) -> None:
    seconds = nanoseconds / 10**9
    with contextlib.suppress(ValueError):  # the longest ones round up to one that is too long
        assert math.isclose(parse_duration(format_duration(seconds)), seconds, rel_tol=1e-15)


VERSIONS = st.builds(
    "{}.{}.{}{}".format,
    *[st.integers(0, 3)] * 3,
    st.sampled_from(["", "", "-0", "-rc.1", "-rc.10", "-rc.2", "-a", "-a.b", "+x"]),
)


@given(st.lists(VERSIONS, min_size=1, max_size=6))
def test_the_best_match_is_not_older_than_any_other(versions: list[str]) -> None:
    best = best_match(">=0.0.0-0", versions)
    assert best in versions
    newest = parse_version(best)
    assert newest is not None
    for text in versions:
        other = parse_version(text)
        assert other is not None
        assert compare(newest, other) >= 0
        assert compare(newest, other) == -compare(other, newest)


@given(st.text(st.sampled_from("0123.xX*v-+^~<>=!|, ab"), max_size=30), st.lists(VERSIONS, max_size=3))
def test_any_text_is_a_range_or_not(text: str, versions: list[str]) -> None:
    found = best_match(text, versions)
    assert found is None or found in versions
    assert not (is_range(text) and parse_version(text))
