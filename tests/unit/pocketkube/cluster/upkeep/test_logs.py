"""The log of a container that nobody runs."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pocketkube.cluster.failure import Failure
from pocketkube.cluster.upkeep import log_lines
from pocketkube.cluster.upkeep.logs import MOST_LINES

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
RUNNING = {"running": {"startedAt": "2026-01-02T03:03:30Z"}}
CRASHED = {"terminated": {"exitCode": 1, "startedAt": "2026-01-02T03:03:30Z"}}
WAITING = {"waiting": {"reason": "CrashLoopBackOff"}}


def pod(*names: str, annotations: dict[str, str] | None = None, **status: Any) -> dict[str, Any]:
    containers = [
        {"name": name, "image": "registry.example/main:1", "ports": [{"containerPort": 8080}]} for name in names
    ]
    statuses = [{"name": name, **status} for name in names] if status else []
    return {
        "metadata": {"name": "web", "annotations": annotations or {}},
        "spec": {"containers": containers, "initContainers": [{"name": "first", "image": "first"}]},
        "status": {"containerStatuses": statuses},
    }


def test_a_container_that_runs_says_so() -> None:
    lines = log_lines(pod("main", state=RUNNING), "", NOW)
    assert lines[:3] == ["starting registry.example/main:1", "reading configuration", "listening on port 8080"]
    assert len(lines) == 3 + 3, "a line for every ten seconds since"


def test_a_container_that_crashed_says_why() -> None:
    lines = log_lines(pod("main", state=WAITING, lastState=CRASHED), "main", NOW)
    assert any("ERROR" in line for line in lines)
    assert lines == log_lines(pod("main", state=WAITING, lastState=CRASHED), "main", NOW, previous=True)


def test_a_task_that_is_done_says_so() -> None:
    state = {"terminated": {"exitCode": 0, "startedAt": "2026-01-02T03:03:30Z"}}
    assert log_lines(pod("main", state=state), "main", NOW)[-1] == "work done, exiting"


def test_lines_stay_as_they_were() -> None:
    earlier = log_lines(pod("main", state=RUNNING), "main", NOW, timestamps=True)
    later = log_lines(pod("main", state=RUNNING), "main", NOW + timedelta(seconds=60), timestamps=True)
    assert later[: len(earlier)] == earlier
    assert earlier[0] == "2026-01-02T03:03:30.000000000Z starting registry.example/main:1"


def test_only_the_end_of_a_long_log_is_made() -> None:
    assert len(log_lines(pod("main", state=RUNNING), "main", NOW + timedelta(days=900))) == MOST_LINES


CUTS: dict[str, tuple[dict[str, Any], int]] = {
    "the last lines": ({"tail_lines": 2}, 2),
    "no lines": ({"tail_lines": 0}, 0),
    "more than there are": ({"tail_lines": 100}, 6),
    "of the last seconds": ({"since_seconds": 16}, 2),
}


@pytest.mark.parametrize(("options", "count"), CUTS.values(), ids=CUTS.keys())
def test_cut(options: dict[str, Any], count: int) -> None:
    assert len(log_lines(pod("main", state=RUNNING), "main", NOW, **options)) == count


PULL = {"waiting": {"reason": "ImagePullBackOff"}}
REFUSED: dict[str, tuple[dict[str, Any], str, bool, str]] = {
    "no such container": (pod("main", state=RUNNING), "side", False, "container side is not valid for pod web"),
    "which container": (
        pod("main", "side", state=RUNNING),
        "",
        False,
        "a container name must be specified for pod web, choose one of: [main side]",
    ),
    "an image that cannot be pulled": (
        pod("main", state=PULL),
        "main",
        False,
        'container "main" in pod "web" is waiting to start: trying and failing to pull image',
    ),
    "not started": (
        pod("main"),
        "main",
        False,
        'container "main" in pod "web" is waiting to start: ContainerCreating',
    ),
    "no earlier run": (
        pod("main", state=RUNNING),
        "main",
        True,
        'previous terminated container "main" in pod "web" not found',
    ),
}


@pytest.mark.parametrize(("of", "container", "previous", "message"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(of: dict[str, Any], container: str, previous: bool, message: str) -> None:
    with pytest.raises(Failure) as caught:
        log_lines(of, container, NOW, previous=previous)
    assert (caught.value.code, caught.value.message) == (400, message)


def test_an_annotation_names_the_container() -> None:
    annotated = pod("main", "side", annotations={"kubectl.kubernetes.io/default-container": "side"}, state=RUNNING)
    assert log_lines(annotated, "", NOW)
