"""Operations that cannot start, go on or end by themselves: nothing takes an application out of reconciliation."""

import asyncio
import time
from typing import Any

import msgspec
import pytest
from tests.conftest import on_embedded
from tests.e2e.estate import EngineProcess, Estate
from tests.e2e.manifests import config, hook, job
from tests.support.tiers import rows

from trueup.cli.app.direct import DirectApplication
from trueup.cli.app.engine import NOT_RUNNING
from trueup.cli.connect import ClusterAccess
from trueup.model.annotations import SKIP_RECONCILE
from trueup.model.errors import TrueupError
from trueup.model.status import OperationState
from trueup.policy.requests import Ending

BROKEN = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: bad}\ndata: [unclosed\n"
INGRESS = """apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec: {defaultBackend: {service: {name: web, port: {number: 80}}}}
"""
SECONDS = 6
SLOW = "{trueup.dev/simulate-delay: 3600s}"


def state_of(view: Any) -> OperationState:
    state = view.status.operation_state
    assert isinstance(state, OperationState)
    return state


async def healed(estate: Estate, name: str, colour: str) -> None:
    """Wait until a ConfigMap is as Git has it."""

    async def so() -> bool:
        live = await estate.live("ConfigMap", name)
        return live is not None and live.object()["data"] == {"colour": colour}

    await estate.eventually(so, what=f"{name} is {colour}")


CANNOT_START: dict[str, tuple[dict[str, Any], str]] = {
    "a revision that nobody has": ({"sync": {"revision": "v1.0.O"}}, 'revision "v1.0.O" not found'),
    "a revision that is an option": ({"sync": {"revision": "--upload-pack=x"}}, "invalid git revision"),
    "a commit that nobody has": ({"sync": {"revision": "0" * 39 + "1"}}, "0" * 39 + "1"),
    "no sync at all": ({"info": [{"name": "why", "value": "curious"}]}, "no operation specified"),
    "a source of its own that cannot be read": (
        {"sync": {"source": {"repoURL": "file:///etc", "path": "."}}},
        "--allow-local-repos",
    ),
    "a folder that is not there": (
        {"sync": {"source": {"repoURL": "REPOSITORY", "path": "nowhere"}}},
        "nowhere",
    ),
}


@pytest.mark.parametrize(
    ("operation", "says"), rows(CANNOT_START, "a revision that nobody has", "a source of its own that cannot be read")
)
@on_embedded
async def test_an_operation_that_cannot_start_ends_in_error_and_automation_goes_on(
    estate: Estate, operation: dict[str, Any], says: str
) -> None:
    text = msgspec.json.encode(operation).decode().replace("REPOSITORY", estate.repository.url)
    await estate.given({"app/a.yaml": config("a", "red")})
    await estate.app("app")
    await estate.settled()
    await estate.patch({"operation": {**msgspec.json.decode(text), "initiatedBy": {"username": "tester"}}})
    view = await estate.until(
        lambda v: v.app.operation is None and state_of(v).operation.initiated_by.username == "tester", what="taken up"
    )
    assert state_of(view).phase == "Error" and says in state_of(view).message
    assert state_of(view).finished_at
    await estate.change("ConfigMap", "a", {"data": {"colour": "drifted"}})
    await healed(estate, "a", "red")
    revision = await estate.commit({"app/a.yaml": config("a", "blue")})
    await estate.settled(revision)


@on_embedded
async def test_a_sync_to_an_older_revision_works_though_what_is_declared_now_is_broken(estate: Estate) -> None:
    first = await estate.given({"app/a.yaml": config("a", "red")})
    await estate.app("app", automated=None)
    await estate.sync()
    second = await estate.commit({"app/a.yaml": config("a", "blue")})
    await estate.until(lambda v: bool(v.status.sync and v.status.sync.revision == second), what="seen")
    await estate.sync()
    await estate.commit({"app/a.yaml": BROKEN})
    await estate.condition("ComparisonError")
    assert state_of(await estate.sync(revision=first)).phase == "Succeeded"
    await healed(estate, "a", "red")
    view = await estate.view()
    assert view.status.sync is not None and view.status.sync.status == "Unknown"
    failed = state_of(await estate.sync())
    assert failed.phase == "Error" and "a.yaml" in failed.message


@on_embedded
async def test_an_operation_goes_on_with_its_revision_while_a_broken_commit_comes(estate: Estate) -> None:
    slow = job("migrate", pod_annotations="{trueup.dev/simulate-delay: 4s}", annotations=hook("PreSync"))
    first = await estate.given({"app/before.yaml": slow, "app/a.yaml": config("a", "red")})
    await estate.app("app")
    await estate.until(
        lambda v: bool(v.status.operation_state and v.status.operation_state.sync_result.resources),  # type: ignore[union-attr]
        what="in its hook",
    )
    await estate.commit({"app/bad.yaml": BROKEN})
    await estate.condition("ComparisonError")
    view = await estate.until(lambda v: state_of(v).phase.completed, what="ended")
    assert state_of(view).phase == "Succeeded", state_of(view).message
    assert state_of(view).sync_result and state_of(view).sync_result.revision == first  # type: ignore[union-attr]
    assert await estate.live("ConfigMap", "a") is not None


async def test_an_operation_is_terminated_with_the_hook_that_it_waits_for(
    estate: Estate, engine: EngineProcess
) -> None:
    await estate.given(
        {"app/before.yaml": job("migrate", SLOW, annotations=hook("PreSync")), "app/a.yaml": config("a")}
    )
    await estate.app("app", automated=None)
    await estate.until(lambda v: v.status.sync is not None, what="compared")
    access = ClusterAccess(kubeconfig="", context="", namespace=engine.namespace)
    app = DirectApplication(estate.client, access, estate.name)
    with pytest.raises(TrueupError, match="No operation is in progress"):
        await app.terminate()
    await estate.patch({"operation": {"sync": {}, "initiatedBy": {"username": "tester"}}})
    await estate.until(lambda v: "waiting for completion of hook" in str(v.raw.get("status")), what="in its hook")
    assert await app.terminate() is Ending.TERMINATED
    view = await estate.until(lambda v: state_of(v).phase.completed, what="ended")
    assert (state_of(view).phase, state_of(view).message) == ("Failed", "Operation terminated")
    assert view.app.operation is None
    await estate.gone("Job", "migrate", group="batch")
    assert await estate.live("ConfigMap", "a") is None


@on_embedded
async def test_who_waits_is_asked_for_the_engine_only_where_there_is_none(
    estate: Estate, engine: EngineProcess
) -> None:
    await estate.given({"app/a.yaml": config("a")})
    await estate.app("app", automated=None, annotations={SKIP_RECONCILE: "true"})
    access = ClusterAccess(kubeconfig="", context="", namespace=engine.namespace)
    app = DirectApplication(estate.client, access, estate.name)
    assert SKIP_RECONCILE in await app.why_untouched(await app.view())
    await estate.patch({"metadata": {"annotations": {SKIP_RECONCILE: None}}})
    await estate.until(lambda v: v.status.sync is not None, what="taken up")
    assert "the engine is running" in await app.why_untouched(await app.view())
    nobody = DirectApplication(estate.client, ClusterAccess(kubeconfig="", context="", namespace="default"), "x")
    assert await nobody.why_untouched(await app.view()) == NOT_RUNNING


@on_embedded
async def test_an_object_that_flaps_is_no_storm_of_writes(estate: Estate) -> None:
    """Its address is taken away again and again; the simulated controller gives it back each time."""
    await estate.given({"app/web.yaml": INGRESS})
    await estate.app("app")
    await estate.settled()
    ingresses = estate.discovery.find("networking.k8s.io", "Ingress")
    assert ingresses is not None
    body = msgspec.json.encode({"status": {"loadBalancer": {"ingress": []}}})
    versions, healths = set(), set()
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        await estate.client.patch(ingresses, estate.name, "web", body, kind="merge", subresource="status")
        await asyncio.sleep(0.05)
        view = await estate.view()
        versions.add(view.app.metadata.resource_version)
        healths.add(view.status.health.status if view.status.health else "")
    assert healths == {"Healthy", "Progressing"}
    assert len(versions) <= SECONDS + 2
    await estate.settled()
