"""What each request writes of an Application."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from trueup.model.application import Operation
from trueup.policy.requests import Ending
from trueup.store.requests import asking, confirming, ending_by, refreshing

NOW = datetime(2026, 5, 4, 12, 0, 0, 250000, tzinfo=UTC)
HOOKS: dict[str, Any] = {"sync": {"syncStrategy": {"hook": {}}, "prune": True}, "initiatedBy": {"username": "ada"}}
WRITES: dict[str, tuple[Any, dict[str, Any]]] = {
    "an operation, with what is empty but says something": (
        asking(msgspec.convert(HOOKS, Operation)), {"operation": HOOKS},
    ),
    "the end of one that runs is the engine's to bring": (
        ending_by(Ending.TERMINATED), {"status": {"operationState": {"phase": "Terminating"}}},
    ),
    "one that nobody has taken up is gone": (ending_by(Ending.TAKEN_BACK), {"operation": None}),
    "a refresh, with the time, so that asking again is a change": (
        refreshing(NOW, hard=False),
        {"metadata": {"annotations": {
            "argocd.argoproj.io/refresh": "normal",
            "argocd.argoproj.io/refresh-timestamp": "2026-05-04T12:00:00.250000Z",
        }}},
    ),
    "a hard one": (
        refreshing(NOW, hard=True),
        {"metadata": {"annotations": {
            "argocd.argoproj.io/refresh": "hard",
            "argocd.argoproj.io/refresh-timestamp": "2026-05-04T12:00:00.250000Z",
        }}},
    ),
    "one for a push, with its commit": (
        refreshing(NOW, pushed="a" * 40),
        {"metadata": {"annotations": {
            "argocd.argoproj.io/refresh": "normal",
            "argocd.argoproj.io/refresh-timestamp": "2026-05-04T12:00:00.250000Z",
            "trueup.dev/pushed": "a" * 40,
        }}},
    ),
    "a confirmation": (
        confirming(NOW),
        {"metadata": {"annotations": {"argocd.argoproj.io/deletion-approved": "2026-05-04T12:00:00Z"}}},
    ),
}  # fmt: skip


@pytest.mark.parametrize(("written", "wanted"), WRITES.values(), ids=WRITES.keys())
def test_a_request_writes(written: Any, wanted: dict[str, Any]) -> None:
    assert written == wanted
