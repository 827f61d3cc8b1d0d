"""Which check judges which kind, and what comes before any check."""

from collections.abc import Callable
from typing import Any

import msgspec

from trueup.health import (
    autoscaler,
    child,
    cronjob,
    daemonset,
    deployment,
    extension,
    job,
    network,
    pod,
    replicaset,
    statefulset,
    volume,
    workflow,
)
from trueup.model.annotations import GROUP, HOOK_FINALIZER
from trueup.model.health import Health, HealthCode
from trueup.model.live import LiveObject
from trueup.model.resource import GroupKind, version_of


class _Check(msgspec.Struct, frozen=True):
    """``versions``: the ones the function can read; empty for any."""

    judge: Callable[[dict[str, Any]], Health]
    versions: tuple[str, ...] = ("v1",)


_CHECKS = {
    GroupKind("", "PersistentVolumeClaim"): _Check(volume.check),
    GroupKind("", "Pod"): _Check(pod.check),
    GroupKind("", "Service"): _Check(network.service),
    GroupKind("apiextensions.k8s.io", "CustomResourceDefinition"): _Check(extension.custom_resource_definition, ()),
    GroupKind("apiregistration.k8s.io", "APIService"): _Check(extension.api_service, ("v1", "v1beta1")),
    GroupKind("apps", "DaemonSet"): _Check(daemonset.check),
    GroupKind("apps", "Deployment"): _Check(deployment.check),
    GroupKind("apps", "ReplicaSet"): _Check(replicaset.check),
    GroupKind("apps", "StatefulSet"): _Check(statefulset.check),
    GroupKind("argoproj.io", "Workflow"): _Check(workflow.check, ()),
    GroupKind("autoscaling", "HorizontalPodAutoscaler"): _Check(autoscaler.check, ("v1", "v2", "v2beta1", "v2beta2")),
    GroupKind("batch", "CronJob"): _Check(cronjob.check, ()),
    GroupKind("batch", "Job"): _Check(job.check),
    GroupKind("extensions", "Ingress"): _Check(network.ingress, ()),
    GroupKind("networking.k8s.io", "Ingress"): _Check(network.ingress, ()),
}


_APPLICATION = GroupKind(GROUP, "Application")


def has_check(kind: GroupKind) -> bool:
    """Whether a kind is judged at all; objects of the others never hold a wave up."""
    return kind in _CHECKS


def assess(live: LiveObject, *, applications: bool = False) -> Health | None:
    """The health of an object, None when its kind has no check.

    Args:
        applications: child Applications are judged too (:mod:`trueup.health.child`).

    An object that is being deleted is Progressing, whatever its kind; a hook that only our finalizer still holds
    is judged by its state (Argo CD ``health.go``).
    """
    if live.deletion_timestamp and HOOK_FINALIZER not in live.finalizers:
        return Health(HealthCode.PROGRESSING, "Pending deletion")
    check = _CHECKS.get(live.group_kind)
    if check is None:
        return child.check(live.object()) if applications and live.group_kind == _APPLICATION else None
    if check.versions and version_of(live.api_version) not in check.versions:
        return Health(HealthCode.UNKNOWN, f"unsupported {live.key.kind} GVK: {live.api_version}, Kind={live.key.kind}")
    return check.judge(live.object())
