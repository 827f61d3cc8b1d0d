"""Cells of HorizontalPodAutoscalers, in the form of autoscaling/v2."""

from datetime import datetime
from typing import Any

from pocketkube.cluster.resource import Object
from pocketkube.cluster.tables.cells import NONE, UNSET, dig, items, shortened, text
from pocketkube.cluster.tables.durations import UNKNOWN

MOST = 2
"""Metrics that are listed before the rest is counted."""
FIELDS = {
    "External": "external",
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
    "ContainerResource": "containerResource",
}


def reference_cell(scaler: Object, now: datetime) -> str:
    """What is scaled, as ``Deployment/web``."""
    return f"{text(scaler, 'spec', 'scaleTargetRef', 'kind')}/{text(scaler, 'spec', 'scaleTargetRef', 'name')}"


def least_cell(scaler: Object, now: datetime) -> str:
    """The lower bound."""
    found = dig(scaler, "spec", "minReplicas")
    return UNSET if found is None else str(found)


def targets_cell(scaler: Object, now: datetime) -> str:
    """Each metric's value and target."""
    specs, statuses = items(scaler, "spec", "metrics"), items(scaler, "status", "currentMetrics")
    if not specs:
        return NONE
    return shortened(
        [_metric(spec, statuses[index] if index < len(statuses) else None) for index, spec in enumerate(specs)],
        MOST,
        ", ",
    )


def _metric(spec: Any, status: Any) -> str:
    kind = text(spec, "type")
    field = FIELDS.get(kind)
    if field is None:
        return "<unknown type>"
    target, current = dig(spec, field, "target"), dig(status, field, "current")
    prefix = f"{text(spec, field, 'name')}: " if kind in ("Resource", "ContainerResource") else ""
    average = dig(target, "averageValue")
    if kind == "Pods" or average is not None:
        suffix = " (avg)" if kind in ("External", "Object") else ""
        return f"{prefix}{_quantity(current, 'averageValue')}/{average or 0}{suffix}"
    if prefix:
        return f"{prefix}{_percent(current, UNKNOWN)}/{_percent(target, '<auto>')}"
    return f"{_quantity(current, 'value')}/{dig(target, 'value') or 0}"


def _quantity(current: Any, field: str) -> str:
    found = dig(current, field)
    return UNKNOWN if found is None else str(found)


def _percent(values: Any, default: str) -> str:
    found = dig(values, "averageUtilization")
    return default if found is None else f"{found}%"
