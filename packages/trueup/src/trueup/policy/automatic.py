"""The choice to sync without being asked (Argo CD ``appcontroller.go`` autoSync)."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

import msgspec

from trueup.model.application import (
    Application,
    Automated,
    Operation,
    OperationInitiator,
    Retry,
    Source,
    SyncOperation,
    SyncOperationResource,
    SyncPolicy,
)
from trueup.model.comparison import ComparedResource, Comparison
from trueup.model.resource import ResourceKey
from trueup.model.status import OperationPhase, OperationState, Status, SyncCode
from trueup.policy.heal import HEALS, Drift, HealSettings, bare
from trueup.policy.heal import heal as put_back
from trueup.policy.marks import named

AUTOMATED_LIMIT = 5
"""Tries of an automated operation when no retry block says otherwise."""


_SHOWN = 5


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Whether to start an operation.

    Attributes:
        operation: to be started; None for none.
        condition: (type, message) for the user to see, where an operation is refused.
        warnings: (type, message) of what else the user should see.
        again: seconds after which time alone may change the decision; infinite when it cannot.
        reason: why no operation, for the log.
    """

    operation: Operation | None = None
    condition: tuple[str, str] | None = None
    warnings: tuple[tuple[str, str], ...] = ()
    again: float = math.inf
    reason: str = ""


def automatic_sync(
    app: Application,
    status: Status,
    comparison: Comparison,
    now: datetime,
    *,
    heal: HealSettings = HealSettings(),  # noqa: B008
    manifests_changed: bool = True,
    drift_of: Callable[[ComparedResource], Drift] = bare,
    taken: Mapping[ResourceKey, str] = {},
    prunes: bool = True,
) -> Decision:
    """Whether an application is synced now by itself, and how.

    Args:
        status: as last written, with the last operation.
        comparison: of this moment.
        now: the time.
        manifests_changed: False when the caller knows that the manifests of this revision are those of the revision
            last attempted: a commit elsewhere in a monorepo is no new attempt.
        drift_of: how an object that is out of sync differs, and by whom.
        taken: objects that another application has applied since, with its name. Who applies an object last has it
            until somebody asks for a sync or declares something else: two that healed it would do so for ever.
        prunes: False when automation must not prune now, whatever it may.
    """
    policy = app.spec.sync_policy
    automated = policy.automated if policy else None
    if policy is None or automated is None or automated.enabled is False:
        return Decision(reason="automated sync is not enabled")
    if reason := _not_now(app, status, comparison):
        return Decision(reason=reason)
    if not prunes:
        automated = msgspec.structs.replace(automated, prune=False)
    if not automated.prune and not any(_beyond_pruning(resource) for resource in comparison.compared):
        return Decision(reason="need to prune extra resources only but automated prune is disabled")
    operation = _full(app, policy, automated, comparison)
    last = status.operation_state
    relabelled = last is not None and _namespace_changed(policy, last, comparison)
    tried = last is not None and _attempted(app, status, last, comparison.revisions, manifests_changed)
    decision = Decision(operation=operation)
    if last is not None and tried and not relabelled:
        ours = [resource for resource in comparison.compared if resource.key not in taken]
        decision = _after_attempt(automated, operation, last, comparison, ours, now, heal, drift_of)
        if automated.self_heal and taken:
            left = ("SharedResourceWarning", _left(taken))
            decision = msgspec.structs.replace(decision, warnings=(left, *decision.warnings))
        if decision.operation is None:
            return decision
    if automated.prune and not automated.allow_empty and _wipes_out(comparison):
        target = _names(comparison.revisions)
        message = f"Skipping sync attempt to {target}: auto-sync will wipe out all resources"
        return Decision(condition=("SyncError", f"{message} ({len(comparison.resources)})"), reason=message)
    return decision


def retry_for(operation: Operation, spec: Retry | None) -> Retry:
    """The retry block in force: the operation's, else the specification's, else 5 tries for automation and none for
    people."""
    if operation.retry is not None:
        return operation.retry
    return spec if spec is not None else Retry(limit=AUTOMATED_LIMIT if operation.initiated_by.automated else 0)


def _not_now(app: Application, status: Status, comparison: Comparison) -> str:
    state = status.operation_state
    if app.operation is not None or (state is not None and not state.phase.completed):
        return "another operation is in progress"
    if app.metadata.deletion_timestamp:
        return "deletion in progress"
    if comparison.status is not SyncCode.OUT_OF_SYNC:
        return f"application status is {comparison.status}"
    return ""


def _full(app: Application, policy: SyncPolicy, automated: Automated, comparison: Comparison) -> Operation:
    several = bool(app.spec.sources)
    operation = Operation(
        sync=SyncOperation(
            revision="" if several else "".join(comparison.revisions[:1]),
            revisions=list(comparison.revisions) if several else [],
            source=None if several else app.spec.source,
            sources=app.spec.sources,
            prune=automated.prune,
            sync_options=policy.sync_options,
        ),
        initiated_by=OperationInitiator(automated=True),
    )
    return msgspec.structs.replace(operation, retry=retry_for(operation, policy.retry))


