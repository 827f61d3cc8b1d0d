"""Where an operation stands, in one line. Pure."""

from trueup.cli.app.access import ApplicationView
from trueup.model.status import OperationPhase, SyncCode
from trueup.plan.retry import limit_of


def under_way(view: ApplicationView) -> str:
    """What an operation does now: asked for, running, waiting for its next attempt, ending; empty where none does."""
    state = view.status.operation_state
    if state is None or state.phase.completed:
        return "asked for, not taken up yet" if view.app.operation is not None else ""
    if state.phase is OperationPhase.TERMINATING:
        return f"terminating{f': {state.message}' if state.message else ''}"
    policy = view.app.spec.sync_policy
    limit = limit_of(state, policy.retry if policy else None)
    attempts = f"{limit + 1}" if limit >= 0 else "no limit"
    if state.finished_at:
        # The count is that of the attempt to come; the message says when.
        return f"attempt {state.retry_count} of {attempts} failed, another follows: {state.message}"
    attempt = f"attempt {state.retry_count + 1} of {attempts}" if state.retry_count else "running"
    return f"{attempt}{f': {state.message}' if state.message else ''}"


def not_tried_again(view: ApplicationView) -> str:
    """What to do where automation has given up on a revision, whose sync has failed; empty where it has not."""
    state, status = view.status.operation_state, view.status
    policy = view.app.spec.sync_policy
    automated = policy.automated if policy else None
    if automated is None or automated.enabled is False or view.app.operation is not None:
        return ""
    failed = state is not None and state.phase in (OperationPhase.FAILED, OperationPhase.ERROR)
    if not failed or not (status.sync and status.sync.status is SyncCode.OUT_OF_SYNC):
        return ""
    if state is None or not any(condition.type == "SyncError" for condition in status.conditions):
        return ""
    from trueup.policy.heal import HEALS

    if automated.self_heal and any(entry.name == HEALS for entry in state.operation.info):
        # What a heal could not put back comes back as a drift like another.
        return ""
    return f"not tried again by itself for this revision: `trueup app sync {view.app.metadata.name}` does"
