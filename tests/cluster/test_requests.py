"""Requests on an API server: what counts is what was decided of what is there, and of two one wins."""

import asyncio
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from tests.conftest import on_embedded

from trueup.kube.client import Client
from trueup.kube.errors import NotFound
from trueup.model.application import NameValue, Operation, OperationInitiator, SyncOperation
from trueup.model.live import LiveObject
from trueup.policy.requests import Ending, Refusal, RequestRefused
from trueup.runtime.clock import SystemClock
from trueup.store.applications import StoredApplication
from trueup.store.install import install
from trueup.store.kinds import APPLICATION
from trueup.store.requests import TRIES, Requests

SOURCE = {"repoURL": "https://git.example.com/a", "path": "x"}
SPEC = {"project": "default", "source": SOURCE, "destination": {"server": "https://kubernetes.default.svc"}}
HISTORY = [{"id": 7, "revision": "a" * 40, "deployedAt": "2026-03-01T10:00:00Z", "source": SOURCE}]
STARTED = "2026-03-01T11:00:00Z"


class Web:
    """An Application that no engine looks after."""

    def __init__(self, client: Client, namespace: str) -> None:
        self.client, self.namespace = client, namespace
        self.requests = Requests(client, namespace, SystemClock().now)
        self.key = f"{namespace}/web"

    async def make(self) -> None:
        body = {"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "web"}, "spec": SPEC}
        await self.client.create(APPLICATION, self.namespace, msgspec.json.encode(body))

    async def write(self, change: dict[str, Any]) -> LiveObject:
        return await self.client.patch(APPLICATION, self.namespace, "web", msgspec.json.encode(change), kind="merge")

    async def stored(self) -> dict[str, Any]:
        return (await self.client.get(APPLICATION, self.namespace, "web")).object()


@pytest_asyncio.fixture
async def web(client: Client, namespace: str) -> Web:
    await install(client, namespace, lambda _: None)
    made = Web(client, namespace)
    await made.make()
    return made


def by(name: str) -> Operation:
    return Operation(sync=SyncOperation(prune=True), initiated_by=OperationInitiator(username=name))


async def test_of_two_syncs_at_once_one_wins_and_the_other_is_told(web: Web) -> None:
    seen: list[str] = []
    asked = [web.requests.sync(web.key, lambda _, name=name: by(name)) for name in ("ada", "grace")]  # type: ignore[misc]
    for ended in await asyncio.gather(*asked, return_exceptions=True):
        if isinstance(ended, LiveObject):
            seen.append(ended.object()["operation"]["initiatedBy"]["username"])
        else:
            assert isinstance(ended, RequestRefused) and ended.refusal is Refusal.IN_PROGRESS
    assert len(seen) == 1
    assert (await web.stored())["operation"] == {"sync": {"prune": True}, "initiatedBy": {"username": seen[0]}}


@on_embedded
async def test_who_reads_before_another_asks_decides_again(web: Web) -> None:
    """Nothing of two operations is ever mixed: a merge patch alone would do that."""
    looks = 0

    def late(_: StoredApplication) -> Operation:
        nonlocal looks
        looks += 1
        return by("late")

    project = web.requests.project

    async def overtaken(app: Any) -> Any:
        if looks == 1:
            await web.write({"operation": msgspec.to_builtins(Operation(info=[NameValue(name="a", value="b")]))})
        return await project(app)

    web.requests.project = overtaken  # type: ignore[method-assign]
    with pytest.raises(RequestRefused) as caught:
        await web.requests.sync(web.key, late)
    assert (caught.value.refusal, looks) == (Refusal.IN_PROGRESS, 2)
    assert (await web.stored())["operation"] == {"info": [{"name": "a", "value": "b"}]}


@on_embedded
async def test_a_status_that_is_written_meanwhile_is_no_reason_to_refuse(web: Web) -> None:
    writes = 0

    async def ask(name: str) -> LiveObject:
        return await web.requests.sync(web.key, lambda _: by(name))

    project = web.requests.project

    async def overtaken(app: Any) -> Any:
        nonlocal writes
        writes += 1
        if writes < limit:
            await web.write({"status": {"reconciledAt": f"2026-03-01T10:00:{writes:02}Z"}})
        return await project(app)

    web.requests.project = overtaken  # type: ignore[method-assign]
    limit = 1000
    with pytest.raises(RequestRefused) as caught:
        await ask("ada")
    assert (caught.value.refusal, writes) == (Refusal.CHANGING, TRIES)
    writes, limit = 0, 3
    assert (await ask("ada")).object()["operation"] == msgspec.to_builtins(by("ada"))


@on_embedded
async def test_requests_one_after_the_other(web: Web) -> None:
    with pytest.raises(RequestRefused, match="No operation is in progress"):
        await web.requests.terminate(web.key)
    await web.write({"status": {"history": HISTORY}})
    _, back = await web.requests.roll_back(web.key, lambda of: of.status.history[0], prune=False, username="ada")
    assert back.id == 7
    operation = (await web.stored())["operation"]
    assert operation["sync"] == {"syncStrategy": {"apply": {}}, "revision": "a" * 40, "source": SOURCE}
    with pytest.raises(RequestRefused, match="another operation is already in progress"):
        await web.requests.roll_back(web.key, lambda of: of.status.history[0], prune=False, username="ada")
    assert await web.requests.terminate(web.key) is Ending.TAKEN_BACK
    assert "operation" not in await web.stored()

    await web.write({"status": {"operationState": {"operation": {}, "phase": "Running", "startedAt": STARTED}}})
    with pytest.raises(RequestRefused, match="another operation is already in progress"):
        await web.requests.sync(web.key, lambda _: by("ada"))
    assert await web.requests.terminate(web.key) is Ending.TERMINATED
    assert (await web.stored())["status"]["operationState"]["phase"] == "Terminating"

    await web.requests.refresh(web.key, hard=True)
    await web.requests.confirm_deletion(web.key)
    annotations = (await web.stored())["metadata"]["annotations"]
    assert annotations["argocd.argoproj.io/refresh"] == "hard"
    assert annotations["argocd.argoproj.io/deletion-approved"]


@on_embedded
async def test_a_deletion_is_of_the_very_application_and_can_let_go_later(web: Web) -> None:
    await web.write({"spec": {"source": {"path": "y"}}, "metadata": {"finalizers": ["example.com/x"]}})
    await web.requests.delete(web.key, "background")
    metadata = (await web.stored())["metadata"]
    assert metadata["finalizers"] == ["example.com/x", "resources-finalizer.argocd.argoproj.io/background"]
    with pytest.raises(RequestRefused, match="is deleting"):
        await web.requests.sync(web.key, lambda _: by("ada"))
    await web.requests.delete(web.key, "foreground")
    await web.requests.delete(web.key, "none")
    assert (await web.stored())["metadata"]["finalizers"] == ["example.com/x"]
    with pytest.raises(RequestRefused, match="without its objects"):
        await web.requests.delete(web.key, "foreground")
    await web.write({"metadata": {"finalizers": []}})
    with pytest.raises(NotFound):
        await web.requests.delete(web.key, "none")
