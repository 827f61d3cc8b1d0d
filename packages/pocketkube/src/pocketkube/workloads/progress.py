"""The status of a Deployment: counts, availability, progress and its deadline (deployment/sync.go, progress.go)."""

from collections.abc import Sequence
from datetime import datetime

from kubegrammar.time import format_time
from pocketkube.workloads.decision import Object, PatchObject, status_patch
from pocketkube.workloads.facts import (
    NEVER,
    Condition,
    condition_of,
    name_of,
    number,
    since,
    some,
    with_condition,
    without_condition,
)
from pocketkube.workloads.strategy import REVISION, max_unavailable

Counts = dict[str, int]


def deployment_status(
    deployment: Object,
    new: Object | None,
    sets: Sequence[Object],
    now: datetime,
    *,
    created: bool = False,
    estimate: bool = True,
    revision: str = "",
) -> tuple[PatchObject | None, float | None]:
    """The status by what the ReplicaSets say.

    Args:
        new: the ReplicaSet of the present template.
        sets: all of them.
        created: whether ``new`` is only now made.
        estimate: whether a rollout is under way, whose progress counts.
        revision: of ``new``; empty for none.

    Returns:
        The write, and the seconds until the deadline for progress, None where none runs.
    """
    moment = format_time(now)
    counts = _counts(deployment, new, sets)
    noted = _noted(deployment, new, moment, created=created)
    enough = counts["availableReplicas"] >= number(deployment["spec"], "replicas", 1) - max_unavailable(deployment)
    conditions = with_condition(noted, _availability(moment, enough=enough))
    if estimate:
        conditions = _estimated(deployment, new, counts, noted, conditions, now)
        conditions = _with_failure(conditions, [new, *sets] if new else sets)
    status = {
        **{key: some(count) for key, count in counts.items()},
        "terminatingReplicas": sum(number(one.get("status"), "terminatingReplicas") for one in sets),
        "observedGeneration": deployment["metadata"].get("generation"),
        "conditions": conditions,
    }
    patch = status_patch(deployment, status, {REVISION: revision} if revision else None)
    return patch, _deadline_in(deployment, counts, conditions, now)


def _counts(deployment: Object, new: Object | None, sets: Sequence[Object]) -> Counts:
    def total(key: str, among: Sequence[Object] = sets) -> int:
        return sum(number(one.get("status"), key) for one in among)

    available = total("availableReplicas")
    return {
        "replicas": total("replicas"),
        "updatedReplicas": total("replicas", [new] if new else []),
        "readyReplicas": total("readyReplicas"),
        "availableReplicas": available,
        "unavailableReplicas": max(0, sum(number(one["spec"], "replicas", 1) for one in sets) - available),
    }


def _noted(deployment: Object, new: Object | None, moment: str, *, created: bool) -> list[Condition]:
    """The conditions with what is said about progress before it is estimated: paused, resumed, a new ReplicaSet."""
    conditions = list((deployment.get("status") or {}).get("conditions") or ())
    if not _has_deadline(deployment):
        return conditions
    current = condition_of(deployment, "Progressing")
    reason = current.get("reason") if current else ""
    paused = bool(deployment["spec"].get("paused"))
    if reason != "ProgressDeadlineExceeded" and paused != (reason == "DeploymentPaused"):
        why, text = ("DeploymentPaused", "is paused") if paused else ("DeploymentResumed", "is resumed")
        conditions = with_condition(conditions, _progressing("Unknown", why, f"Deployment {text}", moment))
    if new is not None and created:
        text = f'Created new replica set "{name_of(new)}"'
        conditions = with_condition(conditions, _progressing("True", "NewReplicaSetCreated", text, moment))
    elif new is not None and not any(condition["type"] == "Progressing" for condition in conditions):
        text = f'Found new replica set "{name_of(new)}"'
        conditions = with_condition(conditions, _progressing("True", "FoundNewReplicaSet", text, moment))
    return conditions


