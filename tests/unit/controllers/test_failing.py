"""Whatever a pass ends in: which condition, which Event, and when the next pass is."""

import inspect
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.plans import START, manifest
from tests.support.world import KEY, World, application

from trueup.controllers import failing
from trueup.controllers.failing import GRACE, QUIET, TABLE, AsTold, RetryDelay, Row, reason_of
from trueup.kube import errors as kube_errors
from trueup.kube.errors import (
    ApiError,
    Conflict,
    Forbidden,
    NotFound,
    ServerError,
    Silent,
    TooManyRequests,
    Unreachable,
)
from trueup.model import errors as model_errors
from trueup.model.errors import (
    InvalidSpec,
    Redirected,
    RenderFailed,
    RenderStopped,
    SourceUnavailable,
    Stalled,
    TrueupError,
    Waiting,
)
from trueup.runtime.lease import NotHeld
from trueup.store.refusal import StatusRefused

LONG = 400.0
"""Seconds after which whatever has to be told is told."""


def settled_world() -> World:
    return World(manifest("ConfigMap", "a"), app=application())


async def failing_world(error: Exception) -> World:
    """A world that was in order for a minute, and in which passes end in this since."""
    world = settled_world()
    await world.run(60)
    assert world.status()["sync"]["status"] == "Synced"
    world.seeing.raising = error
    world.events.clear()
    world.passes.clear()
    world.wake(KEY)
    return world


# error → (condition, Event's reason, whether that is a warning, seconds until the next pass: at least, at most)
ROWS: dict[str, tuple[Exception, str, str, bool, float, float]] = {
    "a cluster that refuses": (Forbidden("no", code=403), "ComparisonError", "Forbidden", True, 0.75, 1.25),
    "a cluster that fails": (ServerError("no", code=500), "ComparisonError", "ServerError", True, 0.75, 1.25),
    "an overloaded cluster": (TooManyRequests("no"), "ComparisonError", "TooManyRequests", True, 0.75, 1.25),
    "an answer that nobody foresaw": (ApiError("no", code=418), "ComparisonError", "ApiError", True, 0.75, 1.25),
    "an object that is gone": (NotFound("no", code=404), "ComparisonError", "NotFound", True, 0.75, 1.25),
    "somebody else's conflict": (Conflict("no", code=409), "ComparisonError", "Conflict", True, 0.75, 1.25),
    "something to wait for": (Waiting("busy", after=7.0), "UnknownError", "Waiting", False, 7.0, 7.0),
    "any error that people read": (TrueupError("no", hint="do"), "UnknownError", "Error", True, 0.75, 1.25),
    "a fault of our own": (OverflowError("s3cret"), "UnknownError", "InternalError", True, 0.75, 1.25),
    "a system that fails": (OSError("disk"), "UnknownError", "InternalError", True, 0.75, 1.25),
}
"""Those that end a pass. What says of a source that there are no manifests does not: SOURCES."""


@pytest.mark.parametrize(("error", "condition", "event", "warning", "least", "most"), ROWS.values(), ids=ROWS)
async def test_what_a_pass_ends_in_is_a_condition_an_event_and_another_pass(
    error: Exception, condition: str, event: str, warning: bool, least: float, most: float
) -> None:
    world = await failing_world(error)
    await world.run(0)
    assert list(world.conditions()) == [condition]
    message = failing.message_of(error)
    assert world.conditions()[condition].startswith(message) and "s3cret" not in str(world.conditions())
    assert world.events == [(event, message, warning)]
    wait = world.waits()
    assert wait is not None and least <= wait <= most


SOURCES: dict[str, tuple[TrueupError, float]] = {
    "manifests that cannot be made": (RenderFailed("bad"), 0.0),
    "a render that was stopped": (RenderStopped("slow"), 0.0),
    "a repository that cannot be read": (SourceUnavailable("away"), GRACE),
    "a repository that is elsewhere": (Redirected("moved"), GRACE),
    "a source that the project does not permit": (InvalidSpec("not permitted"), 0.0),
    "what only an edit helps": (Stalled("wrong"), 0.0),
}


