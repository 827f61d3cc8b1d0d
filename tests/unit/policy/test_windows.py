"""Sync windows (Argo CD ``types.go``; rule 14 of section 3 of the feature inventory)."""

import math
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trueup.model.application import Application, Operation
from trueup.model.project import Project, SyncWindow
from trueup.policy import Decision, assigned, describe_windows, held, may_sync
from trueup.policy.windows import AssignedWindow

NOON = datetime(2026, 5, 4, 12, 0, 30, tzinfo=UTC)
"""A Monday."""
BEFORE = NOON - timedelta(hours=3)
ACTIVE = {"schedule": "0 11 * * *", "duration": "2h"}
INACTIVE = {"schedule": "0 20 * * *", "duration": "2h"}


class Builder(Protocol):
    def app(self, **spec: Any) -> Application: ...
    def project(self, **spec: Any) -> Project: ...


def window(kind: str, when: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"kind": kind, "applications": ["*"], **when, **fields}


def put(*windows: dict[str, Any]) -> list[AssignedWindow]:
    return [
        AssignedWindow(f"spec.syncWindows[{index}]", msgspec.convert(each, SyncWindow))
        for index, each in enumerate(windows)
    ]


def deny(when: dict[str, Any] = ACTIVE, **fields: Any) -> dict[str, Any]:
    return window("deny", when, **fields)


def allow(when: dict[str, Any] = ACTIVE, **fields: Any) -> dict[str, Any]:
    return window("allow", when, **fields)


MANUAL: dict[str, Any] = {"manualSync": True}
OVERRUN: dict[str, Any] = {"syncOverrun": True}

VERDICTS: dict[str, tuple[list[dict[str, Any]], bool, bool]] = {
    # windows, automated sync, manual sync
    "without windows anything goes": ([], True, True),
    "an active allow permits": ([allow()], True, True),
    "an inactive allow blocks": ([allow(INACTIVE)], False, False),
    "an active deny blocks": ([deny()], False, False),
    "an inactive deny does not": ([deny(INACTIVE)], True, True),
    "an active deny wins over an active allow": ([allow(), deny()], False, False),
    "an active allow wins over an inactive one": ([allow(INACTIVE), allow()], True, True),
    "an inactive deny beside an inactive allow: the allow blocks": ([deny(INACTIVE), allow(INACTIVE)], False, False),
    "an inactive deny beside an active allow": ([deny(INACTIVE), allow()], True, True),
    "a manual sync passes a deny that lets it": ([deny(**MANUAL)], False, True),
    "a manual sync passes an inactive allow that lets it": ([allow(INACTIVE, **MANUAL)], False, True),
    "all active denies must let it": ([deny(**MANUAL), deny()], False, False),
    "all active denies do": ([deny(**MANUAL), deny(**MANUAL)], False, True),
    "an inactive deny has no say": ([deny(**MANUAL), deny(INACTIVE)], False, True),
    "all inactive allows must let it": ([allow(INACTIVE, **MANUAL), allow(INACTIVE)], False, False),
    "what an active allow says of manual syncs is no matter": ([allow(INACTIVE, **MANUAL), allow()], True, True),
    "an inactive allow has no say where a deny is active": ([deny(**MANUAL), allow(INACTIVE)], False, True),
    "an active allow does not make up for a deny": ([deny(), allow(**MANUAL)], False, False),
}


@pytest.mark.parametrize("rule", VERDICTS)
def test_whether_a_sync_may_start(rule: str) -> None:
    windows, automated, manual = VERDICTS[rule]
    assert may_sync(put(*windows), manual=False, now=NOON).allowed is automated
    assert may_sync(put(*windows), manual=True, now=NOON).allowed is manual
    state = "Sync Allowed" if automated else "Manual Allowed" if manual else "Sync Denied"
    assert describe_windows(put(*windows), NOON) == state


MORNING = {"schedule": "0 8 * * *", "duration": "2h"}
GOES_ON: dict[str, tuple[list[dict[str, Any]], bool]] = {
    # windows at noon; the operation began at nine
    "without overrun it stops where it is": ([deny()], False),
    "with overrun it goes on": ([deny(**OVERRUN)], True),
    "all active denies must let it": ([deny(**OVERRUN), deny()], False),
    "an inactive deny has no say": ([deny(**OVERRUN), deny(INACTIVE)], True),
    "an allow that has ended, with overrun": ([allow(MORNING, **OVERRUN)], True),
    "an allow that has ended, without": ([allow(MORNING)], False),
    "all inactive allows must let it": ([allow(MORNING, **OVERRUN), allow(INACTIVE)], False),
    "an allow that was not active at the start": ([allow(INACTIVE, **OVERRUN)], False),
    "a deny that was active at the start": ([deny({"schedule": "0 8 * * *", "duration": "8h"}, **OVERRUN)], False),
}


