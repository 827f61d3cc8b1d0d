"""Keeps one Pod on each node that fits (pkg/controller/daemon). Here is one node, and no Node object."""

from collections.abc import Sequence
from datetime import datetime

from pocketkube.workloads.decision import Create, DeleteObject, Object, WorkloadDecision, Write, decided, status_patch
from pocketkube.workloads.facts import (
    annotations_of,
    available_in,
    claim,
    finished,
    has_labels,
    labels_of,
    name_of,
    number,
    of_kind,
    ready,
    scaled,
    some,
    terminating,
)
from pocketkube.workloads.revisions import present_revision, surplus_revisions
from pocketkube.workloads.template import new_pod

NODE_LABELS = {
    "kubernetes.io/os": "linux",
    "kubernetes.io/arch": "amd64",
    "kubernetes.io/hostname": "sandbox",
}
"""Of the one node: a DaemonSet whose nodeSelector asks for more wants no Pod."""
REVISION_LABEL = "controller-revision-hash"
GENERATION_LABEL = "pod-template-generation"
GENERATION_ANNOTATION = "deprecated.daemonset.template.generation"
TOLERATIONS = [
    {"key": f"node.kubernetes.io/{key}", "operator": "Exists", "effect": effect}
    for key, effect in (
        ("not-ready", "NoExecute"),
        ("unreachable", "NoExecute"),
        ("disk-pressure", "NoSchedule"),
        ("memory-pressure", "NoSchedule"),
        ("pid-pressure", "NoSchedule"),
        ("unschedulable", "NoSchedule"),
    )
]
"""What every daemon Pod bears (``AddOrUpdateDaemonPodTolerations``)."""


def decide(owner: Object, related: Sequence[Object], now: datetime) -> WorkloadDecision:
    """Makes, replaces or deletes the node's Pod, then counts it."""
    pods, adoptions = claim(owner, of_kind(related, "Pod"))
    revisions, _ = claim(owner, of_kind(related, "ControllerRevision"))
    revision, revising = present_revision(owner, revisions, REVISION_LABEL)
    digest = labels_of(revision).get(REVISION_LABEL, "")
    wanted = has_labels(NODE_LABELS, owner["spec"]["template"]["spec"].get("nodeSelector") or {})
    present = [pod for pod in pods if not terminating(pod)]
    steps = [] if terminating(owner) else _steps(owner, present, now, digest, wanted=wanted)
    live = {name_of(revision)} | {
        name_of(one) for one in revisions for pod in pods if _hash(one) == labels_of(pod).get(REVISION_LABEL)
    }
    dropped = [
        DeleteObject(one)
        for one in surplus_revisions(revisions, live, number(owner["spec"], "revisionHistoryLimit", 10))
    ]
    waits = [available_in(pod, number(owner["spec"], "minReadySeconds"), now) for pod in present[:1]]
    status = status_patch(owner, _status(owner, present[:1], digest, available=0 in waits, wanted=wanted))
    again = next((wait for wait in waits if wait), None)
    return decided([*revising, *adoptions, *steps, *dropped, status], again)


def _steps(owner: Object, pods: Sequence[Object], now: datetime, digest: str, *, wanted: bool) -> list[Write]:
    ended = [pod for pod in pods if finished(pod) or not wanted]
    if ended:
        return [DeleteObject(pod) for pod in ended]
    if not wanted:
        return []
    old = [pod for pod in pods if labels_of(pod).get(REVISION_LABEL) != digest]
    new = [pod for pod in pods if labels_of(pod).get(REVISION_LABEL) == digest]
    create = Create(_pod(owner, digest))
    if not pods:
        return [create]
    if not old:
        return [DeleteObject(pod) for pod in new[1:]]
    strategy = owner["spec"].get("updateStrategy") or {}
    if strategy.get("type") == "OnDelete":
        return [DeleteObject(pod) for pod in [*old, *new][1:]]
    if scaled((strategy.get("rollingUpdate") or {}).get("maxSurge"), 1, round_up=True) == 0:
        return [DeleteObject(pod) for pod in old]
    if not new:
        return [create]
    # The old Pod stays until the new one stands in for it.
    due = available_in(new[0], number(owner["spec"], "minReadySeconds"), now) == 0 or not ready(old[0])
    return [DeleteObject(pod) for pod in [*(old if due else []), *new[1:]]]


def _pod(owner: Object, digest: str) -> Object:
    labels = {REVISION_LABEL: digest}
    if generation := annotations_of(owner).get(GENERATION_ANNOTATION):
        labels[GENERATION_LABEL] = generation
    pod = new_pod(owner, owner["spec"]["template"], labels=labels)
    given = pod["spec"].get("tolerations") or []
    return {**pod, "spec": {**pod["spec"], "tolerations": [*given, *(one for one in TOLERATIONS if one not in given)]}}


def _status(owner: Object, pods: Sequence[Object], digest: str, *, available: bool, wanted: bool) -> Object:
    scheduled = len(pods) if wanted else 0
    return {
        "desiredNumberScheduled": int(wanted),
        "currentNumberScheduled": scheduled,
        "numberMisscheduled": len(pods) - scheduled,
        "numberReady": sum(ready(pod) for pod in pods) if wanted else 0,
        "updatedNumberScheduled": some(
            sum(labels_of(pod).get(REVISION_LABEL) == digest for pod in pods) if wanted else 0
        ),
        "numberAvailable": some(int(available and wanted)),
        "numberUnavailable": some(int(wanted and not available)),
        "observedGeneration": owner["metadata"].get("generation"),
    }


def _hash(revision: Object) -> str:
    return labels_of(revision).get(REVISION_LABEL, "")
