"""What objects say of themselves."""

from datetime import UTC, datetime
from typing import Any

import pytest

from pocketkube.workloads.facts import available_in, scaled, selects, with_condition
from pocketkube.workloads.job import format_indexes, parse_indexes
from pocketkube.workloads.template import bare, hash_of

SCALED: dict[str, tuple[int | str | None, int, bool, int]] = {
    "a number is itself": (3, 10, True, 3),
    "a percentage of the total": ("50%", 10, True, 5),
    "rounded up": ("25%", 3, True, 1),
    "rounded down": ("25%", 3, False, 0),
    "a hundredth that is exact is not rounded": ("29%", 100, True, 29),
    "absent is nothing": (None, 10, True, 0),
    "no percentage is nothing": ("many", 10, True, 0),
}


@pytest.mark.parametrize(("value", "total", "round_up", "expected"), SCALED.values(), ids=SCALED.keys())
def test_scaled(value: int | str | None, total: int, round_up: bool, expected: int) -> None:
    assert scaled(value, total, round_up=round_up) == expected


LABELS = {"app": "web", "tier": "front"}
SELECTORS: dict[str, tuple[dict[str, Any] | None, bool]] = {
    "no selector matches nothing": (None, False),
    "an empty one matches everything": ({}, True),
    "labels that are there": ({"matchLabels": {"app": "web"}}, True),
    "a label of another value": ({"matchLabels": {"app": "db"}}, False),
    "in a list": ({"matchExpressions": [{"key": "app", "operator": "In", "values": ["web", "db"]}]}, True),
    "not in a list": ({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["web"]}]}, False),
    "an absent label is not in a list": (
        {"matchExpressions": [{"key": "x", "operator": "NotIn", "values": ["y"]}]},
        True,
    ),
    "a label that exists": ({"matchExpressions": [{"key": "tier", "operator": "Exists"}]}, True),
    "a label that must not": ({"matchExpressions": [{"key": "tier", "operator": "DoesNotExist"}]}, False),
    "an operator nobody knows": ({"matchExpressions": [{"key": "tier", "operator": "Like"}]}, False),
    "all must match": (
        {"matchLabels": {"app": "web"}, "matchExpressions": [{"key": "x", "operator": "Exists"}]},
        False,
    ),
}


@pytest.mark.parametrize(("selector", "expected"), SELECTORS.values(), ids=SELECTORS.keys())
def test_selects(selector: dict[str, Any] | None, expected: bool) -> None:
    assert selects(selector, LABELS) is expected


OLD = {"type": "Ready", "status": "True", "reason": "A", "message": "old", "lastTransitionTime": "1"}
CONDITIONS: dict[str, tuple[dict[str, str], dict[str, str]]] = {
    "the same status and reason change nothing": ({"status": "True", "reason": "A"}, OLD),
    "a new reason keeps the time": (
        {"status": "True", "reason": "B"},
        {"type": "Ready", "status": "True", "reason": "B", "message": "new", "lastTransitionTime": "1"},
    ),
    "a new status has a new time": (
        {"status": "False", "reason": "A"},
        {"type": "Ready", "status": "False", "reason": "A", "message": "new", "lastTransitionTime": "2"},
    ),
}


@pytest.mark.parametrize(("change", "expected"), CONDITIONS.values(), ids=CONDITIONS.keys())
def test_with_condition(change: dict[str, str], expected: dict[str, str]) -> None:
    new = {"type": "Ready", "message": "new", "lastTransitionTime": "2", **change}
    assert with_condition([OLD], new) == [expected]


AVAILABLE: dict[str, tuple[str, int, float | None]] = {
    "ready is available where nothing is asked": ("True", 0, 0),
    "what is not ready never is": ("False", 0, None),
    "the rest of the time is waited for": ("True", 8, 3.0),
    "long enough": ("True", 5, 0.0),
}


@pytest.mark.parametrize(("status", "seconds", "expected"), AVAILABLE.values(), ids=AVAILABLE.keys())
def test_available_in(status: str, seconds: int, expected: float | None) -> None:
    condition = {"type": "Ready", "status": status, "lastTransitionTime": "2026-01-02T03:04:00Z"}
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert available_in({"status": {"conditions": [condition]}}, seconds, now) == expected


INDEXES: dict[str, tuple[str, set[int]]] = {
    "none": ("", set()),
    "one": ("3", {3}),
    "a run": ("2-4", {2, 3, 4}),
    "both": ("0,2-3,7", {0, 2, 3, 7}),
}


@pytest.mark.parametrize(("text", "indexes"), INDEXES.values(), ids=INDEXES.keys())
def test_indexes(text: str, indexes: set[int]) -> None:
    assert parse_indexes(text) == indexes
    assert format_indexes(indexes) == text


def test_indexes_nobody_could_have_are_dropped() -> None:
    assert parse_indexes("0-99999999999,x,1") == {1}


def test_templates_differ_by_what_the_user_says() -> None:
    template = {"metadata": {"creationTimestamp": None, "labels": {"app": "web", "hash": "x"}}, "spec": {"a": 1}}
    same = {"metadata": {"labels": {"app": "web", "hash": "y"}}, "spec": {"a": 1}}
    assert bare(template, "hash") == bare(same, "hash")
    assert hash_of(bare(template, "hash")) == hash_of(bare(same, "hash"))
    assert hash_of(bare(template, "hash")) != hash_of(bare(template, "hash"), collisions=1)
