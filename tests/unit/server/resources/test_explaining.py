"""Why an application is as it is, in words, and what to do about it."""

from typing import Any

import msgspec
import pytest
from tests.support.world import CONTROL, application

from trueup.kube.object import read_object
from trueup.model.resource import ResourceKey
from trueup.server.resources.explaining import (
    MOST,
    event_lines,
    of_conditions,
    of_drift,
    of_operation,
    remedy_of,
    verdict,
)
from trueup.store.applications import StoredApplication, decode

AUTOMATED: dict[str, Any] = {"automated": {"prune": True}}


def stored(status: dict[str, Any], policy: dict[str, Any] | None = None) -> StoredApplication:
    body = application(syncPolicy=policy or {})
    body["metadata"] = {"name": "web", "namespace": CONTROL, "resourceVersion": "1", "uid": "1"}
    body["status"] = status
    return decode(f"{CONTROL}/web", read_object(msgspec.json.encode(body)))


def line(name: str, status: str = "OutOfSync", **more: Any) -> dict[str, Any]:
    return {
        "group": "apps",
        "kind": "Deployment",
        "namespace": "n",
        "name": name,
        "version": "v1",
        "status": status,
    } | more


def operation(phase: str, **more: Any) -> dict[str, Any]:
    return {
        "operationState": {"operation": {}, "phase": phase, "message": "because", "startedAt": "2026-01-01T00:00:00Z"}
        | more
    }


def test_verdicts_are_those_of_the_status() -> None:
    status = {"sync": {"status": "OutOfSync"}, "health": {"status": "Degraded"}} | operation("Failed")
    assert verdict(stored(status)) == {"sync": "OutOfSync", "health": "Degraded", "operation": "Failed"}
    assert verdict(stored({})) == {"sync": "Unknown", "health": "Unknown", "operation": ""}


def test_conditions_are_told_in_their_words() -> None:
    (found,) = of_conditions(stored({"conditions": [{"type": "ComparisonError", "message": "no such path"}]}))
    assert (found["what"], found["object"], found["why"]) == ("condition", "ComparisonError", "no such path")


def test_a_sync_that_failed_names_the_objects() -> None:
    result = {
        "revision": "a",
        "source": {"repoURL": "r"},
        "resources": [line("web", "SyncFailed", message="denied"), line("db", "Synced")],
    }
    (found,) = of_operation(stored(operation("Failed", syncResult=result)))
    assert found["why"] == "the last sync failed: because"
    assert found["lines"] == ["Deployment/web: denied"]
    assert "trueup app sync web" in found["remedy"]


def test_a_sync_that_runs_is_waited_for_and_one_that_succeeded_is_no_reason() -> None:
    (found,) = of_operation(stored(operation("Running")))
    assert found["remedy"] == "trueup app wait web"
    assert list(of_operation(stored(operation("Succeeded")))) == list(of_operation(stored({}))) == []


@pytest.mark.parametrize(
    ("policy", "row", "why", "remedy"),
    [
        ({}, line("a"), "differs", "trueup app sync web applies it"),
        (AUTOMATED, line("a"), "differs", "trueup app diff web shows it"),
        ({}, line("a", requiresPruning=True), "not declared any more", "trueup app sync web --prune deletes it"),
        (AUTOMATED, line("a", requiresPruning=True), "not declared any more", ""),
    ],
    ids=["by hand", "automated", "to be pruned by hand", "to be pruned"],
)
def test_what_differs_is_told_with_what_to_do(
    policy: dict[str, Any], row: dict[str, Any], why: str, remedy: str
) -> None:
    (found,) = of_drift(stored({"resources": [row, line("b", "Synced")]}, policy))
    assert found["object"] == "Deployment/a"
    assert why in found["why"]
    assert found["remedy"].endswith(remedy)


def test_of_many_objects_a_few_are_told() -> None:
    found = list(of_drift(stored({"resources": [line(str(number)) for number in range(100)]})))
    assert len(found) == MOST + 1
    assert found[-1]["why"] == "further objects differ"


def test_events_are_warnings_about_the_object_newest_first() -> None:
    def event(reason: str, at: str, kind: str = "Warning", name: str = "web") -> dict[str, Any]:
        return {
            "type": kind,
            "reason": reason,
            "message": "m",
            "lastTimestamp": at,
            "involvedObject": {"kind": "Pod", "name": name},
        }

    events = [
        event("First", "2026-01-01T00:00:01Z"),
        event("Last", "2026-01-01T00:00:03Z"),
        event("Fine", "2026-01-01T00:00:09Z", "Normal"),
        event("Other", "2026-01-01T00:00:09Z", name="db"),
        {"type": "Warning"},
    ]
    assert event_lines(events, ResourceKey("", "Pod", "n", "web")) == ["Pod web: Last: m", "Pod web: First: m"]


@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("container web: ImagePullBackOff: no such host", "image's name"),
        ("container web: CrashLoopBackOff", "trueup app logs shop --previous"),
        ("not scheduled: 0/3 nodes are available", "nodes with room"),
        ("{name} {0} is odd", ""),
    ],
)
def test_there_is_advice_for_what_is_known(said: str, remedy: str) -> None:
    found = remedy_of([said], "shop")
    assert remedy in found
    assert bool(found) is bool(remedy)
