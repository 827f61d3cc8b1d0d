"""Scales a workload within the bounds of a HorizontalPodAutoscaler (pkg/controller/podautoscaler/horizontal.go).

There are no metrics: each metric is at its target, or at the percentage of it that an annotation of the autoscaler asks
for. The window that delays scaling down, and rates of one's own in ``spec.behavior``, do not apply.
"""

from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

from kubegrammar.quantity import canonical_quantity, parse_quantity
from kubegrammar.time import format_time
from pocketkube.wishes import UTILIZATION, wishes
from pocketkube.workloads.decision import Object, PatchObject, WorkloadDecision, decided, status_patch
from pocketkube.workloads.facts import Condition, annotations_of, number, some

TOLERANCE = Decimal("0.1")
SCALABLE = ("Deployment", "ReplicaSet", "StatefulSet")


def decide(autoscaler: Object, related: Sequence[Object], now: datetime) -> WorkloadDecision:
    """Sizes the target and says what was found."""
    state = _State(autoscaler, format_time(now))
    reference = autoscaler["spec"]["scaleTargetRef"]
    target = next((one for one in related if _is_target(one, reference)), None)
    least = number(autoscaler["spec"], "minReplicas", 1)
    if target is None and reference["kind"] in SCALABLE:
        return decided([state.unscalable(reference)])
    if target is None:
        # A kind that is not followed here: nobody can say that it is not well.
        state.content()
        return decided([state.status(least, least)])
    current = number(target["spec"], "replicas", 1)
    if current == 0 and least:
        state.note("AbleToScale", "True", "SucceededGetScale", _GOT_SCALE)
        text = "scaling is disabled since the replica count of the target is zero"
        state.note("ScalingActive", "False", "ScalingDisabled", text)
        return decided([state.status(0, 0)])
    desired = state.desired(current)
    if desired == current:
        return decided([state.status(current, desired)])
    text = f"the HPA controller was able to update the target scale to {desired}"
    state.note("AbleToScale", "True", "SucceededRescale", text)
    text = "the HPA controller did not scale the workload to zero"
    state.note("ScaledToZero", "False", "NotScaledToZero", text)
    scale = PatchObject(target, {"spec": {"replicas": desired}}, "scale")
    return decided([scale, state.status(current, desired, rescaled=True)])


_GOT_SCALE = "the HPA controller was able to get the target's current scale"


