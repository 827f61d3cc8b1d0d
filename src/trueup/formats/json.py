"""JSON in one spelling, so that equal values have equal digests."""

import hashlib
from typing import Any, Final

import msgspec

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


def digest(data: bytes) -> str:
    """SHA-256 of the bytes, in lower-case hexadecimal."""
    return hashlib.sha256(data).hexdigest()
