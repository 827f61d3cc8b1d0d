"""Deployments, ReplicaSets, StatefulSets, DaemonSets, ReplicationControllers and their kin."""

import re
from typing import Any, Final

from pocketkube.cluster import names
from pocketkube.cluster.kinds.claims import check_claim_spec
from pocketkube.cluster.kinds.podspec import check_template
from pocketkube.cluster.kinds.problems import Problems
from pocketkube.cluster.kinds.rules import HomeCluster, KindRules, at
from pocketkube.cluster.kinds.selectors import check_selector, empty, matches, usable
from pocketkube.cluster.resource import Object, ScalePaths

_MISMATCH: Final = "`selector` does not match template `labels`"
_LABEL_ADVICE: Final = (
    "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is"
    " recommended: "
)
SCALE: Final = ScalePaths(spec=("spec", "replicas"), status=("status", "replicas"), selector=("spec", "selector"))


def advise_label(obj: Object) -> list[str]:
    """The warning for a name that is no good host name."""
    wrong = names.label(at(obj, "metadata", "name") or "")
    return [f"{_LABEL_ADVICE}[{' '.join(wrong)}]"] if wrong else []


def check_share(value: Any, field: str, problems: Problems) -> None:
    """A number that is not negative, or a percentage."""
    if isinstance(value, str):
        problems.each(field, value, names.percent(value))
    else:
        problems.not_negative(field, value)


def is_zero(value: Any) -> bool:
    """Whether a number or percentage says none; a malformed one counts as none."""
    if isinstance(value, str):
        return not (re.fullmatch("[0-9]+%", value) and int(value[:-1]))
    return not value


def check_not_more_than_all(value: Any, field: str, problems: Problems) -> None:
    if isinstance(value, str) and re.fullmatch("[0-9]+%", value) and int(value[:-1]) > 100:
        problems.invalid(field, value, "must not be greater than 100%")


def _check_always(template: Object, field: str, kind: str, problems: Problems) -> None:
    spec = template.get("spec") or {}
    if spec.get("restartPolicy") != "Always":
        problems.unsupported(f"{field}.spec.restartPolicy", spec.get("restartPolicy", ""), ["Always"])
    if spec.get("activeDeadlineSeconds") is not None:
        text = f"activeDeadlineSeconds in {kind} is not Supported"
        problems.forbidden(f"{field}.spec.activeDeadlineSeconds", text)


def _check_replicated(spec: Object, problems: Problems, kind: str) -> None:
    """A selector and the template it selects."""
    selector, template = spec.get("selector"), spec.get("template") or {}
    if selector is None:
        problems.required("spec.selector")
    else:
        check_selector(selector, "spec.selector", problems)
        if empty(selector):
            problems.invalid("spec.selector", selector, f"empty selector is invalid for {kind}")
    if not usable(selector):
        problems.invalid("spec.selector", selector, "invalid label selector" if kind == "deployment" else "")
        return
    labels = at(template, "metadata", "labels")
    if not matches(selector, labels) and not (selector is not None and empty(selector)):
        problems.invalid("spec.template.metadata.labels", labels, _MISMATCH)
    check_template(template, "spec.template", problems)


def _deployment(obj: Object, problems: Problems) -> None:
    spec = obj["spec"]
    problems.not_negative("spec.replicas", spec.get("replicas"))
    before = len(problems)
    _check_replicated(spec, problems, "deployment")
    if not any(cause.message.endswith("invalid label selector") for cause in problems[before:]):
        _check_always(spec.get("template") or {}, "spec.template", "ReplicaSet", problems)
    strategy = spec.get("strategy") or {}
    if strategy.get("type") == "Recreate":
        if strategy.get("rollingUpdate") is not None:
            text = "may not be specified when strategy `type` is 'Recreate'"
            problems.forbidden("spec.strategy.rollingUpdate", text)
    elif strategy.get("type") == "RollingUpdate":
        _rolling_deployment(strategy.get("rollingUpdate") or {}, "spec.strategy.rollingUpdate", problems)
    else:
        problems.unsupported("spec.strategy", strategy, ("Recreate", "RollingUpdate"))
    problems.not_negative("spec.minReadySeconds", spec.get("minReadySeconds"))
    problems.not_negative("spec.revisionHistoryLimit", spec.get("revisionHistoryLimit"))
    deadline = spec.get("progressDeadlineSeconds")
    if deadline is not None:
        problems.not_negative("spec.progressDeadlineSeconds", deadline)
        if deadline <= spec.get("minReadySeconds", 0):
            problems.invalid("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds")


def _rolling_deployment(rolling: Object, field: str, problems: Problems) -> None:
    unavailable, surge = rolling.get("maxUnavailable"), rolling.get("maxSurge")
    check_share(unavailable, f"{field}.maxUnavailable", problems)
    check_share(surge, f"{field}.maxSurge", problems)
    if is_zero(unavailable) and is_zero(surge):
        problems.invalid(f"{field}.maxUnavailable", unavailable, "may not be 0 when `maxSurge` is 0")
    check_not_more_than_all(unavailable, f"{field}.maxUnavailable", problems)


