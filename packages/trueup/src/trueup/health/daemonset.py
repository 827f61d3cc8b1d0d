"""``apps/v1 DaemonSet``: updated and available on every node it is scheduled to."""

from typing import Any

from trueup.health.read import number, quoted, section, text
from trueup.model.health import Health, HealthCode


def check(obj: dict[str, Any]) -> Health:
    """Rules and messages of Argo CD ``health_daemonset.go``."""
    spec, status, metadata = section(obj, "spec"), section(obj, "status"), section(obj, "metadata")
    if number(metadata, "generation") > number(status, "observedGeneration"):
        message = "Waiting for rollout to finish: observed daemon set generation less than desired generation"
        return Health(HealthCode.PROGRESSING, message)
    wanted, updated = number(status, "desiredNumberScheduled"), number(status, "updatedNumberScheduled")
    if section(spec, "updateStrategy").get("type") == "OnDelete":
        return Health(HealthCode.HEALTHY, f"daemon set {updated} out of {wanted} new pods have been updated")
    waiting = f"Waiting for daemon set {quoted(text(metadata, 'name'))} rollout to finish:"
    if updated < wanted:
        message = f"{waiting} {updated} out of {wanted} new pods have been updated..."
        return Health(HealthCode.PROGRESSING, message)
    if (available := number(status, "numberAvailable")) < wanted:
        return Health(HealthCode.PROGRESSING, f"{waiting} {available} of {wanted} updated pods are available...")
    return Health(HealthCode.HEALTHY)
