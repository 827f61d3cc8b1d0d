"""A commit becomes a running state that heals itself."""

import asyncio

from tests.e2e.afresh import at_rest, versions_of
from tests.e2e.estate import Estate
from tests.support.patience import looks

CONFIG = """apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {colour: %s}
"""
DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: %d
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "registry.example/web:1", ports: [{containerPort: 80}]}]
"""


async def test_a_commit_is_deployed_and_its_deployment_becomes_healthy(estate: Estate) -> None:
    revision = await estate.given({"app/config.yaml": CONFIG % "red", "app/web.yaml": DEPLOYMENT % 2})
    name = await estate.app("app")
    view = await estate.settled(revision)
    assert {(r.kind, r.name, r.status) for r in view.status.resources} == {
        ("ConfigMap", "settings", "Synced"),
        ("Deployment", "web", "Synced"),
    }
    state = view.status.operation_state
    assert state is not None and state.phase == "Succeeded" and state.operation.initiated_by.automated
    assert [entry.revision for entry in view.status.history] == [revision]
    config = await estate.live("ConfigMap", "settings")
    assert config is not None
    assert config.annotations["argocd.argoproj.io/tracking-id"] == f"{name}:/ConfigMap:{name}/settings"

    revision = await estate.commit({"app/config.yaml": CONFIG % "blue"})
    view = await estate.settled(revision)
    config = await estate.live("ConfigMap", "settings")
    assert config is not None and config.object()["data"] == {"colour": "blue"}
    assert len(view.status.history) == 2


async def test_a_manual_change_is_put_back(estate: Estate) -> None:
    revision = await estate.given({"app/web.yaml": DEPLOYMENT % 2})
    await estate.app("app")
    before = (await estate.settled(revision)).status.operation_state
    assert before is not None
    started = before.started_at
    await estate.change("Deployment", "web", {"spec": {"replicas": 5}}, group="apps")
    await estate.until(
        lambda view: (
            view.status.operation_state is not None
            and view.status.operation_state.started_at >= started
            and view.status.operation_state.operation.sync is not None
            and bool(view.status.operation_state.operation.sync.resources)
        ),
        what="healed",
    )
    view = await estate.settled(revision)
    web = await estate.live("Deployment", "web", group="apps")
    assert web is not None and web.object()["spec"]["replicas"] == 2
    assert len(view.status.history) == 1, "a self-heal is a partial sync and leaves no history"


async def test_a_deleted_object_comes_back(estate: Estate) -> None:
    revision = await estate.given({"app/config.yaml": CONFIG % "red"})
    await estate.app("app")
    await estate.settled(revision)
    first = await estate.live("ConfigMap", "settings")
    assert first is not None
    await estate.remove("ConfigMap", "settings")
    async for _ in looks():
        again = await estate.live("ConfigMap", "settings")
        if again is not None and again.uid != first.uid:
            break
    else:
        raise AssertionError(estate.engine.tail())
    await estate.settled(revision)


async def test_without_automation_a_difference_is_shown_and_a_manual_sync_mends_it(estate: Estate) -> None:
    await estate.given({"app/config.yaml": CONFIG % "red"})
    await estate.app("app", automated=None)
    view = await estate.until(
        lambda v: v.status.sync is not None and v.status.sync.status == "OutOfSync", what="OutOfSync"
    )
    assert view.status.health is not None and view.status.health.status == "Missing"
    assert await estate.live("ConfigMap", "settings") is None
    view = await estate.sync()
    assert view.status.operation_state is not None
    assert view.status.operation_state.phase == "Succeeded"
    assert view.status.operation_state.operation.initiated_by.username == "tester"
    await estate.settled()


async def test_a_settled_application_is_not_written_again(estate: Estate) -> None:
    revision = await estate.given({"app/config.yaml": CONFIG % "red", "app/web.yaml": DEPLOYMENT % 1})
    await estate.app("app")
    await estate.settled(revision)
    before = await at_rest(estate, quiet=1.0)
    # Something that is not Git's changes, so the engine looks; and it polls the repository every second.
    config = await estate.change("ConfigMap", "settings", {"metadata": {"labels": {"of": "others"}}})
    await asyncio.sleep(3)  # what does not come cannot be waited for
    again = await estate.live("ConfigMap", "settings")
    assert await versions_of(estate) == before
    assert again is not None and config.resource_version == again.resource_version
    # And it was no dead engine that wrote nothing.
    await estate.settled(await estate.commit({"app/config.yaml": CONFIG % "blue"}))
