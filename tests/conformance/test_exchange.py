"""What of an answer does not count: the second in which each server made the object."""

from typing import Any

import pytest
from tests.conformance.exchange import plain


def row(created: str) -> dict[str, Any]:
    metadata = {"name": "a", "creationTimestamp": created}
    return {"kind": "Table", "rows": [{"cells": ["a", created], "object": {"metadata": metadata}}]}


@pytest.mark.parametrize(
    "what", [row, lambda at: {"metadata": {"creationTimestamp": at}}], ids=["a table", "an object"]
)
def test_two_seconds_are_the_same(what: Any) -> None:
    assert plain(what("2026-01-01T00:00:00Z")) == plain(what("2026-01-01T00:00:01Z"))


def test_a_name_like_no_time_counts() -> None:
    assert plain(row("2026-01-01")) != plain(row("2026-01-02"))
