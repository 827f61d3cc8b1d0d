"""Why a Pod is not ready, in its own words."""

from collections.abc import Iterable, Mapping
from typing import Any

STARTING = frozenset(("ContainerCreating", "PodInitializing"))
"""Reasons to wait that every container has for a while."""


def pod_reasons(pod: Mapping[str, Any]) -> list[str]:
    """What a Pod itself says of why it is not ready."""
    status = pod.get("status") or {}
    found = [status["message"]] if status.get("message") else []
    for condition in status.get("conditions") or []:
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False" and condition.get("message"):
            found.append(f"not scheduled: {condition['message']}")
    for field in ("initContainerStatuses", "containerStatuses"):
        for container in status.get(field) or []:
            found += _of_container(container)
    return found


def _of_container(container: Mapping[str, Any]) -> Iterable[str]:
    name, state = container.get("name", ""), container.get("state") or {}
    waiting = state.get("waiting") or {}
    if waiting.get("reason") and waiting["reason"] not in STARTING:
        yield _told(name, waiting["reason"], waiting.get("message", ""))
    ended = state.get("terminated") or (container.get("lastState") or {}).get("terminated") or {}
    if ended.get("exitCode"):
        restarts = container.get("restartCount") or 0
        often = f", restarted {restarts} time{'s' if restarts > 1 else ''}" if restarts else ""
        yield _told(
            name, f"{ended.get('reason') or 'Error'} (exit code {ended['exitCode']}{often})", ended.get("message", "")
        )


def _told(name: str, reason: str, message: str) -> str:
    return f"container {name}: {reason}{f': {message.strip()}' if message else ''}"
