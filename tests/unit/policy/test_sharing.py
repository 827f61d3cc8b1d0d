"""When an application applied an object last, by its status."""

from datetime import UTC, datetime

import msgspec
import pytest

from trueup.model.application import Operation, SyncOperation, SyncOperationResource
from trueup.model.resource import ResourceKey
from trueup.model.status import (
    OperationPhase,
    OperationState,
    ResourceResult,
    RevisionHistory,
    Status,
    SyncOperationResult,
)
from trueup.policy import applied_at

KEY = ResourceKey("g", "CustomResourceDefinition", "", "boats")
CHOSEN = SyncOperationResource(group="g", kind="CustomResourceDefinition", name="boats")
OTHER = SyncOperationResource(group="g", kind="CustomResourceDefinition", name="ships")
RUNNING, DONE, FAILED = OperationPhase.RUNNING, OperationPhase.SUCCEEDED, OperationPhase.FAILED
DEPLOYED, STARTED, FINISHED = (f"2026-01-01T00:00:0{second}Z" for second in range(3))

NOW = datetime(2026, 1, 1, 0, 0, 2, tzinfo=UTC)
EVER = "9999-01-01T00:00:00Z"


def status(
    phase: OperationPhase, *chosen: SyncOperationResource, result: str = "Synced", dry_run: bool = False
) -> Status:
    line = ResourceResult(group="g", kind=KEY.kind, name="boats", status=result)
    state = OperationState(
        operation=Operation(sync=SyncOperation(resources=list(chosen), dry_run=dry_run)),
        phase=phase,
        started_at=STARTED,
        finished_at=FINISHED if phase.completed else None,
        sync_result=SyncOperationResult(resources=[line] if result else []),
    )
    return Status(history=[RevisionHistory(deployed_at=DEPLOYED, id=1)], operation_state=state)


CASES = {
    "never": (Status(), ""),
    "a sync of all under way, from its start": (status(RUNNING, result=""), STARTED),
    "a sync of this one under way": (status(RUNNING, CHOSEN), STARTED),
    "a sync of others under way": (status(RUNNING, OTHER), DEPLOYED),
    "a sync that has ended": (status(DONE), FINISHED),
    "a heal of others that has ended": (status(DONE, OTHER, result=""), DEPLOYED),
    "a failed sync that got so far": (status(FAILED), FINISHED),
    "a failed sync that did not": (status(FAILED, result="SyncFailed"), DEPLOYED),
    "a dry run": (status(DONE, dry_run=True), DEPLOYED),
}


@pytest.mark.parametrize("case", CASES)
def test_when_an_object_was_applied_last(case: str) -> None:
    found, expected = CASES[case]
    assert applied_at(found, KEY, NOW) == expected


def test_a_time_that_is_yet_to_come_is_none() -> None:
    forged = RevisionHistory(deployed_at=EVER, id=2)
    real = RevisionHistory(deployed_at=DEPLOYED, id=1)
    assert applied_at(Status(history=[forged]), KEY, NOW) == ""
    assert applied_at(Status(history=[real, forged]), KEY, NOW) == DEPLOYED
    for found in (status(RUNNING), status(DONE)):
        assert found.operation_state is not None
        ahead = msgspec.structs.replace(found.operation_state, started_at=EVER, finished_at=EVER)
        assert applied_at(msgspec.structs.replace(found, operation_state=ahead), KEY, NOW) == DEPLOYED


def test_times_are_compared_as_times_whatever_zone_they_are_written_in() -> None:
    there = RevisionHistory(deployed_at="2026-01-01T05:00:01+05:00", id=1)
    assert applied_at(Status(history=[there]), KEY, NOW) == STARTED
