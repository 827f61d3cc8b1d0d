"""The end of an application, pass by pass, in virtual time."""

from typing import Any

import pytest
from tests.support.plans import START, live_of, manifest
from tests.support.world import KEY, Json, World, application

from trueup.apply.perform import Performed
from trueup.kube.errors import ServerError
from trueup.model.annotations import RESOURCES_FINALIZER
from trueup.model.audit import Action
from trueup.model.manifest import Manifest
from trueup.plan.namespace import namespace_key

A, B = manifest("ConfigMap", "a"), manifest("ConfigMap", "b", wave=1)
DELETED = {"deletionTimestamp": START.strftime("%Y-%m-%dT%H:%M:%SZ")}


async def cascading(*targets: Manifest) -> World:
    """A world whose application is deployed, and is about to be deleted with what it deployed."""
    body = application()
    body["metadata"]["finalizers"] = [RESOURCES_FINALIZER]
    world = World(*targets, app=body)
    await world.run(60)
    assert world.status()["sync"]["status"] == "Synced"
    world.trail.entries.clear()
    world.events.clear()
    return world


def delete(world: World) -> None:
    world.edit({"metadata": DELETED})


async def test_the_highest_wave_goes_first_and_the_application_last() -> None:
    world = await cascading(A, B)
    delete(world)
    await world.run(60)
    assert [key.name for key in world.cluster.pruned] == ["b", "a"]
    assert world.applications.live(KEY) is None
    told = [(str(entry.action), entry.result) for entry in world.trail.entries]
    assert told == [("pruned", "Pruned"), ("pruned", "Pruned"), ("deleted", "")]


async def test_without_a_finalizer_what_it_deployed_stays() -> None:
    world = World(A, app=application())
    await world.run(60)
    delete(world)
    await world.run(60)
    assert world.applications.live(KEY) is None and world.cluster.pruned == []


async def test_without_a_project_the_deletion_is_held_and_told_once_until_there_is_one() -> None:
    world = await cascading(A)
    kept = world.server.objects
    project = next(key for key in kept if key.kind == "AppProject")
    there = kept.pop(project)
    delete(world)
    await world.run(600)
    assert world.cluster.pruned == []
    assert "may not be deleted: create or correct the AppProject" in world.conditions()["DeletionHeldWarning"]
    assert [reason for reason, _, _ in world.events] == ["DeletionHeldWarning"]
    world.server.put(there.object())
    await world.run(60)
    assert world.applications.live(KEY) is None and [key.name for key in world.cluster.pruned] == ["a"]


async def test_what_the_cluster_refuses_is_told_and_tried_again() -> None:
    world = await cascading(A)
    refuse: list[int] = []
    perform = world.perform

    async def refusing(step: Any, account: str = "") -> Performed:
        if len(refuse) < 3:
            refuse.append(1)
            raise ServerError("a webhook is broken", code=500)
        return await perform(step, account)

    world.perform = refusing  # type: ignore[method-assign]
    world.take_over()
    delete(world)
    await world.run(2)
    assert "a webhook is broken" in world.conditions()["ComparisonError"]
    await world.run(60)
    assert world.applications.live(KEY) is None


@pytest.mark.parametrize("after", [0, 1], ids=["before the effect", "after the effect"])
async def test_an_engine_that_is_killed_while_it_deletes_leaves_one_story(after: int) -> None:
    class Killed(BaseException): ...

    world = await cascading(A)
    perform = world.perform

    async def killed(step: Any, account: str = "") -> Performed:
        world.perform = perform  # type: ignore[method-assign]
        if after:
            await perform(step, account)
        raise Killed

    world.perform = killed  # type: ignore[method-assign]
    world.take_over()
    delete(world)
    with pytest.raises(Killed):
        await world.run(60)
    world.take_over()
    await world.run(60)
    assert world.applications.live(KEY) is None
    assert [str(entry.action) for entry in world.trail.entries] == ["pruned", "deleted"]


async def test_a_hook_runs_before_the_cascade_and_has_gone_with_it() -> None:
    hook = manifest("Job", "farewell", hook="PreDelete")
    body: Json = application()
    body["metadata"]["finalizers"] = [RESOURCES_FINALIZER]
    world = World(A, hook, app=body)
    world.cluster.objects[namespace_key("shop")] = live_of(manifest("Namespace", "shop"))
    await world.run(60)
    assert hook.key not in world.cluster.objects
    delete(world)
    await world.run(120)
    order = [(kind, key.name) for kind, key in world.cluster.order]
    assert order.index(("write", "farewell")) < order.index(("prune", "a"))
    assert Action.HOOK in {entry.action for entry in world.trail.entries}
    assert world.applications.live(KEY) is None
