"""Why a container of an application has no log yet."""

from typing import Any

import pytest

from trueup.cli.app.containers import idle


def pod(*containers: dict[str, Any], first: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:
    statuses = {"containerStatuses": list(containers), "initContainerStatuses": [first] if first else []}
    return {"metadata": {"name": "web"}, "status": {**statuses, **status}}


def waiting(reason: str, message: str = "", name: str = "main") -> dict[str, Any]:
    return {"name": name, "state": {"waiting": {"reason": reason, "message": message}}}


ENDED = {"exitCode": 1, "reason": "Error"}
UNSCHEDULED = {"type": "PodScheduled", "status": "False", "message": "0/3 nodes are available"}
CASES: dict[str, tuple[dict[str, Any], str]] = {
    "it runs": (pod({"name": "main", "state": {"running": {}}}), ""),
    "it has ended": (pod({"name": "main", "state": {"terminated": ENDED}}), ""),
    "no image": (pod(waiting("ImagePullBackOff", "no such image\n")), "waiting: ImagePullBackOff: no such image"),
    "it crashes": (pod(waiting("CrashLoopBackOff")), "waiting: CrashLoopBackOff"),
    "another one waits": (pod({"name": "main", "state": {"running": {}}}, waiting("ErrImagePull", name="side")), ""),
    "it is being made": (pod(waiting("ContainerCreating")), "waiting to start: ContainerCreating"),
    "behind one that fails": (
        pod(waiting("PodInitializing"), first=waiting("ErrImagePull", "no", name="first")),
        "waiting to start: container first: ErrImagePull: no",
    ),
    "no node": (
        pod(phase="Pending", conditions=[UNSCHEDULED]),
        "waiting to start: not scheduled: 0/3 nodes are available",
    ),
    "nothing known": ({"metadata": {"name": "web"}}, "waiting to start: Pending"),
    "evicted": (
        pod(phase="Failed", message="The node was low on memory"),
        "waiting to start: The node was low on memory",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_why_a_container_does_not_run(name: str) -> None:
    given, expected = CASES[name]
    assert idle(given, "main") == expected