@pytest.mark.parametrize(("error", "grace"), SOURCES.values(), ids=SOURCES)
async def test_without_manifests_the_verdict_is_unknown_when_its_grace_is_over(
    error: TrueupError, grace: float
) -> None:
    world = await failing_world(error)
    await world.run(0)
    assert list(world.conditions()) == ["ComparisonError"]
    assert [event for event in world.events if event[0] == "ComparisonError"] == [("ComparisonError", str(error), True)]
    assert world.status()["sync"]["status"] == ("Synced" if grace else "Unknown")
    await world.run(GRACE + 1)
    assert world.status()["sync"]["status"] == "Unknown"
    assert len([event for event in world.events if event[0] == "ComparisonError"]) == 1, "told when it begins"


async def test_a_specification_that_contradicts_itself_is_told_and_looked_at_again_after_a_minute() -> None:
    world = await failing_world(TrueupError("unused"))
    world.edit({"spec": {"project": "nobody"}})
    await world.run(0)
    assert "project nobody which does not exist" in world.conditions()["InvalidSpecError"]
    assert [reason for reason, _, _ in world.events] == ["InvalidSpecError", "ResourceUpdated"]
    assert world.waits() == 60.0


async def test_a_verdict_that_is_old_says_how_old() -> None:
    world = await failing_world(ServerError("no", code=500))
    began = (START + timedelta(seconds=60)).strftime("%Y-%m-%dT%H:%M:%SZ")
    await world.run(30)
    assert world.status()["sync"]["status"] == "Synced"
    assert world.conditions() == {"ComparisonError": f"no; sync and health are as seen before {began}"}
    await world.run(LONG)
    assert world.status()["sync"]["status"] == "Unknown"
    assert world.conditions() == {"ComparisonError": f"no; health is as seen before {began}"}
    assert [reason for reason, _, _ in world.events] == ["ServerError", "ResourceUpdated"]
    world.seeing.raising = None
    await world.run(LONG)
    assert world.conditions() == {} and world.status()["sync"]["status"] == "Synced"


async def test_an_application_that_was_never_seen_has_no_old_verdict() -> None:
    world = settled_world()
    world.seeing.raising = RenderFailed("app/a.yaml: it is empty")
    world.wake(KEY)
    await world.run(LONG)
    assert world.conditions() == {"ComparisonError": "app/a.yaml: it is empty"}
    written = len(world.server.patches)
    world.take_over()
    await world.run(LONG)
    assert len(world.server.patches) == written, "and nobody writes that again"


@pytest.mark.parametrize("error", [Unreachable("gone"), Silent("gone")], ids=["no answer", "a stream that is silent"])
async def test_a_cluster_out_of_reach_is_told_once_it_lasts_and_asked_again_within_seconds(error: Exception) -> None:
    world = await failing_world(error)
    await world.run(QUIET / 4)
    assert world.conditions() == {} and world.events == [], "a server that starts anew is back by then"
    await world.run(QUIET * 2)
    assert list(world.conditions()) == ["ComparisonError"]
    assert world.events == [("Unreachable", "gone", True)]
    wait = world.waits()
    assert wait is not None and wait <= 6.25
    written = len(world.server.patches)
    world.take_over()
    await world.run(LONG)
    sync_is_unknown = 1
    assert len(world.server.patches) <= written + sync_is_unknown


async def test_who_has_lost_the_lease_writes_nothing() -> None:
    world = await failing_world(NotHeld("another engine acts", after=3.0))
    written = len(world.server.patches)
    await world.run(20)
    assert (world.conditions(), world.events, len(world.server.patches)) == ({}, [], written)
    assert [requeue.seconds for _, requeue in world.passes] == [3.0] * len(world.passes)


