"""A change of a YAML text changes one value: its bytes, and nothing else in the text or in what the text means."""

import copy
from typing import Any

import pytest
import yaml as pyyaml
from hypothesis import given, settings
from hypothesis import strategies as st

from kubegrammar.yaml import YamlError, load_all
from kubegrammar.yaml.edit import Text, Value

KEYS = st.text("abcdefgh-_.é", min_size=1, max_size=6).filter(lambda key: not key.startswith(("-", ".")))
STRINGS = st.one_of(
    st.text("abc123.:/@#'\" é\n", max_size=12), st.sampled_from(["1.10", "yes", "null", "0x1f", "2001-01-01", "~", ""])
)
DOCUMENTS = st.recursive(
    st.one_of(STRINGS, st.integers(-99, 99), st.booleans(), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(KEYS, inner, max_size=4)),
    max_leaves=20,
)
NEW = st.one_of(
    st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,12}", fullmatch=True),
    st.sampled_from(["1.10", "010", "1e3", "true", "null", "1.2.3", "v1", "latest@sha256:abc", "it's", 'a "b"', "é"]),
)


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    """Documents in several styles, with comments, blank lines and either line end."""
    parts = []
    for value in draw(st.lists(DOCUMENTS, min_size=1, max_size=3)):
        flow = draw(st.sampled_from([None, True, False]))
        style = draw(st.sampled_from([None, "'", '"']))
        part = pyyaml.safe_dump(value, default_flow_style=flow, default_style=style, allow_unicode=True, width=1000)
        lines = []
        for line in part.splitlines():
            if line.rstrip().endswith(("|", ">", "|-", ">-", "|+", ">+")) or line.startswith("..."):
                return b"a: 1\n"
            lines.append(line)
            if draw(st.integers(0, 5)) == 0 and flow is False and style is None and "'" not in part and '"' not in part:
                lines.append("# a comment")
        parts.append("\n".join(lines))
    text = "\n---\n".join(parts) + draw(st.sampled_from(["", "\n", "\n\n"]))
    data = text.replace("\n", draw(st.sampled_from(["\n", "\r\n"]))).encode()
    return draw(st.sampled_from([b"", b"\xef\xbb\xbf"])) + data


