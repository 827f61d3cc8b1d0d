"""``argoproj.io Workflow`` of Argo Workflows: by its phase, whatever its version."""

from typing import Any

from trueup.health.read import section, text
from trueup.model.health import Health, HealthCode

_PHASES = {
    "": HealthCode.PROGRESSING,
    "Pending": HealthCode.PROGRESSING,
    "Running": HealthCode.PROGRESSING,
    "Succeeded": HealthCode.HEALTHY,
    "Failed": HealthCode.DEGRADED,
    "Error": HealthCode.DEGRADED,
}


def check(obj: dict[str, Any]) -> Health:
    """Rules of Argo CD ``health_argo.go``."""
    status = section(obj, "status")
    return Health(_PHASES.get(text(status, "phase"), HealthCode.UNKNOWN), text(status, "message"))
