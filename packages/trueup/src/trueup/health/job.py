"""``batch/v1 Job``: by its conditions."""

from typing import Any

from trueup.health.read import items, section, text
from trueup.model.health import Health, HealthCode


def check(obj: dict[str, Any]) -> Health:
    """Rules of Argo CD ``health_job.go``: a failure outweighs everything, a suspended Job is Suspended."""
    failed = suspended = ended = False
    failure = message = ""
    for condition in items(section(obj, "status"), "conditions"):
        match condition.get("type"):
            case "Failed":
                failed = ended = True
                failure = text(condition, "message")
            case "Complete":
                ended = True
                message = text(condition, "message")
            case "Suspended":
                # Once it was suspended the condition stays, with status False after it was resumed.
                suspended = condition.get("status") == "True"
                message = text(condition, "message")
    if failed:
        return Health(HealthCode.DEGRADED, failure)
    if suspended:
        return Health(HealthCode.SUSPENDED, message)
    return Health(HealthCode.HEALTHY if ended else HealthCode.PROGRESSING, message)
