"""Jobs and CronJobs."""

import re
from typing import Any, Final
from zoneinfo import available_timezones

from pocketkube.cluster import names
from pocketkube.cluster.kinds.podspec import check_template
from pocketkube.cluster.kinds.problems import IMMUTABLE, Problems
from pocketkube.cluster.kinds.rules import HomeCluster, KindRules, at
from pocketkube.cluster.kinds.schedules import schedule_problem
from pocketkube.cluster.kinds.selectors import check_selector, matches, usable
from pocketkube.cluster.kinds.workloads import advise_label
from pocketkube.cluster.resource import Object

_NAME: Final = ("job-name", "batch.kubernetes.io/job-name")
_UID: Final = ("controller-uid", "batch.kubernetes.io/controller-uid")
_NUMBERS: Final = (
    *("parallelism", "completions", "activeDeadlineSeconds", "backoffLimit", "ttlSecondsAfterFinished"),
    *("backoffLimitPerIndex", "maxFailedIndexes"),
)
_LONGEST_CRON_JOB: Final = 52
_MOST_PARALLEL: Final = 100_000
_FREE_WHILE_SUSPENDED: Final = ("nodeSelector", "tolerations", "schedulingGates")


def generate_selector(_: HomeCluster, job: Object) -> None:
    """Labels of its own for the pods of a Job, and the selector for them.

    The write path has set ``metadata.uid`` and ``metadata.name`` by then.
    """
    spec = job["spec"]
    if spec.get("manualSelector"):
        return
    metadata = job["metadata"]
    labels = spec["template"].setdefault("metadata", {}).setdefault("labels", {})
    for keys, value in ((_NAME, metadata.get("name", "")), (_UID, metadata.get("uid", ""))):
        for key in keys:
            labels.setdefault(key, value)
    if not metadata.get("labels"):
        metadata["labels"] = labels
    selector = spec.setdefault("selector", {})
    selector.setdefault("matchLabels", {}).setdefault(_UID[1], metadata.get("uid", ""))


def _job(obj: Object, problems: Problems) -> None:
    spec, metadata = obj["spec"], obj["metadata"]
    new = not metadata.get("resourceVersion")
    if new and not spec.get("manualSelector") and spec.get("selector") is not None:
        labels = at(spec, "template", "metadata", "labels") or {}
        wanted = {key: metadata.get("uid", "") for key in _UID} | {key: metadata.get("name", "") for key in _NAME}
        for key in (_UID[0], _NAME[0], _UID[1], _NAME[1]):
            _has_label(labels, key, wanted[key], problems)
        if usable(spec["selector"]) and not matches(spec["selector"], wanted):
            problems.invalid("spec.selector", spec["selector"], "`selector` not auto-generated")
    _spec(spec, "spec", problems)
    if spec.get("selector") is None:
        problems.required("spec.selector")
    else:
        check_selector(spec["selector"], "spec.selector", problems)
    labels = at(spec, "template", "metadata", "labels")
    if usable(spec.get("selector")) and not matches(spec.get("selector"), labels):
        text = "`selector` does not match template `labels`"
        problems.invalid("spec.template.metadata.labels", labels, text)
    _hostnames(obj, problems)


def _has_label(labels: dict[str, str], key: str, wanted: str, problems: Problems) -> None:
    field = "spec.template.metadata.labels"
    if key not in labels:
        problems.required(f"{field}[{key}]", f"must be '{wanted}'")
    elif labels[key] != wanted:
        problems.invalid(f"{field}[{key}]", labels, f"must be '{wanted}'")


def _hostnames(obj: Object, problems: Problems) -> None:
    spec, name = obj["spec"], obj["metadata"].get("name", "")
    completions = spec.get("completions") or 0
    if spec.get("completionMode") == "Indexed" and completions > 0:
        longest = f"{name}-{completions - 1}"
        if names.label(longest):
            text = f"will not able to create pod with invalid DNS label: {longest}"
            problems.invalid("metadata.name", name, text)


def _spec(spec: Object, field: str, problems: Problems) -> None:
    for key in _NUMBERS:
        problems.not_negative(f"{field}.{key}", spec.get(key))
    if spec.get("maxFailedIndexes") is not None and spec.get("backoffLimitPerIndex") is None:
        problems.required(f"{field}.backoffLimitPerIndex", "when maxFailedIndexes is specified")
    mode = spec.get("completionMode")
    if mode is not None and mode not in ("NonIndexed", "Indexed"):
        problems.unsupported(f"{field}.completionMode", mode, ("NonIndexed", "Indexed"))
    if mode == "Indexed":
        if spec.get("completions") is None:
            problems.required(f"{field}.completions", "when completion mode is Indexed")
        if (spec.get("parallelism") or 0) > _MOST_PARALLEL:
            text = f"must be less than or equal to {_MOST_PARALLEL} when completion mode is Indexed"
            problems.invalid(f"{field}.parallelism", spec["parallelism"], text)
    elif mode == "NonIndexed" and spec.get("backoffLimitPerIndex") is not None:
        text = "requires indexed completion mode"
        problems.invalid(f"{field}.backoffLimitPerIndex", spec["backoffLimitPerIndex"], text)
    replacement = spec.get("podReplacementPolicy")
    problems.one_of(f"{field}.podReplacementPolicy", replacement, ("Failed", "TerminatingOrFailed"), required=False)
    template = spec.get("template") or {}
    check_template(template, f"{field}.template", problems)
    policy = at(template, "spec", "restartPolicy")
    path = f"{field}.template.spec.restartPolicy"
    # What is not a policy at all is reported by the template's own check as well.
    if policy == "Always":
        problems.required(path, 'valid values: "OnFailure", "Never"')
    elif policy not in ("OnFailure", "Never"):
        problems.unsupported(path, policy or "", ("OnFailure", "Never"))
    elif spec.get("podFailurePolicy") is not None and policy != "Never":
        problems.invalid(path, policy, 'only "Never" is supported when podFailurePolicy is specified')


