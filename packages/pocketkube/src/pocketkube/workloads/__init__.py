"""What the controllers of Kubernetes do to workloads, as pure decisions by the names that stage files use."""

from collections.abc import Mapping

from pocketkube.workloads import (
    autoscaler,
    cronjob,
    daemonset,
    deployment,
    disruption,
    endpoints,
    job,
    replicaset,
    statefulset,
)
from pocketkube.workloads.decision import Create, Decide, DeleteObject, Object, PatchObject, WorkloadDecision, Write

DECISIONS: Mapping[str, Decide] = {
    "autoscaler": autoscaler.decide,
    "cronJob": cronjob.decide,
    "daemonSet": daemonset.decide,
    "deployment": deployment.decide,
    "disruption": disruption.decide,
    "endpoints": endpoints.decide,
    "job": job.decide,
    "replicaSet": replicaset.decide,
    "statefulSet": statefulset.decide,
}

__all__ = ["DECISIONS", "Create", "Decide", "DeleteObject", "Object", "PatchObject", "WorkloadDecision", "Write"]
