"""Documents, limits, anchors, and errors that name the place."""

import time
from typing import Any

import pytest

from kubegrammar import yaml

DOCUMENTS: dict[str, tuple[str, list[tuple[Any, int]]]] = {
    "no text has no documents": ("", []),
    "comments have no documents": ("# one\n# two\n", []),
    "empty documents are left out": ("---\n---\n# nothing\n---\na: 1\n---\n", [({"a": 1}, 5)]),
    "null documents are left out": ("null\n---\n~\n---\na: 1\n", [({"a": 1}, 5)]),
    "a document begins at its first node": ("# c\n---\n\n# d\na: 1\n---\nb: 2\n", [({"a": 1}, 5), ({"b": 2}, 7)]),
    "a document may follow an end mark": ("a: 1\n...\n---\nb: 2\n", [({"a": 1}, 1), ({"b": 2}, 4)]),
    "a document may begin behind its mark": ("--- {a: 1}\n--- x\n", [({"a": 1}, 1), ("x", 2)]),
    "a byte order mark is no content": ("\ufeffa: 1\n", [({"a": 1}, 1)]),
    "carriage returns end lines": ("a: 1\r\nb: 2\r\n", [({"a": 1, "b": 2}, 1)]),
    "a version directive is accepted": ("%YAML 1.2\n---\na: 1\n", [({"a": 1}, 3)]),
    "JSON is YAML": ('{"a":{"b":[1,2,{"c":null}]}}', [({"a": {"b": [1, 2, {"c": None}]}}, 1)]),
    "JSON follows JSON on the next line": ('{"a":1}\n{"b":2}\n', [({"a": 1}, 1), ({"b": 2}, 2)]),
    "JSON follows JSON on its line": ('{"a":1}{"b":2}', [({"a": 1}, 1), ({"b": 2}, 1)]),
    "JSON follows JSON over several lines": ('{\n"a": [1,\n2]}\n\n{"b":\n2}', [({"a": [1, 2]}, 1), ({"b": 2}, 5)]),
    "JSON follows JSON behind a comment": ('# c\n{"a":1}\n{"b":2}\n', [({"a": 1}, 2), ({"b": 2}, 3)]),
    "JSON follows JSON beside YAML": (
        'x: 1\n---\n{"a":1}\n{"b":2}\n---\nz: 2\n',
        [({"x": 1}, 1), ({"a": 1}, 3), ({"b": 2}, 4), ({"z": 2}, 6)],
    ),
    "JSON with marks between": ('{"a":1}\n---\n{"b":2}\n---\n', [({"a": 1}, 1), ({"b": 2}, 3)]),
    "JSON indented by tabs": ('{\n\t"a": {\n\t\t"b": 1\n\t}\n}\n', [({"a": {"b": 1}}, 1)]),
    "JSON writes letters beyond the basic plane in two halves": ('{"a":"\\ud83d\\ude00"}', [({"a": "😀"}, 1)]),
    "JSON keeps line separators inside quotes": ('{"a":"x \u2028 y\u0085z"}', [({"a": "x \u2028 y\u0085z"}, 1)]),
    "JSON numbers are YAML's": ('{"a":1e3,"b":1.50,"c":-0}\n{}', [({"a": 1000, "b": 1.5, "c": 0}, 1), ({}, 2)]),
    "braces of YAML are no JSON": ("{a: b}\n---\n{c: 'd'}\n", [({"a": "b"}, 1), ({"c": "d"}, 3)]),
    "three dashes in a string of JSON": ('{"a":"---"}\n{"b":1}', [({"a": "---"}, 1), ({"b": 1}, 2)]),
    "a comment may be glued to a mark": ("a: 1\n---# c\nb: 2\n---#\n", [({"a": 1}, 1), ({"b": 2}, 3)]),
    "a last line without its end is one": ("a: |\n  x", [({"a": "x\n"}, 1)]),
    "a byte order mark may begin each document": ("\ufeffa: 1\n---\n\ufeffb: 2\n", [({"a": 1}, 1), ({"b": 2}, 3)]),
    "keys keep their order": ("b: 1\na: 2\n", [({"b": 1, "a": 2}, 1)]),
    "anchors end with their document": ("a: &x 1\n---\na: &x 2\nb: *x\n", [({"a": 1}, 1), ({"a": 2, "b": 2}, 3)]),
}

