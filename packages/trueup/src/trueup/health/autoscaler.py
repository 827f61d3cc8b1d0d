"""``autoscaling HorizontalPodAutoscaler``: by its conditions, which version 1 keeps in an annotation."""

from typing import Any

import msgspec

from trueup.health.read import items, section, text
from trueup.model.health import Health, HealthCode

_CONDITIONS = "autoscaling.alpha.kubernetes.io/conditions"
_DEGRADED = {
    ("AbleToScale", "FailedGetScale"),
    ("AbleToScale", "FailedUpdateScale"),
    ("ScalingActive", "FailedGetResourceMetric"),
    ("ScalingActive", "InvalidSelector"),
}
_WAITING = Health(HealthCode.PROGRESSING, "Waiting to Autoscale")


def check(obj: dict[str, Any]) -> Health:
    """Rules of Argo CD ``health_hpa.go``: the first condition that says something decides."""
    if obj.get("apiVersion") == "autoscaling/v1":
        annotations = section(obj, "metadata", "annotations")
        try:
            conditions = items({"list": msgspec.json.decode(text(annotations, _CONDITIONS) or "[]")}, "list")
        except (msgspec.DecodeError, RecursionError) as error:
            return Health(HealthCode.UNKNOWN, f"failed to convert conditions annotation to typed: {error}")
    else:
        conditions = items(section(obj, "status"), "conditions")
    for condition in conditions:
        type_, message = text(condition, "type"), text(condition, "message")
        if (type_, text(condition, "reason")) in _DEGRADED:
            return Health(HealthCode.DEGRADED, message)
        if type_ in ("AbleToScale", "ScalingLimited") and condition.get("status") == "True":
            return Health(HealthCode.HEALTHY, message)
    return _WAITING
