"""Runs Pods to completion (pkg/controller/job), without the finalizer by which the real controller counts them."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from kubegrammar.time import format_time
from pocketkube.workloads.decision import (
    Create,
    DeleteObject,
    Object,
    WorkloadDecision,
    Write,
    decided,
    earliest,
    status_patch,
)
from pocketkube.workloads.facts import (
    Condition,
    active,
    annotations_of,
    claim,
    condition_of,
    finished,
    is_true,
    name_of,
    number,
    of_kind,
    phase_of,
    ready,
    since,
    some,
    terminating,
)
from pocketkube.workloads.template import new_pod

INDEX = "batch.kubernetes.io/job-completion-index"
FIRST_BACKOFF_SECONDS = 1.0
"""Pause before a failed Pod is replaced; doubles with each failure. Kubernetes begins with ten seconds."""
LONGEST_BACKOFF_SECONDS = 8.0
MOST_INDEXES = 100_000
"""Of an indexed Job (batch validation)."""


def decide(job: Object, related: Sequence[Object], now: datetime) -> WorkloadDecision:
    """Makes Pods until enough have succeeded or too many have failed, then says so."""
    if job["spec"].get("managedBy", "kubernetes.io/job-controller") != "kubernetes.io/job-controller":
        return WorkloadDecision()
    if has_finished(job):
        return _expire(job, now)
    pods, adoptions = claim(job, of_kind(related, "Pod"))
    run = _Run(job, pods, now)
    if terminating(job):
        return decided([status_patch(job, run.status())])
    verdict = run.verdict()
    if verdict is not None:
        # A Job is over when its last Pod is.
        over = [DeleteObject(pod) for pod in run.running]
        return decided([*adoptions, *over, status_patch(job, run.status(verdict, over=not over))])
    steps, again = run.steps()
    return decided([*adoptions, *steps, status_patch(job, run.status())], earliest(again, run.deadline_in()))


def has_finished(job: Object) -> bool:
    """Whether a Job is over, one way or the other."""
    return is_true(job, "Complete") or is_true(job, "Failed")


def _expire(job: Object, now: datetime) -> WorkloadDecision:
    """A Job that is over goes after ``ttlSecondsAfterFinished`` (pkg/controller/ttlafterfinished)."""
    ttl = job["spec"].get("ttlSecondsAfterFinished")
    end = condition_of(job, "Complete") or condition_of(job, "Failed")
    if ttl is None or end is None or terminating(job):
        return WorkloadDecision()
    left = ttl - since(end.get("lastTransitionTime"), now)
    return WorkloadDecision(again=left) if left > 0 else WorkloadDecision((DeleteObject(job, "Foreground"),))


class _Run:
    def __init__(self, job: Object, pods: Sequence[Object], now: datetime) -> None:
        self.job, self.spec, self.now = job, job["spec"], now
        self.recorded = job.get("status") or {}
        self.pods = pods
        self.running = [pod for pod in pods if active(pod)]
        self.indexed = self.spec.get("completionMode") == "Indexed"
        self.completions: int | None = self.spec.get("completions")
        self.suspended = bool(self.spec.get("suspend"))
        # Counts never go back, though finished Pods may be deleted.
        self.failed = max(number(self.recorded, "failed"), sum(phase_of(pod) == "Failed" for pod in pods))
        done = {_index(pod) for pod in pods if phase_of(pod) == "Succeeded"} if self.indexed else set()
        self.done = (done | parse_indexes(self.recorded.get("completedIndexes", ""))) - {None}
        succeeded = sum(phase_of(pod) == "Succeeded" for pod in pods)
        self.succeeded = len(self.done) if self.indexed else max(number(self.recorded, "succeeded"), succeeded)

    def verdict(self) -> tuple[str, str, str] | None:
        """The condition a Job that is over has first, with reason and message; None while it runs."""
        if (target := condition_of(self.job, "FailureTarget")) is not None:
            return "FailureTarget", target["reason"], target["message"]
        if self.failed > number(self.spec, "backoffLimit", 6) or self._restarted_too_often():
            return "FailureTarget", "BackoffLimitExceeded", "Job has reached the specified backoff limit"
        if (left := self.deadline_in()) is not None and left <= 0:
            return "FailureTarget", "DeadlineExceeded", "Job was active longer than specified deadline"
        enough = self.succeeded > 0 if self.completions is None else self.succeeded >= self.completions
        if enough and not self.running:
            return "SuccessCriteriaMet", "CompletionsReached", "Reached expected number of succeeded pods"
        return None

    def steps(self) -> tuple[list[Write], float | None]:
        """Pods to make or delete, and the seconds until a failed one may be replaced (``manageJob``)."""
        if self.suspended:
            return [DeleteObject(pod) for pod in self.running], None
        wanted = self._wanted()
        surplus = len(self.running) - wanted
        if surplus > 0:
            ordered = sorted(self.running, key=lambda pod: (phase_of(pod) == "Running", ready(pod)))
            return [DeleteObject(pod) for pod in ordered[:surplus]], None
        if surplus < 0 and (pause := self._backoff()) > 0:
            return [], pause
        if not self.indexed:
            return [Create(new_pod(self.job, self.spec["template"])) for _ in range(-surplus)], None
        taken = {_index(pod) for pod in self.running} | self.done
        free = [index for index in range(self.completions or 0) if index not in taken]
        return [Create(self._indexed_pod(index)) for index in free[:-surplus]] if surplus else [], None

    def status(self, verdict: tuple[str, str, str] | None = None, *, over: bool = False) -> Object:
        """The counts and conditions."""
        moment = format_time(self.now)
        failed = self.failed
        if verdict and verdict[0] == "FailureTarget" and not condition_of(self.job, "FailureTarget"):
            failed += len(self.running)
        start = self.recorded.get("startTime")
        conditions, restarted = self._suspension(moment)
        if restarted or (start is None and not self.suspended):
            start = moment
        if self.suspended:
            start = None
        status: Object = {
            "startTime": start,
            "active": some(0 if verdict else len(self.running)),
            "ready": 0 if verdict else sum(ready(pod) for pod in self.running),
            "terminating": sum(terminating(pod) and not finished(pod) for pod in self.pods),
            "succeeded": some(self.succeeded),
            "failed": some(failed),
            "completedIndexes": format_indexes(self.done) or None,
            # Where the real controller notes Pods it has not counted yet; here all are.
            "uncountedTerminatedPods": {},
        }
        if verdict is not None:
            type_, reason, message = verdict
            ends = {"FailureTarget": "Failed", "SuccessCriteriaMet": "Complete"}
            for name in (type_, ends[type_]) if over else (type_,):
                if not any(condition["type"] == name for condition in conditions):
                    conditions.append(_condition(name, "True", reason, message, moment))
            if over and type_ == "SuccessCriteriaMet":
                status["completionTime"] = moment
        return {**status, "conditions": conditions}

    def deadline_in(self) -> float | None:
        """Seconds until ``activeDeadlineSeconds`` has passed; None where there is no such deadline."""
        limit, start = self.spec.get("activeDeadlineSeconds"), self.recorded.get("startTime")
        if limit is None or self.suspended:
            return None
        return float(limit) - (since(start, self.now) if start else 0)

    def _wanted(self) -> int:
        parallel = number(self.spec, "parallelism", 1)
        if self.completions is None:
            # Without a count, the first success ends the making of Pods.
            return len(self.running) if self.succeeded else parallel
        return max(0, min(parallel, self.completions - self.succeeded))

    def _backoff(self) -> float:
        """Seconds that are left of the pause after the last failure."""
        if not self.failed:
            return 0.0
        pause = min(FIRST_BACKOFF_SECONDS * 2 ** min(self.failed - 1, 10), LONGEST_BACKOFF_SECONDS)
        ends = [since(_finished_at(pod), self.now) for pod in self.pods if phase_of(pod) == "Failed"]
        return max(0.0, pause - min(ends)) if ends else 0.0

    def _restarted_too_often(self) -> bool:
        """Whether containers that restart in place did so beyond ``backoffLimit`` (``pastBackoffLimitOnFailure``)."""
        if self.spec["template"]["spec"].get("restartPolicy") != "OnFailure":
            return False
        restarts = sum(
            number(container, "restartCount")
            for pod in self.running
            for container in (pod.get("status") or {}).get("containerStatuses") or ()
        )
        limit = number(self.spec, "backoffLimit", 6)
        return restarts > 0 if limit == 0 else restarts >= limit

    def _suspension(self, moment: str) -> tuple[list[Condition], bool]:
        """The conditions with what is said about suspension; whether the Job was resumed just now."""
        conditions = list(self.recorded.get("conditions") or ())
        current = condition_of(self.job, "Suspended")
        if self.suspended == (current is not None and current["status"] == "True"):
            return conditions, False
        status, reason, text = (
            ("True", "JobSuspended", "suspended") if self.suspended else ("False", "JobResumed", "resumed")
        )
        others = [condition for condition in conditions if condition["type"] != "Suspended"]
        return [*others, _condition("Suspended", status, reason, f"Job {text}", moment)], not self.suspended

    def _indexed_pod(self, index: int) -> Object:
        """A Pod that knows which part of the work is its own."""
        text = str(index)
        name = name_of(self.job)
        pod = new_pod(
            self.job, self.spec["template"], labels={INDEX: text}, annotations={INDEX: text}, prefix=f"{name}-{index}-"
        )
        source = {"fieldRef": {"fieldPath": f"metadata.labels['{INDEX}']"}}
        variable = {"name": "JOB_COMPLETION_INDEX", "valueFrom": source}
        spec = {**pod["spec"], "hostname": f"{name}-{index}"}
        for key in ("initContainers", "containers"):
            if spec.get(key):
                spec[key] = [_with_variable(container, variable) for container in spec[key]]
        return {**pod, "spec": spec}


def parse_indexes(text: str) -> set[int | None]:
    """The numbers of ``0,2-4``; nothing where it is not of that form."""
    found: set[int | None] = set()
    for part in text.split(",") if text else ():
        first, _, last = part.partition("-")
        if first.isdecimal() and (last or first).isdecimal() and int(last or first) < MOST_INDEXES:
            found.update(range(int(first), int(last or first) + 1))
    return found


def format_indexes(indexes: Iterable[int | None]) -> str:
    """``0,2-4`` (indexed_job_utils.go ``orderedIntervals``)."""
    parts: list[list[int]] = []
    for index in sorted(index for index in indexes if index is not None):
        if parts and parts[-1][1] == index - 1:
            parts[-1][1] = index
        else:
            parts.append([index, index])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in parts)


def _index(pod: Object) -> int | None:
    text = annotations_of(pod).get(INDEX, "")
    return int(text) if text.isdecimal() else None


def _finished_at(pod: Object) -> str:
    """When the last container ended, or when the Pod was made."""
    times = [
        ((container.get("state") or {}).get("terminated") or {}).get("finishedAt") or ""
        for container in (pod.get("status") or {}).get("containerStatuses") or ()
    ]
    return max([*times, str(pod["metadata"].get("creationTimestamp", ""))])


def _with_variable(container: Object, variable: Object) -> Object:
    given = container.get("env") or []
    if any(one.get("name") == variable["name"] for one in given):
        return container
    return {**container, "env": [*given, variable]}


def _condition(type_: str, status: str, reason: str, message: str, moment: str) -> Condition:
    return {
        "type": type_,
        "status": status,
        "reason": reason,
        "message": message,
        "lastProbeTime": moment,
        "lastTransitionTime": moment,
    }