@pytest.mark.parametrize("rule", GOES_ON)
def test_whether_a_sync_that_has_begun_may_go_on(rule: str) -> None:
    windows, allowed = GOES_ON[rule]
    assert may_sync(put(*windows), manual=False, now=NOON, started_at=BEFORE).allowed is allowed
    if allowed:
        assert not may_sync(put(*windows), manual=False, now=NOON).allowed, "a new one may not begin"


def test_a_manual_sync_that_a_deny_let_pass_goes_on_in_a_later_deny_with_overrun() -> None:
    first = deny({"schedule": "0 8 * * *", "duration": "2h"}, **MANUAL)
    windows = put(first, deny(**OVERRUN))
    assert may_sync(windows, manual=True, now=NOON, started_at=BEFORE).allowed
    assert not may_sync(windows, manual=False, now=NOON, started_at=BEFORE).allowed


# --- when ----------------------------------------------------------------------------------------------------------


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


NIGHT = {"schedule": "30 2 * * *", "duration": "1h", "timeZone": "Europe/Madrid"}
LONG_NIGHT = {"schedule": "0 22 * * *", "duration": "8h", "timeZone": "Europe/Madrid"}
WORK = {"schedule": "0 9 * * 1-5", "duration": "8h", "timeZone": "America/New_York"}
TIMES: dict[str, tuple[dict[str, Any], str, bool]] = {
    "it begins at its minute": (ACTIVE, "2026-05-04T11:00:01+00:00", True),
    "not before": (ACTIVE, "2026-05-04T10:59:59+00:00", False),
    "it lasts for its duration": (ACTIVE, "2026-05-04T12:59:59+00:00", True),
    "and no longer": (ACTIVE, "2026-05-04T13:00:00+00:00", False),
    "over midnight": ({"schedule": "0 23 * * *", "duration": "2h"}, "2026-05-04T00:59:00+00:00", True),
    "longer than its period it is always active": (
        {"schedule": "0 0 * * *", "duration": "30h"},
        NOON.isoformat(),
        True,
    ),
    "a duration below a minute": ({"schedule": "* * * * *", "duration": "30s"}, "2026-05-04T11:00:45+00:00", False),
    "no duration at all": ({"schedule": "* * * * *", "duration": "0s"}, NOON.isoformat(), False),
    "a day that never comes": ({"schedule": "0 0 30 2 *", "duration": "24h"}, NOON.isoformat(), False),
    "by the clock of its time zone": (WORK, "2026-05-04T13:00:30+00:00", True),
    "not by ours": (WORK, "2026-05-04T09:30:00+00:00", False),
    "in winter an hour later": (WORK, "2026-12-07T13:30:00+00:00", False),
    "in winter, too": (WORK, "2026-12-07T14:30:00+00:00", True),
    "a beginning that the clock leaves out, at the hour after": (NIGHT, "2026-03-29T01:10:00+00:00", True),
    "and it ends as ever": (NIGHT, "2026-03-29T01:30:00+00:00", False),
    "the hour that comes twice, first": (NIGHT, "2026-10-25T00:40:00+00:00", True),
    "the hour that comes twice, then": (NIGHT, "2026-10-25T01:40:00+00:00", True),
    "a night in which the clock goes forward ends at six": (LONG_NIGHT, "2026-03-29T03:59:00+00:00", True),
    "not at seven": (LONG_NIGHT, "2026-03-29T04:00:00+00:00", False),
    "a night in which the clock goes back ends at six": (LONG_NIGHT, "2026-10-25T04:59:00+00:00", True),
    "not at five": (LONG_NIGHT, "2026-10-25T05:00:00+00:00", False),
}


@pytest.mark.parametrize("rule", TIMES)
def test_when_a_window_is_active(rule: str) -> None:
    when, now, active = TIMES[rule]
    assert may_sync(put(deny(when)), manual=False, now=at(now)).allowed is not active


