"""Makes a Job whenever its schedule says (pkg/controller/cronjob)."""

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from kubegrammar.cron import Schedule, parse_cron
from kubegrammar.time import format_time, parse_time
from pocketkube.workloads.decision import Create, DeleteObject, Object, WorkloadDecision, Write, decided, status_patch
from pocketkube.workloads.facts import (
    claim_owned,
    created_at,
    is_true,
    name_of,
    number,
    of_kind,
    owner_reference,
    terminating,
    uid_of,
)
from pocketkube.workloads.job import has_finished

SCHEDULED_AT = "batch.kubernetes.io/cronjob-scheduled-timestamp"
LATE_SECONDS = 0.1
"""Added to the wait for the next moment, so that it has surely come."""


def decide(cron_job: Object, related: Sequence[Object], now: datetime) -> WorkloadDecision:
    """Starts the Job that is due, keeps the list of those that run, and drops the oldest that are over."""
    spec = cron_job["spec"]
    jobs = claim_owned(cron_job, of_kind(related, "Job"))
    status = cron_job.get("status") or {}
    over = [job for job in jobs if has_finished(job)]
    running = {uid_of(job) for job in jobs} - {uid_of(job) for job in over}
    known = [entry for entry in status.get("active") or () if entry.get("uid") in running]
    entered = {entry.get("uid") for entry in known}
    # A Job created a moment ago is entered when it is seen.
    known += [_entry(job) for job in jobs if uid_of(job) in running - entered]
    successes = [job["status"].get("completionTime") or "" for job in over if is_true(job, "Complete")]
    wanted: Object = {"active": known}
    if last := max([*successes, status.get("lastSuccessfulTime") or ""], default=""):
        wanted["lastSuccessfulTime"] = last
    writes: list[Write] = []
    again = None
    timing = None if terminating(cron_job) else _timing(spec)
    if timing is not None:
        due, again = _due(cron_job, *timing, now)
        blocked = spec.get("concurrencyPolicy") == "Forbid" and known
        if due is not None and not blocked:
            if spec.get("concurrencyPolicy") == "Replace":
                writes += [DeleteObject(job) for job in jobs if uid_of(job) in running]
                wanted["active"] = []
            writes.append(Create(_job(cron_job, due)))
            wanted["lastScheduleTime"] = format_time(due)
    writes += [] if terminating(cron_job) else _surplus(spec, over)
    return decided([*writes, status_patch(cron_job, wanted)], again)


def _timing(spec: Object) -> tuple[Schedule, tzinfo] | None:
    """The schedule and its time zone; None while suspended or where one cannot be read."""
    if spec.get("suspend"):
        return None
    try:
        return parse_cron(spec.get("schedule", "")), ZoneInfo(spec.get("timeZone") or "UTC")
    except (ValueError, ZoneInfoNotFoundError, OSError):
        return None


def _due(cron_job: Object, schedule: Schedule, zone: tzinfo, now: datetime) -> tuple[datetime | None, float | None]:
    """The latest moment that came and has no Job yet, and the seconds until the next one (``nextScheduleTime``)."""
    status = cron_job.get("status") or {}
    begun = parse_time(status.get("lastScheduleTime") or created_at(cron_job))
    deadline = cron_job["spec"].get("startingDeadlineSeconds")
    # Beyond a day nobody is served by moments that were missed; only the latest counts.
    earliest = max(begun, now - timedelta(seconds=min(deadline or 86400, 86400)))
    due, moment = None, schedule.next(earliest.astimezone(zone))
    while moment is not None and moment <= now:
        due, moment = moment, schedule.next(moment)
    again = (moment - now).total_seconds() + LATE_SECONDS if moment is not None else None
    return due, again


def _job(cron_job: Object, due: datetime) -> Object:
    template = cron_job["spec"]["jobTemplate"]
    given = template.get("metadata") or {}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": f"{name_of(cron_job)}-{int(due.timestamp()) // 60}",
            "namespace": cron_job["metadata"]["namespace"],
            "labels": given.get("labels") or {},
            "annotations": {**(given.get("annotations") or {}), SCHEDULED_AT: _stamp(due)},
            "ownerReferences": [owner_reference(cron_job)],
        },
        "spec": template["spec"],
    }


def _stamp(moment: datetime) -> str:
    """RFC 3339 in the schedule's own time zone."""
    text = moment.isoformat(timespec="seconds")
    return text.removesuffix("+00:00") + "Z" if text.endswith("+00:00") else text


def _surplus(spec: Object, over: Sequence[Object]) -> list[Write]:
    """Jobs beyond the history limits, the oldest first."""
    failed = [job for job in over if is_true(job, "Failed")]
    succeeded = [job for job in over if not is_true(job, "Failed")]
    found: list[Write] = []
    for jobs, key, default in ((succeeded, "successfulJobsHistoryLimit", 3), (failed, "failedJobsHistoryLimit", 1)):
        ordered = sorted(jobs, key=lambda job: ((job.get("status") or {}).get("startTime") or "~", name_of(job)))
        found += [DeleteObject(job) for job in ordered[: max(0, len(ordered) - number(spec, key, default))]]
    return found


def _entry(job: Object) -> Object:
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "name": name_of(job),
        "namespace": job["metadata"]["namespace"],
        "uid": uid_of(job),
        "resourceVersion": job["metadata"].get("resourceVersion", ""),
    }
