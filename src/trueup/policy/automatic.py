"""The choice to sync without being asked (Argo CD ``appcontroller.go`` autoSync)."""

import math
from collections.abc import Sequence
from datetime import datetime

import msgspec

from trueup.formats.time import parse_time
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
from trueup.model.status import OperationPhase, OperationState, Status, SyncCode

AUTOMATED_LIMIT = 5
"""Tries of an automated operation when no retry block says otherwise."""


class HealSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How self-heal is damped; seconds. ``controller.self.heal.*`` of Argo CD.

    Attributes:
        first, factor, cap: the waits are 0, first, first·factor, … up to cap.
        fixed: the wait before every attempt, where ``first`` is 0.
        cooldown: quiet time after which the waits begin anew.
    """

    first: float = 2.0
    factor: float = 3.0
    cap: float = 300.0
    fixed: float = 5.0
    cooldown: float = 330.0

    def wait(self, attempts: int) -> float:
        """Seconds from the end of the last operation to the next attempt, after so many attempts in a row."""
        if self.first <= 0:
            return self.fixed
        # The cap is long reached at the 64th power, and ten thousand triplings are no float.
        return min(self.first * self.factor ** min(attempts - 1, 64), self.cap) if attempts > 0 else 0.0


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """Whether to start an operation.

    Attributes:
        operation: to be started; None for none.
        condition: (type, message) for the user to see, where an operation is refused.
        again: seconds after which time alone may change the decision; infinite when it cannot.
        reason: why no operation, for the log.
    """

    operation: Operation | None = None
    condition: tuple[str, str] | None = None
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
) -> Decision:
    """Whether an application is synced now by itself, and how.

    Args:
        status: as last written, with the last operation.
        comparison: of this moment.
        now: the time.
        manifests_changed: False when the caller knows that the manifests of this revision are those of the revision
            last attempted: a commit elsewhere in a monorepo is no new attempt.
    """
    policy = app.spec.sync_policy
    automated = policy.automated if policy else None
    if policy is None or automated is None or automated.enabled is False:
        return Decision(reason="automated sync is not enabled")
    if reason := _not_now(app, status, comparison):
        return Decision(reason=reason)
    if not automated.prune and not any(_beyond_pruning(resource) for resource in comparison.compared):
        return Decision(reason="need to prune extra resources only but automated prune is disabled")
    operation = _full(app, policy, automated, comparison)
    last = status.operation_state
    relabelled = last is not None and _namespace_changed(policy, last, comparison)
    tried = last is not None and _attempted(app, status, last, comparison.revisions, manifests_changed)
    if last is not None and tried and not relabelled:
        decision = _after_attempt(automated, operation, last, comparison, now, heal)
        if decision.operation is None:
            return decision
        operation = decision.operation
    if automated.prune and not automated.allow_empty and _wipes_out(comparison):
        target = _names(comparison.revisions)
        message = f"Skipping sync attempt to {target}: auto-sync will wipe out all resources"
        return Decision(condition=("SyncError", f"{message} ({len(comparison.resources)})"), reason=message)
    return Decision(operation=operation)


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
    now: datetime,
    heal: HealSettings,
) -> Decision:
    """One try for each revision and configuration: after it nothing, or self-heal of what drifted since."""
    if last.phase is not OperationPhase.SUCCEEDED:
        message = f"Failed last sync attempt to {_names(comparison.revisions)}: {last.message}"
        return Decision(condition=("SyncError", message), reason=message)
    if not automated.self_heal:
        return Decision(reason=f"most recent sync already to {_names(comparison.revisions)}")
    since = (now - parse_time(last.finished_at)).total_seconds() if last.finished_at else 0.0
    attempts = 0 if since >= heal.cooldown else (last.operation.sync or SyncOperation()).auto_heal_attempts_count
    left = heal.wait(attempts) - since
    if left > 0:
        return Decision(again=left, reason=f"self-heal attempt {attempts + 1} in {left:.1f}s")
    drifted = [
        SyncOperationResource(group=key.group, kind=key.kind, name=key.name, namespace=key.namespace)
        for resource in comparison.compared
        if _needs_apply(resource) or (automated.prune and resource.requires_pruning)
        for key in (resource.key,)
    ]
    if not drifted or operation.sync is None:
        return Decision(reason="nothing that a sync could put back")
    sync = msgspec.structs.replace(operation.sync, resources=drifted, auto_heal_attempts_count=attempts + 1)
    return Decision(operation=msgspec.structs.replace(operation, sync=sync))


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
