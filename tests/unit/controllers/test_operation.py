"""The life of an operation, pass by pass, in virtual time."""

from datetime import timedelta
from typing import Any

import msgspec
import pytest
from tests.support.plans import REVISION, START, manifest
from tests.support.world import KEY, Json, World, application, project

from trueup.kube.errors import Unreachable
from trueup.model.audit import Action
from trueup.model.errors import SourceUnavailable
from trueup.plan.task import Act

A, B = manifest("ConfigMap", "a"), manifest("ConfigMap", "b", wave=1)
BY_HAND: Json = {"syncPolicy": None}
ASKED: Json = {"operation": {"sync": {}, "initiatedBy": {"username": "ada"}}}


def by_hand(*targets: Any, **more: Any) -> World:
    return World(*targets, app=application(**BY_HAND, **more))


def state(world: World) -> Json:
    found: Json = world.status().get("operationState") or {}
    return found


def actions(world: World) -> list[str]:
    return [str(entry.action) for entry in world.trail.entries if entry.action is not Action.HEALTH]


async def test_without_automation_nothing_begins_until_somebody_asks() -> None:
    world = by_hand(A)
    await world.run(600)
    assert state(world) == {} and world.cluster.created == []
    world.edit(ASKED)
    await world.run(5)
    assert state(world)["phase"] == "Succeeded" and world.cluster.created == [A.key]
    assert "operation" not in world.body(), "it is taken"
    assert world.status()["history"][-1]["initiatedBy"] == {"username": "ada"}
    assert ("OperationStarted", f"ada initiated sync to {REVISION[:12]}", False) in world.events


async def test_a_wave_is_applied_when_the_one_before_is_healthy() -> None:
    slow = manifest("Deployment", "slow")
    world = World(slow, manifest("ConfigMap", "late", wave=1), app=application())
    world.cluster.slowness = 3
    await world.run(60)
    assert [key.name for key in world.cluster.created] == ["slow", "late"]
    assert state(world)["phase"] == "Succeeded"
    assert [requeue.seconds for _, requeue in world.passes].count(None) == 0


async def test_a_refused_object_is_tried_again_ever_later_until_the_limit() -> None:
    backoff = {"limit": 3, "backoff": {"duration": "5s", "factor": 2, "maxDuration": "1m"}}
    world = World(A, app=application(syncPolicy={"automated": {}, "retry": backoff}))
    world.cluster.refusing = frozenset({"a"})
    await world.run(120)
    assert (state(world)["phase"], state(world)["retryCount"]) == ("Failed", 3)
    assert "a refused" in world.conditions()["SyncError"]
    assert [each["attempt"] for each in world.log if each["event"] == "operation retried"] == [1, 2, 3]
    assert world.events[-1][0] == "OperationCompleted" and world.events[-1][2]
    ended = state(world)["finishedAt"]
    assert ended == (START + timedelta(seconds=5 + 10 + 20)).strftime("%Y-%m-%dT%H:%M:%SZ")
    passes = len(world.passes)
    await world.run(3600)
    assert state(world)["finishedAt"] == ended and len(world.passes) <= passes + 31, (
        "left alone until something changes"
    )


async def test_a_running_operation_can_be_ended() -> None:
    world = World(manifest("Deployment", "slow"), B, app=application())
    world.cluster.slowness = 10**6
    await world.run(30)
    assert state(world)["phase"] == "Running"
    world.edit({"status": {"operationState": {"phase": "Terminating"}}})
    await world.run(5)
    assert state(world)["phase"] == "Failed" and "terminated" in state(world)["message"].lower()
    assert B.key not in world.cluster.created


async def test_an_operation_written_over_one_that_runs_is_told_to_be_lost() -> None:
    world = World(manifest("Deployment", "slow"), B, app=application())
    world.cluster.slowness = 6
    await world.run(3)
    assert state(world)["phase"] == "Running"
    world.edit(ASKED)
    await world.run(120)
    assert state(world)["phase"] == "Succeeded" and "operation" not in world.body()
    told = [(reason, message) for reason, message, _ in world.events if reason == "OperationDropped"]
    assert told == [
        ("OperationDropped", "ada wrote another operation while this one ran: it is not carried out, ask for it again")
    ]
    world.edit(ASKED)
    await world.run(120)
    assert state(world)["operation"]["initiatedBy"]["username"] == "ada"
    assert len([each for each in world.events if each[0] == "OperationDropped"]) == 1