def at(document: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        document = document[step]
    return document


def put_at(document: Any, path: tuple[str | int, ...], new: str) -> Any:
    if not path:
        return new
    changed = copy.deepcopy(document)
    at(changed, path[:-1])[path[-1]] = new
    return changed


@settings(max_examples=400, deadline=None)
@given(data=texts(), new=NEW, pick=st.integers(0, 1000))
def test_a_replaced_scalar_is_all_that_changes(data: bytes, new: str, pick: int) -> None:
    try:
        text = Text(data, "t.yaml")
    except YamlError:
        return
    values = [value for value in text.scalars() if value.style not in ("|", ">")]
    if not values:
        return
    chosen: Value = values[pick % len(values)]
    before = load_all(data, "t").documents
    try:
        changed = text.replace(chosen, new).data
    except YamlError:
        return
    after = load_all(changed, "t").documents
    expected = [document.value for document in before]
    expected[chosen.document] = put_at(expected[chosen.document], chosen.path, new)
    assert [document.value for document in after] == expected
    source = data.removeprefix(b"\xef\xbb\xbf").decode()
    written = changed.removeprefix(b"\xef\xbb\xbf").decode()
    assert written.startswith(source[: chosen.start])
    assert written.endswith(source[chosen.end :])
    assert data.startswith(b"\xef\xbb\xbf") == changed.startswith(b"\xef\xbb\xbf")


@settings(max_examples=300, deadline=None)
@given(data=texts(), new=NEW, path=st.lists(KEYS, min_size=1, max_size=3))
def test_a_put_value_is_there_and_everything_else_as_before(data: bytes, new: str, path: list[str]) -> None:
    try:
        text = Text(data, "t.yaml")
        changed = text.put(path, new)
    except YamlError:
        return
    before = text.values[0] if text.values else {}
    expected = copy.deepcopy(before)
    place = expected
    for step in path[:-1]:
        if place.get(step) is None:
            place[step] = {}
        place = place[step]
    place[path[-1]] = new
    assert changed.values[:1] == [expected]
    assert changed.values[1:] == text.values[1:]
    kept = [line for line in data.splitlines() if line.strip()]
    lines = changed.data.splitlines()
    replaced = text.scalar(path)
    spanned = text.data.removeprefix(b"\xef\xbb\xbf").decode()[replaced.start : replaced.end] if replaced else ""
    assert sum(line not in lines for line in kept) <= 1 + spanned.count("\n")
    assert changed.put(path, new).data == changed.data


ADDED = {
    "below the last key of a block": (b"image:\n  name: x\nz: 1\n", "image:\n  name: x\n  tag: v2\nz: 1\n"),
    "before a comment that belongs to the next key": (
        b"image:\n  name: x\n\n# next\nz: 1\n",
        "image:\n  name: x\n  tag: v2\n\n# next\nz: 1\n",
    ),
    "with the indentation that is there": (b"image:\n    name: x\n", "image:\n    name: x\n    tag: v2\n"),
    "with the line ends that are there": (b"image:\r\n  name: x\r\n", "image:\r\n  name: x\r\n  tag: v2\r\n"),
    "below a text without a last line end": (b"image:\n  name: x", "image:\n  name: x\n  tag: v2\n"),
    "in a mapping in one line": (b"image: {name: x}\n", 'image: {name: x, "tag": "v2"}\n'),
    "in an empty mapping": (b"image: {}\n", 'image: {"tag": "v2"}\n'),
    "for a key without a value": (b"image:\nz: 1\n", 'image: {"tag":"v2"}\nz: 1\n'),
    "where the text is empty": (b"", "image:\n  tag: v2\n"),
    "where the text holds a comment alone": (b"# mine\n", "# mine\nimage:\n  tag: v2\n"),
    "below a last value that is an alias": (
        b"a: &x 1\nimage:\n  name: *x\nz: 1\n",
        "a: &x 1\nimage:\n  name: *x\n  tag: v2\nz: 1\n",
    ),
    "below a block of text": (
        b"image:\n  note: |\n    # no comment\n    text\nz: 1\n",
        "image:\n  note: |\n    # no comment\n    text\n  tag: v2\nz: 1\n",
    ),
    "below a quoted text whose last line looks like a comment": (
        b"image:\n  name: '\n\n    # x'\n# next\nz: 1\n",
        "image:\n  name: '\n\n    # x'\n  tag: v2\n# next\nz: 1\n",
    ),
    "behind the comment of the last line": (b"image:\n  name: x # y\n", "image:\n  name: x # y\n  tag: v2\n"),
}


@pytest.mark.parametrize("place", ADDED)
def test_a_missing_key_is_added(place: str) -> None:
    before, after = ADDED[place]
    assert Text(before, "t").put(("image", "tag"), "v2").data.decode() == after


REFUSED = {
    "a value that an anchor gives to others": (b"tag: &t v1\nother: *t\n", ("tag",), "anchor"),
    "a block of text": (b"tag: |\n  v1\n", ("tag",), "block"),
    "a list on the way": (b"image: [1]\n", ("image", "tag"), "image is not a mapping"),
    "a text on the way": (b"image: nginx\n", ("image", "tag"), "image is not a mapping"),
    "a list as the whole": (b"- 1\n", ("tag",), "the document is not a mapping"),
}


@pytest.mark.parametrize("rule", REFUSED)
def test_refused(rule: str) -> None:
    data, path, why = REFUSED[rule]
    with pytest.raises(YamlError, match=why):
        Text(data, "t.yaml").put(path, "v2")


@pytest.mark.parametrize(
    ("old", "new", "written"),
    [
        ("v1", "v2", "v2"),
        ("1.9", "1.10", '"1.10"'),
        ("'1.9'", "1.10", "'1.10'"),
        ('"1.9"', "1.10", '"1.10"'),
        ("v1", "true", '"true"'),
        ("v1", "010", '"010"'),
        ("v1", "2026-01-02", '"2026-01-02"'),
        ("nginx:1.9", "reg:5000/nginx:1.10@sha256:ab", "reg:5000/nginx:1.10@sha256:ab"),
        ("'it''s'", "that's", "'that''s'"),
        ("&a v1", "v2", "&a v2"),
        ("!!str 1", "2", '!!str "2"'),
    ],
)
def test_quotes_stay_and_come_where_they_are_needed(old: str, new: str, written: str) -> None:
    text = Text(f"tag: {old} # keep\n".encode(), "t")
    value = text.scalar(("tag",))
    assert value is not None and value.comment == "keep"
    assert text.replace(value, new).data.decode() == f"tag: {written} # keep\n"
