"""Laws of patterns: what was rewritten for RE2 says what Python's own patterns said."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kubegrammar import pattern, semver
from kubegrammar.yaml import write
from trueup.render import cutoff, kustomize_documents, wholeness
from trueup.render.helm import _commas_escaped

PIECES = [
    "-",
    "---",
    "...",
    ":",
    " ",
    "\n",
    "\r",
    "\t",
    "\u3000",
    "\x85",
    "#",
    "a",
    "Z",
    "é",
    "٣",
    "_",
    "/",
    "\\",
    ",",
    "'",
    '"',
]
KEYS = ["apiVersion", "kind", "metadata", "v", "1", "0", ".", "+", "x", "{", "}", "[", "]", "~", "$", "\ud800", "\x00"]
texts = st.lists(st.sampled_from([*PIECES, *KEYS]), max_size=12).map("".join)


def searched(old: str, flags: re.RegexFlag = re.NOFLAG) -> Callable[[str], bool]:
    compiled = re.compile(old, flags)
    return lambda text: compiled.search(text) is not None


def whole(old: str, flags: re.RegexFlag = re.NOFLAG) -> Callable[[str], bool]:
    compiled = re.compile(old, flags)
    return lambda text: compiled.fullmatch(text) is not None


def asked(new: pattern.Pattern[str]) -> Callable[[str], bool]:
    return lambda text: new.search(text) is not None


IDENTIFIERS = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
INSIDE = r"\w./$^+()@,=<>;!*&%~\"'\[\]{}|\\?\-"
VERSION = re.compile(rf"v?([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?(?:-({IDENTIFIERS}))?(?:\+({IDENTIFIERS}))?")


def is_version(text: str) -> bool:
    found = VERSION.fullmatch(text)
    parts = (found[4] or "").split(".") if found else []
    return bool(found) and not any(part.isdigit() and len(part) > 1 and part[0] == "0" for part in parts)


PAIRS: dict[str, tuple[Callable[[str], bool], Callable[[str], bool]]] = {
    "a mark of a document": (searched(r"^---(?=\s|\Z|#)", re.MULTILINE), asked(cutoff._MARK)),
    "an end of a document": (searched(r"^\.\.\.(?=\s|\Z)", re.MULTILINE), asked(kustomize_documents._END)),
    "a plain scalar": (
        whole(rf"(?:[\w./$^+(]|-(?=[\w.]))(?:[{INSIDE}#]|:(?=[{INSIDE}:])| (?=[{INSIDE}]))*"),
        lambda text: write._PLAIN.fullmatch(text) is not None,
    ),
    "a text for a literal": (
        whole(r"(?![ \t\n])[^\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]+"),
        lambda text: bool(text) and write._stands_as_it_is(text),
    ),
    "a key of a manifest": (searched(r"(?<![\w.-])kind[\"']?\s*:"), asked(wholeness._KEYS[1])),
    "a version": (
        is_version,
        lambda text: semver.parse_version(text) is not None,
    ),
}


@pytest.mark.parametrize("rule", PAIRS)
def test_a_rewritten_pattern_says_the_same(rule: str) -> None:
    old, new = PAIRS[rule]

    @given(texts)
    def law(text: str) -> None:
        assert new(text) == old(text)

    law()


@given(texts)
def test_a_comma_is_escaped_where_it_is_not(text: str) -> None:
    assert _commas_escaped(text) == re.sub(r"(?<!\\),", r"\\,", text)


@given(texts)
def test_white_space_and_words_are_those_of_python(text: str) -> None:
    for character in text:
        assert (pattern.compile(f"[{pattern.SPACE}]").fullmatch(character) is not None) == character.isspace()
        assert (pattern.compile(f"[{pattern.WORD}]").fullmatch(character) is not None) == bool(
            re.match(r"\w", character)
        )


@given(st.text(st.characters(exclude_categories=[]), max_size=20))
def test_half_of_a_pair_stands_where_it_stood(text: str) -> None:
    for match in pattern.compile("(?s).").finditer(text):
        found = text[match.start() : match.end()]
        assert match[0] == ("\ufffd" if "\ud800" <= found <= "\udfff" else found)


@pytest.mark.parametrize("text", ["(", "a{2000}", "(?<=a)b", r"(a)\1", "[b-a]", "\ud800("])
def test_what_is_no_pattern_is_said(text: str) -> None:
    with pytest.raises(pattern.BadPattern):
        pattern.given(text)


def test_bytes_need_not_be_utf_8() -> None:
    assert pattern.compile(rb"a[^}]*b").findall(b"\xffa\xfe\xffb}a") == [b"a\xfe\xffb"]
