"""Keeps a number of equal Pods (pkg/controller/replicaset)."""

from collections.abc import Sequence
from datetime import datetime

from pocketkube.workloads.decision import (
    Create,
    DeleteObject,
    Object,
    WorkloadDecision,
    decided,
    earliest,
    status_patch,
)
from pocketkube.workloads.facts import (
    active,
    annotations_of,
    available_in,
    claim,
    created_at,
    finished,
    has_labels,
    labels_of,
    number,
    of_kind,
    phase_of,
    ready,
    some,
    terminating,
)
from pocketkube.workloads.template import new_pod

DELETION_COST = "controller.kubernetes.io/pod-deletion-cost"


def decide(replica_set: Object, related: Sequence[Object], now: datetime) -> WorkloadDecision:
    """Makes or deletes Pods until there are as many as wanted, then counts them."""
    spec = replica_set["spec"]
    pods, adoptions = claim(replica_set, of_kind(related, "Pod"))
    running = [pod for pod in pods if active(pod)]
    surplus = len(running) - number(spec, "replicas", 1)
    if not terminating(replica_set):
        if surplus < 0:
            pod = new_pod(replica_set, spec["template"])
            return decided([*adoptions, *([Create(pod)] * -surplus)])
        if surplus > 0:
            return decided([*adoptions, *(DeleteObject(pod) for pod in sorted(running, key=_dearness)[:surplus])])
    template_labels = (spec["template"].get("metadata") or {}).get("labels") or {}
    waits = [available_in(pod, number(spec, "minReadySeconds"), now) for pod in running]
    status = {
        "replicas": len(running),
        "fullyLabeledReplicas": some(sum(has_labels(labels_of(pod), template_labels) for pod in running)),
        "readyReplicas": some(sum(ready(pod) for pod in running)),
        "availableReplicas": some(waits.count(0)),
        "terminatingReplicas": sum(terminating(pod) and not finished(pod) for pod in pods),
        "observedGeneration": replica_set["metadata"].get("generation"),
    }
    again = earliest(*(wait for wait in waits if wait))
    return decided([*adoptions, status_patch(replica_set, status)], again)


def _dearness(pod: Object) -> tuple[bool, bool, int, int]:
    """What is deleted first: not running before running, not ready, cheap, then the youngest (``ActivePods``)."""
    try:
        cost = int(annotations_of(pod).get(DELETION_COST, "0"))
    except ValueError:
        cost = 0
    age = int("".join(filter(str.isdigit, created_at(pod))) or 0)
    return phase_of(pod) == "Running", ready(pod), cost, -age
