"""``apps/v1 ReplicaSet``: every replica available, and none that could not be made."""

from typing import Any

from trueup.health.read import condition, number, optional_number, section, text
from trueup.model.health import Health, HealthCode


def check(obj: dict[str, Any]) -> Health:
    """Rules and messages of Argo CD ``health_replicaset.go``."""
    spec, status = section(obj, "spec"), section(obj, "status")
    if number(section(obj, "metadata"), "generation") > number(status, "observedGeneration"):
        return _waiting("observed replica set generation less than desired generation")
    failure = condition(status, "ReplicaFailure")
    if failure and failure.get("status") == "True":
        return Health(HealthCode.DEGRADED, text(failure, "message"))
    wanted, available = optional_number(spec, "replicas"), number(status, "availableReplicas")
    if wanted is not None and available < wanted:
        return _waiting(f"{available} out of {wanted} new replicas are available...")
    return Health(HealthCode.HEALTHY)


def _waiting(what: str) -> Health:
    return Health(HealthCode.PROGRESSING, f"Waiting for rollout to finish: {what}")
