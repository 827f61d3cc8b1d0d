"""An approval is for what began before it."""

from datetime import UTC, datetime, timedelta

import pytest

from trueup.plan.consent import consents

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)

RULES: dict[str, tuple[float | None, str | None, bool]] = {
    # seconds since the approval, when that began which it is for
    "none": (None, "2026-05-04T11:00:00Z", False),
    "a later one": (60, "2026-05-04T11:00:00Z", True),
    "an earlier one": (7200, "2026-05-04T11:00:00Z", False),
    "of what began in the future, a recent one": (60, "2040-01-01T00:00:00Z", True),
    "of what began in the future, an old one": (7200, "2040-01-01T00:00:00Z", False),
    "of what began nobody knows when, an old one": (7200, "soon", False),
    "where the beginning does not matter": (7200, None, True),
}


@pytest.mark.parametrize(("ago", "since", "approved"), RULES.values(), ids=RULES.keys())
def test_consent(ago: float | None, since: str | None, approved: bool) -> None:
    given = None if ago is None else NOW - timedelta(seconds=ago)
    assert consents(given, since, NOW) is approved