async def test_hooks_run_around_the_sync_and_are_on_record() -> None:
    before = manifest("Job", "migrate", hook="PreSync", policy="HookSucceeded")
    world = World(before, A, app=application())
    await world.run(60)
    assert state(world)["phase"] == "Succeeded"
    assert [(kind, key.name) for kind, key in world.cluster.order][:2] == [("write", "migrate"), ("write", "a")]
    assert before.key not in world.cluster.objects, "and it is gone, as its policy asks"
    assert actions(world).count("hook") >= 1


async def test_a_window_holds_a_sync_until_it_opens() -> None:
    world = World(A)
    closed = {"kind": "deny", "schedule": "0 3 * * *", "duration": "1h", "applications": ["*"]}
    body = project()
    world.server.put({**body, "spec": {**body["spec"], "syncWindows": [closed]}})
    world.server.put(application())
    await world.run(3300)
    assert world.cluster.created == [] and world.status()["sync"]["status"] == "OutOfSync"
    await world.run(300)
    assert world.cluster.created == [A.key], "at four o'clock"


async def test_a_cluster_that_is_lost_in_a_step_is_asked_again() -> None:
    world = World(A, app=application())
    world.interrupting = Unreachable("gone")
    await world.run(30)
    assert state(world)["phase"] == "Running"
    world.interrupting = None
    await world.run(30)
    assert state(world)["phase"] == "Succeeded" and world.cluster.created == [A.key]


async def test_a_sync_to_an_older_revision_goes_on_though_git_cannot_be_rendered() -> None:
    world = World(A, app=application())
    await world.run(10)
    world.looking.problem = SourceUnavailable("git is away")
    world.edit({"operation": {"sync": {"revision": "e" * 40}}})
    await world.run(30)
    assert state(world)["phase"] == "Succeeded" and state(world)["syncResult"]["revision"] == "e" * 40
    assert "git is away" in world.conditions()["ComparisonError"]


# --- engines that end -------------------------------------------------------------------------------------------------


class Killed(BaseException):
    """The process is gone: nothing is told any more, no handler runs."""


STOPS = {
    "before the effect": (True, ["seen-commit", "sync-started", "applied", "sync-finished"]),
    "after the effect": (False, ["seen-commit", "sync-started", "applied", "sync-finished"]),
}


@pytest.mark.parametrize(("before", "story"), STOPS.values(), ids=STOPS)
async def test_an_engine_that_is_killed_in_a_step_leaves_one_story(before: bool, story: list[str]) -> None:
    world = World(A, app=application())
    perform = world.cluster.perform

    def killed(step: Any) -> Any:
        if isinstance(step, Act):
            world.cluster.perform = perform  # type: ignore[method-assign]
            if not before:
                perform(step)
            raise Killed
        return perform(step)

    world.cluster.perform = killed  # type: ignore[method-assign]
    with pytest.raises(Killed):
        await world.run(10)
    assert state(world)["phase"] == "Running", "the intent is on record"
    world.take_over()
    await world.run(30)
    assert state(world)["phase"] == "Succeeded" and world.cluster.created == [A.key]
    assert actions(world) == story
    (applied,) = (entry for entry in world.trail.entries if entry.action is Action.APPLIED)
    assert ("ended before it could say so" in applied.message) is not before


async def test_an_operation_that_somebody_wrote_into_the_status_is_told_as_theirs() -> None:
    world = by_hand(A)
    await world.run(10)
    forged = {
        "phase": "Running",
        "startedAt": "2026-01-02T03:04:05Z",
        "operation": {"sync": {}, "initiatedBy": {"automated": True}},
    }
    writer = {"manager": "kubectl-edit", "fieldsV1": {"f:status": {"f:operationState": {"f:phase": {}}}}}
    world.edit({"metadata": {"managedFields": [writer]}, "status": {"operationState": forged}})
    await world.run(10)
    (started,) = (entry for entry in world.trail.entries if entry.action is Action.STARTED)
    assert started.by.standing == "claimed, written by kubectl-edit"
    assert not any(reason == "OperationStarted" for reason, _, _ in world.events)


async def test_settled_applications_are_not_written_again() -> None:
    world = World(A, B, app=application())
    await world.run(60)
    written = len(world.server.patches)
    await world.run(3600)
    world.take_over()
    await world.run(3600)
    assert len(world.server.patches) == written and len(world.passes) > 50
    assert msgspec.json.encode(world.status()) and world.waits(KEY) is not None
