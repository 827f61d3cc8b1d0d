"""Which change wakes which application; in virtual time, what is not woken is looked at now and then."""

import msgspec
import pytest
from tests.support.plans import live_of, manifest
from tests.support.world import CONTROL, KEY, Json, World, application, project

from trueup.model.annotations import TRACKING_ID
from trueup.model.live import LiveObject

A = manifest("ConfigMap", "a")


async def at_rest() -> World:
    world = World(A, app=application())
    world.server.put({**application(), "metadata": {"name": "other", "namespace": CONTROL}})
    world.server.put({**application(), "metadata": {"name": "web", "namespace": "elsewhere"}})
    await world.run(60)
    assert world.waits(KEY) != 0
    return world


EDITS: dict[str, tuple[Json, bool]] = {
    "its specification": ({"spec": {"source": {"path": "elsewhere"}}}, True),
    "an operation that is asked for": ({"operation": {"sync": {}}}, True),
    "a label": ({"metadata": {"labels": {"team": "a"}}}, True),
    "a refresh": ({"metadata": {"annotations": {"argocd.argoproj.io/refresh": "normal"}}}, True),
    "a finalizer": ({"metadata": {"finalizers": ["example.com/mine"]}}, True),
    "its deletion": ({"metadata": {"deletionTimestamp": "2026-01-02T03:10:00Z", "finalizers": ["x/y"]}}, True),
    "that its operation is to end": ({"status": {"operationState": {"phase": "Terminating"}}}, True),
    "a status, such as every pass writes": ({"status": {"health": {"message": "as we wrote it"}}}, False),
    "nothing": ({}, False),
}


@pytest.mark.parametrize(("patch", "wakes"), EDITS.values(), ids=EDITS)
async def test_what_somebody_changes_of_an_application_wakes_it(patch: Json, wakes: bool) -> None:
    world = await at_rest()
    world.edit(patch)
    assert (world.waits(KEY) == 0) is wakes
    assert world.waits(f"{CONTROL}/other") != 0


def setting(name: str, namespace: str = CONTROL) -> Json:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": namespace}}


OTHERS: dict[str, tuple[Json, bool]] = {
    "their project": (project(), True),
    "another project": (project("team"), False),
    "a setting": (setting("argocd-cm"), True),
    "a parameter": (setting("argocd-cmd-params-cm"), True),
    "a ConfigMap of that name elsewhere": (setting("argocd-cm", "shop"), False),
    "any other ConfigMap": (setting("colours"), False),
}


@pytest.mark.parametrize(("body", "wakes"), OTHERS.values(), ids=OTHERS)
async def test_what_all_applications_depend_on_wakes_them(body: Json, wakes: bool) -> None:
    world = await at_rest()
    world.server.put(body)
    assert {world.waits(key) == 0 for key in (KEY, f"{CONTROL}/other")} == {wakes}
    assert world.waits("elsewhere/web") is None, "that one is nobody's here"


def marked(tracking: str) -> LiveObject:
    return live_of(manifest("ConfigMap", "a", annotations={TRACKING_ID: tracking}))


MARKS: dict[str, tuple[str, str]] = {
    "its own": ("web:/ConfigMap:shop/a", KEY),
    "the other's": ("other:/ConfigMap:shop/a", f"{CONTROL}/other"),
    "of an application that is not there": ("nobody:/ConfigMap:shop/a", ""),
    "of an application of another namespace": ("elsewhere_web:/ConfigMap:shop/a", ""),
    "of another object": ("web:/ConfigMap:shop/b", ""),
    "none": ("", ""),
}


@pytest.mark.parametrize(("tracking", "key"), MARKS.values(), ids=MARKS)
@pytest.mark.parametrize("goes", [False, True], ids=["a change", "a deletion"])
async def test_an_object_wakes_the_application_that_it_says_it_belongs_to(tracking: str, key: str, goes: bool) -> None:
    world = await at_rest()
    before = marked(tracking)
    world.server.changed(before, None if goes else msgspec.structs.replace(before, resource_version="2"))
    woken = {each for each in (KEY, f"{CONTROL}/other", "elsewhere/web") if world.waits(each) == 0}
    assert woken == ({key} if key else set())


async def test_what_nothing_wakes_is_looked_at_again_and_not_written() -> None:
    world = await at_rest()
    looks, written = world.seeing.asked, len(world.server.patches)
    await world.run(600)
    assert 8 <= world.seeing.asked - looks <= 12, "every two minutes, each of the two"
    assert len(world.server.patches) == written


CHILD: dict[str, tuple[Json, bool]] = {
    "the commit that it is compared with": ({"status": {"sync": {"revision": "b" * 40}}}, False),
    "its health": ({"status": {"health": {"status": "Degraded"}}}, True),
    "the end of its operation": ({"status": {"operationState": {"phase": "Failed"}}}, True),
    "its specification": ({"spec": {"source": {"path": "elsewhere"}}}, True),
    "its labels": ({"metadata": {"labels": {"team": "a"}}}, True),
}


@pytest.mark.parametrize(("patch", "wakes"), CHILD.values(), ids=CHILD)
async def test_of_a_childs_status_its_parent_is_woken_by_what_it_looks_at(patch: Json, wakes: bool) -> None:
    world = await at_rest()
    mark = {TRACKING_ID: f"web:argoproj.io/Application:{CONTROL}/other"}
    world.edit({"metadata": {"annotations": mark}}, f"{CONTROL}/other")
    await world.run(60)
    assert world.waits(KEY) != 0
    world.edit(patch, f"{CONTROL}/other")
    assert (world.waits(KEY) == 0) is wakes