ANCHORS: dict[str, tuple[str, Any]] = {
    "an alias repeats a scalar as it was read": ("a: &x 0o14\nb: *x\n", {"a": 12, "b": 12}),
    "an alias repeats a mapping": ("a: &x {b: 1}\nc: *x\n", {"a": {"b": 1}, "c": {"b": 1}}),
    "an alias takes the latest anchor": ("a: &x 1\nb: &x 2\nc: *x\n", {"a": 1, "b": 2, "c": 2}),
    "an alias may be a key": ("a: &x 1e6\n*x : 2\n", {"a": 1_000_000, "1e+06": 2}),
    "a key may have an anchor": ("&k a: 1\nb: *k\n", {"a": 1, "b": "a"}),
    "merged keys give way to later ones": ("a: &x {b: 1}\nc: {<<: *x, b: 2}\n", {"a": {"b": 1}, "c": {"b": 2}}),
    "merged keys win over earlier ones, as in Go": ("{x: 1, <<: {x: 2}}", {"x": 2}),
    "of merged mappings the first wins": ("{<<: [{x: 1}, {x: 2, z: 3}]}", {"x": 1, "z": 3}),
    "a merged mapping is a copy": ("a: &x {b: [1]}\nc: {<<: *x}\n", {"a": {"b": [1]}, "c": {"b": [1]}}),
}

ERRORS = {
    "a tab as indentation": ("a:\n\tb: 1\n", 2, 1, "TAB is not allowed as indentation"),
    "a tab under a scalar": ("a: b\n\tc: d\n", 2, 1, "TAB is not allowed as indentation"),
    "a NUL byte": ('a: "x\0y"\n', 1, 6, "not valid UTF-8 text, NUL at byte 5"),
    "a control character": ('a:\n  é: "\x01"\n', 2, 7, "control character U+0001 at byte 10"),
    "a bracket that is not closed": (
        "a: [1",
        1,
        6,
        "did not find expected ',' or ']' while parsing a flow sequence that begins on line 1",
    ),
    "wrong indentation": (
        "x:\n  - a\n  b: c\n",
        3,
        3,
        "did not find expected '-' indicator while parsing a block collection that begins on line 2",
    ),
    "a value where none can be": ("a: 1\n b: 2\n", 2, 3, "mapping values are not allowed in this context"),
    "an alias before its anchor": ("a: *x\n", 1, 4, "an alias to an anchor that is not defined before it"),
    "an alias across documents": ("a: &x 1\n---\na: *x\n", 3, 4, "an alias to an anchor that is not defined before it"),
    "an alias inside its anchor": ("a: &x [*x]\n", 1, 8, "an alias inside the value of its own anchor"),
    "a merge of a scalar": ("<<: 1\n", 1, 5, "a merge key needs a mapping or a sequence of mappings"),
    "a merge of an aliased sequence": (
        "a: &x [{b: 1}]\nc: {<<: *x}\n",
        2,
        9,
        "a merge key needs a mapping or a sequence of mappings",
    ),
    "JSON after JSON that breaks off": ('{"a":1}\n{"b":', 2, 1, "did not find expected <document start>"),
    "JSON after YAML without a mark": (
        'a: 1\n{"b":2}\n',
        2,
        8,
        "could not find expected ':' while scanning a simple key that begins on line 2",
    ),
    "YAML after JSON without a mark": ('{"a":1}\nb: 2\n', 2, 1, "did not find expected <document start>"),
    "a number of JSON outside 64 bits": ('{"a":1}\n---\n{"b":99999999999999999999}', 3, 6, "number out of range"),
    "text after the end of a document": ("a: 1\n...\nb: 2\n", 3, 1, "did not find expected <document start>"),
}


def nested(opening: str, times: int) -> bytes:
    return (opening * times).encode()


def alias_bomb() -> bytes:
    lines = ["a: &a [x,x,x,x,x,x,x,x,x]"]
    for before, name in zip("abcdefghi", "bcdefghij", strict=True):
        lines.append(f"{name}: &{name} [{','.join([f'*{before}'] * 9)}]")
    return "\n".join(lines).encode()


def deep_by_aliases() -> bytes:
    lines = [f"a0: &a0 {'[' * 90}{']' * 90}"]
    for level in range(1, 5):
        lines.append(f"a{level}: &a{level} {'[' * 90}*a{level - 1}{']' * 90}")
    return "\n".join(lines).encode()


