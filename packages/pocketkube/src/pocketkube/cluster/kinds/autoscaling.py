"""HorizontalPodAutoscalers (k8s.io/kubernetes ``pkg/apis/autoscaling/validation``)."""

from typing import Any, Final

from kubegrammar.quantity import parse_quantity
from pocketkube.cluster import names
from pocketkube.cluster.kinds.autoscalers import V1, V2, convert
from pocketkube.cluster.kinds.problems import Problems
from pocketkube.cluster.kinds.rules import KindRules
from pocketkube.cluster.kinds.structs import struct_of
from pocketkube.cluster.resource import Object

Json = dict[str, Any]

_SOURCES: Final = {
    "ContainerResource": "containerResource",
    "External": "external",
    "Object": "object",
    "Pods": "pods",
    "Resource": "resource",
}
_LONGEST_WINDOW: Final = 3600
_LONGEST_PERIOD: Final = 1800
_RAW_OR_SHARE: Final = "a target raw value and a target utilization"


def settle(obj: Object, api_version: str) -> None:
    """The old version shows what the new one would make of it: the default target, and annotations for the rest."""
    if api_version == V1 and (struct := struct_of("autoscaling/v2.HorizontalPodAutoscaler")):
        shown = convert(struct.stored(convert(obj, V2)), V1)
        obj["metadata"], obj["spec"], obj["status"] = shown["metadata"], shown["spec"], shown["status"]


def _check(obj: Object, problems: Problems) -> None:
    spec = obj["spec"]
    lowest, highest = spec.get("minReplicas"), spec.get("maxReplicas", 0)
    if lowest is not None and lowest < 0:
        problems.declared_invalid("spec.minReplicas", lowest, "must be greater than or equal to 0")
    if highest == 0:
        problems.declared_required("spec.maxReplicas")
    elif highest < 0:
        problems.declared_invalid("spec.maxReplicas", highest, "must be greater than or equal to 1")
    if lowest is not None and highest < lowest:
        problems.invalid("spec.maxReplicas", highest, "must be greater than or equal to `minReplicas`")
    target = spec.get("scaleTargetRef") or {}
    _reference(target, "spec.scaleTargetRef", problems)
    if "/" not in target.get("apiVersion", "") and not obj["metadata"].get("resourceVersion"):
        text = "apiVersion must specify API group"
        problems.invalid("spec.scaleTargetRef.apiVersion", target.get("apiVersion", ""), text)
    metrics = spec.get("metrics") or []
    for index, metric in enumerate(metrics):
        _metric(metric, f"spec.metrics[{index}]", problems)
    if lowest == 0 and not any(metric.get("type") in ("Object", "External") for metric in metrics):
        text = "must specify at least one Object or External metric to support scaling to zero replicas"
        problems.forbidden("spec.metrics", text)
    for key, rules in (spec.get("behavior") or {}).items():
        _rules(rules or {}, f"spec.behavior.{key}", problems)


def _reference(reference: Json, field: str, problems: Problems) -> None:
    for key in ("kind", "name"):
        value = reference.get(key, "")
        if not value:
            problems.required(f"{field}.{key}")
        else:
            problems.each(f"{field}.{key}", value, names.path_segment(value))
    version = reference.get("apiVersion", "")
    if version.count("/") > 1:
        problems.invalid(f"{field}.apiVersion", version, f"unexpected GroupVersion string: {version}")


def _metric(metric: Json, field: str, problems: Problems) -> None:
    kind = metric.get("type", "")
    if not kind:
        problems.required(f"{field}.type", "must specify a metric source type")
    if kind not in _SOURCES:
        problems.unsupported(f"{field}.type", kind, _SOURCES)
    order = ("object", "external", "pods", "resource", "containerResource")
    given = [key for key in order if metric.get(key) is not None]
    if given:
        _source(metric[given[0]], given[0], f"{field}.{given[0]}", problems)
    expected = _SOURCES.get(kind, "")
    if not expected:
        problems.unsupported(f"{field}.type", kind, _SOURCES)
    elif expected not in given:
        problems.required(f"{field}.{expected}", "must populate information for the given metric source")
    if len(given) != 1:
        for key in given:
            if key != expected:
                problems.forbidden(f"{field}.{key}", "must populate the given metric source only")