def _replica_set(obj: Object, problems: Problems) -> None:
    spec = obj["spec"]
    problems.not_negative("spec.replicas", spec.get("replicas"))
    problems.not_negative("spec.minReadySeconds", spec.get("minReadySeconds"))
    _check_replicated(spec, problems, "deployment")
    _check_always(spec.get("template") or {}, "spec.template", "ReplicaSet", problems)


def _stateful_set(obj: Object, problems: Problems) -> None:
    spec = obj["spec"]
    policy = spec.get("podManagementPolicy")
    if policy not in ("OrderedReady", "Parallel"):
        problems.invalid("spec.podManagementPolicy", policy, "must be 'OrderedReady' or 'Parallel'")
    strategy = spec.get("updateStrategy") or {}
    rolling = strategy.get("rollingUpdate")
    if strategy.get("type") == "OnDelete":
        if rolling is not None:
            text = "only allowed for updateStrategy 'RollingUpdate'"
            problems.invalid("spec.updateStrategy.rollingUpdate", rolling, text)
    elif strategy.get("type") == "RollingUpdate":
        if rolling is not None:
            _rolling_stateful_set(rolling, "spec.updateStrategy.rollingUpdate", problems)
    else:
        problems.invalid("spec.updateStrategy", strategy, "must be 'RollingUpdate' or 'OnDelete'")
    for key in ("whenDeleted", "whenScaled"):
        retention = (spec.get("persistentVolumeClaimRetentionPolicy") or {}).get(key)
        field = f"spec.persistentVolumeClaimRetentionPolicy.{key}"
        problems.one_of(field, retention, ("Retain", "Delete"))
    problems.not_negative("spec.replicas", spec.get("replicas"))
    problems.not_negative("spec.minReadySeconds", spec.get("minReadySeconds"))
    for index, claim in enumerate(spec.get("volumeClaimTemplates") or ()):
        check_claim_spec(claim.get("spec") or {}, f"spec.volumeClaimTemplates[{index}].spec", problems)
    if spec.get("serviceName"):
        problems.each("spec.serviceName", spec["serviceName"], names.label(spec["serviceName"]))
    _check_replicated(_with_claims(spec), problems, "statefulset")
    spec = spec.get("template", {}).get("spec") or {}
    if spec.get("restartPolicy") != "Always":
        problems.unsupported("spec.template.spec.restartPolicy", spec.get("restartPolicy", ""), ["Always"])
    if spec.get("activeDeadlineSeconds") is not None:
        text = "activeDeadlineSeconds in StatefulSet is not Supported"
        problems.forbidden("spec.template.spec.activeDeadlineSeconds", text)


def _rolling_stateful_set(rolling: Object, field: str, problems: Problems) -> None:
    problems.not_negative(f"{field}.partition", rolling.get("partition"))
    unavailable = rolling.get("maxUnavailable")
    if unavailable is not None:
        check_share(unavailable, f"{field}.maxUnavailable", problems)
        if is_zero(unavailable):
            problems.invalid(f"{field}.maxUnavailable", unavailable, "cannot be 0")
        check_not_more_than_all(unavailable, f"{field}.maxUnavailable", problems)


def _with_claims(spec: Object) -> Object:
    """The spec whose template has the volumes that its claim templates will bring."""
    claims = [at(claim, "metadata", "name") or "" for claim in spec.get("volumeClaimTemplates") or ()]
    template = spec.get("template") or {}
    pod = {key: value for key, value in (template.get("spec") or {}).items() if key not in ("subdomain", "hostname")}
    brought = [{"name": name, "persistentVolumeClaim": {"claimName": name}} for name in claims]
    pod["volumes"] = brought + [volume for volume in pod.get("volumes") or () if volume.get("name") not in claims]
    return spec | {"template": template | {"spec": pod}}


def _stateful_set_change(old: Object, new: Object, problems: Problems) -> None:
    for key in ("selector", "volumeClaimTemplates", "serviceName", "podManagementPolicy"):
        problems.immutable(f"spec.{key}", at(old, "spec", key), at(new, "spec", key))


def _daemon_set(obj: Object, problems: Problems) -> None:
    spec = obj["spec"]
    selector, template = spec.get("selector"), spec.get("template") or {}
    check_selector(selector, "spec.selector", problems)
    labels = at(template, "metadata", "labels")
    if usable(selector) and not matches(selector, labels):
        problems.invalid("spec.template.metadata.labels", labels, _MISMATCH)
    if selector is not None and empty(selector):
        problems.invalid("spec.selector", selector, "empty selector is invalid for daemonset")
    check_template(template, "spec.template", problems)
    _check_always(template, "spec.template", "DaemonSet", problems)
    problems.not_negative("spec.minReadySeconds", spec.get("minReadySeconds"))
    strategy = spec.get("updateStrategy") or {}
    if strategy.get("type") == "RollingUpdate":
        _rolling_daemon_set(strategy.get("rollingUpdate") or {}, "spec.updateStrategy.rollingUpdate", problems)
    elif strategy.get("type") != "OnDelete":
        problems.unsupported("spec.updateStrategy", strategy, ("RollingUpdate", "OnDelete"))
    problems.not_negative("spec.revisionHistoryLimit", spec.get("revisionHistoryLimit"))


