"""Health is written at once, at most once a second, and more seldom where it flaps for long."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from trueup.controllers.pace import HealthPace
from trueup.model.application import Application
from trueup.model.live import LiveObject
from trueup.model.resource import ResourceKey
from trueup.model.status import Status
from trueup.store.applications import StoredApplication
from trueup.store.write import ApplicationWrite

BEGIN = datetime(2026, 5, 4, tzinfo=UTC)


def status(health: str, message: str = "") -> dict[str, Any]:
    line = {"kind": "Pod", "name": "web", "status": "Synced", "health": {"status": health, "message": message}}
    return {"health": {"status": health, "lastTransitionTime": "2026-05-04T00:00:00Z"}, "resources": [line]}


def writes(before: dict[str, Any], after: dict[str, Any], seconds: float) -> ApplicationWrite:
    key = ResourceKey("argoproj.io", "Application", "argocd", "web")
    live = LiveObject(key=key, api_version="argoproj.io/v1alpha1", uid="u", resource_version="1", body=b"{}")
    stored = StoredApplication(key="argocd/web", live=live, app=Application(), status=Status(), raw_status=before)
    write = ApplicationWrite(stored, cast(Any, None), BEGIN + timedelta(seconds=seconds))
    for field, value in after.items():
        write.set(field, value)
    return write


def flapping(pace: HealthPace, seconds: int) -> list[float]:
    """When an application is written whose health changes eight times a second."""
    stored, times = status("Healthy"), []
    for tick in range(seconds * 8):
        wanted = status("Degraded" if tick % 2 else "Healthy", f"{tick}")
        if pace.hold("argocd/web", writes(stored, wanted, tick / 8)) == 0:
            stored = wanted
            times.append(tick / 8)
    return times


def test_what_flaps_is_written_once_a_second_and_then_ever_more_seldom() -> None:
    times = flapping(HealthPace(), 120)
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert min(gaps) >= 1.0
    assert min(gaps[15:]) >= 4.9
    assert len(times) < 40


def test_a_change_of_health_is_written_at_once_where_none_was_a_moment_ago() -> None:
    pace = HealthPace()
    assert pace.hold("argocd/web", writes(status("Healthy"), status("Degraded"), 0)) == 0
    assert pace.hold("argocd/web", writes(status("Degraded"), status("Healthy"), 1.5)) == 0
    assert pace.hold("argocd/other", writes(status("Degraded"), status("Healthy"), 1.5)) == 0, "each by itself"


@pytest.mark.parametrize("other", ["sync", "conditions"])
def test_what_else_changed_is_written_while_health_waits(other: str) -> None:
    pace = HealthPace()
    pace.hold("argocd/web", writes(status("Healthy"), status("Degraded"), 0))
    write = writes(status("Degraded"), {**status("Healthy"), other: {"status": "x"}}, 0.4)
    assert pace.hold("argocd/web", write) == pytest.approx(0.6)
    assert write.status == {**status("Degraded"), other: {"status": "x"}}


def test_a_change_that_is_no_health_is_not_held() -> None:
    pace = HealthPace()
    pace.hold("argocd/web", writes(status("Healthy"), status("Degraded"), 0))
    write = writes(status("Degraded"), {**status("Degraded"), "sync": {"status": "Synced"}}, 0.1)
    assert pace.hold("argocd/web", write) == 0
    assert not write.held


def test_the_first_health_of_an_application_holds_up_no_later_one() -> None:
    pace = HealthPace()
    assert pace.hold("argocd/web", writes({}, status("Missing"), 0)) == 0
    assert pace.hold("argocd/web", writes(status("Missing"), status("Progressing"), 0.1)) == 0


def test_a_clock_that_was_set_back_holds_nothing() -> None:
    pace = HealthPace()
    assert pace.hold("argocd/web", writes(status("Healthy"), status("Degraded"), 1e8)) == 0
    assert pace.hold("argocd/web", writes(status("Degraded"), status("Healthy"), 0)) == 0


def test_the_end_of_an_operation_tells_the_health_that_was_seen_with_it() -> None:
    pace = HealthPace()
    pace.hold("argocd/web", writes(status("Progressing"), status("Healthy"), 0))
    write = writes(status("Healthy"), status("Progressing"), 0.2)
    assert pace.hold("argocd/web", write) > 0
    write.set("resources", None)
    write.tell_health()
    assert write.status == status("Progressing")
    assert not write.held


def test_a_health_that_was_looked_at_again_is_not_the_one_that_was_held() -> None:
    pace = HealthPace()
    pace.hold("argocd/web", writes(status("Progressing"), status("Healthy"), 0))
    write = writes(status("Healthy"), status("Progressing"), 0.2)
    pace.hold("argocd/web", write)
    write.health("Degraded", "no image")
    write.tell_health()
    assert write.status["health"]["status"] == "Degraded"
