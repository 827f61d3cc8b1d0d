"""Cells of the kinds that run Pods."""

from datetime import datetime

from pocketkube.cluster.resource import Object
from pocketkube.cluster.tables.cells import (
    NONE,
    UNSET,
    Cell,
    condition_of,
    dig,
    format_selector,
    items,
    members,
    number,
    text,
)
from pocketkube.cluster.tables.durations import human_duration, parse_time


def ready_cell(workload: Object, now: datetime) -> str:
    """Pods that are ready, of how many."""
    return f"{number(workload, 'status', 'readyReplicas')}/{number(workload, 'spec', 'replicas')}"


def deployment_selector_cell(deployment: Object, now: datetime) -> str:
    """The selector; nothing where it selects everything."""
    found = format_selector(members(deployment, "spec", "selector"))
    return "<invalid>" if found is None else found


def job_status_cell(job: Object, now: datetime) -> str:
    """One word for where a Job is."""
    true = {text(condition, "type") for condition in items(job, "status", "conditions") if _holds(condition)}
    if dig(job, "metadata", "deletionTimestamp"):
        true.add("Terminating")
    order = ("Complete", "Failed", "Terminating", "Suspended", "FailureTarget", "SuccessCriteriaMet")
    return next((state for state in order if state in true), "Running")


def _holds(condition: object) -> bool:
    return text(condition, "status") == "True"


def completions_cell(job: Object, now: datetime) -> str:
    """Pods that ended well, of how many."""
    done, wanted = number(job, "status", "succeeded"), dig(job, "spec", "completions")
    parallel = number(job, "spec", "parallelism")
    if wanted is not None:
        return f"{done}/{wanted}"
    return f"{done}/1 of {parallel}" if parallel > 1 else f"{done}/1"


def duration_cell(job: Object, now: datetime) -> str:
    """How long a Job ran, or has been running."""
    start = parse_time(dig(job, "status", "startTime"))
    if start is None:
        return ""
    end = parse_time(dig(job, "status", "completionTime")) or now
    return human_duration((end - start).total_seconds())


def suspend_cell(job: Object, now: datetime) -> str:
    """Whether a CronJob rests."""
    found = dig(job, "spec", "suspend")
    return str(found) if isinstance(found, bool) else UNSET


def budget_cell(field: str) -> Cell:
    """A count or percentage of a PodDisruptionBudget."""

    def cell(budget: Object, now: datetime) -> str:
        found = dig(budget, "spec", field)
        return "N/A" if found is None else str(found)

    return cell


def controller_cell(revision: Object, now: datetime) -> str:
    """The controller of a ControllerRevision, as ``statefulset.apps/db``."""
    for owner in items(revision, "metadata", "ownerReferences"):
        if dig(owner, "controller") is True:
            group, separator, _ = text(owner, "apiVersion").rpartition("/")
            return f"{text(owner, 'kind')}{separator and '.'}{group}".lower() + f"/{text(owner, 'name')}"
    return NONE


def quota_cell(*, limits: bool) -> Cell:
    """``pods: 1/10, services: 0/5`` for one half of a ResourceQuota: limits, or all else."""

    def cell(quota: Object, now: datetime) -> str:
        hard, used = members(quota, "status", "hard"), members(quota, "status", "used")
        names = sorted(name for name in hard if name.startswith("limits.") is limits)
        return ", ".join(f"{name}: {used.get(name, '0')}/{hard[name]}" for name in names)

    return cell


def claim_state_cell(claim: Object, now: datetime) -> str:
    """Where a ResourceClaim is: allocated, reserved, pending, deleted."""
    deleted = bool(dig(claim, "metadata", "deletionTimestamp"))
    states = ["deleted"] if deleted else []
    if dig(claim, "status", "allocation") is not None:
        states.append("allocated")
        states += ["reserved"] if items(claim, "status", "reservedFor") else []
    elif not deleted:
        states.append("pending")
    return ",".join(states)


def migration_cell(migration: Object, now: datetime) -> str:
    """Where a StorageVersionMigration is; its last true condition counts."""
    true = [text(condition, "type") for condition in items(migration, "status", "conditions") if _holds(condition)]
    return next((state for state in reversed(true) if state in ("Running", "Failed", "Succeeded")), "Unknown")


def migrated_cell(migration: Object, now: datetime) -> str:
    """What a StorageVersionMigration writes anew, as ``crontabs.example.com``."""
    return ".".join(filter(None, (text(migration, "spec", "resource", key) for key in ("resource", "group"))))


def component_cell(field: str) -> Cell:
    """A field of the Healthy condition of a ComponentStatus."""

    def cell(component: Object, now: datetime) -> str:
        conditions = [entry for entry in items(component, "conditions") if dig(entry, "type") == "Healthy"]
        if field != "status":
            return text(conditions[0], field) if conditions else ""
        return ("Healthy" if _holds(conditions[0]) else "Unhealthy") if conditions else "Unknown"

    return cell


def available_cell(service: Object, now: datetime) -> str:
    """Whether an APIService answers, and why not."""
    condition = condition_of(service, "Available")
    status, reason = text(condition, "status"), text(condition, "reason")
    if not condition:
        return "Unknown"
    return f"{status} ({reason})" if status != "True" and reason else status
