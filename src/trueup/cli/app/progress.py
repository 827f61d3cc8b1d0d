"""Where an operation stands, in one line. Pure."""

from trueup.cli.app.access import View
from trueup.model.status import OperationPhase
from trueup.plan.retry import limit_of


def under_way(view: View) -> str:
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
