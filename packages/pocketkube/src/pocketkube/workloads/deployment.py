"""Rolls out a Pod template by ReplicaSets (pkg/controller/deployment: rolling.go, recreate.go)."""

from collections.abc import Sequence
from datetime import datetime

from pocketkube.workloads.decision import DeleteObject, Object, WorkloadDecision, decided
from pocketkube.workloads.facts import claim, of_kind, terminating
from pocketkube.workloads.progress import deployment_status
from pocketkube.workloads.rollout import Rollout
from pocketkube.workloads.strategy import recreates


def decide(deployment: Object, related: Sequence[Object], now: datetime) -> WorkloadDecision:
    """The next step of a rollout, and the status."""
    sets, adoptions = claim(deployment, of_kind(related, "ReplicaSet"))
    rollout = Rollout(deployment, sets)
    removed: list[Object] = []
    estimate = False
    if not terminating(deployment):
        removed, estimate = _advance(rollout)
    status, again = deployment_status(
        deployment, rollout.new, rollout.all, now, created=rollout.created, estimate=estimate, revision=rollout.revision
    )
    return decided([*adoptions, *rollout.writes(), *(DeleteObject(one) for one in removed), status], again)


def _advance(rollout: Rollout) -> tuple[list[Object], bool]:
    """Scales ReplicaSets up and down.

    Returns:
        Old ReplicaSets that are no longer kept, and whether a rollout is under way whose progress counts.
    """
    paused = bool(rollout.spec.get("paused"))
    rollout.sync_revision()
    if paused or rollout.was_scaled():
        rollout.scale_proportionally()
        return (rollout.surplus_history() if paused else []), False
    if recreates(rollout.deployment):
        if rollout.retire_old():
            return [], True
        rollout.make_new()
        assert rollout.new
        rollout.resize(rollout.new, rollout.wanted)
    else:
        rollout.make_new()
        if not rollout.grow() and rollout.shrink():
            return [], True
    return (rollout.surplus_history() if rollout.complete() else []), True
