"""autoscaling/v1 and v2 of a HorizontalPodAutoscaler (k8s.io/kubernetes ``pkg/apis/autoscaling/v1/conversion.go``).

The old version has a field for one target only; all else travels in annotations.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from pocketkube.cluster.kinds.defaults import CPU_UTILIZATION
from pocketkube.cluster.resource import Object

Json = dict[str, Any]

V1: Final = "autoscaling/v1"
V2: Final = "autoscaling/v2"
_PREFIX: Final = "autoscaling.alpha.kubernetes.io/"
_METRICS: Final = _PREFIX + "metrics"
_CURRENT: Final = _PREFIX + "current-metrics"
_CONDITIONS: Final = _PREFIX + "conditions"
_BEHAVIOR: Final = _PREFIX + "behavior"
_ANNOTATIONS: Final = (
    *(_METRICS, _CURRENT, _CONDITIONS, _BEHAVIOR),
    *(_PREFIX + "scale-down-tolerance", _PREFIX + "scale-up-tolerance"),
)


def convert(obj: Object, api_version: str) -> Object:
    """The object as ``autoscaling/v1`` or ``autoscaling/v2``; the one given is not changed."""
    if obj.get("apiVersion") == api_version:
        return obj
    return _to_v1(obj) if api_version == V1 else _to_v2(obj)


def _to_v1(obj: Object) -> Object:
    spec, status = dict(obj.get("spec") or {}), dict(obj.get("status") or {})
    metrics, behavior = spec.pop("metrics", None) or [], spec.pop("behavior", None)
    current, conditions = status.pop("currentMetrics", None) or [], status.pop("conditions", None) or []
    notes: dict[str, str] = {}
    for metric in metrics:
        if _is_cpu(metric):
            spec["targetCPUUtilizationPercentage"] = metric["resource"]["target"]["averageUtilization"]
            break
    if others := [_shown(metric, _SOURCE_TO_V1) for metric in metrics if not _is_cpu(metric)]:
        notes[_METRICS] = _encoded(others)
    if current:
        notes[_CURRENT] = _encoded([_shown(metric, _STATUS_TO_V1) for metric in current])
        for metric in current:
            share = ((metric.get("resource") or {}).get("current") or {}).get("averageUtilization")
            if (metric.get("resource") or {}).get("name") == "cpu" and share is not None:
                status["currentCPUUtilizationPercentage"] = share
    if behavior is not None:
        notes[_BEHAVIOR] = _encoded(_capitals(behavior))
    if conditions:
        notes[_CONDITIONS] = _encoded(conditions)
    status.setdefault("currentReplicas", 0)
    status.setdefault("desiredReplicas", 0)
    return obj | {"apiVersion": V1, "metadata": _noted(obj, notes), "spec": spec, "status": status}


def _to_v2(obj: Object) -> Object:
    notes = (obj.get("metadata") or {}).get("annotations") or {}
    spec, status = dict(obj.get("spec") or {}), dict(obj.get("status") or {})
    share, current = (
        spec.pop("targetCPUUtilizationPercentage", None),
        status.pop("currentCPUUtilizationPercentage", None),
    )
    others = _decoded(notes.get(_METRICS), list)
    metrics = [_shown(metric, _SOURCE_TO_V2) for metric in others or () if isinstance(metric, dict)]
    if share is not None:
        metrics.append(_cpu(share))
    spec["metrics"] = metrics or [_cpu(CPU_UTILIZATION)]
    if behavior := _decoded(notes.get(_BEHAVIOR), dict):
        spec["behavior"] = _small(behavior)
    measured = _decoded(notes.get(_CURRENT), list)
    if measured is not None:
        status["currentMetrics"] = [_shown(item, _STATUS_TO_V2) for item in measured if isinstance(item, dict)]
    elif current is not None:
        value = {"averageUtilization": current}
        status["currentMetrics"] = [{"type": "Resource", "resource": {"name": "cpu", "current": value}}]
    else:
        status["currentMetrics"] = None
    if (conditions := _decoded(notes.get(_CONDITIONS), list)) is not None:
        status["conditions"] = conditions
    if not status.get("currentReplicas"):
        status.pop("currentReplicas", None)
    return obj | {"apiVersion": V2, "metadata": _noted(obj, {}), "spec": spec, "status": status}


def _noted(obj: Object, notes: Mapping[str, str]) -> Json:
    metadata = dict(obj.get("metadata") or {})
    kept = {key: value for key, value in (metadata.pop("annotations", None) or {}).items() if key not in _ANNOTATIONS}
    annotations = kept | dict(notes)
    return metadata | ({"annotations": annotations} if annotations else {})


def _cpu(share: int) -> Json:
    target = {"type": "Utilization", "averageUtilization": share}
    return {"type": "Resource", "resource": {"name": "cpu", "target": target}}


def _is_cpu(metric: Json) -> bool:
    resource = metric.get("resource") or {}
    share = (resource.get("target") or {}).get("averageUtilization")
    return metric.get("type") == "Resource" and resource.get("name") == "cpu" and share is not None


def _present(**values: Any) -> Json:
    return {key: value for key, value in values.items() if value is not None}


def _source_to_v1(kind: str, source: Json) -> Json:
    target, metric = source.get("target") or {}, source.get("metric") or {}
    value, average, share = target.get("value"), target.get("averageValue"), target.get("averageUtilization")
    named = {"metricName": metric.get("name", "")}
    if kind == "object":
        return (
            {"target": source.get("describedObject") or {}}
            | named
            | {"targetValue": value or "0"}
            | _present(selector=metric.get("selector"), averageValue=average)
        )
    if kind == "pods":
        return named | {"targetAverageValue": average or "0"} | _present(selector=metric.get("selector"))
    if kind == "external":
        selector = metric.get("selector")
        return named | _present(metricSelector=selector, targetValue=value, targetAverageValue=average)
    shown = {"name": source.get("name", "")} | _present(targetAverageUtilization=share, targetAverageValue=average)
    return shown | ({"container": source.get("container", "")} if kind == "containerResource" else {})


def _source_to_v2(kind: str, source: Json) -> Json:
    metric = {"name": source.get("metricName", "")}
    value, average = source.get("targetValue"), source.get("targetAverageValue")
    if kind == "object":
        average = source.get("averageValue")
        total = value or "0" if average is None or value not in (None, "0") else None
        target = {"type": "Value" if average is None else "AverageValue"} | _present(value=total, averageValue=average)
        metric |= _present(selector=source.get("selector"))
        return {"describedObject": source.get("target") or {}, "target": target, "metric": metric}
    if kind == "pods":
        target = {"type": "AverageValue", "averageValue": average or "0"}
        return {"metric": metric | _present(selector=source.get("selector")), "target": target}
    if kind == "external":
        target = {"type": "AverageValue" if value is None else "Value"} | _present(value=value, averageValue=average)
        return {"metric": metric | _present(selector=source.get("metricSelector")), "target": target}
    share = source.get("targetAverageUtilization")
    target = {"type": "AverageValue" if share is None else "Utilization"}
    target |= _present(averageValue=average, averageUtilization=share)
    shown = {"name": source.get("name", ""), "target": target}
    return shown | ({"container": source.get("container", "")} if kind == "containerResource" else {})


def _status_to_v1(kind: str, source: Json) -> Json:
    current, metric = source.get("current") or {}, source.get("metric") or {}
    value, average, share = current.get("value"), current.get("averageValue"), current.get("averageUtilization")
    named = {"metricName": metric.get("name", "")}
    if kind == "object":
        rest = {"currentValue": value or "0"} | _present(selector=metric.get("selector"), averageValue=average)
        return {"target": source.get("describedObject") or {}} | named | rest
    if kind == "pods":
        return named | {"currentAverageValue": average or "0"} | _present(selector=metric.get("selector"))
    if kind == "external":
        rest = _present(metricSelector=metric.get("selector"))
        return named | rest | {"currentValue": value or "0"} | _present(currentAverageValue=average)
    shown = {"name": source.get("name", "")} | _present(currentAverageUtilization=share)
    shown |= {"currentAverageValue": average or "0"}
    return shown | ({"container": source.get("container", "")} if kind == "containerResource" else {})


def _status_to_v2(kind: str, source: Json) -> Json:
    metric = {"name": source.get("metricName", "")}
    value, average = source.get("currentValue", "0"), source.get("currentAverageValue")
    if kind == "object":
        metric |= _present(selector=source.get("selector"))
        current = _present(value=value, averageValue=source.get("averageValue"))
        return {"metric": metric, "current": current, "describedObject": source.get("target") or {}}
    if kind == "pods":
        metric |= _present(selector=source.get("selector"))
        return {"metric": metric, "current": {"averageValue": average or "0"}}
    if kind == "external":
        metric |= _present(selector=source.get("metricSelector"))
        return {"metric": metric, "current": _present(value=value, averageValue=average)}
    current = {"averageValue": average or "0"} | _present(averageUtilization=source.get("currentAverageUtilization"))
    shown = {"name": source.get("name", ""), "current": current}
    return shown | ({"container": source.get("container", "")} if kind == "containerResource" else {})


Shown = Callable[[str, Json], Json]
_SOURCE_TO_V1: Final[Shown] = _source_to_v1
_SOURCE_TO_V2: Final[Shown] = _source_to_v2
_STATUS_TO_V1: Final[Shown] = _status_to_v1
_STATUS_TO_V2: Final[Shown] = _status_to_v2
_KINDS: Final = ("object", "pods", "resource", "containerResource", "external")


def _shown(metric: Json, change: Shown) -> Json:
    parts = {kind: change(kind, metric[kind]) for kind in _KINDS if isinstance(metric.get(kind), dict)}
    return {"type": metric.get("type", "")} | parts


def _encoded(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))


def _decoded(text: str | None, kind: type) -> Any:
    """What an annotation holds; None where it is missing or broken."""
    if text is None:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, kind) else None


_RULES: Final = ("stabilizationWindowSeconds", "selectPolicy", "policies", "tolerance")


def _capitals(behavior: Json) -> Json:
    """The annotation has the names that the fields have in Go."""
    shown: Json = {}
    for key in ("scaleUp", "scaleDown"):
        rules = behavior.get(key)
        if rules is not None:
            policies = [{_upper(name): value for name, value in item.items()} for item in rules.get("policies") or ()]
            rules = {_upper(name): rules.get(name) for name in _RULES} | {"Policies": policies}
        shown[_upper(key)] = rules
    return shown


def _small(behavior: Json) -> Json:
    small: Json = {}
    for key, rules in behavior.items():
        if isinstance(rules, dict):
            kept = {_lower(name): value for name, value in rules.items() if value is not None}
            if isinstance(kept.get("policies"), list):
                policies = [item for item in kept["policies"] if isinstance(item, dict)]
                kept["policies"] = [{_lower(name): value for name, value in item.items()} for item in policies]
            small[_lower(key)] = kept
    return small


def _upper(name: str) -> str:
    return name[:1].upper() + name[1:]


def _lower(name: str) -> str:
    return name[:1].lower() + name[1:]
