"""A hundred applications from nothing to Synced, then what the engine costs when nothing happens."""

import asyncio
import os
import time
from pathlib import Path

import msgspec

from bench.ground import config_map, kind, merge, repository, until, write
from bench.result import Result, result
from trueup.cli.app.access import application_type, read_view
from trueup.formats import yaml
from trueup.model.annotations import FIELD_MANAGER
from trueup.sandbox.playground import NAMESPACE, Playground, application

APPLICATIONS = 100
OBJECTS = 5
IDLE_SECONDS = 20.0
IN_FLIGHT = 24
TICKS = os.sysconf("SC_CLK_TCK")


async def fleet(ground: Playground) -> list[Result]:
    """Wall time and CPU of the engine's process, against a bare loop of as many namespaces, applies and patches."""
    git = repository(ground)
    names = [f"fleet-{number:03d}" for number in range(APPLICATIONS)]
    for name in names:
        write(git.folder, {f"fleet/{name}/{i}.yaml": yaml.dump(config_map(f"c{i}", name)) for i in range(OBJECTS)})
    await git.commit("fleet")
    cpu, began = _cpu(ground.engine.pid), time.perf_counter()
    limit = asyncio.Semaphore(IN_FLIGHT)

    async def create(name: str) -> None:
        async with limit:
            await ground.create(application(name, git.url, f"fleet/{name}", namespace=name))

    await asyncio.gather(*(create(name) for name in names))

    async def all_synced() -> bool:
        await asyncio.sleep(0.1)
        listing = await ground.client.list(application_type(ground.discovery), NAMESPACE)
        ours = [v for v in (read_view(live.body) for live in listing.objects) if v.app.metadata.name in names]
        return len(ours) == APPLICATIONS and all(
            v.status.sync
            and v.status.sync.status == "Synced"
            and v.status.operation_state
            and v.status.operation_state.phase.completed
            for v in ours
        )

    await until(all_synced, "the fleet synced")
    wall, spent = time.perf_counter() - began, _cpu(ground.engine.pid) - cpu
    floor = await _bare(ground, names)
    title = f"fleet: {APPLICATIONS} applications × {OBJECTS} objects"
    return [result(f"{title}, wall", wall, "s", floor), result(f"{title}, engine CPU", spent, "s")]


async def _bare(ground: Playground, names: list[str]) -> float:
    maps, spaces = kind(ground, "", "ConfigMap"), kind(ground, "", "Namespace")
    apps = application_type(ground.discovery)
    limit = asyncio.Semaphore(IN_FLIGHT)

    async def one(name: str) -> None:
        async with limit:
            bare = f"bare-{name}"
            body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": bare}}
            await ground.client.apply(spaces, "", bare, msgspec.json.encode(body), manager=FIELD_MANAGER)
            manifest = application(bare, "https://git.invalid/none", ".", namespace=bare)
            # Marked as another engine's, so that ours leaves it alone.
            manifest["metadata"] = {
                "name": bare,
                "namespace": NAMESPACE,
                "annotations": {"trueup.dev/controller": "argocd"},
            }
            await ground.create(manifest)
            intent = {"status": {"observedAt": "2026-01-01T00:00:00Z"}}
            await merge(ground, apps, NAMESPACE, bare, intent)
            for i in range(OBJECTS):
                data = msgspec.json.encode(config_map(f"c{i}", name, namespace=bare))
                await ground.client.apply(maps, bare, f"c{i}", data, manager=FIELD_MANAGER)
            lines = [
                {"kind": "ConfigMap", "name": f"c{i}", "namespace": bare, "status": "Synced"} for i in range(OBJECTS)
            ]
            await merge(ground, apps, NAMESPACE, bare, {"status": {"resources": lines}})

    began = time.perf_counter()
    await asyncio.gather(*(one(name) for name in names))
    return time.perf_counter() - began


async def idle(ground: Playground) -> list[Result]:
    """CPU and memory of the engine with everything settled, polling Git every two seconds."""
    await asyncio.sleep(3)
    before = _cpu(ground.engine.pid)
    await asyncio.sleep(IDLE_SECONDS)
    share = (_cpu(ground.engine.pid) - before) / IDLE_SECONDS * 100
    return [
        result("idle: engine CPU", share, "% of a core"),
        result("idle: engine memory (RSS)", _memory(ground.engine.pid), "MiB"),
    ]


def _cpu(pid: int) -> float:
    """CPU seconds of a process and the children it has waited for."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(fields[i]) for i in (11, 12, 13, 14)) / TICKS


def _memory(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return 0.0