@given(
    st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),
    st.sampled_from(["UTC", "Europe/Madrid", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
    st.sampled_from(["0 2 * * *", "30 1 * * 0", "*/20 2-3 * * *", "0 22 * * 1-5"]),
    st.sampled_from(["30m", "1h", "90m", "26h"]),
)
def test_nothing_changes_before_the_moment_to_look_again(now: datetime, zone: str, cron: str, duration: str) -> None:
    windows = put(deny({"schedule": cron, "duration": duration, "timeZone": zone}))
    verdict = may_sync(windows, manual=False, now=now)
    assert verdict.again > 0
    if verdict.again > 7200 or not verdict.allowed:
        return
    soon = now + timedelta(seconds=verdict.again - 1)
    assert soon <= now or may_sync(windows, manual=False, now=soon).allowed, "a window opened unseen"


def test_a_look_again_finds_the_window_changed() -> None:
    closed = may_sync(put(deny()), manual=False, now=NOON)
    assert closed.again == 3570.0
    assert may_sync(put(deny()), manual=False, now=NOON + timedelta(seconds=closed.again)).allowed
    assert may_sync([], manual=False, now=NOON).again == math.inf


# --- for whom ------------------------------------------------------------------------------------------------------

CONCERNS: dict[str, tuple[dict[str, Any], bool]] = {
    "an application by name": ({"applications": ["shop"]}, True),
    "an application by a glob": ({"applications": ["sh*"]}, True),
    "another application": ({"applications": ["stop"]}, False),
    "a namespace": ({"namespaces": ["prod-*"]}, True),
    "another namespace": ({"namespaces": ["test-*"]}, False),
    "a cluster by its server": ({"clusters": ["https://kubernetes.default.svc"]}, True),
    "a cluster by its name": ({"clusters": ["in-cluster"]}, True),
    "another cluster": ({"clusters": ["https://elsewhere"]}, False),
    "no list at all": ({}, False),
    "any list is enough": ({"applications": ["stop"], "namespaces": ["prod-*"]}, True),
    "with andOperator all lists": (
        {"applications": ["shop"], "namespaces": ["prod-*"], "clusters": ["in-cluster"], "andOperator": True},
        True,
    ),
    "with andOperator one list that does not": (
        {"applications": ["shop"], "namespaces": ["test-*"], "andOperator": True},
        False,
    ),
    "with andOperator an empty list does not count": ({"applications": ["shop"], "andOperator": True}, True),
    "with andOperator no list at all": ({"andOperator": True}, False),
    "an entry that is no glob": ({"applications": ["[a"]}, True),
}


@pytest.mark.parametrize("rule", CONCERNS)
def test_which_applications_a_window_is_for(build: Builder, rule: str) -> None:
    lists, concerned = CONCERNS[rule]
    project = build.project(syncWindows=[{"kind": "deny", **ACTIVE, **lists}])
    destination = {"server": "https://kubernetes.default.svc", "namespace": "prod-eu"}
    assert bool(assigned(project, build.app(destination=destination))) is concerned


# --- what cannot be read -------------------------------------------------------------------------------------------

FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "no kind": ({"kind": "Deny"}, 'kind: "Deny" is neither allow nor deny'),
    "no schedule": ({"schedule": ""}, "schedule: "),
    "four fields": ({"schedule": "0 1 * *"}, "schedule: "),
    "a name for a schedule": ({"schedule": "@daily"}, 'schedule: "@daily" is not five fields'),
    "an hour that is none": ({"schedule": "0 25 * * *"}, "schedule: hour"),
    "no duration": ({"duration": ""}, "duration: "),
    "a number without a unit": ({"duration": "2"}, "duration: "),
    "a duration in days": ({"duration": "1d"}, "duration: "),
    "a duration without end": ({"duration": "9" * 30 + "h"}, "duration: "),
    "no time zone": ({"timeZone": "Europe/Atlantis"}, 'timeZone: there is no time zone "Europe/Atlantis"'),
    "a path for a time zone": ({"timeZone": "../../etc/passwd"}, "timeZone: there is no time zone"),
    "a folder for a time zone": ({"timeZone": "Europe"}, "timeZone: there is no time zone"),
    "a long time zone": ({"timeZone": "A" * 5000}, "timeZone: there is no time zone"),
    "no glob": ({"applications": ["[a"]}, "applications[0]: "),
}


@pytest.mark.parametrize("what", FAULTS)
def test_a_window_that_cannot_be_read_is_named_and_nothing_is_allowed(what: str) -> None:
    fields, fault = FAULTS[what]
    windows = put(allow(), deny(INACTIVE) | fields)
    for manual in (False, True):
        verdict = may_sync(windows, manual=manual, now=NOON, started_at=BEFORE)
        assert not verdict.allowed
        assert verdict.fault.startswith(f"spec.syncWindows[1].{fault}")
    assert describe_windows(windows, NOON) == "Sync Denied"


# --- automated syncs -----------------------------------------------------------------------------------------------

SYNC = Decision(operation=Operation())


def test_an_automated_sync_waits_for_the_window(build: Builder) -> None:
    decision = held(SYNC, put(deny()), build.project(), NOON)
    assert (decision.operation, decision.condition, decision.again) == (None, None, 3570.0)


def test_a_decision_stands_where_the_windows_permit(build: Builder) -> None:
    assert held(SYNC, put(allow()), build.project(), NOON) is SYNC
    nothing = Decision(reason="application status is Synced", again=5.0)
    assert held(nothing, put(deny()), build.project(), NOON) is nothing


def test_a_window_that_cannot_be_read_is_told_though_nothing_is_to_be_synced(build: Builder) -> None:
    decision = held(Decision(), put(deny(timeZone="Mars")), build.project(), NOON)
    assert decision.condition == (
        "SyncError",
        "Sync operation blocked by sync window: project team: spec.syncWindows[0].timeZone: there is no time zone "
        '"Mars"',
    )