def _source(source: Json, kind: str, field: str, problems: Problems) -> None:
    target = source.get("target") or {}
    if kind == "object":
        _reference(source.get("describedObject") or {}, f"{field}.describedObject", problems)
    if kind in ("object", "external", "pods"):
        name = (source.get("metric") or {}).get("name", "")
        if not name:
            problems.required(f"{field}.metric.name", "must specify a metric name")
        else:
            problems.each(f"{field}.metric.name", name, names.path_segment(name))
    elif not source.get("name"):
        problems.required(f"{field}.name", "must specify a resource name")
    if kind == "containerResource":
        if not source.get("container"):
            problems.required(f"{field}.container", "must specify a container")
        else:
            problems.each(f"{field}.container", source["container"], names.label(source["container"]))
    _target(target, f"{field}.target", problems)
    _one_value(target, kind, f"{field}.target", problems)


def _target(target: Json, field: str, problems: Problems) -> None:
    kind = target.get("type", "")
    if not kind:
        problems.required(f"{field}.type", "must specify a metric target type")
    if kind not in ("Utilization", "Value", "AverageValue"):
        problems.invalid(f"{field}.type", kind, "must be either Utilization, Value, or AverageValue")
    for key in ("value", "averageValue"):
        if target.get(key) is not None and parse_quantity(target[key]) <= 0:
            problems.invalid(f"{field}.{key}", target[key], "must be positive")
    share = target.get("averageUtilization")
    if share is not None and share < 1:
        problems.invalid(f"{field}.averageUtilization", share, "must be greater than 0")


def _one_value(target: Json, kind: str, field: str, problems: Problems) -> None:
    value, average, share = (target.get(key) is not None for key in ("value", "averageValue", "averageUtilization"))
    if kind == "object" and not (value or average):
        problems.required(f"{field}.averageValue", "must set either a target value or averageValue")
    elif kind == "pods" and not average:
        problems.required(f"{field}.averageValue", "must specify a positive target averageValue")
    elif kind == "external":
        if not (value or average):
            text = "must set either a target value for metric or a per-pod target"
            problems.required(f"{field}.averageValue", text)
        elif value and average:
            text = "may not set both a target value for metric and a per-pod target"
            problems.forbidden(f"{field}.value", text)
    elif kind in ("resource", "containerResource"):
        if not (share or average):
            text = "must set either a target raw value or a target utilization"
            problems.required(f"{field}.averageUtilization", text)
        elif share and average:
            problems.forbidden(f"{field}.averageValue", f"may not set both {_RAW_OR_SHARE}")


def _rules(rules: Json, field: str, problems: Problems) -> None:
    window = rules.get("stabilizationWindowSeconds")
    if window is not None and window < 0:
        problems.invalid(f"{field}.stabilizationWindowSeconds", window, "must be greater than or equal to zero")
    if window is not None and window > _LONGEST_WINDOW:
        text = f"must be less than or equal to {_LONGEST_WINDOW}"
        problems.invalid(f"{field}.stabilizationWindowSeconds", window, text)
    select = rules.get("selectPolicy")
    problems.one_of(f"{field}.selectPolicy", select, ("Disabled", "Max", "Min"), required=False)
    if not rules.get("policies"):
        problems.required(f"{field}.policies", "must specify at least one Policy")
    for index, policy in enumerate(rules.get("policies") or ()):
        path = f"{field}.policies[{index}]"
        if policy.get("type") not in ("Pods", "Percent"):
            problems.unsupported(f"{path}.type", policy.get("type", ""), ("Percent", "Pods"))
        for key in ("value", "periodSeconds"):
            if policy.get(key, 0) <= 0:
                problems.invalid(f"{path}.{key}", policy.get(key, 0), "must be greater than zero")
        if policy.get("periodSeconds", 0) > _LONGEST_PERIOD:
            text = f"must be less than or equal to {_LONGEST_PERIOD}"
            problems.invalid(f"{path}.periodSeconds", policy["periodSeconds"], text)


RULES: Final[dict[tuple[str, str], KindRules]] = {
    ("autoscaling", "HorizontalPodAutoscaler"): KindRules(
        status=True,
        moves=("spec",),
        numbered=True,
        settle=settle,
        check=_check,
        convert=convert,
    ),
}
