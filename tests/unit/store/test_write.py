"""Conditions: how long they get, and how often a thing is said."""

from datetime import UTC, datetime
from typing import Any, cast

import msgspec
import pytest

from trueup.kube.object import read_object
from trueup.store.applications import decode
from trueup.store.write import LONGEST_CONDITION, ApplicationWrite, Patched, shortened

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def write(status: dict[str, Any] | None = None) -> ApplicationWrite:
    """Of a stored application; nothing is sent."""
    body: dict[str, Any] = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "web", "namespace": "argocd"},
        "status": status or {},
    }
    stored = decode("argocd/web", read_object(msgspec.json.encode(body)))
    return ApplicationWrite(stored, cast(Patched, None), NOW)


@pytest.mark.parametrize("length", [1, 1999, 2000, 2001, 50_000])
def test_a_condition_stays_under_two_thousand_characters(length: int) -> None:
    opened = write()
    opened.conditions([("ComparisonError", "x" * length)])
    opened.condition("SyncError", "y" * length)
    told = [condition["message"] for condition in opened.status["conditions"]]
    assert len(told) == 2
    assert all(len(message) <= LONGEST_CONDITION < 2000 for message in told)
    assert (told[0] == "x" * length) is (length < 2000)


def test_a_long_message_keeps_its_cause_and_its_remedy() -> None:
    text = shortened("app/a.yaml: not YAML; " + "and more; " * 1000 + "(correct the named files and commit)")
    assert text.startswith("app/a.yaml: not YAML; ") and text.endswith("(correct the named files and commit)")
    assert "characters more" in text


def test_a_condition_is_said_once() -> None:
    opened = write()
    opened.conditions([("RenderWarning", "a"), ("RenderWarning", "a"), ("RenderWarning", "b")])
    assert [condition["message"] for condition in opened.status["conditions"]] == ["a", "b"]


TRANSITIONS = {
    "one of the past is kept": ("2025-12-31T00:00:00Z", "2025-12-31T00:00:00Z"),
    "one of the future is now": ("2040-01-01T00:00:00Z", "2026-01-02T03:04:05Z"),
    "one that cannot be read is now": ("soon", "2026-01-02T03:04:05Z"),
    "none is now": (None, "2026-01-02T03:04:05Z"),
}


@pytest.mark.parametrize(("stored", "kept"), TRANSITIONS.values(), ids=TRANSITIONS.keys())
def test_transition_times_that_stay(stored: str | None, kept: str) -> None:
    told = {"type": "ComparisonError", "message": "gone", "lastTransitionTime": stored}
    opened = write({"conditions": [told], "health": {"status": "Healthy", "lastTransitionTime": stored}})
    opened.conditions([("ComparisonError", "gone")])
    opened.health("Healthy")
    assert opened.status["conditions"][0]["lastTransitionTime"] == kept
    assert opened.status["health"]["lastTransitionTime"] == kept
