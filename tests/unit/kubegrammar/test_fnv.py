"""FNV-1a by its published vectors."""

import pytest

from kubegrammar.fnv import fnv32a

VECTORS = {"": 0x811C9DC5, "a": 0xE40C292C, "foobar": 0xBF9CF968}


@pytest.mark.parametrize(("text", "expected"), VECTORS.items())
def test_published_vectors(text: str, expected: int) -> None:
    assert fnv32a(text) == expected