async def test_an_application_that_changed_meanwhile_is_looked_at_at_once() -> None:
    live_key = settled_world().applications.live(KEY)
    assert live_key is not None
    error = Conflict("it was changed", code=409)
    error.key = live_key.key
    world = await failing_world(error)
    await world.run(0)
    assert world.conditions() == {} and world.waits() == 0.05


async def test_a_status_that_is_refused_is_tried_again_after_a_minute() -> None:
    world = await failing_world(TrueupError("unused"))
    world.seeing.raising = None
    world.edit({"operation": {"sync": {}}})
    world.server.refusing = StatusRefused("the API server refused this application's status")
    await world.run(0)
    assert world.events == [("StatusWriteError", "the API server refused this application's status", True)]
    assert world.waits() == 60.0


async def test_an_operation_that_no_pass_can_work_on_ends_after_some() -> None:
    world = await failing_world(OverflowError("int too large"))
    world.edit({"operation": {"sync": {}}})
    await world.run(60)
    state = world.status()["operationState"]
    assert state["phase"] == "Error" and "OverflowError" in state["message"] and "operation" not in world.body()
    assert "UnknownError" in world.conditions()


# --- the table as such ------------------------------------------------------------------------------------------------


def error_types() -> list[type[TrueupError]]:
    found = [kind for module in (kube_errors, model_errors) for _, kind in inspect.getmembers(module, inspect.isclass)]
    return sorted({kind for kind in found if issubclass(kind, TrueupError)}, key=lambda kind: kind.__name__)


def made(kind: type[TrueupError]) -> TrueupError:
    return kind("told", after=5.0) if issubclass(kind, Waiting) else kind("told")


@pytest.mark.parametrize("kind", error_types(), ids=lambda kind: kind.__name__)
def test_every_type_of_error_has_a_row(kind: type[TrueupError]) -> None:
    row = TABLE[reason_of(made(kind))]
    assert row.condition and row.event


@pytest.mark.parametrize(("reason", "row"), TABLE.items(), ids=TABLE)
def test_every_row_leads_to_another_pass(reason: str, row: Row) -> None:
    error = Waiting("told", after=5.0) if isinstance(row.again, AsTold) else TrueupError("told", reason=reason)
    for failures in (1, 3, 1000):
        seconds = failing.again(row, error, failures).seconds
        longest = row.again.longest if isinstance(row.again, RetryDelay) else 300.0
        assert seconds is not None and 0 < seconds <= longest * 1.25
    assert bool(row.condition) or reason in ("StatusWriteError", "Moved", "LeaseLost", "ClusterOpening"), (
        "and to a condition"
    )


def raised() -> st.SearchStrategy[Exception]:
    text = st.text(max_size=80)
    of_ours = st.builds(
        lambda kind, message, hint: (
            kind(message, after=3.0, hint=hint) if issubclass(kind, Waiting) else kind(message, hint=hint)
        ),
        st.sampled_from(error_types()),
        text,
        text,
    )
    python: list[Any] = [ValueError, KeyError, RecursionError, OSError, ZeroDivisionError, AssertionError, TimeoutError]
    return of_ours | st.builds(lambda kind, message: kind(message), st.sampled_from(python), text)


@settings(max_examples=25)
@given(error=raised(), seen_before=st.booleans())
async def test_whatever_is_raised_there_is_a_condition_and_another_pass(error: Exception, seen_before: bool) -> None:
    world = await failing_world(error) if seen_before else settled_world()
    world.seeing.raising = error
    world.wake(KEY)
    await world.run(LONG)
    assert {kind for kind in world.conditions() if kind.endswith("Error")}
    assert world.status()["sync"]["status"] == "Unknown" and world.waits() is not None
    world.seeing.raising = None
    await world.run(LONG)
    assert world.conditions() == {} and world.status()["sync"]["status"] == "Synced"