HOSTILE = {
    "100,000 square brackets": (nested("[", 100_000), "nested too deeply"),
    "1,000,000 square brackets": (nested("[", 1_000_000), "nested too deeply"),
    "100,000 curly brackets with keys": (nested("{a: ", 100_000), "nested too deeply"),
    "100,000 curly brackets": (nested("{", 100_000), "a key is a mapping or a sequence"),
    "5,000 documents of JSON, one of them broken": (
        b'{"a":1}\n---\n' * 5000 + b"{",
        "did not find expected node content",
    ),
    "JSON nested 100,000 deep": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "nested too deeply"),
    "JSON nested 300 deep": (b'{"a":' * 300 + b"1" + b"}" * 300, "nested too deeply"),
    "2,000,000 commas of JSON": (b'{"a":[' + b"1," * 2_000_000 + b"1]}", "too many nodes"),
    "100,000 dashes": (nested("- ", 100_000), "nested too deeply"),
    "3,000 steps of indentation": (b"".join(b" " * n + b"a:\n" for n in range(3000)), "nested too deeply"),
    "ten levels of aliases": (alias_bomb(), "document contains excessive aliasing"),
    "a large text that many aliases repeat": (
        b"a: &a " + b"x" * 1_000_000 + b"".join(b"\nk%d: *a" % n for n in range(12)),
        "document contains excessive aliasing",
    ),
    "a large key that many aliases repeat": (
        b"a:\n  &a\n  ? " + b"x" * 1_000_000 + b"\n  : 1" + b"".join(b"\nk%d: *a" % n for n in range(12)),
        "document contains excessive aliasing",
    ),
    "a large text that merges of merges repeat": (
        b"a: &a {t: &t " + b"x" * 1_000_000 + b"}" + b"".join(b"\nk%d: {<<: *a, u: *t}" % n for n in range(12)),
        "document contains excessive aliasing",
    ),
    "depth made of aliases": (deep_by_aliases(), "nested too deeply"),
    "11 MB of text": (b"a" * 11_000_000, "larger than 10485760 bytes"),
    "100,000 tag directives": (b"".join(b"%%TAG !%d! x\n" % n for n in range(100_000)), "too many tag directives"),
}


def read(text: str) -> yaml.Loaded:
    return yaml.load_all(text.encode(), "dir/file.yaml")


@pytest.mark.parametrize(("text", "documents"), DOCUMENTS.values(), ids=DOCUMENTS.keys())
def test_documents_and_their_lines(text: str, documents: list[tuple[Any, int]]) -> None:
    assert [(found.value, found.line) for found in read(text).documents] == documents


@pytest.mark.parametrize(("text", "value"), ANCHORS.values(), ids=ANCHORS.keys())
def test_anchors_aliases_and_merge_keys(text: str, value: Any) -> None:
    loaded = read(text)
    assert loaded.documents[0].value == value
    assert loaded.warnings == []


@pytest.mark.parametrize(("text", "line", "column", "problem"), ERRORS.values(), ids=ERRORS.keys())
def test_an_error_names_the_place(text: str, line: int, column: int, problem: str) -> None:
    with pytest.raises(yaml.YamlError) as caught:
        read(text)
    error = caught.value
    assert (error.origin, error.line, error.column, error.problem) == ("dir/file.yaml", line, column, problem)
    assert str(error) == f"dir/file.yaml:{line}:{column}: {problem}"


@pytest.mark.parametrize(("data", "problem"), HOSTILE.values(), ids=HOSTILE.keys())
def test_hostile_text_is_refused_at_once(data: bytes, problem: str) -> None:
    begin = time.process_time()
    with pytest.raises(yaml.YamlError) as caught:
        yaml.load_all(data, "hostile.yaml")
    assert caught.value.problem == problem
    assert time.process_time() - begin < 2


def test_too_many_nodes_are_refused() -> None:
    limits = yaml.YamlLimits(nodes=1000)
    assert len(yaml.load_all(b"[" + b"{}," * 999 + b"]", "many.yaml", limits).documents[0].value) == 999
    for excess in (
        b"[" + b"{}," * 1000 + b"]",
        b"[" + b"1," * 1000 + b"]",
        b"- {a: 1, a: 1}\n" * 300,
        b"--- a\n" * 1001,
    ):
        with pytest.raises(yaml.YamlError, match="too many nodes"):
            yaml.load_all(excess, "many.yaml", limits)


def test_the_deepest_text_that_is_allowed_is_read() -> None:
    value = yaml.load(b"[" * 200 + b"]" * 200, "deep.yaml")
    for _ in range(199):
        (value,) = value
    assert value == []


def test_brackets_in_strings_and_comments_are_no_depth() -> None:
    text = f"a: '{'[' * 5000}'\nb: |\n  {'{' * 5000}\n# {'[' * 5000}\nc: 1\n"
    assert read(text).documents[0].value["c"] == 1


def test_bytes_that_are_no_utf_8_are_named() -> None:
    with pytest.raises(yaml.YamlError) as caught:
        yaml.load_all("a: é\nb: x".encode() + b"\xff", "f.yaml")
    assert (caught.value.line, caught.value.column, caught.value.problem) == (2, 5, "not valid UTF-8 at byte 10")


