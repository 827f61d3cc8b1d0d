"""What stays of an operation that has ended."""

import msgspec

from trueup import policy
from trueup.model.status import OperationState


def told_local(state: OperationState) -> OperationState:
    """The end of an operation that brought its manifests says so, and keeps none of them."""
    sync = state.operation.sync
    if sync is None or not sync.manifests:
        return state
    origin = policy.local_origin(state.operation)
    return msgspec.structs.replace(
        state, operation=policy.without_manifests(state.operation), message=f"{state.message} ({origin})"
    )


def is_history(state: OperationState) -> bool:
    """Whether a sync was of the whole application, for real and of a revision: only such a one is history, to which
    one can go back."""
    sync = state.operation.sync
    return sync is not None and not sync.resources and not sync.dry_run and not sync.manifests


def failure_of(state: OperationState) -> str:
    """Argo CD's words for an automated sync that failed and will not be tried again."""
    result = state.sync_result
    revision = (result.revision or ",".join(result.revisions)) if result else ""
    return f"Failed sync attempt to {revision}: {state.message}"
