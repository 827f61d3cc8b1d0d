"""JSON in one spelling, so that equal values have equal digests."""

import hashlib
from typing import Any, Final

import msgspec

from kubegrammar import depth

_ENCODER: Final = msgspec.json.Encoder(order="sorted")


def canonical(value: Any) -> bytes:
    """A JSON value as UTF-8, keys sorted at every level, no white space.

    Raises:
        TypeError: something that is no JSON.
        ValueError: a string that is no Unicode text, or a value nested beyond Python's recursion limit.
    """
    try:
        return _ENCODER.encode(value)
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except OverflowError:
        raise ValueError("number out of range") from None


def received(data: bytes, type_: Any = Any, *, strict: bool = True) -> Any:
    """A stranger's JSON as a type.

    Raises:
        ValueError: it is none, no Unicode text, or nested deeper than anybody's answer needs to be.
    """
    if depth.nests_deeper(data):
        raise ValueError("nested too deeply")
    return msgspec.json.decode(data, type=type_, strict=strict)


def digest(data: bytes) -> str:
    """SHA-256 of the bytes, in lower-case hexadecimal."""
    return hashlib.sha256(data).hexdigest()
