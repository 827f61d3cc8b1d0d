"""Who works on an Application when two engines could (cluster-truths 15)."""

from datetime import UTC, datetime, timedelta

import pytest

from trueup.model.annotations import CONTROLLER, SKIP_RECONCILE
from trueup.policy import hands_off, last_write_by

NOW = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
RECENT, LONG_AGO = NOW - timedelta(minutes=9), NOW - timedelta(minutes=10)

TABLE: dict[str, tuple[dict[str, str], datetime | None, bool]] = {
    "nobody else was here": ({}, None, False),
    "the other engine wrote just now": ({}, RECENT, True),
    "the other engine wrote ten minutes ago": ({}, LONG_AGO, False),
    "taken over": ({CONTROLLER: "trueup"}, RECENT, False),
    "given away": ({CONTROLLER: "argocd"}, None, True),
    "paused": ({SKIP_RECONCILE: "true"}, None, True),
    "a pause counts for the new owner too": ({SKIP_RECONCILE: "1", CONTROLLER: "trueup"}, None, True),
    "a pause switched off": ({SKIP_RECONCILE: "false"}, None, False),
}


@pytest.mark.parametrize("rule", TABLE)
def test_hands_off(rule: str) -> None:
    annotations, other_wrote, expected = TABLE[rule]
    assert bool(hands_off(annotations, other_wrote, NOW)) is expected


def test_the_latest_write_of_the_other_engine_counts() -> None:
    entries = [
        {"manager": "argocd-application-controller", "time": "2026-05-04T03:00:00Z"},
        {"manager": "argocd-application-controller", "time": "2026-05-04T03:01:00Z", "subresource": "status"},
        {"manager": "argocd-application-controller", "time": "not a time"},
        {"manager": "argocd-application-controller"},
        {"manager": "kubectl", "time": "2026-05-04T03:02:00Z"},
    ]
    assert last_write_by(entries) == datetime(2026, 5, 4, 3, 1, tzinfo=UTC)
    assert last_write_by(entries[4:]) is None
