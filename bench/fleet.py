"""A hundred applications from nothing to Synced, then what the engine costs when nothing happens."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import msgspec

from bench.ground import config_map, is_settled, kind, merge, repository, witness, write
from bench.result import Result, result
from bench.usage import cpu, family, memory, writes
from kubegrammar import yaml
from trueup.demo.playground import NAMESPACE, Playground, application
from trueup.model.annotations import FIELD_MANAGER
from trueup.model.live import LiveObject
from trueup.store.kinds import APPLICATION

APPLICATIONS = 100
OBJECTS = 5
SETTLE_SECONDS = 3.0
IDLE_SECONDS = 20.0
IN_FLIGHT = 24
BARE_NAMESPACE = "bench-bare"
"""Where the bare loop keeps its Applications: the engine looks after those of its own namespace alone."""


async def fleet(ground: Playground) -> list[Result]:
    """Wall time, CPU of the engine with its workers, and writes, against a bare loop of the same writes.

    The bare loop writes for each application what any engine must: the Application, a namespace, the intent, the
    objects, the result. It runs while the engine is stopped, or the two would share the machine.
    """
    git = repository(ground)
    names = [f"fleet-{number:03d}" for number in range(APPLICATIONS)]
    for name in names:
        write(git.folder, {f"fleet/{name}/{i}.yaml": yaml.dump(config_map(f"c{i}", name)) for i in range(OBJECTS)})
    revision = await git.commit("fleet")
    await _make_namespace(ground, BARE_NAMESPACE)
    pending = set(names)

    def all_settled(live: LiveObject) -> bool:
        if live.key.name in pending and is_settled(live, revision):
            pending.discard(live.key.name)
        return not pending

    async with witness(ground, APPLICATION, NAMESPACE) as apps:
        before, spent, began = await writes(ground), cpu(family(ground.engine.pid)), time.perf_counter()
        settled = apps.expect(all_settled)
        await at_once(names, lambda name: ground.create(_application(ground, name)))
        await apps.wait(settled, "the fleet synced")
        wall, spent = time.perf_counter() - began, cpu(family(ground.engine.pid)) - spent
    # Events and the cluster's own default objects come a little later.
    await asyncio.sleep(SETTLE_SECONDS)
    written = (await writes(ground) - before) / APPLICATIONS
    async with _stopped(ground):
        before, began = await writes(ground), time.perf_counter()
        await at_once(names, lambda name: _bare(ground, name))
        bare = time.perf_counter() - began
        await asyncio.sleep(SETTLE_SECONDS)
        needed = (await writes(ground) - before) / APPLICATIONS
    title = f"{APPLICATIONS} applications × {OBJECTS} objects"
    return [
        result(f"{title}, wall", wall, "s", bare),
        result(f"{title}, engine CPU with workers", spent, "s"),
        result(f"{title}, writes per application", written, "", needed),
    ]


async def idle(ground: Playground) -> list[Result]:
    """CPU and memory of the engine with everything settled, polling Git every two seconds."""
    await asyncio.sleep(SETTLE_SECONDS)
    before, began = cpu(family(ground.engine.pid)), time.perf_counter()
    written = await writes(ground)
    await asyncio.sleep(IDLE_SECONDS)
    took = time.perf_counter() - began
    share = (cpu(family(ground.engine.pid)) - before) / took * 100
    return [
        result("idle: engine CPU with workers and git", share, "% of a core"),
        result("idle: memory of the engine", memory([ground.engine.pid]), "MiB"),
        result("idle: memory with render workers", memory(family(ground.engine.pid)), "MiB"),
        result("idle: writes a second, by anybody", (await writes(ground) - written) / took, "/s"),
    ]


def _application(ground: Playground, name: str) -> dict[str, object]:
    return application(name, repository(ground).url, f"fleet/{name}", namespace=name)


async def at_once(names: list[str], do: Callable[[str], Awaitable[None]]) -> None:
    limit = asyncio.Semaphore(IN_FLIGHT)

    async def one(name: str) -> None:
        async with limit:
            await do(name)

    await asyncio.gather(*(one(name) for name in names))


@asynccontextmanager
async def _stopped(ground: Playground) -> AsyncIterator[None]:
    ground.engine.send(signal.SIGSTOP)
    try:
        yield
    finally:
        ground.engine.send(signal.SIGCONT)


async def _make_namespace(ground: Playground, name: str) -> None:
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    spaces = kind(ground, "", "Namespace")
    await ground.client.apply(spaces, "", name, msgspec.json.encode(body), manager=FIELD_MANAGER)


async def _bare(ground: Playground, name: str) -> None:
    maps, apps = kind(ground, "", "ConfigMap"), APPLICATION
    manifest, bare = _application(ground, name), f"bare-{name}"
    manifest["metadata"] = {"name": name, "namespace": BARE_NAMESPACE}
    await ground.create(manifest)
    sync = {"status": "OutOfSync", "revision": "0" * 40}
    running = {"operation": {}, "phase": "Running", "startedAt": "2026-01-01T00:00:00Z"}
    await merge(ground, apps, BARE_NAMESPACE, name, {"status": {"sync": sync, "operationState": running}})
    await _make_namespace(ground, bare)
    for i in range(OBJECTS):
        data = msgspec.json.encode(config_map(f"c{i}", name, namespace=bare))
        await ground.client.apply(maps, bare, f"c{i}", data, manager=FIELD_MANAGER)
    lines = [{"kind": "ConfigMap", "name": f"c{i}", "namespace": bare, "status": "Synced"} for i in range(OBJECTS)]
    ended = {"resources": lines, "sync": {"status": "Synced"}, "operationState": {"phase": "Succeeded"}}
    await merge(ground, apps, BARE_NAMESPACE, name, {"status": ended})
