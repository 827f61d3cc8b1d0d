"""``apps/v1 StatefulSet``: observed, ready, and updated as far as its strategy goes."""

from typing import Any

from trueup.health.read import number, optional_number, section, text
from trueup.model.health import Health, HealthCode


def check(obj: dict[str, Any]) -> Health:
    """Rules and messages of Argo CD ``health_statefulset.go``."""
    spec, status = section(obj, "spec"), section(obj, "status")
    observed = number(status, "observedGeneration")
    if not observed or number(section(obj, "metadata"), "generation") > observed:
        return Health(HealthCode.PROGRESSING, "Waiting for statefulset spec update to be observed...")
    wanted, ready = optional_number(spec, "replicas"), number(status, "readyReplicas")
    if wanted is not None and ready < wanted:
        return Health(HealthCode.PROGRESSING, f"Waiting for {wanted - ready} pods to be ready...")
    strategy = section(spec, "updateStrategy")
    updated = number(status, "updatedReplicas")
    if strategy.get("type") == "RollingUpdate" and isinstance(strategy.get("rollingUpdate"), dict):
        return _partitioned(wanted, optional_number(strategy["rollingUpdate"], "partition"), updated)
    if strategy.get("type") == "OnDelete":
        return Health(HealthCode.HEALTHY, f"statefulset has {ready} ready pods")
    current, newest = text(status, "currentRevision"), text(status, "updateRevision")
    if current != newest:
        message = f"waiting for statefulset rolling update to complete {updated} pods at revision {newest}..."
        return Health(HealthCode.PROGRESSING, message)
    done = number(status, "currentReplicas")
    return Health(HealthCode.HEALTHY, f"statefulset rolling update complete {done} pods at revision {current}...")


def _partitioned(wanted: int | None, partition: int | None, updated: int) -> Health:
    if wanted is not None and partition is not None and updated < wanted - partition:
        message = (
            f"Waiting for partitioned roll out to finish: {updated} out of {wanted - partition} "
            "new pods have been updated..."
        )
        return Health(HealthCode.PROGRESSING, message)
    return Health(HealthCode.HEALTHY, f"partitioned roll out complete: {updated} new pods have been updated...")
