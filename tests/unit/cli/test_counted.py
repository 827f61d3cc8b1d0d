"""What an operation says of objects that failed: their number, for their reasons stand with them."""

import pytest

from trueup.cli.app.progress import counted
from trueup.model.application import Operation
from trueup.model.status import OperationPhase, OperationState, ResourceResult, SyncOperationResult

LONG = "admission webhook denied the request: " + "x" * 2000
CASES = {
    "one": (["no"], "failed, reason: no", "failed (1 of 3)"),
    "the same of two": (["no", "no"], "failed, reason: no", "failed (2 of 4)"),
    "two": (["no", "nor that, too"], "failed, reason: no,nor that, too", "failed (2 of 4)"),
    "tried again": (["no"], "failed, reason: no (retried 2 times).", "failed (1 of 3) (retried 2 times)."),
    "cut off": ([LONG], f"failed, reason: {LONG}"[:1024], "failed (1 of 3)"),
    "another reason": (["no"], "failed, reason: else", "failed, reason: else"),
    "none": ([], "successfully synced", "successfully synced"),
}


@pytest.mark.parametrize("case", CASES)
def test_the_reason_of_an_object_is_told_once_and_the_summary_counts(case: str) -> None:
    reasons, message, told = CASES[case]

    def result(name: str, status: str, message: str) -> ResourceResult:
        return ResourceResult(
            group="", version="v1", kind="ConfigMap", namespace="shop", name=name, status=status, message=message
        )

    results = [result("a", "Synced", "configured"), result("b", "Synced", "no")]
    results += [result(f"c{at}", "SyncFailed", reason) for at, reason in enumerate(reasons)]
    state = OperationState(
        operation=Operation(),
        phase=OperationPhase.FAILED,
        message=message,
        started_at="2026-05-04T03:02:01Z",
        sync_result=SyncOperationResult(resources=results),
    )
    assert counted(state) == told
