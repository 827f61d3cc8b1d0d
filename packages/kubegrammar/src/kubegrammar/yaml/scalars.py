"""What a scalar means to Kubernetes: the rules of go-yaml v2 as sigs.k8s.io/yaml applies them on the way to JSON.

Go reads booleans by the long list of YAML 1.1, integers by Go's own literals (``0x``, ``0o``, ``0b``, a leading zero
for octal, underscores anywhere) and floats by a decimal pattern. Base 60 and dates stay strings.
"""

import base64
import binascii
import math
import struct
from decimal import Decimal
from typing import Final, TypeAlias

from kubegrammar import pattern

Scalar: TypeAlias = bool | int | float | str | None

_TAG_PREFIX: Final = "tag:yaml.org,2002:"
MERGE_TAG: Final = f"{_TAG_PREFIX}merge"
PYTHON_TAG: Final = f"{_TAG_PREFIX}python/"

WORDS: Final[dict[str, bool | None]] = {
    **dict.fromkeys(("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True),
    **dict.fromkeys(("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
}
"""Plain words that are not strings."""

NUMBER_STARTS: Final = frozenset("+-.0123456789")
"""A plain scalar that begins with anything else is no number."""

_INFINITIES: Final = {
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
}
_INTEGER: Final = pattern.compile(r"([+-]?)(?:0[xX]([0-9a-fA-F]+)|0[oO]?([0-7]+)|0[bB]([01]+)|(0|[1-9][0-9]*))")
_DIGITS: Final = pattern.compile(r"[+-]?[0-9]+")
_FLOAT: Final = pattern.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_DOTTED_FLOAT: Final = pattern.compile(r"\.[0-9]+(_[0-9]+)*([eE][-+]?[0-9]+(_[0-9]+)*)?")
"""Without a digit before the point Go does not remove the underscores itself, so they must stand between digits."""
_SIGNED_BINARY: Final = pattern.compile(r"0b([+-][01]+)")
_TIMESTAMP: Final = pattern.compile(
    r"[0-9]{4}-(?:0?[1-9]|1[0-2])-(?:0?[1-9]|[12][0-9]|3[01])"
    r"(?:[Tt][0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:[.,][0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})"
    r"| [0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}(?:[.,][0-9]+)?)?"
)

_INT64_MIN: Final = -(2**63)
_UINT64_MAX: Final = 2**64 - 1
_INT64_DIGITS: Final = 19


class ScalarError(ValueError):
    """A scalar that Kubernetes refuses, or that it would silently change. The text never tells the value."""


def plain_value(text: str) -> Scalar:
    """The value of a plain scalar without a tag.

    Raises:
        ScalarError: an infinity, a not-a-number, or an integer outside 64 bits. Go would turn the last into a float
            and lose digits of what is most often an identifier that lacks its quotes.
    """
    if text in WORDS:
        return WORDS[text]
    if text[0] not in NUMBER_STARTS:
        return text
    number = _number(text)
    if isinstance(number, float):
        return _json_number(number)
    return number


def plain_key(text: str) -> str:
    """The mapping key that a plain scalar without a tag becomes.

    Raises:
        ScalarError: a null key, or an integer outside the signed 64 bits; Kubernetes accepts neither.
    """
    if text and text[0] not in NUMBER_STARTS and text not in WORDS:
        return text
    return _key(WORDS[text] if text in WORDS else _number(text))


def tagged_value(tag: str, text: str) -> Scalar:
    """The value of a scalar with the tag `tag`, in its long form. Tags that are not YAML's own mean nothing.

    Raises:
        ScalarError: the text is not of the tag's type, or the tag asks for an object of a language.
    """
    number = _tagged(tag, text)
    if isinstance(number, float):
        return _json_number(number)
    return number


def tagged_key(tag: str, text: str) -> str:
    """The mapping key that a tagged scalar becomes. Raises ScalarError as `tagged_value` and `plain_key`."""
    return _key(_tagged(tag, text))


def reads_as_string(text: str) -> bool:
    """Whether a plain scalar with this text is a string to Kubernetes."""
    if text in WORDS:
        return False
    if text[0] not in NUMBER_STARTS:
        return True
    try:
        return isinstance(_number(text), str)
    except ScalarError:
        return False


def is_timestamp(text: str) -> bool:
    """Whether YAML 1.1 reads this text as a date or a time. Kubernetes keeps it as a string."""
    return _TIMESTAMP.fullmatch(text) is not None


def _tagged(tag: str, text: str) -> Scalar:
    if not tag.startswith(_TAG_PREFIX):
        return text
    kind = tag.removeprefix(_TAG_PREFIX)
    if tag.startswith(PYTHON_TAG):
        raise ScalarError("a tag may not ask for a Python object")
    if kind == "binary":
        return _binary(text)
    if kind not in ("bool", "int", "float", "null", "timestamp"):
        return text
    value: Scalar = text
    if text in WORDS:
        value = WORDS[text]
    elif text[0] in NUMBER_STARTS:
        value = _number(text)
    if kind == "float" and type(value) is int and value < 2**63:
        return float(value)
    fits = {
        "bool": isinstance(value, bool),
        "int": type(value) is int,
        "float": isinstance(value, float),
        "null": value is None,
        "timestamp": is_timestamp(text),
    }[kind]
    if not fits:
        raise ScalarError(f"the value is not what its tag !!{kind} says")
    return value


def _binary(text: str) -> str:
    try:
        data = base64.b64decode(text.replace("\n", "").replace("\r", ""), validate=True)
    except (binascii.Error, ValueError):
        raise ScalarError("a !!binary value is not base64") from None
    try:
        return data.decode()
    except UnicodeDecodeError:
        # Go would put replacement characters into the object.
        raise ScalarError("a !!binary value is not UTF-8 text; keep it as base64 without the tag") from None


def _number(text: str) -> int | float | str:
    """A number as Go reads it, the text itself if it is none. Floats may be infinite or no number."""
    if text in _INFINITIES:
        return _INFINITIES[text]
    if text.isascii() and text.isdigit() and text[0] != "0" and len(text) < _INT64_DIGITS:
        return int(text)
    if text[0] == "." and not _DOTTED_FLOAT.fullmatch(text):
        return text
    plain = text.replace("_", "")
    match = _INTEGER.fullmatch(plain)
    if match:
        integer = _integer(match)
        if _INT64_MIN <= integer < 2**63 or (not match[1] and integer <= _UINT64_MAX):
            return integer
        if _DIGITS.fullmatch(plain):
            raise ScalarError("number out of range")
        return text
    if _FLOAT.fullmatch(plain):
        if _DIGITS.fullmatch(plain) and len(plain.lstrip("+-0")) > _INT64_DIGITS:
            raise ScalarError("number out of range")
        value = float(plain)
        return text if math.isinf(value) else value
    match = _SIGNED_BINARY.fullmatch(plain)
    if match:
        integer = int(match[1], 2)
        return integer if _INT64_MIN <= integer < 2**63 else text
    return text


def _integer(match: pattern.Match[str]) -> int:
    sign, hexadecimal, octal, binary, decimal = match.groups()
    if hexadecimal:
        return int(sign + hexadecimal, 16)
    if octal:
        return int(sign + octal, 8)
    if binary:
        return int(sign + binary, 2)
    # Python refuses to convert thousands of digits; this many are out of range anyway.
    return int(sign + decimal[:40])


def _json_number(value: float) -> int | float:
    """The number that Kubernetes makes of it: integral floats become integers, digit for digit, within 64 bits."""
    if not math.isfinite(value):
        raise ScalarError("infinities and not-a-number are no JSON")
    if value.is_integer() and _INT64_MIN <= value < 2**64:
        integer = int(Decimal(repr(value)))
        return integer if _INT64_MIN <= integer <= _UINT64_MAX else value
    return value


def _key(value: Scalar) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        raise ScalarError("a key is null")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if value >= 2**63:
            raise ScalarError("number out of range")
        return str(value)
    return _float_key(value)


def _float_key(value: float) -> str:
    """Go's ``FormatFloat(value, 'g', -1, 32)``: the shortest digits that give the same 32-bit float."""
    if math.isnan(value):
        return ".nan"
    try:
        (single,) = struct.unpack("f", struct.pack("f", value))
    except OverflowError:
        single = math.copysign(math.inf, value)
    if math.isinf(single):
        return ".inf" if single > 0 else "-.inf"
    packed = struct.pack("f", single)
    text = next(t for t in (f"{single:.{n}e}" for n in range(17)) if struct.pack("f", float(t)) == packed)
    digits, _, exponent = text.partition("e")
    power = int(exponent)
    if power < -4 or power >= 6:
        return f"{digits}e{'-' if power < 0 else '+'}{abs(power):02d}"
    return f"{Decimal(text):f}"
