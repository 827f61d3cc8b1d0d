"""``apps/v1 Deployment``: rolled out when every replica is updated, available, and no old one is left."""

from typing import Any

from trueup.health.read import condition, number, optional_number, quoted, section, text
from trueup.model.health import Health, HealthCode


def check(obj: dict[str, Any]) -> Health:
    """Rules and messages of Argo CD ``health_deployment.go``."""
    spec, status, metadata = section(obj, "spec"), section(obj, "status"), section(obj, "metadata")
    if spec.get("paused") is True:
        return Health(HealthCode.SUSPENDED, "Deployment is paused")
    if number(metadata, "generation") > number(status, "observedGeneration"):
        return _waiting("observed deployment generation less than desired generation")
    progressing = condition(status, "Progressing")
    if progressing and progressing.get("reason") == "ProgressDeadlineExceeded":
        name = quoted(text(metadata, "name"))
        return Health(HealthCode.DEGRADED, f"Deployment {name} exceeded its progress deadline")
    wanted, updated = optional_number(spec, "replicas"), number(status, "updatedReplicas")
    if wanted is not None and updated < wanted:
        return _waiting(f"{updated} out of {wanted} new replicas have been updated...")
    if (old := number(status, "replicas") - updated) > 0:
        return _waiting(f"{old} old replicas are pending termination...")
    if (available := number(status, "availableReplicas")) < updated:
        return _waiting(f"{available} of {updated} updated replicas are available...")
    return Health(HealthCode.HEALTHY)


def _waiting(what: str) -> Health:
    return Health(HealthCode.PROGRESSING, f"Waiting for rollout to finish: {what}")