def _rolling_daemon_set(rolling: Object, field: str, problems: Problems) -> None:
    unavailable, surge = rolling.get("maxUnavailable"), rolling.get("maxSurge")
    check_share(unavailable, f"{field}.maxUnavailable", problems)
    check_share(surge, f"{field}.maxSurge", problems)
    check_not_more_than_all(unavailable, f"{field}.maxUnavailable", problems)
    check_not_more_than_all(surge, f"{field}.maxSurge", problems)
    if not is_zero(unavailable) and not is_zero(surge):
        problems.invalid(f"{field}.maxSurge", surge, "may not be set when maxUnavailable is non-zero")
    elif is_zero(unavailable) and is_zero(surge):
        problems.required(f"{field}.maxUnavailable", "cannot be 0 when maxSurge is 0")


def _template_generation(_: HomeCluster, old: Object, new: Object) -> None:
    """DaemonSets count the changes of their template in a deprecated annotation."""
    counted = at(old, "metadata", "annotations", _TEMPLATE_GENERATION) or "1"
    if at(old, "spec", "template") != at(new, "spec", "template") and counted.isdecimal():
        counted = str(int(counted) + 1)
    new["metadata"].setdefault("annotations", {})[_TEMPLATE_GENERATION] = counted


def _first_template_generation(_: HomeCluster, obj: Object) -> None:
    annotations = obj["metadata"].setdefault("annotations", {})
    value = annotations.get(_TEMPLATE_GENERATION, "")
    if not (value.isdecimal() and int(value) >= 1):
        annotations[_TEMPLATE_GENERATION] = "1"


_TEMPLATE_GENERATION: Final = "deprecated.daemonset.template.generation"


def _replication_controller(obj: Object, problems: Problems) -> None:
    spec = obj["spec"]
    problems.not_negative("spec.minReadySeconds", spec.get("minReadySeconds"))
    selector, template = spec.get("selector") or {}, spec.get("template")
    if not selector:
        problems.required("spec.selector")
    problems.not_negative("spec.replicas", spec.get("replicas"))
    if template is None:
        problems.required("spec.template")
        return
    labels = at(template, "metadata", "labels")
    if selector and not matches({"matchLabels": selector}, labels):
        problems.invalid("spec.template.metadata.labels", labels, _MISMATCH)
    check_template(template, "spec.template", problems)
    _check_always(template, "spec.template", "ReplicationController", problems)


def _replica_count(obj: Object) -> dict[str, str]:
    return {"status.replicas": str(at(obj, "status", "replicas") or 0)}


def _pod_template(obj: Object, problems: Problems) -> None:
    check_template(obj.get("template") or {}, "template", problems)


def _controller_revision(obj: Object, problems: Problems) -> None:
    problems.not_negative("revision", obj.get("revision"))
    if not isinstance(obj.get("data"), dict):
        text = "data is mandatory" if obj.get("data") is None else "data must be a valid JSON object"
        problems.required("data", text)


_SELECTOR: Final = (("spec", "selector"),)

RULES: Final[dict[tuple[str, str], KindRules]] = {
    ("apps", "Deployment"): KindRules(
        status=True,
        moves=("spec", "metadata.annotations"),
        numbered=True,
        status_keeps=("labels",),
        status_resets=(("spec",), ("metadata", "labels")),
        check=_deployment,
        immutable=_SELECTOR,
        scale=SCALE,
        warn=advise_label,
    ),
    ("apps", "ReplicaSet"): KindRules(
        status=True,
        moves=("spec",),
        numbered=True,
        check=_replica_set,
        immutable=_SELECTOR,
        scale=SCALE,
        labels=_replica_count,
        warn=advise_label,
    ),
    ("apps", "StatefulSet"): KindRules(
        status=True,
        moves=("spec",),
        numbered=True,
        check=_stateful_set,
        change=_stateful_set_change,
        scale=SCALE,
        name=names.label,
    ),
    ("apps", "DaemonSet"): KindRules(
        status=True,
        moves=("spec",),
        numbered=True,
        create=_first_template_generation,
        update=_template_generation,
        check=_daemon_set,
        immutable=_SELECTOR,
        immutable_first=True,
    ),
    ("apps", "ControllerRevision"): KindRules(check=_controller_revision, immutable=(("data",),)),
    ("", "ReplicationController"): KindRules(
        name=names.subdomain_bytes,
        status=True,
        moves=("spec",),
        numbered=True,
        check=_replication_controller,
        scale=SCALE,
        labels=_replica_count,
    ),
    ("", "PodTemplate"): KindRules(moves=("template",), numbered=True, check=_pod_template),
}
