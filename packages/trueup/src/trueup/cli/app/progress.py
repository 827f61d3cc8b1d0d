"""Where an operation stands, in one line. Pure."""

from trueup.cli.app.access import ApplicationView
from trueup.model.status import OperationPhase, OperationState, ResourceResult, SyncCode
from trueup.plan.retry import limit_of


def counted(state: OperationState) -> str:
    """What an operation says, with the number of the objects that failed in the place of their reasons: those stand
    with the objects."""
    results = state.sync_result.resources if state.sync_result else []
    said, cut, reasons = state.message.partition(", reason: ")
    failed = [each for each in results if _failed(each) and each.message and each.message[:_SHORTENED] in reasons]
    if not cut or not failed:
        return state.message
    for message in sorted({each.message for each in failed}, key=len, reverse=True):
        reasons = reasons.replace(message, "")
    rest = reasons.strip(",")
    if any(each.message.startswith(rest) for each in failed):
        rest = ""  # of a reason that was cut off
    return f"{said} ({len(failed)} of {len(results)}){rest}"


_SHORTENED = 40
"""Letters by which the reason of an object is known, whose end the operation may have cut off."""


def _failed(result: ResourceResult) -> bool:
    return result.status == "SyncFailed" or result.hook_phase in (OperationPhase.FAILED, OperationPhase.ERROR)


def under_way(view: ApplicationView) -> str:
    """What an operation does now: asked for, running, waiting for its next attempt, ending; empty where none does."""
    state = view.status.operation_state
    if state is None or state.phase.completed:
        return "asked for, not taken up yet" if view.app.operation is not None else ""
    if state.phase is OperationPhase.TERMINATING:
        return f"terminating{f': {counted(state)}' if state.message else ''}"
    policy = view.app.spec.sync_policy
    limit = limit_of(state, policy.retry if policy else None)
    attempts = f"{limit + 1}" if limit >= 0 else "no limit"
    if state.finished_at:
        # The count is that of the attempt to come; the message says when.
        return f"attempt {state.retry_count} of {attempts} failed, another follows: {counted(state)}"
    attempt = f"attempt {state.retry_count + 1} of {attempts}" if state.retry_count else "running"
    return f"{attempt}{f': {counted(state)}' if state.message else ''}"


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
