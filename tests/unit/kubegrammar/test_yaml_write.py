"""What is written, and that nobody misreads it."""

import math
from typing import Any

import pytest
import yaml as pyyaml
from hypothesis import example, given
from hypothesis import strategies as st

from kubegrammar import yaml

WRITTEN: dict[str, tuple[Any, str]] = {
    "an object in block style with its keys sorted": (
        {"kind": "Pod", "apiVersion": "v1", "spec": {"containers": [{"name": "a", "args": ["x", "y"]}]}},
        'apiVersion: v1\nkind: Pod\nspec:\n  containers:\n  - args:\n    - x\n    - "y"\n    name: a\n',
    ),
    "empty collections in flow style": ({"a": {}, "b": []}, "a: {}\nb: []\n"),
    "null, booleans and numbers": ({"a": None, "b": True, "c": -1, "d": 1.5}, "a: null\nb: true\nc: -1\nd: 1.5\n"),
    "lines as a literal block": ({"a": "x\n  y\n"}, "a: |\n  x\n    y\n"),
    "lines without a break at the end": ({"a": "x\ny"}, "a: |-\n  x\n  y\n"),
    "lines with several breaks at the end": ({"a": "x\n\n", "b": 1}, "a: |+\n  x\n\nb: 1\n"),
    "lines that begin with a space in quotes": ({"a": " x\ny"}, 'a: " x\\ny"\n'),
    "lines with a carriage return in quotes": ({"a": "x\r\ny"}, 'a: "x\\r\\ny"\n'),
    "sequences in sequences": ([[1, [2]], []], "- - 1\n  - - 2\n- []\n"),
    "a scalar alone": ("a", "a\n"),
    "a key too long for a simple one": (
        {"k" * 101: {"a": 1}},
        f"? {'k' * 101}\n:\n  a: 1\n",
    ),
    "a long key of a scalar": ({"k" * 101: 1}, f"? {'k' * 101}\n: 1\n"),
    "a sequence under a long key": ({"k" * 101: [1]}, f"? {'k' * 101}\n:\n  - 1\n"),
}

PLAIN = [
    "nginx:1.27",
    "10.0.0.1",
    "1.2.3",
    "a b",
    "-x",
    "http://x/y?z=1",
    "it's",
    "a#b",
    "é",
    "x: ".strip() + "y",
    "/a",
]
QUOTED = [
    *("", " ", "a ", " a", "y", "No", "null", "~", "1", "1e3", "0o14", "0x1f", ".5", ".inf", "22:22", "2001-01-01"),
    *("2001-12-14 21:59:43", "=", "<<", "-", "- a", "--- a", "...", "a: b", "a:", "a #b", "#a", "@a", "`a", "%a", "&a"),
    *(
        "*a",
        "!a",
        "|",
        ">",
        "'a",
        '"a',
        "[a",
        "{a",
        "]",
        "}",
        ",",
        "? a",
        "a\tb",
        "a\u2028b",
        "\ufeffa",
        "99999999999999999999",
    ),
]

REFUSED: dict[str, tuple[Any, type[Exception]]] = {
    "infinity": (math.inf, ValueError),
    "not-a-number": ([math.nan], ValueError),
    "an integer outside 64 bits": ({"a": 2**64}, ValueError),
    "half of a surrogate pair": ("\ud800", ValueError),
    "bytes": ({"a": b"x"}, TypeError),
    "a key that is no string": ({1: "x"}, TypeError),
}


@pytest.mark.parametrize(("value", "text"), WRITTEN.values(), ids=WRITTEN.keys())
def test_a_value_is_written_in_block_style(value: Any, text: str) -> None:
    assert yaml.dump(value) == text
    assert yaml.load(text.encode(), "written.yaml") == value


@pytest.mark.parametrize("text", PLAIN)
def test_a_string_that_nobody_mistakes_stays_plain(text: str) -> None:
    assert yaml.dump({"key": text}) == f"key: {text}\n"


@pytest.mark.parametrize("text", QUOTED)
def test_a_string_that_a_reader_would_take_for_something_else_is_quoted(text: str) -> None:
    written = yaml.dump({text: text})
    assert written.startswith('"')
    assert yaml.load(written.encode(), "written.yaml") == {text: text}
    assert pyyaml.load(written, Loader=pyyaml.CSafeLoader) == {text: text}  # noqa: TID251  # a second reader


@pytest.mark.parametrize(("value", "error"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_no_json_is_refused(value: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        yaml.dump(value)


def test_equal_values_give_the_same_text() -> None:
    assert yaml.dump({"b": {"d": 1, "c": 2}, "a": 3}) == yaml.dump({"a": 3, "b": {"c": 2, "d": 1}})


NUMBERS = st.one_of(
    st.integers(-(2**63), 2**64 - 1).map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.from_regex(r"-?[0-9]{1,3}(\.[0-9]{1,3})?e[+-]?[0-9]{1,2}", fullmatch=True),
)


@given(NUMBERS)
@example("1e20")
@example("-1e19")
@example("1.8446744073709551e19")
@example("1.8446744073709552e19")
@example("-9.223372036854776e18")
def test_every_number_that_is_read_is_written_and_read_back(text: str) -> None:
    value = yaml.load(f"a: {text}\n".encode(), "a.yaml")["a"]
    again = yaml.load(yaml.dump({"a": value}).encode(), "a.yaml")["a"]
    assert (again, type(again)) == (value, type(value))


def test_a_number_beyond_64_bits_is_written_with_its_exponent() -> None:
    assert yaml.dump(yaml.load(b"p: 1e20\n", "a.yaml")) == "p: 1e+20\n"
