"""``v1 Pod``: by its phase, its containers, and what its restart policy makes of them."""

from typing import Any

from trueup.health.read import condition, items, number, quoted, section, text
from trueup.model.annotations import IGNORE_RESTART_POLICY
from trueup.model.health import Health, HealthCode
from trueup.model.hooks import is_hook


def check(obj: dict[str, Any]) -> Health:
    """Rules and messages of Argo CD ``health_pod.go``."""
    status = section(obj, "status")
    long_lived = _long_lived(obj)
    if long_lived and (failing := _failing_to_start(status)) is not None:
        return Health(HealthCode.DEGRADED, failing)
    message = text(status, "message")
    match text(status, "phase"):
        case "Pending":
            return Health(HealthCode.PROGRESSING, message)
        case "Succeeded":
            return Health(HealthCode.HEALTHY, message)
        case "Failed":
            return Health(HealthCode.DEGRADED, message or _failure(status))
        case "Running" if long_lived:
            return Health(_running(status), message)
        case "Running" if text(section(obj, "spec"), "restartPolicy") in ("OnFailure", "Never"):
            # It has an end to reach, and most such Pods are hooks: running is not yet healthy.
            return Health(HealthCode.PROGRESSING, message)
    return Health(HealthCode.UNKNOWN, message)


def _long_lived(obj: dict[str, Any]) -> bool:
    """Whether running is the goal: restartPolicy Always, or the annotation on a Pod that is no hook.

    The error states of a container must not fail a hook: the Pod would still run once the cause is gone.
    """
    if text(section(obj, "spec"), "restartPolicy") == "Always":
        return True
    annotations = section(obj, "metadata", "annotations")
    return annotations.get(IGNORE_RESTART_POLICY) == "true" and not is_hook(annotations)


def _failing_to_start(status: dict[str, Any]) -> str | None:
    messages = []
    for container in items(status, "containerStatuses"):
        waiting = section(container, "state", "waiting")
        reason = text(waiting, "reason")
        if reason.startswith("Err") or reason.endswith(("Error", "BackOff")):
            messages.append(text(waiting, "message"))
    return ", ".join(messages) if messages else None


def _running(status: dict[str, Any]) -> HealthCode:
    ready = condition(status, "Ready")
    if ready and ready.get("status") == "True":
        return HealthCode.HEALTHY
    crashed = any(section(c, "lastState").get("terminated") for c in items(status, "containerStatuses"))
    return HealthCode.DEGRADED if crashed else HealthCode.PROGRESSING


def _failure(status: dict[str, Any]) -> str:
    for container in items(status, "initContainerStatuses") + items(status, "containerStatuses"):
        terminated = section(container, "state", "terminated")
        if message := text(terminated, "message"):
            return message
        if text(terminated, "reason") == "OOMKilled":
            return "OOMKilled"
        if code := number(terminated, "exitCode"):
            return f"container {quoted(text(container, 'name'))} failed with exit code {code}"
    return ""
