"""Sync options that change what is written: RespectIgnoreDifferences, FailOnSharedResource."""

from typing import Any

import pytest
from tests.e2e.estate import Estate
from tests.e2e.manifests import config, deployment

from trueup.cli.app.access import ApplicationView
from trueup.model.live import LiveObject

REPLICAS = {"ignoreDifferences": [{"group": "apps", "kind": "Deployment", "jsonPointers": ["/spec/replicas"]}]}
RESPECT = ("CreateNamespace=true", "RespectIgnoreDifferences=true")


async def web(estate: Estate) -> LiveObject:
    found = await estate.live("Deployment", "web", group="apps")
    assert found is not None
    return found


def image_of(found: LiveObject) -> Any:
    return found.object()["spec"]["template"]["spec"]["containers"][0]["image"]


def owners_of_replicas(found: LiveObject) -> set[str]:
    entries = found.object()["metadata"]["managedFields"]
    return {entry["manager"] for entry in entries if "f:replicas" in entry["fieldsV1"].get("f:spec", {})}


async def rolled_out(estate: Estate, options: tuple[str, ...]) -> LiveObject:
    """A Deployment of one Pod, scaled to two by somebody, then a commit of a new image."""
    await estate.given({"app/web.yaml": deployment()})
    # Without self-heal: a replacement under way would carry the value it has read.
    await estate.app("app", automated={"prune": True}, options=options, spec=REPLICAS)
    await estate.until(deployed, what="deployed")
    await estate.change("Deployment", "web", {"spec": {"replicas": 2}}, group="apps")
    revision = await estate.commit({"app/web.yaml": deployment().replace("web:1", "web:2")})
    await estate.until(lambda view: deployed(view) and view.status.history[-1].revision == revision, what="deployed")
    found = await web(estate)
    assert image_of(found) == "registry.example/web:2"
    return found


def deployed(view: ApplicationView) -> bool:
    state = view.status.operation_state
    return state is not None and state.phase == "Succeeded" and view.app.operation is None


WAYS = {"server-side": (), "client-side": ("ServerSideApply=false",), "replaced": ("Replace=true",)}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS.keys())
async def test_an_ignored_field_keeps_its_live_value_in_a_sync(estate: Estate, way: tuple[str, ...]) -> None:
    found = await rolled_out(estate, (*RESPECT, *way))
    assert found.object()["spec"]["replicas"] == 2
    if not way:
        assert owners_of_replicas(found) == {"kubectl-edit"}, "what another owns stays its own"


async def test_without_the_option_a_sync_writes_what_git_says(estate: Estate) -> None:
    found = await rolled_out(estate, ("CreateNamespace=true",))
    assert found.object()["spec"]["replicas"] == 1


async def test_an_ignored_field_that_is_ours_alone_is_not_removed(estate: Estate) -> None:
    await estate.given({"app/web.yaml": deployment(replicas=3)})
    await estate.app("app", options=RESPECT, spec=REPLICAS)
    await estate.settled()
    assert (await web(estate)).object()["spec"]["replicas"] == 3, "a new object is as Git declares it"
    revision = await estate.commit({"app/web.yaml": deployment(replicas=1).replace("web:1", "web:2")})
    await estate.settled(revision)
    found = await web(estate)
    assert (image_of(found), found.object()["spec"]["replicas"]) == ("registry.example/web:2", 3)


async def test_a_sync_may_respect_by_its_own_options(estate: Estate) -> None:
    await estate.given({"app/web.yaml": deployment()})
    await estate.app("app", automated=None, spec=REPLICAS)
    await estate.until(lambda view: view.status.sync is not None)
    await estate.sync()
    await estate.change("Deployment", "web", {"spec": {"replicas": 2}}, group="apps")
    await estate.sync(syncOptions=["RespectIgnoreDifferences=true"])
    assert (await web(estate)).object()["spec"]["replicas"] == 2
    await estate.sync()
    assert (await web(estate)).object()["spec"]["replicas"] == 1


async def test_a_shared_object_fails_the_sync_before_anything_is_written(estate: Estate) -> None:
    revision = await estate.given(
        {"one/a.yaml": config("a"), "two/a.yaml": config("a", "blue"), "two/b.yaml": config("b", "blue")}
    )
    await estate.app("one")
    await estate.settled(revision)
    second = await estate.app(
        "two",
        name=f"{estate.name}-z",
        options=("FailOnSharedResource=true",),
        policy={"retry": {"limit": 0}},
        spec={"destination": {"server": "https://kubernetes.default.svc", "namespace": estate.name}},
    )
    view = await estate.until(
        lambda v: v.status.operation_state is not None and v.status.operation_state.phase == "Failed", second
    )
    state = view.status.operation_state
    assert state is not None
    says = f"ConfigMap/a is part of applications {second} and {estate.name}"
    assert state.message == f"Shared resource found: {says}"
    # Another may stand beside it: what the first one has taken is not healed here.
    told = ("SharedResourceWarning", says)
    await estate.until(lambda v: told in {(c.type, c.message) for c in v.status.conditions}, second, what="told")
    assert await estate.live("ConfigMap", "b") is None
    shared = await estate.live("ConfigMap", "a")
    assert shared is not None and shared.object()["data"] == {"colour": "red"}
