"""Applications whose cluster is unknown, being opened, or out of reach: what is told, and that nothing is concluded."""

import pytest
from tests.support.plans import manifest
from tests.support.world import KEY, World, application

from trueup.clusters.connection import ClusterOpening, ClusterOutOfReach
from trueup.model.annotations import RESOURCES_FINALIZER
from trueup.model.errors import InvalidSpec, Waiting

FINALIZERS = {
    "a cascade": RESOURCES_FINALIZER,
    "hooks before": "pre-delete-finalizer.argocd.argoproj.io",
    "hooks after": "post-delete-finalizer.argocd.argoproj.io",
}


async def settled_world() -> World:
    world = World(manifest("ConfigMap", "a"), app=application())
    await world.run(60)
    assert world.status()["sync"]["status"] == "Synced"
    return world


async def test_a_cluster_that_nobody_knows_is_a_fault_of_the_specification_and_takes_nothing_away() -> None:
    world = await settled_world()
    world.nowhere = InvalidSpec("spec.destination.name: there is no cluster 'prod'")
    world.wake(KEY)
    await world.run(60)
    assert list(world.conditions()) == ["InvalidSpecError"]
    assert world.cluster.objects
    world.nowhere = None
    world.wake(KEY)
    await world.run(1)
    assert world.conditions() == {}


async def test_one_that_is_being_opened_is_waited_for_without_a_word() -> None:
    world = await settled_world()
    world.out_of_reach = ClusterOpening("cluster far is being opened", after=1.0)
    before, patches = world.status(), len(world.server.patches)
    world.events.clear()
    world.wake(KEY)
    await world.run(60)
    assert (world.status(), len(world.server.patches), world.events) == (before, patches, [])


async def test_one_out_of_reach_is_told_once_keeps_the_verdict_for_its_grace_and_is_asked_again() -> None:
    world = await settled_world()
    world.out_of_reach = ClusterOutOfReach("cluster far cannot be used since noon: no answer", after=10.0)
    world.events.clear()
    world.wake(KEY)
    await world.run(30)
    assert world.conditions()["ComparisonError"].startswith("cluster far cannot be used since noon: no answer")
    assert [event[0] for event in world.events] == ["ClusterOutOfReach"]
    assert world.status()["sync"]["status"] == "Synced"
    await world.run(300)
    assert world.status()["sync"]["status"] == "Unknown"
    assert [event[0] for event in world.events].count("ClusterOutOfReach") == 1
    assert world.cluster.objects
    world.out_of_reach = None
    await world.run(11)
    assert world.conditions() == {}
    assert world.status()["sync"]["status"] == "Synced"


@pytest.mark.parametrize("finalizer", FINALIZERS.values(), ids=FINALIZERS)
async def test_an_application_of_an_unknown_cluster_goes_without_its_objects(finalizer: str) -> None:
    world = await settled_world()
    world.nowhere = InvalidSpec("spec.destination.name: there is no cluster 'prod'")
    world.edit({"metadata": {"finalizers": [finalizer, "others/finalizer"]}})
    world.edit({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}})
    await world.run(60)
    assert world.body()["metadata"]["finalizers"] == ["others/finalizer"]
    assert world.cluster.objects


@pytest.mark.parametrize("finalizer", FINALIZERS.values(), ids=FINALIZERS)
@pytest.mark.parametrize("trouble", [ClusterOpening, ClusterOutOfReach])
async def test_a_deletion_waits_for_a_cluster_that_does_not_answer(finalizer: str, trouble: type[Waiting]) -> None:
    world = await settled_world()
    world.out_of_reach = trouble("cluster far does not answer", after=10.0)
    world.edit({"metadata": {"finalizers": [finalizer]}})
    world.edit({"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}})
    await world.run(600)
    assert world.body()["metadata"]["finalizers"] == [finalizer]
    assert world.cluster.objects