def _estimated(
    deployment: Object,
    new: Object | None,
    counts: Counts,
    noted: Sequence[Condition],
    conditions: Sequence[Condition],
    now: datetime,
) -> list[Condition]:
    """The conditions with a verdict on progress (``syncRolloutStatus``)."""
    if not _has_deadline(deployment):
        return without_condition(conditions, "Progressing")
    current = next((condition for condition in noted if condition["type"] == "Progressing"), None)
    done = current is not None and current.get("reason") == "NewReplicaSetAvailable"
    if done and counts["replicas"] == counts["updatedReplicas"]:
        return list(conditions)
    moment = format_time(now)
    subject = f'ReplicaSet "{name_of(new)}"' if new else f'Deployment "{name_of(deployment)}"'
    if _complete(deployment, counts):
        text = f"{subject} has successfully progressed."
        return with_condition(conditions, _progressing("True", "NewReplicaSetAvailable", text, moment))
    if _progressed(deployment, counts):
        condition = _progressing("True", "ReplicaSetUpdated", f"{subject} is progressing.", moment)
        if current is not None and current["status"] == "True":
            condition["lastTransitionTime"] = current["lastTransitionTime"]
        return [*without_condition(conditions, "Progressing"), condition]
    if _timed_out(deployment, current, now):
        text = f"{subject} has timed out progressing."
        return with_condition(conditions, _progressing("False", "ProgressDeadlineExceeded", text, moment))
    return list(conditions)


def _with_failure(conditions: Sequence[Condition], sets: Sequence[Object]) -> list[Condition]:
    """A ReplicaSet that cannot make Pods is the Deployment's failure."""
    failure = next((found for one in sets if (found := condition_of(one, "ReplicaFailure"))), None)
    if failure is None:
        return without_condition(conditions, "ReplicaFailure")
    return with_condition(conditions, {**failure, "lastUpdateTime": failure["lastTransitionTime"]})


def _complete(deployment: Object, counts: Counts) -> bool:
    wanted = number(deployment["spec"], "replicas", 1)
    return counts["updatedReplicas"] == counts["replicas"] == counts["availableReplicas"] == wanted


def _progressed(deployment: Object, counts: Counts) -> bool:
    before = deployment.get("status")
    old_before = number(before, "replicas") - number(before, "updatedReplicas")
    return (
        counts["updatedReplicas"] > number(before, "updatedReplicas")
        or counts["replicas"] - counts["updatedReplicas"] < old_before
        or counts["readyReplicas"] > number(before, "readyReplicas")
        or counts["availableReplicas"] > number(before, "availableReplicas")
    )


def _timed_out(deployment: Object, current: Condition | None, now: datetime) -> bool:
    if current is None or current.get("reason") == "NewReplicaSetAvailable":
        return False
    if current.get("reason") == "ProgressDeadlineExceeded":
        return True
    return since(current.get("lastUpdateTime"), now) > number(deployment["spec"], "progressDeadlineSeconds")


def _deadline_in(deployment: Object, counts: Counts, conditions: Sequence[Condition], now: datetime) -> float | None:
    """Seconds until the lack of progress is a failure (``requeueStuckDeployment``)."""
    current = next((condition for condition in conditions if condition["type"] == "Progressing"), None)
    if current is None or not _has_deadline(deployment) or _complete(deployment, counts):
        return None
    if current.get("reason") in ("ProgressDeadlineExceeded", "NewReplicaSetAvailable", "DeploymentPaused"):
        return None
    left = number(deployment["spec"], "progressDeadlineSeconds") - since(current.get("lastUpdateTime"), now)
    return max(0.0, left) + 1


def _has_deadline(deployment: Object) -> bool:
    return number(deployment["spec"], "progressDeadlineSeconds", NEVER) != NEVER


def _availability(moment: str, *, enough: bool) -> Condition:
    if enough:
        return _condition(
            "Available", "True", "MinimumReplicasAvailable", "Deployment has minimum availability.", moment
        )
    text = "Deployment does not have minimum availability."
    return _condition("Available", "False", "MinimumReplicasUnavailable", text, moment)


def _progressing(status: str, reason: str, text: str, moment: str) -> Condition:
    return _condition("Progressing", status, reason, text, moment)


def _condition(type_: str, status: str, reason: str, text: str, moment: str) -> Condition:
    return {
        "type": type_,
        "status": status,
        "reason": reason,
        "message": text,
        "lastUpdateTime": moment,
        "lastTransitionTime": moment,
    }
