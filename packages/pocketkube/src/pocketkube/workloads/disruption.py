"""How many Pods may be evicted now: the status of a PodDisruptionBudget (pkg/controller/disruption)."""

from collections.abc import Sequence
from datetime import datetime

from kubegrammar.time import format_time
from pocketkube.workloads.decision import Object, WorkloadDecision, decided, status_patch
from pocketkube.workloads.facts import (
    condition_of,
    controller_of,
    finished,
    labels_of,
    name_of,
    number,
    of_kind,
    ready,
    scaled,
    selects,
    since,
    terminating,
    uid_of,
)

EVICTION_SECONDS = 120
"""How long an eviction that was allowed may take before its Pod counts again."""


class _Unknown(Exception):
    """The number of Pods that there should be cannot be told."""


def decide(budget: Object, related: Sequence[Object], now: datetime) -> WorkloadDecision:
    """Counts the Pods that a budget covers."""
    spec, generation = budget["spec"], number(budget["metadata"], "generation")
    pods = [
        pod for pod in of_kind(related, "Pod") if selects(spec.get("selector"), labels_of(pod)) and not finished(pod)
    ]
    recorded = (budget.get("status") or {}).get("disruptedPods") or {}
    present = {name_of(pod) for pod in pods if not terminating(pod)}
    evicted = {name: at for name, at in recorded.items() if name in present and since(at, now) < EVICTION_SECONDS}
    try:
        expected, desired = _expected(spec, pods, related)
    except _Unknown as error:
        failed = _condition(budget, now, "False", "SyncFailed", str(error))
        return decided([status_patch(budget, {"disruptionsAllowed": 0, "conditions": failed})])
    healthy = sum(ready(pod) and not terminating(pod) and name_of(pod) not in evicted for pod in pods)
    allowed = max(0, healthy - desired) if expected > 0 else 0
    verdict = ("True", "SufficientPods") if allowed else ("False", "InsufficientPods")
    status: Object = {
        "currentHealthy": healthy,
        "desiredHealthy": desired,
        "expectedPods": expected,
        "disruptionsAllowed": allowed,
        "observedGeneration": generation or None,
        "conditions": _condition(budget, now, *verdict, ""),
    }
    if evicted != recorded:
        # In a merge patch a key goes by null.
        status["disruptedPods"] = evicted or None
    return decided([status_patch(budget, status)], EVICTION_SECONDS if evicted else None)


def _expected(spec: Object, pods: Sequence[Object], related: Sequence[Object]) -> tuple[int, int]:
    """How many Pods there should be, and how many of them must be healthy (``getExpectedPodCount``)."""
    most_missing, least = spec.get("maxUnavailable"), spec.get("minAvailable")
    if most_missing is not None:
        expected = _scale(pods, related)
        return expected, max(0, expected - scaled(most_missing, expected, round_up=True))
    if isinstance(least, str):
        expected = _scale(pods, related)
        return expected, scaled(least, expected, round_up=True)
    return len(pods), least or 0


def _scale(pods: Sequence[Object], related: Sequence[Object]) -> int:
    """The sizes of the controllers of these Pods, together."""
    owners = {uid_of(one): one for one in related if one["kind"] != "Pod"}
    sizes: dict[str, int] = {}
    for pod in pods:
        reference = controller_of(pod)
        if reference is None:
            continue
        owner = owners.get(reference["uid"])
        above = controller_of(owner) if owner is not None else None
        if above is not None and above["uid"] in owners:
            owner = owners[above["uid"]]
        if owner is None or "replicas" not in owner["spec"]:
            raise _Unknown(f'found no controllers for pod "{name_of(pod)}"')
        sizes[uid_of(owner)] = number(owner["spec"], "replicas")
    return sum(sizes.values())


def _condition(budget: Object, now: datetime, status: str, reason: str, message: str) -> list[Object]:
    current = condition_of(budget, "DisruptionAllowed")
    moved = current is None or current["status"] != status
    assert current is not None or moved
    new = {
        "type": "DisruptionAllowed",
        "status": status,
        "reason": reason,
        "message": message,
        "observedGeneration": budget["metadata"].get("generation"),
        "lastTransitionTime": format_time(now) if moved or current is None else current["lastTransitionTime"],
    }
    others = (budget.get("status") or {}).get("conditions") or ()
    return [*(condition for condition in others if condition["type"] != "DisruptionAllowed"), new]
