"""One spelling of JSON, one digest."""

from typing import Any

import pytest

from kubegrammar.json import canonical, digest

CANONICAL: dict[str, tuple[Any, bytes]] = {
    "keys are sorted at every level": ({"b": {"d": 1, "c": 2}, "a": []}, b'{"a":[],"b":{"c":2,"d":1}}'),
    "lists keep their order": ([3, 1, 2], b"[3,1,2]"),
    "text is UTF-8 without escapes": ("é😀", '"é😀"'.encode()),
    "control characters are escaped": ("a\n\x01", b'"a\\n\\u0001"'),
    "integers keep all their digits": (2**64 - 1, b"18446744073709551615"),
    "floats keep theirs": (1.1, b"1.1"),
    "null, true and false": ([None, True, False], b"[null,true,false]"),
}


@pytest.mark.parametrize(("value", "data"), CANONICAL.values(), ids=CANONICAL.keys())
def test_canonical_json(value: Any, data: bytes) -> None:
    assert canonical(value) == data


def test_what_is_no_json_is_refused() -> None:
    with pytest.raises(TypeError):
        canonical({"a": object()})
    with pytest.raises(ValueError, match="surrogate"):
        canonical("\ud800")


def test_a_value_nested_beyond_the_recursion_limit_is_refused() -> None:
    value: list[Any] = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(ValueError, match="nested too deeply"):
        canonical(value)
    while value:
        (value,) = value


def test_the_digest_is_sha_256() -> None:
    assert digest(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
