"""What the engine holds in memory: with hundreds of applications and nothing to do, and of a large cluster."""

import asyncio
import sys

from bench.fleet import at_once
from bench.ground import config_map, is_settled, repository, witness, write
from bench.result import Result, result
from bench.tree import MANAGED
from bench.usage import family, memory, name_of
from kubegrammar import yaml
from trueup.demo.playground import NAMESPACE, Playground, application
from trueup.model.live import LiveObject
from trueup.store.kinds import APPLICATION

APPLICATIONS = 300
OBJECTS = 3
SETTLE_SECONDS = 75.0
"""After which children that nobody needs have ended."""


async def idle_memory(ground: Playground) -> list[Result]:
    """Resident memory of an engine that has synced hundreds of applications and has nothing left to do."""
    git = repository(ground)
    names = [f"memory-{number:03d}" for number in range(APPLICATIONS)]
    for name in names:
        write(
            git.folder, {f"memory/{name}/{i}.yaml": yaml.dump(config_map(f"{name}-{i}", "0")) for i in range(OBJECTS)}
        )
    revision = await git.commit("memory")
    pending = set(names)

    def all_settled(live: LiveObject) -> bool:
        if live.key.name in pending and is_settled(live, revision):
            pending.discard(live.key.name)
        return not pending

    async with witness(ground, APPLICATION, NAMESPACE) as apps:
        settled = apps.expect(all_settled)
        await at_once(
            names, lambda name: ground.create(application(name, git.url, f"memory/{name}", namespace="memory"))
        )
        await apps.wait(settled, "the fleet synced")
    busy = _each(ground)
    await asyncio.sleep(SETTLE_SECONDS)
    idle = _each(ground)
    title = f"memory, {APPLICATIONS} applications"
    taken, nodes = await _tree()
    return [
        *(result(f"{title} just synced, {name}", size, "MiB") for name, size in busy),
        *(result(f"{title} at rest, {name}", size, "MiB") for name, size in idle),
        result(f"memory, {nodes} objects of a cluster of which {MANAGED} are managed", taken, "MiB"),
    ]


def _each(ground: Playground) -> list[tuple[str, float]]:
    """The engine with its children, then each by what it was started as."""
    pids = family(ground.engine.pid)
    return [("engine and children", memory(pids)), *((name_of(pid), memory([pid])) for pid in pids)]


async def _tree() -> tuple[float, int]:
    command = (sys.executable, "-m", "bench.tree")
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    told, _ = await process.communicate()
    taken, nodes = told.decode().split()
    return float(taken), int(nodes)
