"""What a scalar means: Go's table, with the three refusals that are ours."""

import math

import pytest

from kubegrammar import yaml

NULL, TRUE, FALSE = None, True, False

VALUES = {
    "an empty value is null": ("", NULL),
    "a tilde is null": ("~", NULL),
    "Null is null": ("Null", NULL),
    "nULL is a string": ("nULL", "nULL"),
    "true is a boolean": ("true", TRUE),
    "TRUE is a boolean": ("TRUE", TRUE),
    "tRUE is a string": ("tRUE", "tRUE"),
    "y is true": ("y", TRUE),
    "Yes is true": ("Yes", TRUE),
    "on is true": ("on", TRUE),
    "n is false": ("n", FALSE),
    "NO is false": ("NO", FALSE),
    "off is false": ("off", FALSE),
    "a quoted y is a string": ("'y'", "y"),
    "a quoted number is a string": ('"12"', "12"),
    "an integer": ("12", 12),
    "a plus sign is dropped": ("+12", 12),
    "minus zero is zero": ("-0", 0),
    "underscores are dropped": ("1_000", 1000),
    "an underscore in front makes a string": ("_1", "_1"),
    "a leading zero is octal": ("014", 12),
    "0o is octal": ("0o14", 12),
    "0O is octal": ("0O14", 12),
    "a negative octal": ("-0o14", -12),
    "a leading zero with an eight is decimal": ("08", 8),
    "0o with an eight is a string": ("0o8", "0o8"),
    "hexadecimal": ("0x1F", 31),
    "0x alone is a string": ("0x", "0x"),
    "binary": ("0b101", 5),
    "a sign behind 0b counts, as in Go": ("0b-1", -1),
    "the largest unsigned integer": ("18446744073709551615", 2**64 - 1),
    "the smallest integer": ("-9223372036854775808", -(2**63)),
    "hexadecimal beyond 64 bits is a string": ("0x1ffffffffffffffff", "0x1ffffffffffffffff"),
    "a float": ("1.5", 1.5),
    "a float without a digit before the point": (".5", 0.5),
    "underscores there only between digits": (".1_0", 0.1),
    "else it is a string": (".1_", ".1_"),
    "a float without a digit behind the point": ("5.", 5),
    "an exponent without a point": ("1e3", 1000),
    "an integral float is an integer": ("1.0", 1),
    "a float that JSON writes with an exponent stays one": ("1e21", 1e21),
    "an integral float beyond 64 bits stays one": ("1e20", 1e20),
    "and a negative one": ("-1e19", -1e19),
    "a float beyond the range is a string": ("1e400", "1e400"),
    "an exponent without digits is a string": ("1e", "1e"),
    "base 60 is a string": ("22:22", "22:22"),
    "base 60 with three parts is a string": ("190:20:30", "190:20:30"),
    "a date is a string": ("2001-01-01", "2001-01-01"),
    "a moment is a string": ("2001-12-14t21:59:43.10-05:00", "2001-12-14t21:59:43.10-05:00"),
    "a version is a string": ("1.2.3", "1.2.3"),
    "an address is a string": ("10.0.0.1", "10.0.0.1"),
    "an equals sign is a string": ("=", "="),
    "a merge sign as a value is a string": ("<<", "<<"),
    "NaN without its point is a string": ("NaN", "NaN"),
    "a tag of one's own means nothing": ("!foo x", "x"),
    "a number under it is a string": ("!foo 12", "12"),
    "a bare exclamation mark makes a string": ("! 12", "12"),
    "!!str makes a string": ("!!str 1", "1"),
    "!!str of nothing is the empty string": ("!!str", ""),
    "!!int reads a quoted number": ('!!int "3"', 3),
    "!!float takes an integer": ("!!float 3", 3),
    "!!bool reads yes": ("!!bool yes", TRUE),
    "!!null reads an empty string": ('!!null ""', NULL),
    "!!timestamp keeps the text": ("!!timestamp 2001-01-01", "2001-01-01"),
    "!!binary is decoded": ("!!binary aGVsbG8=", "hello"),
    "!!map on a scalar is a string": ("!!map x", "x"),
    "a literal block": ("|\n  x\n  y", "x\ny\n"),
    "a folded block": (">-\n  x\n  y", "x y"),
    "a pair beyond the basic plane": ("😀", "😀"),
}

