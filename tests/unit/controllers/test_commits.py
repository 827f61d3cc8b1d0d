"""A commit that does not touch an application costs it no look at anything, and one write."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.plans import manifest
from tests.support.world import KEY, Json, World, application

from trueup.kube.errors import ApiError, Invalid, ServerError
from trueup.model.annotations import CHANGED_BY
from trueup.model.audit import Action
from trueup.model.changed import LastChange, read_change
from trueup.model.errors import SourceUnavailable
from trueup.store.audit.story import story

OTHER, THIRD = "b" * 40, "c" * 40


def resting(**spec: Any) -> World:
    """An application that has been synced, and to which nothing has happened since."""
    world = World(manifest("ConfigMap", "web"), app=application(**spec))
    world.wake(KEY)
    asyncio.run(world.run(1))
    assert world.status()["sync"]["status"] == "Synced"
    world.seeing.asked = 0
    world.server.patches.clear()
    return world


def test_a_commit_elsewhere_costs_one_write_and_no_comparison() -> None:
    world = resting()
    world.commit(OTHER)
    asyncio.run(world.run(1))
    assert world.seeing.asked == 0
    (patch,) = world.server.patches
    assert patch == {"status": {"sync": {"revision": OTHER}, "reconciledAt": patch["status"]["reconciledAt"]}}
    assert world.trail.entries[-1].action is Action.COMMIT
    assert world.trail.entries[-1].revision == OTHER


def test_all_that_it_records_is_what_a_comparison_would_have_recorded() -> None:
    passed, compared = resting(), resting()
    for world in (passed, compared):
        world.commit(OTHER)
        if world is compared:
            world.change()
        asyncio.run(world.run(1))
    assert compared.seeing.asked > 0
    assert passed.status() == compared.status()
    assert passed.events == compared.events
    assert [(e.action, e.revision, e.from_revision) for e in passed.trail.entries] == [
        (e.action, e.revision, e.from_revision) for e in compared.trail.entries
    ]


def test_commits_in_a_row_are_told_one_after_another() -> None:
    world = resting()
    for revision in (OTHER, THIRD):
        world.commit(revision)
        asyncio.run(world.run(1))
    assert world.seeing.asked == 0
    told = [(e.from_revision, e.revision) for e in world.trail.entries if e.action is Action.COMMIT]
    assert told[-1] == (OTHER, THIRD)


def test_a_look_that_found_no_commit_writes_nothing() -> None:
    world = resting()
    world.commit(world.seeing.revision)
    asyncio.run(world.run(1))
    assert not world.seeing.asked
    assert not world.server.patches


@pytest.mark.parametrize(
    "happens",
    [
        pytest.param(lambda world: world.commit(OTHER, folder="folder 2"), id="its own files are others"),
        pytest.param(lambda world: (world.commit(OTHER), world.change()), id="an object has changed as well"),
        pytest.param(lambda world: (world.change(), world.commit(OTHER)), id="an object has changed before"),
        pytest.param(
            lambda world: world.edit({"metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal"}}}),
            id="a refresh is asked for",
        ),
        pytest.param(
            lambda world: (world.edit({"metadata": {"labels": {"a": "b"}}}), world.commit(OTHER)), id="it was edited"
        ),
    ],
)
def test_whatever_else_has_happened_is_looked_at(happens: Any) -> None:
    world = resting()
    happens(world)
    asyncio.run(world.run(1))
    assert world.seeing.asked > 0


def test_an_application_of_which_the_files_cannot_be_named_is_compared() -> None:
    world = World(manifest("ConfigMap", "web"), app=application())
    world.seeing.folder = ""
    world.wake(KEY)
    asyncio.run(world.run(1))
    world.seeing.asked = 0
    world.commit(OTHER)
    asyncio.run(world.run(1))
    assert world.seeing.asked > 0
    assert world.status()["sync"]["revision"] == OTHER


def test_one_that_is_out_of_sync_is_compared() -> None:
    world = World(manifest("ConfigMap", "web"), app=application(syncPolicy={}))
    world.wake(KEY)
    asyncio.run(world.run(1))
    world.seeing.asked = 0
    world.commit(OTHER)
    asyncio.run(world.run(1))
    assert world.seeing.asked > 0


def test_a_repository_that_cannot_be_read_any_more_is_said() -> None:
    world = resting()
    world.looking.problem = SourceUnavailable("no answer")
    world.commit(OTHER)
    asyncio.run(world.run(1))
    assert world.seeing.asked > 0


def test_commits_do_not_put_off_the_look_that_was_due() -> None:
    world = resting()
    due = world.waits()
    assert due is not None
    for number in range(int(due / 10) + 1):
        world.commit(f"{number:040x}")
        asyncio.run(world.run(10))
    assert world.seeing.asked > 0


REFUSALS: dict[str, tuple[ApiError, Callable[[Json], bool]]] = {
    "the server is busy": (ServerError("busy", code=500), lambda _: True),
    "a policy forbids it": (Invalid("a policy forbids it", code=422), lambda _: True),
    "a policy forbids but conditions": (
        Invalid("a policy forbids it", code=422),
        lambda patch: "sync" in patch.get("status", {}),
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_a_write_that_failed_is_made_good_by_a_look_at_once(case: str) -> None:
    world = resting()
    world.server.refusing, world.server.refuses = REFUSALS[case]
    world.commit(OTHER)
    asyncio.run(world.run(0.5))
    assert world.seeing.asked > 0
    world.server.refusing = None
    asyncio.run(world.run(60))
    assert world.status()["sync"]["revision"] == OTHER


def test_an_engine_that_takes_over_looks_for_itself() -> None:
    world = resting()
    world.take_over()
    world.commit(OTHER)
    asyncio.run(world.run(1))
    assert world.seeing.asked > 0


def test_many_applications_cost_a_commit_one_write_each_and_a_look_at_those_that_it_changes() -> None:
    world = World(manifest("ConfigMap", "web"))
    keys = [f"argocd/app-{number}" for number in range(20)]
    for key in keys:
        world.server.put(application() | {"metadata": {"name": key.partition("/")[2], "namespace": "argocd"}})
        world.wake(key)
    asyncio.run(world.run(1))
    passes, world.seeing.asked = len(world.passes), 0
    world.server.patches.clear()
    for key in keys:
        world.commit(OTHER, key=key)
    asyncio.run(world.run(1))
    assert (len(world.passes) - passes, len(world.server.patches), world.seeing.asked) == (len(keys), len(keys), 0)


def test_a_new_application_costs_two_writes_and_two_passes() -> None:
    world = World(manifest("ConfigMap", "web"), app=application())
    world.wake(KEY)
    asyncio.run(world.run(60))
    assert world.status()["sync"]["status"] == "Synced"
    assert (len(world.server.patches), len(world.passes)) == (2, 2), "its beginning and its end; and a look at the end"


def test_the_commit_that_changed_an_application_is_on_record_with_each_that_is_seen() -> None:
    world = World(manifest("ConfigMap", "web"), app=application())
    world.seeing.changed = LastChange(revision=THIRD, author="Ada", subject="Make it")
    world.wake(KEY)
    asyncio.run(world.run(1))
    annotations = world.body()["metadata"].get("annotations", {})
    assert read_change(annotations[CHANGED_BY]) == world.seeing.changed
    world.server.patches.clear()
    world.commit(OTHER)
    asyncio.run(world.run(1))
    (patch,) = world.server.patches
    assert "metadata" not in patch, "a commit that leaves it alone writes nothing of it"
    assert world.trail.entries[-1].changed == world.seeing.changed
    assert "which leaves it as cccccccc made it" in story(world.trail.entries[-1:])[0].text
    world.seeing.changed = None
    world.commit(THIRD, folder="folder 2")
    asyncio.run(world.run(1))
    assert CHANGED_BY not in world.body()["metadata"].get("annotations", {}), "what is not known is not said"