def _job_change(old: Object, new: Object, problems: Problems) -> None:
    before, after = old["spec"], new["spec"]
    if after.get("completionMode") != "Indexed":
        problems.immutable("spec.completions", before.get("completions"), after.get("completions"))
    elif before.get("completions") != after.get("completions") and after.get("completions") != after.get("parallelism"):
        text = "can only be modified in tandem with spec.parallelism"
        problems.invalid("spec.completions", after.get("completions"), text)
    problems.immutable("spec.selector", before.get("selector"), after.get("selector"))
    template = after.get("template") or {}
    if _frozen(before, before.get("template") or {}) != _frozen(before, template):
        problems.invalid("spec.template", template, IMMUTABLE)
    for key in ("completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"):
        problems.immutable(f"spec.{key}", before.get(key), after.get(key))


def _frozen(spec: Object, template: Object) -> Any:
    """What of the template may not change; a suspended Job that has not started may still be placed elsewhere."""
    if not spec.get("suspend"):
        return template
    pod = {key: value for key, value in (template.get("spec") or {}).items() if key not in _FREE_WHILE_SUSPENDED}
    affinity = {key: value for key, value in (pod.pop("affinity", None) or {}).items() if key != "nodeAffinity"}
    for key in ("containers", "initContainers"):
        pod[key] = [{name: part for name, part in item.items() if name != "resources"} for item in pod.get(key) or ()]
    return pod, affinity


def _cron_job(obj: Object, problems: Problems) -> None:
    spec, name = obj["spec"], obj["metadata"].get("name", "")
    schedule = spec.get("schedule")
    if not schedule:
        problems.required("spec.schedule")
    else:
        if wrong := schedule_problem(schedule):
            problems.invalid("spec.schedule", schedule, wrong)
        if "TZ" in schedule:
            text = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead"
            problems.invalid("spec.schedule", schedule, text)
    problems.not_negative("spec.startingDeadlineSeconds", spec.get("startingDeadlineSeconds"))
    if spec.get("timeZone") is not None:
        _time_zone(spec["timeZone"], problems)
    policies = ("Allow", "Forbid", "Replace")
    problems.one_of("spec.concurrencyPolicy", spec.get("concurrencyPolicy"), policies)
    template = at(spec, "jobTemplate", "spec") or {}
    _spec(template, "spec.jobTemplate.spec", problems)
    if template.get("selector") is not None:
        problems.invalid("spec.jobTemplate.spec.selector", template["selector"], "`selector` will be auto-generated")
    if template.get("manualSelector"):
        problems.unsupported("spec.jobTemplate.spec.manualSelector", True, ("nil", "false"))
    for key in ("successfulJobsHistoryLimit", "failedJobsHistoryLimit"):
        problems.not_negative(f"spec.{key}", spec.get(key))
    if not obj["metadata"].get("resourceVersion") and len(name) > _LONGEST_CRON_JOB:
        problems.invalid("metadata.name", name, f"must be no more than {_LONGEST_CRON_JOB} characters")


def _time_zone(zone: str, problems: Problems) -> None:
    if not zone:
        problems.invalid("spec.timeZone", zone, "timeZone must be nil or non-empty string")
    elif not all(re.fullmatch(r"[A-Za-z0-9_+][A-Za-z0-9._+-]*", part) for part in zone.split("/")):
        problems.invalid("spec.timeZone", zone, f"unknown time zone {zone}")
    elif zone.lower() == "local":
        text = "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones"
        problems.invalid("spec.timeZone", zone, text)
    elif (known := available_timezones()) and zone not in known:
        problems.invalid("spec.timeZone", zone, f"unknown time zone {zone}")


def _labels(obj: Object) -> dict[str, str]:
    return {"status.successful": str(at(obj, "status", "succeeded") or 0)}


RULES: Final[dict[tuple[str, str], KindRules]] = {
    ("batch", "Job"): KindRules(
        status=True,
        moves=("spec",),
        numbered=True,
        create=generate_selector,
        check=_job,
        change=_job_change,
        labels=_labels,
        warn=advise_label,
    ),
    ("batch", "CronJob"): KindRules(
        status=True,
        moves=("spec",),
        numbered=True,
        check=_cron_job,
        warn=advise_label,
    ),
}
