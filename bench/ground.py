"""What the measurements share: objects, applications, waiting by watch rather than by poll."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from trueup.cli.app.access import View, application_type, read_view
from trueup.kube.discovery import ResourceType
from trueup.kube.errors import NotFound
from trueup.model.live import LiveObject
from trueup.sandbox.playground import NAMESPACE, Playground
from trueup.sandbox.repository import PlayRepository

PATIENCE = 300.0


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


async def view(ground: Playground, name: str) -> View:
    live = await ground.client.get(application_type(ground.discovery), NAMESPACE, name)
    return read_view(live.body)


async def until(check: Callable[[], Any], what: str) -> Any:
    """Poll a cheap question every millisecond or so.

    Raises:
        TimeoutError: it never became true.
    """
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        answer = await check()
        if answer:
            return answer
        await asyncio.sleep(0.002)
    raise TimeoutError(f"{what} did not happen")


async def settled(ground: Playground, name: str, revision: str = "") -> None:
    async def check() -> bool:
        try:
            status = (await view(ground, name)).status
        except NotFound:
            return False
        state = status.operation_state
        return bool(
            status.sync
            and status.sync.status == "Synced"
            and (not revision or status.sync.revision == revision)
            and (state is None or state.phase.completed)
        )

    await until(check, f"{name} settled")


async def get(ground: Playground, resource: ResourceType, namespace: str, name: str) -> LiveObject | None:
    try:
        return await ground.client.get(resource, namespace, name)
    except NotFound:
        return None


async def merge(ground: Playground, resource: ResourceType, namespace: str, name: str, change: Any) -> LiveObject:
    return await ground.client.patch(resource, namespace, name, msgspec.json.encode(change), kind="merge")
