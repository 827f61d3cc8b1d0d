"""``batch CronJob``: by its last run and its last success, whatever its version."""

from typing import Any

from trueup.health.read import items, section, text
from trueup.model.health import Health, HealthCode


def check(obj: dict[str, Any]) -> Health:
    """Rules of Argo CD ``resource_customizations/batch/CronJob/health.lua``.

    A run under way, or a first one that never ended well, may still be fine; a last run that ended otherwise than well
    is not. Times are RFC 3339 in UTC, so that their text orders them.
    """
    if section(obj, "spec").get("suspend") is True:
        return Health(HealthCode.HEALTHY, "CronJob is Suspended")
    if not isinstance(obj.get("status"), dict):
        return Health(HealthCode.PROGRESSING, "Waiting for CronJob")
    status = section(obj, "status")
    scheduled, succeeded = text(status, "lastScheduleTime"), text(status, "lastSuccessfulTime")
    if not scheduled:
        return Health(HealthCode.HEALTHY, "CronJob has not been scheduled yet")
    if not succeeded:
        return Health(HealthCode.HEALTHY, "CronJob never completed successfully. It may not be healthy")
    if items(status, "active"):
        return Health(HealthCode.HEALTHY, "The job is running. Its last execution may not have been successful")
    if succeeded < scheduled:
        return Health(HealthCode.DEGRADED, "CronJob has not completed its last execution successfully")
    return Health(HealthCode.HEALTHY, "CronJob has completed its last execution successfully")
