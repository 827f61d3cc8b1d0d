"""Changes as entries of the audit trail. Pure."""

import msgspec

from trueup.model.audit import Action, Actor, AuditRecord, FieldChange, Why
from trueup.model.progress import (
    Applied,
    CommitSeen,
    Deleted,
    Drifted,
    Finished,
    Healed,
    HealthChanged,
    HookRan,
    Pruned,
    Resumed,
    RolledBack,
    Started,
    SyncOf,
    Told,
)
from trueup.model.resource import ResourceKey

ENGINE = Actor(name="trueup", kind="engine")


def spelt(key: ResourceKey) -> str:
    """``group/Kind/namespace/name``."""
    return f"{key.group}/{key.kind}/{key.namespace}/{key.name}"


def entry_of(told: Told) -> AuditRecord | None:
    """The entry of a change; None for what is no history, but how things stand."""
    entry = _entry(told)
    if entry is None or entry.project:
        return entry  # what was meant is of the project that it was meant in
    return msgspec.structs.replace(entry, project=told.project)


def _entry(told: Told) -> AuditRecord | None:
    match told.change:
        case CommitSeen() as change:
            return AuditRecord(
                at=told.at,
                action=Action.COMMIT,
                application=told.application,
                why=Why.PUSH if change.pushed else Why.POLL,
                by=change.by,
                repository=change.repository,
                from_revision=change.before,
                revision=change.revision,
                committed_at=change.committed_at,
                message=change.subject,
                changed=change.changed,
            )
        case RolledBack() as change:
            return AuditRecord(
                at=told.at,
                action=Action.ROLLBACK,
                application=told.application,
                why=Why.ROLLBACK,
                by=change.by,
                repository=change.repository,
                from_revision=change.bad,
                revision=change.revision,
                message=f"as at {change.good}",
            )
        case Drifted() as change:
            return AuditRecord(
                at=told.at,
                action=Action.DRIFTED,
                application=told.application,
                object=spelt(change.key),
                by=change.by,
                changes=change.changes,
                revision=change.revision,
                message="deleted" if change.gone else "",
            )
        case HealthChanged() as change:
            return AuditRecord(
                at=told.at,
                action=Action.HEALTH,
                application=told.application,
                by=ENGINE,
                changes=(FieldChange("health", change.before, change.after),),
                revision=change.revision,
                result=change.after,
                message=change.message,
            )
        case Started(sync=sync):
            return _of_operation(told, Action.STARTED, sync)
        case Finished(sync=sync) as change:
            succeeded = str(change.state.phase) == "Succeeded"
            return msgspec.structs.replace(
                _of_operation(told, Action.FINISHED, sync),
                result=str(change.state.phase),
                message=change.health if succeeded else change.state.message,
            )
        case Applied(sync=sync) as change:
            return _of_object(told, Action.APPLIED, change, sync)
        case Healed(sync=sync) as change:
            return _of_object(told, Action.HEALED, change, sync)
        case Pruned(sync=sync) as change:
            return _of_object(told, Action.PRUNED, change, sync)
        case HookRan(sync=sync) as change:
            return _of_object(told, Action.HOOK, change, sync)
        case Resumed(entry=entry):
            return msgspec.structs.replace(entry, at=told.at)
        case Deleted():
            return AuditRecord(at=told.at, action=Action.DELETED, application=told.application, by=ENGINE)
        case _:
            return None


def _of_operation(told: Told, action: Action, sync: SyncOf) -> AuditRecord:
    return AuditRecord(
        at=told.at,
        action=action,
        application=told.application,
        why=sync.why,
        by=sync.by,
        repository=sync.repository,
        from_revision=sync.deployed,
        revision=sync.revision,
        message=sync.brought,
        operation=sync.started_at,
    )


def _of_object(
    told: Told, action: Action, change: Applied | Healed | Pruned | HookRan, sync: SyncOf | None
) -> AuditRecord:
    entry = AuditRecord(
        at=told.at,
        action=action,
        application=told.application,
        object=spelt(change.key),
        by=ENGINE,
        changes=change.changes,
        result=change.result,
        message=change.message,
    )
    if sync is None:
        return entry
    return msgspec.structs.replace(entry, why=sync.why, revision=sync.revision, operation=sync.started_at)
