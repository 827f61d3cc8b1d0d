"""The cells of a Pod: ``printPod`` of kubernetes ``pkg/printers/internalversion``."""

from datetime import datetime
from typing import Any

import msgspec

from pocketkube.cluster.resource import Object
from pocketkube.cluster.tables.cells import NONE, condition_of, dig, items, members, number, text
from pocketkube.cluster.tables.durations import ZERO, age, parse_time

CONDITIONS = {
    "Succeeded": {
        "type": "Completed",
        "status": "True",
        "reason": "Succeeded",
        "message": "The pod has completed successfully.",
    },
    "Failed": {"type": "Completed", "status": "True", "reason": "Failed", "message": "The pod failed."},
}


class Restarts(msgspec.Struct):
    """How often containers were started again, and when the last of them ended."""

    count: int = 0
    last: str = ""

    def add(self, status: Any) -> None:
        self.count += number(status, "restartCount")
        ended = text(status, "lastState", "terminated", "finishedAt")
        if (parse_time(ended) or ZERO) > (parse_time(self.last) or ZERO):
            self.last = ended


class ContainerSummary(msgspec.Struct):
    """What the containers come to together."""

    reason: str
    ready: int = 0
    total: int = 0
    restarts: Restarts = msgspec.field(default_factory=Restarts)


def ready_cell(pod: Object, now: datetime) -> str:
    """Containers that are ready, of how many."""
    summary = summarise(pod)
    return f"{summary.ready}/{summary.total}"


def status_cell(pod: Object, now: datetime) -> str:
    """The phase, or what keeps the Pod from running."""
    return summarise(pod).reason


def restarts_cell(pod: Object, now: datetime) -> str:
    """How many restarts, and when the last one was."""
    restarts = summarise(pod).restarts
    if restarts.count and restarts.last:
        return f"{restarts.count} ({age(restarts.last, now)} ago)"
    return str(restarts.count)


def address_cell(pod: Object, now: datetime) -> str:
    """The first IP."""
    addresses = items(pod, "status", "podIPs")
    return (text(addresses[0], "ip") if addresses else text(pod, "status", "podIP")) or NONE


def gates_cell(pod: Object, now: datetime) -> str:
    """Readiness gates that are open, of how many."""
    gates = items(pod, "spec", "readinessGates")
    kinds = [text(gate, "conditionType") for gate in gates]
    return f"{sum(_is_true(pod, kind) for kind in kinds)}/{len(gates)}" if gates else NONE


def row_conditions(pod: Object) -> list[dict[str, str]]:
    """Says that a Pod is done, so that clients may show it dimmed."""
    done = CONDITIONS.get(text(pod, "status", "phase"))
    return [done] if done else []


def summarise(pod: Object) -> ContainerSummary:
    """Reads the statuses of all containers."""
    phase = text(pod, "status", "phase")
    summary = ContainerSummary(text(pod, "status", "reason") or phase)
    if any(
        dig(condition, "type") == "PodScheduled" and dig(condition, "reason") == "SchedulingGated"
        for condition in items(pod, "status", "conditions")
    ):
        summary.reason = "SchedulingGated"
    restartable = {
        text(container, "name")
        for container in items(pod, "spec", "initContainers")
        if dig(container, "restartPolicy") == "Always"
    }
    summary.total = len(items(pod, "spec", "containers")) + len(restartable)
    sidecars = Restarts()
    initializing = _read_init_containers(pod, summary, restartable, sidecars)
    if not initializing or _is_true(pod, "Initialized"):
        summary.restarts = sidecars
        _read_containers(pod, summary)
    if dig(pod, "metadata", "deletionTimestamp"):
        if text(pod, "status", "reason") == "NodeLost":
            summary.reason = "Unknown"
        elif phase not in CONDITIONS:
            summary.reason = "Terminating"
    return summary


def _is_true(pod: Object, kind: str) -> bool:
    return condition_of(pod, kind).get("status") == "True"


def _read_init_containers(pod: Object, summary: ContainerSummary, restartable: set[str], sidecars: Restarts) -> bool:
    """Whether one of them is not done; then the reason says which."""
    for index, status in enumerate(items(pod, "status", "initContainerStatuses")):
        summary.restarts.add(status)
        sidecar = text(status, "name") in restartable
        if sidecar:
            sidecars.add(status)
        terminated = dig(status, "state", "terminated")
        if terminated is not None and number(terminated, "exitCode") == 0:
            continue
        if sidecar and dig(status, "started") is True:
            summary.ready += dig(status, "ready") is True
            continue
        waiting = text(status, "state", "waiting", "reason")
        if terminated is not None:
            summary.reason = f"Init:{_ending(members(terminated))}"
        elif waiting and waiting != "PodInitializing":
            summary.reason = f"Init:{waiting}"
        else:
            summary.reason = f"Init:{index}/{len(items(pod, 'spec', 'initContainers'))}"
        return True
    return False


def _read_containers(pod: Object, summary: ContainerSummary) -> None:
    running, failure = False, ""
    for status in reversed(items(pod, "status", "containerStatuses")):
        summary.restarts.add(status)
        terminated = dig(status, "state", "terminated")
        waiting = text(status, "state", "waiting", "reason")
        if waiting:
            summary.reason = waiting
        elif terminated is not None:
            summary.reason = _ending(members(terminated))
            if number(terminated, "exitCode"):
                failure = summary.reason
        elif dig(status, "ready") is True and dig(status, "state", "running") is not None:
            running = True
            summary.ready += 1
    if summary.reason == "Completed":
        if running and _is_true(pod, "Ready"):
            summary.reason = "Running"
        elif failure:
            summary.reason = failure
        elif running:
            summary.reason = "NotReady"


def _ending(terminated: dict[str, Any]) -> str:
    if reason := text(terminated, "reason"):
        return reason
    if signal := number(terminated, "signal"):
        return f"Signal:{signal}"
    return f"ExitCode:{number(terminated, 'exitCode')}"