REFUSED = {
    "infinity": (".inf", "infinities and not-a-number are no JSON"),
    "minus infinity": ("-.INF", "infinities and not-a-number are no JSON"),
    "not-a-number": (".NaN", "infinities and not-a-number are no JSON"),
    "an integer above 64 bits": ("18446744073709551616", "number out of range"),
    "an integer below 64 bits": ("-9223372036854775809", "number out of range"),
    "an integer of 5000 digits": ("1" * 5000, "number out of range"),
    "a padded integer of 5000 digits": ("08" + "1" * 5000, "number out of range"),
    "!!int of a word": ("!!int x", "the value is not what its tag !!int says"),
    "!!float of a word": ("!!float x", "the value is not what its tag !!float says"),
    "!!bool of a number": ("!!bool 1", "the value is not what its tag !!bool says"),
    "!!null of a word": ("!!null x", "the value is not what its tag !!null says"),
    "!!timestamp of a word": ("!!timestamp x", "the value is not what its tag !!timestamp says"),
    "!!binary of a word": ("!!binary x", "a !!binary value is not base64"),
    "!!binary of no text": ("!!binary /w==", "a !!binary value is not UTF-8 text; keep it as base64 without the tag"),
    "a tag that asks for a Python object": (
        "!!python/object/apply:os.system x",
        "a tag may not ask for a Python object",
    ),
    "such a tag on a sequence": ("!!python/tuple [x]", "a tag may not ask for a Python object"),
    "half of a surrogate pair": ('"\\ud800"', "found invalid Unicode character escape code"),
}

KEYS = {
    "a string": ("a", "a"),
    "a boolean becomes true": ("on", "true"),
    "a false one becomes false": ("n", "false"),
    "a quoted word stays": ("'on'", "on"),
    "an integer in decimal": ("0x10", "16"),
    "a float": ("1.5", "1.5"),
    "an integral float": ("1e3", "1000"),
    "a large float with an exponent": ("1e6", "1e+06"),
    "a small float with an exponent": ("1e-5", "1e-05"),
    "a float in the digits of 32 bits": ("123456789.5", "1.2345679e+08"),
    "a float beyond 32 bits": ("1e39", ".inf"),
    "infinity keeps its spelling": ("-.Inf", "-.inf"),
    "not-a-number keeps its spelling": (".NaN", ".nan"),
    "a date": ("2001-01-01", "2001-01-01"),
    "a tagged number": ("!!str 1", "1"),
    "a quoted merge sign": ("'<<'", "<<"),
    "a merge sign with a tag of a string": ("!!str <<", "<<"),
}

REFUSED_KEYS = {
    "null": ("~", "a key is null"),
    "nothing": ("? ", "a key is null"),
    "an unsigned integer": ("18446744073709551615", "number out of range"),
    "an integer beyond 64 bits": ("18446744073709551616", "number out of range"),
    "a sequence": ("[a]", "a key is a mapping or a sequence"),
    "a mapping": ("{a: b}", "a key is a mapping or a sequence"),
}


@pytest.mark.parametrize(("text", "value"), VALUES.values(), ids=VALUES.keys())
def test_a_value_is_what_go_reads(text: str, value: object) -> None:
    found = yaml.load(f"key: {text}\n".encode(), "values.yaml")["key"]
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize(("text", "problem"), REFUSED.values(), ids=REFUSED.keys())
def test_a_value_that_go_would_refuse_or_change_is_refused(text: str, problem: str) -> None:
    with pytest.raises(yaml.YamlError) as caught:
        yaml.load(f"key: {text}\n".encode(), "values.yaml")
    assert (caught.value.line, caught.value.problem) == (1, problem)


@pytest.mark.parametrize(("text", "key"), KEYS.values(), ids=KEYS.keys())
def test_a_key_becomes_the_string_that_go_makes(text: str, key: str) -> None:
    assert yaml.load(f"{text}: v\n".encode(), "values.yaml") == {key: "v"}


@pytest.mark.parametrize(("text", "problem"), REFUSED_KEYS.values(), ids=REFUSED_KEYS.keys())
def test_a_key_that_json_cannot_have_is_refused(text: str, problem: str) -> None:
    text = f"{text}\n: v\n" if text.startswith("?") else f"{text}: v\n"
    with pytest.raises(yaml.YamlError) as caught:
        yaml.load(text.encode(), "values.yaml")
    assert caught.value.problem == problem


def test_a_digit_of_an_integral_float_is_not_made_up() -> None:
    assert yaml.load(b"1234567890123456789.5", "values.yaml") == 1234567890123456800


def test_minus_zero_loses_its_sign_as_in_json() -> None:
    assert math.copysign(1, yaml.load(b"-0.0", "values.yaml")) == 1
