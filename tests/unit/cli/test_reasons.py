"""Why something does not work, and where an operation stands."""

from typing import Any

import msgspec
import pytest

from trueup.cli.app.access import ApplicationView, read_view
from trueup.cli.app.listing import list_row
from trueup.cli.app.progress import not_tried_again, under_way
from trueup.cli.app.reasons import event_lines
from trueup.cli.app.wait import stands
from trueup.model.pod_reasons import pod_reasons


def container(**state: Any) -> dict[str, Any]:
    return {"status": {"containerStatuses": [{"name": "web", **state}]}}


PODS: dict[str, tuple[dict[str, Any], list[str]]] = {
    "an image that cannot be had": (
        container(state={"waiting": {"reason": "ImagePullBackOff", "message": "Back-off"}}),
        ["container web: ImagePullBackOff: Back-off"],
    ),
    "a container that is being made is no fault": (
        container(state={"waiting": {"reason": "ContainerCreating"}}), [],
    ),
    "a crash, with how often": (
        container(
            state={"waiting": {"reason": "CrashLoopBackOff"}},
            lastState={"terminated": {"reason": "Error", "exitCode": 3}},
            restartCount=2,
        ),
        ["container web: CrashLoopBackOff", "container web: Error (exit code 3, restarted 2 times)"],
    ),
    "an end that is no failure": (container(state={"terminated": {"exitCode": 0}}), []),
    "no node for it": (
        {"status": {"conditions": [{"type": "PodScheduled", "status": "False", "message": "0/3 nodes"}]}},
        ["not scheduled: 0/3 nodes"],
    ),
    "an evicted one": ({"status": {"message": "The node was low on memory"}}, ["The node was low on memory"]),
    "an init container": (
        {"status": {"initContainerStatuses": [{"name": "init", "state": {"terminated": {"exitCode": 1}}}]}},
        ["container init: Error (exit code 1)"],
    ),
    "nothing yet": ({}, []),
}  # fmt: skip


@pytest.mark.parametrize(("pod", "said"), PODS.values(), ids=PODS.keys())
def test_what_a_pod_says(pod: dict[str, Any], said: list[str]) -> None:
    assert pod_reasons(pod) == said


def test_the_latest_events_are_told_first() -> None:
    events = [{"reason": f"R{n}", "message": "m", "lastTimestamp": f"2001-01-0{n}T00:00:00Z"} for n in (1, 3, 2, 4)]
    events[1]["series"] = {"count": 7, "lastObservedTime": "2001-02-01T00:00:00Z"}  # type: ignore[assignment]
    lines = event_lines([*events, {}])
    assert [line.partition(" ")[0] for line in lines] == ["R3", "R4", "R2"]
    assert lines[0].endswith(", 7 times): m")


def view(asked: dict[str, Any] | None = None, **state: Any) -> ApplicationView:
    begun = {"operation": {}, "startedAt": "2001-01-01T00:00:00Z"}
    status = {"operationState": {**begun, **state}} if state else {}
    body: dict[str, Any] = {"metadata": {"name": "a"}, "status": status}
    return read_view(msgspec.json.encode(body | ({"operation": asked} if asked else {})))


RETRY: dict[str, Any] = {"operation": {"retry": {"limit": 4}}, "retryCount": 2, "finishedAt": "2001-01-01T00:00:01Z"}
STANDS: dict[str, tuple[ApplicationView, str]] = {
    "none": (view(), ""),
    "an ended one": (view(phase="Succeeded"), ""),
    "asked for": (view({"sync": {}}), "asked for, not taken up yet"),
    "asked for anew": (view({"sync": {}}, phase="Failed"), "asked for, not taken up yet"),
    "running": (view(phase="Running", message="wave 2"), "running: wave 2"),
    "waiting for its next attempt": (
        view(phase="Running", message="Retrying attempt #2 at 10:00:00Z.", **RETRY),
        "attempt 2 of 5 failed, another follows: Retrying attempt #2 at 10:00:00Z.",
    ),
    "running again": (view(phase="Running", **{**RETRY, "finishedAt": None}), "attempt 3 of 5"),
    "retried for ever": (
        view(phase="Running", **{**RETRY, "operation": {"retry": {"limit": -1}}, "finishedAt": None}),
        "attempt 3 of no limit",
    ),
    "ending": (view({"sync": {}}, phase="Terminating"), "terminating"),
}


@pytest.mark.parametrize(("seen", "said"), STANDS.values(), ids=STANDS.keys())
def test_where_an_operation_stands(seen: ApplicationView, said: str) -> None:
    assert under_way(seen) == said


def given_up(
    automated: dict[str, Any] | None = None, info: str = "", phase: str = "Failed", sync: str = "OutOfSync"
) -> ApplicationView:
    """An application whose sync has failed for the last time."""
    operation = {"info": [{"name": info, "value": "x"}]} if info else {}
    status = {
        "operationState": {
            "operation": operation,
            "phase": phase,
            "startedAt": "2001-01-01T00:00:00Z",
            "message": "no",
        },
        "sync": {"status": sync},
        "health": {"status": "Missing"},
        "conditions": [{"type": "SyncError", "message": "no"}] if phase == "Failed" else [],
    }
    spec = {"syncPolicy": {"automated": {} if automated is None else automated}}
    return read_view(msgspec.json.encode({"metadata": {"name": "a"}, "spec": spec, "status": status}))


GIVEN_UP: dict[str, tuple[ApplicationView, bool]] = {
    "the last attempt failed": (given_up(), True),
    "with self-heal too, which heals what was there": (given_up({"selfHeal": True}), True),
    "a heal that failed is made again": (given_up({"selfHeal": True}, "trueup.dev/heals"), False),
    "automation is off": (given_up({"enabled": False}), False),
    "it was put right by hand": (given_up(sync="Synced"), False),
    "it succeeded": (given_up(phase="Succeeded"), False),
    "another attempt follows": (given_up(phase="Running"), False),
    "nothing was tried": (view(), False),
}


@pytest.mark.parametrize(("seen", "said"), GIVEN_UP.values(), ids=GIVEN_UP.keys())
def test_a_revision_that_is_not_tried_again_names_the_way_on(seen: ApplicationView, said: bool) -> None:
    assert ("`trueup app sync a`" in not_tried_again(seen)) is said
    assert ("`trueup app sync a`" in stands("a", seen)) is said


def test_what_is_waited_for_in_vain_has_a_command_that_shows_why() -> None:
    ill = read_view(msgspec.json.encode({"metadata": {"name": "a"}, "status": {"health": {"status": "Degraded"}}}))
    assert stands("a", ill) == "`trueup app get a` shows why"
    assert stands("a", view()) == "`trueup app get a --show-operation` shows where it stands"
    assert stands("a", None) == "`trueup app get a --show-operation` shows where it stands"


def test_a_deletion_is_seen_in_the_list() -> None:
    leaving = {"metadata": {"name": "a", "deletionTimestamp": "2001-01-01T00:00:00Z"}}
    assert "Deleting" in list_row(read_view(msgspec.json.encode(leaving)))
    assert "Deleting" not in list_row(view())
