"""What is written where the API server refuses a status: a refusal is never silent, and nothing hangs on it."""

from typing import Any

import msgspec

from kubegrammar.patch import merge_diff
from trueup import policy
from trueup.kube.errors import ApiError, BadRequest, Forbidden, Invalid, ServerError
from trueup.model.errors import TrueupError
from trueup.model.status import Condition, OperationPhase, OperationState, SyncOperationResult

CONDITION = "StatusWriteError"
ETCD_LIMIT = 1_500_000
"""Bytes of an object above which etcd, as it is shipped, refuses it; the API server answers that with a 500."""
MOST_CAUSES = 5
LONGEST_CAUSES = 1000
_TOO_LARGE = 413

Json = dict[str, Any]


class StatusRefused(TrueupError):
    """The API server refused what was to be recorded; what it did take says so.

    Attributes:
        told: the condition is new.
        ended: the operation that ended because nobody could have recorded its next step.
    """

    reason = CONDITION

    def __init__(self, message: str, *, told: bool = True, ended: OperationState | None = None) -> None:
        super().__init__(message)
        self.told = told
        self.ended = ended


def is_refusal(error: ApiError, size: int) -> bool:
    """Whether an answer means that a patch as it is will never be taken.

    Args:
        size: bytes of the patch and of the object it was for.
    """
    return is_too_large(error, size) or isinstance(error, Invalid | BadRequest | Forbidden)


def is_too_large(error: ApiError, size: int) -> bool:
    """Whether an answer means that the object would be larger than the server can store."""
    return size > ETCD_LIMIT if isinstance(error, ServerError) else error.code == _TOO_LARGE


def remedy(error: ApiError, size: int) -> str:
    """What helps against a refusal."""
    if is_too_large(error, size):
        return "split the application: its status names each of its objects"
    return "install definitions of this version of Trueup or of Argo CD 3.x, or correct the policy"


def refused(error: ApiError) -> str:
    """What was refused, for people: the fields, where the server names them."""
    named = [cause for cause in error.causes if cause.field]
    if not named:
        return f"the API server refused this application's status: {error.message}"
    shown = [f"{cause.field}: {cause.message}" for cause in named[:MOST_CAUSES]]
    more = f" and {len(named) - len(shown)} more" if len(named) > len(shown) else ""
    return f"the API server refused this application's status: {'; '.join(shown)[:LONGEST_CAUSES]}{more}"


def essential(before: Json, wanted: Json, message: str, now: str) -> Json:
    """The status to write instead: what was there, with the verdicts, the condition and the operation's phase.

    An operation that still runs ends: its next step would begin from a record that was never written.

    Args:
        before: the status as stored.
        wanted: the one that was refused.
        message: of the condition.
        now: RFC 3339.
    """
    status = {**before, "conditions": _conditions(before, wanted, message, now)}
    for name, fields in (
        ("sync", ("status", "revision", "revisions")),
        ("health", ("status", "message", "lastTransitionTime")),
    ):
        if name in wanted:
            part = {field: wanted[name].get(field) for field in fields}
            status[name] = {**(before.get(name) or {}), **part}
    state = wanted.get("operationState")
    if state and merge_diff(before, {**before, "operationState": state}):
        status["operationState"] = _operation_state(state, message, now)
    return status


def barest(before: Json, status: Json) -> Json:
    """Of an essential status the condition and the operation's end alone, where even that was refused."""
    bare = {**before, "conditions": status["conditions"]}
    if status.get("operationState") != before.get("operationState"):
        bare["operationState"] = {**status["operationState"], "operation": {}, "syncResult": None}
    return bare


def _conditions(before: Json, wanted: Json, message: str, now: str) -> list[Json]:
    stored = before.get("conditions") or []
    known = next((c for c in stored if (c.get("type"), c.get("message")) == (CONDITION, message)), None)
    others = [c for c in wanted.get("conditions") or [] if c.get("type") != CONDITION]
    return [*others, known or msgspec.to_builtins(Condition(type=CONDITION, message=message, last_transition_time=now))]


def _operation_state(state: Json, message: str, now: str) -> Json:
    read = msgspec.convert(state, type=OperationState)
    result = read.sync_result or SyncOperationResult()
    bare = SyncOperationResult(revision=result.revision, revisions=result.revisions)
    text = f"{read.message}: {message}" if read.message else message
    kept = msgspec.structs.replace(read, sync_result=bare, message=text)
    if not read.phase.completed:
        kept = msgspec.structs.replace(kept, phase=OperationPhase.ERROR, finished_at=now)
    kept = msgspec.structs.replace(kept, operation=policy.without_manifests(kept.operation))
    plain: Json = msgspec.to_builtins(kept)
    return plain
