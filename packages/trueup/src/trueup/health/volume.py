"""``v1 PersistentVolumeClaim``: by its phase."""

from typing import Any

from trueup.health.read import section, text
from trueup.model.health import Health, HealthCode

_PHASES = {"Lost": HealthCode.DEGRADED, "Pending": HealthCode.PROGRESSING, "Bound": HealthCode.HEALTHY}


def check(obj: dict[str, Any]) -> Health:
    """Rules of Argo CD ``health_pvc.go``. A claim that waits for its first consumer is Progressing, as there."""
    return Health(_PHASES.get(text(section(obj, "status"), "phase"), HealthCode.UNKNOWN))
