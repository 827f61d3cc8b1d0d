"""What the measurements share: objects, applications, and a witness that sees changes as they happen."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from trueup.demo.playground import NAMESPACE, Playground
from trueup.kube.discovery import ResourceType
from trueup.model.annotations import REFRESH
from trueup.model.live import LiveObject
from trueup.model.status import OperationPhase
from trueup.store.kinds import APPLICATION
from trueup.workshop.repository import PlayRepository

PATIENCE = 180.0
"""Seconds after which something that should have happened counts as a failure of the run."""


class Witness:
    """Follows one kind by a watch, so that waiting costs the API server nothing and a wait ends with the event."""

    def __init__(self) -> None:
        self.seen: dict[str, LiveObject] = {}
        self._waiting: set[tuple[Callable[[LiveObject], bool], asyncio.Future[None]]] = set()

    def expect(self, check: Callable[[LiveObject], bool]) -> "asyncio.Future[None]":
        """Done with the first change from now on that ``check`` accepts."""
        future = asyncio.get_running_loop().create_future()
        entry = (check, future)
        self._waiting.add(entry)
        future.add_done_callback(lambda _: self._waiting.discard(entry))
        return future

    async def until(self, check: Callable[[LiveObject], bool], what: str) -> None:
        """Returns when an object as it is, or a change of one, is accepted.

        Raises:
            TimeoutError: none was, for :data:`PATIENCE`.
        """
        expected = self.expect(check)
        for live in list(self.seen.values()):
            self._show(live)
        await self.wait(expected, what)

    async def wait(self, expected: "asyncio.Future[None]", what: str) -> None:
        """Waits for what :meth:`expect` promised.

        Raises:
            TimeoutError: it did not happen for :data:`PATIENCE`.
        """
        try:
            await asyncio.wait_for(expected, PATIENCE)
        except TimeoutError:
            last = [f"{name}: {live.body.decode()}" for name, live in self.seen.items()][-1:]
            raise TimeoutError(f"{what}: not seen in {PATIENCE:g} s; last seen: {last}") from None

    def heard(self, live: LiveObject) -> None:
        self.seen[f"{live.key.namespace}/{live.key.name}"] = live
        self._show(live)

    def _show(self, live: LiveObject) -> None:
        for check, future in list(self._waiting):
            if not future.done() and check(live):
                future.set_result(None)


@asynccontextmanager
async def witness(ground: Playground, resource: ResourceType, namespace: str = "") -> AsyncIterator[Witness]:
    """A witness of one kind, from what is there now on."""
    seen, ready = Witness(), asyncio.Event()

    async def follow() -> None:
        events = ground.client.watch(resource, "", namespace=namespace, initial_events=True, timeout=600.0)
        async with aclosing(events):
            async for event in events:
                if event.type == "BOOKMARK":
                    ready.set()
                elif event.type != "DELETED":
                    seen.heard(event.object)

    task = asyncio.create_task(follow())
    try:
        await asyncio.wait_for(ready.wait(), PATIENCE)
        yield seen
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class _Sync(msgspec.Struct):
    status: str = ""
    revision: str = ""


class _Operation(msgspec.Struct):
    phase: OperationPhase = OperationPhase.RUNNING


class _Status(msgspec.Struct, rename="camel"):
    sync: _Sync | None = None
    operation_state: _Operation | None = None


class _Application(msgspec.Struct):
    status: _Status | None = None
    operation: dict[str, Any] | None = None


def is_settled(live: LiveObject, revision: str = "") -> bool:
    """Whether an Application is Synced to a revision (any, when none is given) and no operation runs."""
    app = msgspec.json.decode(live.body, type=_Application)
    if app.operation is not None or app.status is None or app.status.sync is None:
        return False
    sync, operation = app.status.sync, app.status.operation_state
    at_revision = not revision or sync.revision == revision
    return sync.status == "Synced" and at_revision and operation is not None and operation.phase.completed


async def settled(apps: Witness, name: str, revision: str) -> None:
    """Returns when an Application has settled."""
    await apps.until(lambda live: live.key.name == name and is_settled(live, revision), f"{name} settled")


def has_value(name: str, value: str) -> Callable[[LiveObject], bool]:
    """Whether a change shows the ConfigMap of this name with this value."""
    return lambda live: live.key.name == name and (live.object().get("data") or {}).get("value") == value


async def ask_refresh(ground: Playground, name: str) -> None:
    note = {"metadata": {"annotations": {REFRESH: "normal"}}}
    await merge(ground, APPLICATION, NAMESPACE, name, note)


def kind(ground: Playground, group: str, name: str) -> ResourceType:
    found = ground.discovery.find(group, name)
    assert found is not None, f"{group}/{name} is not served"
    return found


def repository(ground: Playground) -> PlayRepository:
    assert ground.repository is not None
    return ground.repository


def config_map(name: str, value: str, **metadata: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, **metadata}, "data": {"value": value}}


def write(folder: Path, files: dict[str, str]) -> None:
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


async def merge(ground: Playground, resource: ResourceType, namespace: str, name: str, change: Any) -> LiveObject:
    return await ground.client.patch(resource, namespace, name, msgspec.json.encode(change), kind="merge")