def test_the_last_of_duplicate_keys_wins_with_a_warning_that_names_file_and_line() -> None:
    loaded = read("a: 1\nb: {c: 1, c: 2}\na: 3\n---\n1: w\n'1': z\n")
    assert [found.value for found in loaded.documents] == [{"a": 3, "b": {"c": 2}}, {"1": "z"}]
    assert loaded.warnings == [
        "dir/file.yaml:2: duplicate key 'c', the last one is used",
        "dir/file.yaml:3: duplicate key 'a', the last one is used",
        "dir/file.yaml:6: duplicate key '1', the last one is used",
    ]


def test_warnings_are_few_however_many_duplicates_there_are() -> None:
    loaded = read("a: 1\n" * 5000)
    assert len(loaded.warnings) == 21
    assert loaded.warnings[-1] == "dir/file.yaml: 4979 more duplicate keys, the last of each is used"


def test_an_alias_is_a_copy_that_can_be_changed_alone() -> None:
    value = read("a: &x {b: [1]}\nc: *x\n").documents[0].value
    value["c"]["b"].append(2)
    assert value["a"] == {"b": [1]}


def test_an_error_never_tells_a_value() -> None:
    for text in ("password: 'hunter2\n", "password: !!int hunter2\n", "a: hunter2: b\n", "a: {b: hunter2\n"):
        with pytest.raises(yaml.YamlError) as caught:
            read(text)
        assert "hunter2" not in str(caught.value)


def test_one_document_is_loaded_alone() -> None:
    assert yaml.load(b"---\n---\na: 1\n---\n", "f.yaml") == {"a": 1}
    assert yaml.load(b"# nothing\n", "f.yaml") is None
    with pytest.raises(yaml.YamlError) as caught:
        yaml.load(b"a: 1\n---\n\nb: 2\n", "f.yaml")
    assert str(caught.value) == "f.yaml:4:1: one document expected, a second one begins here"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "utf-8"])
def test_a_byte_order_mark_tells_the_encoding(encoding: str) -> None:
    text = "\ufeffa: é\r\n---\r\nb: 1\r\n"
    found = yaml.load_all(text.encode(encoding), "f.yaml").documents
    assert [(document.value, document.line) for document in found] == [({"a": "é"}, 1), ({"b": 1}, 3)]


def test_half_a_letter_of_utf_16_is_named() -> None:
    with pytest.raises(yaml.YamlError) as caught:
        yaml.load_all("\ufeffa: 1\nb: 2\n".encode("utf-16-le")[:-1], "f.yaml")
    assert (caught.value.line, caught.value.column, caught.value.problem) == (2, 5, "not valid UTF-16 at byte 20")


def test_a_duplicate_key_of_json_is_a_warning() -> None:
    loaded = yaml.load_all(b'{"a":1}\n{"b":1,"b":2}', "f.json")
    assert loaded.documents[1].value == {"b": 2}
    assert loaded.warnings == ["f.json:2: duplicate key 'b', the last one is used"]


@pytest.mark.parametrize(
    ("text", "glued"),
    [
        ("apiVersion: v1\nkind: A\nmetadata: {name: a}\napiVersion: v1\nkind: A\nmetadata: {name: b}\n", [4]),
        ("a: 1\n---\nkind: A\n# --\nkind: B\n---\nkind: C\n", [0, 5, 0]),
        ("kind: A\nmetadata: {name: a}\nmetadata: {name: b}\n", [3]),
        ("kind: List\nitems:\n- kind: A\n  metadata: {}\n  kind: B\n  metadata: {}\n", [5]),
        ('{"kind": "A"}\n{"kind": "A", "metadata": {}, "kind": "B"}', [0, 2]),
        ('{"kind": "List", "items": [{"kind": "A", "metadata": {}, "kind": "A", "metadata": {}}]}', [1]),
        ("kind: List\nitems:\n- kind: A\n  metadata: {}\n  metadata: {}\nkind2: A\n", [5]),
        ('{"kind": "List", "items": [{"kind": "A", "kind": "B"}]}', [1]),
        ("spec: {template: {metadata: {}, metadata: {}}}\n", [0]),
        ('{"spec": {"kind": "A", "kind": "B"}}\n{"spec": {}}', [0, 0]),
        ("name: a\nname: b\n", [0]),
    ],
)
def test_two_objects_without_a_mark_between_them_are_told(text: str, glued: list[int]) -> None:
    assert [document.glued for document in read(text).documents] == glued