class _State:
    def __init__(self, autoscaler: Object, moment: str) -> None:
        self.autoscaler, self.moment = autoscaler, moment
        self.spec = autoscaler["spec"]
        self.conditions: list[Condition] = list((autoscaler.get("status") or {}).get("conditions") or ())
        self.metrics: list[Object] | None = None
        percent = wishes(annotations_of(autoscaler)).get(UTILIZATION, "100").removesuffix("%")
        usable = percent.isascii() and percent.isdecimal() and len(percent) <= 6
        self.ratio = Decimal(percent if usable else 100) / 100

    def desired(self, current: int) -> int:
        """The size that metrics and bounds ask for; the conditions say why."""
        least, most = number(self.spec, "minReplicas", 1), number(self.spec, "maxReplicas", 1)
        if not least <= current <= most:
            return max(least, min(most, current))
        self.content()
        self.metrics = [_measured(metric, self.ratio) for metric in self.spec.get("metrics") or ()]
        proposed = current
        if abs(self.ratio - 1) > TOLERANCE:
            proposed = int((current * self.ratio).to_integral_value(ROUND_CEILING))
        rate = max(2 * current, 4)
        allowed = min(rate, most)
        if proposed < least:
            text = "the desired replica count is less than the minimum replica count"
            self.note("ScalingLimited", "True", "TooFewReplicas", text)
        elif proposed > allowed and rate < most:
            text = "the desired replica count is increasing faster than the maximum scale rate"
            self.note("ScalingLimited", "True", "ScaleUpLimit", text)
        elif proposed > allowed:
            text = "the desired replica count is more than the maximum replica count"
            self.note("ScalingLimited", "True", "TooManyReplicas", text)
        return max(least, min(allowed, proposed))

    def content(self) -> None:
        """All is well, as far as nothing else is said after it."""
        names = [_name(metric) for metric in self.spec.get("metrics") or ()]
        metric = names[0] if names else "cpu resource utilization (percentage of request)"
        text = f"the HPA was able to successfully calculate a replica count from {metric}"
        self.note("AbleToScale", "True", "ReadyForNewScale", "recommended size matches current size")
        self.note("ScalingActive", "True", "ValidMetricFound", text)
        text = "the desired count is within the acceptable range"
        self.note("ScalingLimited", "False", "DesiredWithinRange", text)

    def unscalable(self, reference: Object) -> PatchObject | None:
        """The status where the target is not there."""
        plural = f"{reference['kind'].lower()}s.apps"
        missing = f'{plural} "{reference["name"]}" not found'
        text = f"the HPA controller was unable to get the target's current scale: {missing}"
        self.note("AbleToScale", "False", "FailedGetScale", text)
        return status_patch(self.autoscaler, {"conditions": self.conditions})

    def note(self, type_: str, status: str, reason: str, message: str) -> None:
        """Sets a condition in its place; the time of the transition stays while the status does."""
        new = {"type": type_, "status": status, "reason": reason, "message": message, "lastTransitionTime": self.moment}
        for position, condition in enumerate(self.conditions):
            if condition["type"] == type_:
                if condition["status"] == status:
                    new["lastTransitionTime"] = condition["lastTransitionTime"]
                self.conditions[position] = new
                return
        self.conditions.append(new)

    def status(self, current: int, desired: int, *, rescaled: bool = False) -> PatchObject | None:
        """The status with the conditions noted."""
        recorded = self.autoscaler.get("status") or {}
        return status_patch(
            self.autoscaler,
            {
                "observedGeneration": self.autoscaler["metadata"].get("generation"),
                "lastScaleTime": self.moment if rescaled else recorded.get("lastScaleTime"),
                "currentReplicas": some(current),
                "desiredReplicas": desired,
                "currentMetrics": recorded.get("currentMetrics") if self.metrics is None else self.metrics,
                "conditions": self.conditions,
            },
        )


def _is_target(obj: Object, reference: Object) -> bool:
    return bool(obj["kind"] == reference["kind"] and obj["metadata"]["name"] == reference["name"])


def _name(metric: Object) -> str:
    """A metric as conditions name it."""
    match metric:
        case {"type": "Resource", "resource": {"name": name, "target": {"type": "Utilization"}}}:
            return f"{name} resource utilization (percentage of request)"
        case {"type": "Resource", "resource": {"name": name}}:
            return f"{name} resource"
        case {"type": "ContainerResource", "containerResource": {"name": name}}:
            return f"{name} container resource utilization (percentage of request)"
        case {"type": "Pods", "pods": {"metric": {"name": name}}}:
            return f"pods metric {name}"
        case {"type": "External", "external": {"metric": {"name": name}}}:
            return f"external metric {name}(nil)"
        case {"type": "Object", "object": {"metric": {"name": name}, "describedObject": {"kind": kind}}}:
            return f"{kind} metric {name}"
    return "its metrics"


def _measured(metric: Object, ratio: Decimal) -> Object:
    """The status of a metric that is at this ratio of its target."""
    key = {"ContainerResource": "containerResource"}.get(metric["type"], metric["type"].lower())
    source = metric.get(key) or {}
    current: Object = {}
    for name, value in (source.get("target") or {}).items():
        if name == "averageUtilization":
            current[name] = int((value * ratio).to_integral_value(ROUND_HALF_UP))
            # Of a request nobody knows here; the API wants a value beside the percentage.
            current.setdefault("averageValue", f"{current[name]}m")
        elif name in ("averageValue", "value"):
            thousandths = (parse_quantity(value) * ratio * 1000).to_integral_value(ROUND_CEILING)
            current[name] = canonical_quantity(f"{thousandths}m")
    return {"type": metric["type"], key: {**{k: v for k, v in source.items() if k != "target"}, "current": current}}
