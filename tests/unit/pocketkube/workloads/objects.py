"""Workloads and Pods as plain values, and decisions in words."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pocketkube.workloads import Create, DeleteObject, Object, PatchObject, WorkloadDecision

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
MOMENT = "2026-01-02T03:04:05Z"
BEFORE = "2026-01-02T03:00:00Z"
LABELS = {"app": "web"}
TEMPLATE: Object = {"metadata": {"labels": LABELS}, "spec": {"containers": [{"name": "c", "image": "web:1"}]}}


def workload(kind: str, spec: Mapping[str, Any], *, status: Mapping[str, Any] | None = None, **metadata: Any) -> Object:
    """An object of a controller: ``web`` in ``shop``, with a selector and a template where nothing else is said."""
    group = {"Job": "batch/v1", "CronJob": "batch/v1", "Service": "v1", "PodDisruptionBudget": "policy/v1"}
    filled = {"selector": {"matchLabels": LABELS}, "template": TEMPLATE, **spec}
    return {
        "apiVersion": group.get(kind, "apps/v1"),
        "kind": kind,
        "metadata": {
            **{"name": "web", "namespace": "shop", "uid": f"uid-{kind}", "generation": 1, "creationTimestamp": BEFORE},
            **metadata,
        },
        "spec": {key: value for key, value in filled.items() if value is not None},
        "status": dict(status or {}),
    }


def owned(obj: Object, owner: Object) -> Object:
    """The object as one that the owner controls."""
    reference = {
        **{"apiVersion": owner["apiVersion"], "kind": owner["kind"], "name": owner["metadata"]["name"]},
        **{"uid": owner["metadata"]["uid"], "controller": True, "blockOwnerDeletion": True},
    }
    return {**obj, "metadata": {**obj["metadata"], "ownerReferences": [reference]}}


def pod(
    name: str,
    phase: str = "Running",
    *,
    ready: bool | None = None,
    since: str = BEFORE,
    labels: Mapping[str, str] = {},
    annotations: Mapping[str, str] = {},
    leaving: bool = False,
    created: str = BEFORE,
    spec: Object | None = None,
    **status: Any,
) -> Object:
    """A Pod; one that runs is ready."""
    is_ready = phase == "Running" if ready is None else ready
    metadata: Object = {"name": name, "namespace": "shop", "uid": f"uid-{name}", "creationTimestamp": created}
    metadata |= {"labels": {**LABELS, **labels}, "annotations": dict(annotations)}
    if leaving:
        metadata["deletionTimestamp"] = MOMENT
    condition = {"type": "Ready", "status": "True" if is_ready else "False", "lastTransitionTime": since}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": spec or TEMPLATE["spec"],
        "status": {"phase": phase, "conditions": [condition], **status} if phase else {},
    }


def told(decision: WorkloadDecision) -> list[str]:
    """The writes in words, but for those of the status."""
    return [
        _told(write)
        for write in decision.writes
        if not (isinstance(write, PatchObject) and write.subresource == "status")
    ]


def status_of(decision: WorkloadDecision) -> Object:
    """What is written of the status."""
    (body,) = [
        write.body for write in decision.writes if isinstance(write, PatchObject) and write.subresource == "status"
    ]
    status: Object = body.get("status", {})
    return status


def condition(status: Object, type_: str) -> tuple[str, str] | None:
    """Status and reason of a condition."""
    found = [one for one in status.get("conditions") or () if one["type"] == type_]
    return (found[0]["status"], found[0]["reason"]) if found else None


def _told(write: Create | PatchObject | DeleteObject) -> str:
    match write:
        case Create(made):
            return f"create {made['kind']} {made['metadata'].get('name') or made['metadata']['generateName']}"
        case DeleteObject(target, propagation):
            foreground = " in the foreground" if propagation == "Foreground" else ""
            return f"delete {target['kind']} {target['metadata']['name']}{foreground}"
        case PatchObject(target, body):
            what = f"{target['kind']} {target['metadata']['name']}"
            if "ownerReferences" in body.get("metadata", {}):
                return f"{'adopt' if body['metadata']['ownerReferences'] else 'release'} {what}"
            if "replicas" in body.get("spec", {}):
                return f"size {what} {body['spec']['replicas']}"
            return f"patch {what}"
