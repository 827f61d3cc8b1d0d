"""From one recorded state of an operation to the next."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from kubegrammar.time import format_time
from trueup.model.application import Retry
from trueup.model.status import (
    OperationPhase,
    OperationState,
    ResourceResult,
    ResultCode,
    SyncOperationResult,
)
from trueup.plan.results import merge, result_key, task_key
from trueup.plan.retry import attempts_left, next_attempt, pause
from trueup.plan.step import ALL_RUN, DRY_RUN, attempt_begun, failure_message
from trueup.plan.task import Act, DeleteHookTask, Finish, ReleaseHookTask, Step, Wait


def advance(
    state: OperationState, step: Step, outcomes: Sequence[ResourceResult], now: datetime, retry: Retry | None = None
) -> OperationState:
    """The state to write after a step.

    Args:
        state: as it was given to ``next_step``.
        step: what that answered.
        outcomes: results of the tasks that were carried out; a task without one was not, and comes again.
        now: the time, aware.
        retry: ``spec.syncPolicy.retry``.
    """
    if isinstance(step, Wait) and step.retrying:
        return state
    if state.finished_at:
        state = attempt_begun(state)
    results = merge(step.results, outcomes)
    state = msgspec.structs.replace(state, sync_result=_with(state.sync_result, results), message=step.message)
    match step:
        case Act() if step.closes and _any_failed(step, outcomes):
            return _ended(state, OperationPhase.FAILED, _closing(step, failure_message(results)), now, retry)
        case Act() if step.final and _complete(step, outcomes):
            return _ended(state, OperationPhase.SUCCEEDED, _closing(step, ALL_RUN), now, retry)
        case Finish():
            return _ended(state, step.phase, step.message, now, retry, last=not step.retry)
        case _:
            return state


def failed(
    state: OperationState, message: str, now: datetime, retry: Retry | None = None, *, last: bool = False
) -> OperationState:
    """The state to write where an attempt could not be made at all: it is in Error, and tried again as any other.

    Args:
        last: it is not tried again.
    """
    if state.finished_at:
        state = attempt_begun(state)
    last = last or state.phase is OperationPhase.TERMINATING
    return _ended(state, OperationPhase.ERROR, message, now, retry, last=last)


def _ended(
    state: OperationState,
    phase: OperationPhase,
    message: str,
    now: datetime,
    retry: Retry | None,
    *,
    last: bool = False,
) -> OperationState:
    """The end of an attempt: of the operation too, unless it failed and may be tried again."""
    failed = phase in (OperationPhase.FAILED, OperationPhase.ERROR)
    ended = msgspec.structs.replace(state, phase=phase, message=message, finished_at=format_time(now))
    if not failed:
        return ended
    if not last and attempts_left(state, retry):
        try:
            due = now + timedelta(seconds=pause(state.retry_count, state.operation.retry or retry))
        except ValueError as error:
            return msgspec.structs.replace(ended, message=f"{message} (failed to retry: {error})")
        attempt = next_attempt(state)
        told = f"{message}. Retrying attempt #{attempt} at {due:%H:%M:%S}Z."
        return msgspec.structs.replace(ended, phase=OperationPhase.RUNNING, message=told, retry_count=attempt)
    if state.retry_count:
        ended = msgspec.structs.replace(ended, message=f"{message} (retried {state.retry_count} times).")
    return ended


def _with(result: SyncOperationResult | None, resources: list[ResourceResult]) -> SyncOperationResult:
    return msgspec.structs.replace(result or SyncOperationResult(), resources=resources)


def _any_failed(step: Act, outcomes: Sequence[ResourceResult]) -> bool:
    return _complete(step, outcomes) and any(outcome.status == ResultCode.SYNC_FAILED.value for outcome in outcomes)


def _complete(step: Act, outcomes: Sequence[ResourceResult]) -> bool:
    """Whether every task has an outcome: one that was interrupted leaves the operation running."""
    done = {result_key(outcome) for outcome in outcomes}
    return all(task_key(task) in done for task in step.tasks if not isinstance(task, DeleteHookTask | ReleaseHookTask))


def _closing(step: Act, message: str) -> str:
    return message + DRY_RUN if step.dry_run else message