def attempted_revisions(status: Status) -> tuple[str, ...]:
    """The commits that the last operation was for; empty where it was for none, or only asked the cluster."""
    last = status.operation_state
    if last is None or last.operation.sync is None or last.operation.sync.dry_run:
        return ()
    sync, result = last.operation.sync, last.sync_result
    recorded = result if result and (result.revision or result.revisions) else sync
    return tuple(recorded.revisions or ([recorded.revision] if recorded.revision else []))


def _attempted(
    app: Application, status: Status, last: OperationState, revisions: Sequence[str], manifests_changed: bool
) -> bool:
    """Whether the last operation was for these revisions and this source configuration.

    Target revisions are not part of it: what they resolve to is compared, and ``HEAD`` may be ``main``.
    """
    sync, result = last.operation.sync, last.sync_result
    if sync is None or sync.dry_run:
        return False
    if manifests_changed and attempted_revisions(status) != tuple(revisions):
        return False
    sources = (result and (result.sources or result.source)) or sync.sources or sync.source
    known = [sources] if isinstance(sources, Source) else list(sources or ())
    return [_untargeted(source) for source in known] == [_untargeted(source) for source in app.spec.all_sources()]


def _namespace_changed(policy: SyncPolicy, last: OperationState, comparison: Comparison) -> bool:
    """Whether the last operation was for other metadata of the namespace than is now declared and missing from it."""
    drifted = comparison.namespace is not None and comparison.namespace.status is SyncCode.OUT_OF_SYNC
    tried = last.sync_result.managed_namespace_metadata if last.sync_result else None
    return drifted and tried != policy.managed_namespace_metadata


def _after_attempt(
    automated: Automated,
    operation: Operation,
    last: OperationState,
    comparison: Comparison,
    ours: Sequence[ComparedResource],
    now: datetime,
    heal: HealSettings,
    drift_of: Callable[[ComparedResource], Drift],
) -> Decision:
    """One try for each revision and configuration: after it nothing, or self-heal of what drifted since.

    A heal that failed is none: the revision was synced before, and what failed comes back as a drift like another.
    """
    failed: tuple[str, str] | None = None
    if last.phase is not OperationPhase.SUCCEEDED:
        failed = ("SyncError", f"Failed last sync attempt to {_names(comparison.revisions)}: {last.message}")
    if failed and not (automated.self_heal and _was_heal(last)):
        return Decision(condition=failed, reason=failed[1])
    if not automated.self_heal:
        return Decision(reason=f"most recent sync already to {_names(comparison.revisions)}")
    drifted = [
        resource for resource in ours if _needs_apply(resource) or (automated.prune and resource.requires_pruning)
    ]
    if not drifted or operation.sync is None:
        return Decision(condition=failed, reason="nothing that a sync could put back")
    healing = put_back(drifted, last, now, heal, drift_of)
    if not healing.due:
        reason = f"self-heal in {healing.again:.1f}s"
        return Decision(condition=failed, warnings=healing.loops, again=healing.again, reason=reason)
    sync = msgspec.structs.replace(
        operation.sync,
        # Kind, name and group, as Argo CD names them: no namespace.
        resources=[SyncOperationResource(group=d.key.group, kind=d.key.kind, name=d.key.name) for d in healing.due],
        auto_heal_attempts_count=healing.attempts,
    )
    operation = msgspec.structs.replace(operation, sync=sync, info=[*operation.info, healing.info])
    return Decision(operation=operation, warnings=healing.loops)


def _left(taken: Mapping[ResourceKey, str]) -> str:
    owners = ", ".join(sorted(set(taken.values()))[:_SHOWN])
    return (
        f"{named(sorted(taken))}: applied last by {owners}, and not healed here; declare each object in one "
        "application alone, or take it back by a sync"
    )


def _was_heal(last: OperationState) -> bool:
    return any(entry.name == HEALS for entry in last.operation.info)


def _beyond_pruning(resource: ComparedResource) -> bool:
    """Not synced, and pruning is not the remedy. What the project forbids is among it: the sync says so, once."""
    return resource.status is not SyncCode.SYNCED and not resource.hook and not resource.requires_pruning


def _needs_apply(resource: ComparedResource) -> bool:
    """Out of sync by what Git declares. What is Unknown is shown, not healed (cluster-truths 11)."""
    return resource.status is SyncCode.OUT_OF_SYNC and not resource.hook and not resource.requires_pruning


def _wipes_out(comparison: Comparison) -> bool:
    """Whether nothing of the application would be left: objects to prune, and none that stays or comes."""
    counted = [resource for resource in comparison.resources if not resource.hook]
    stays = any(
        resource.target is not None and (resource.live is not None or resource.status is not SyncCode.UNKNOWN)
        for resource in counted
    )
    return not stays and any(resource.requires_pruning for resource in counted)


def _untargeted(source: Source) -> Source:
    return msgspec.structs.replace(source, target_revision="")


def _names(revisions: Sequence[str]) -> str:
    return ", ".join(revisions)
