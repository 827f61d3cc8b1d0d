"""A commit to one file of a repository that hundreds of applications read."""

import asyncio
import time

from bench.fleet import at_once
from bench.ground import config_map, is_settled, merge, repository, witness, write
from bench.result import Result, median, result
from bench.usage import cpu, family, writes
from kubegrammar import yaml
from trueup.demo.playground import NAMESPACE, Playground, application
from trueup.model.live import LiveObject
from trueup.store.kinds import APPLICATION

APPLICATIONS = 300
ROUNDS = 5
SETTLE_SECONDS = 3.0


async def monorepo(ground: Playground) -> list[Result]:
    """CPU of the engine with its workers from a commit of one file until all applications are Synced to it, and what
    was written.

    The floor is what the field expects of any engine: each Application says to which commit it has been compared. It
    is written by as many bare patches, and its CPU is that of this process.
    """
    git = repository(ground)
    names = [f"mono-{number:03d}" for number in range(APPLICATIONS)]
    for name in names:
        write(git.folder, {f"mono/{name}/a.yaml": yaml.dump(config_map(name, "0"))})
    spent, wall, written, soonest = list[float](), list[float](), list[float](), list[float]()
    async with witness(ground, APPLICATION, NAMESPACE) as apps:
        for round_ in range(ROUNDS + 1):
            changed = names[round_]
            write(git.folder, {f"mono/{changed}/a.yaml": yaml.dump(config_map(changed, f"{round_ + 1}"))})
            before, used, began = await writes(ground), cpu(family(ground.engine.pid)), time.perf_counter()
            revision = await git.commit(f"round {round_}")
            pending = set(names)

            def all_settled(live: LiveObject, pending: set[str] = pending, revision: str = revision) -> bool:
                if live.key.name in pending and is_settled(live, revision):
                    pending.discard(live.key.name)
                return not pending

            settled = apps.expect(all_settled)

            def the_changed(live: LiveObject, name: str = changed, revision: str = revision) -> bool:
                return live.key.name == name and is_settled(live, revision)

            first = apps.expect(the_changed)
            first.add_done_callback(lambda _, began=began: soonest.append(time.perf_counter() - began))  # type: ignore[misc]
            if round_ == 0:
                await at_once(
                    names, lambda name: ground.create(application(name, git.url, f"mono/{name}", namespace="mono"))
                )
            await apps.wait(settled, "all applications at the commit")
            await apps.wait(first, "what the commit changes at the commit")
            await asyncio.sleep(SETTLE_SECONDS)
            if round_ == 0:
                continue
            wall.append(time.perf_counter() - began - SETTLE_SECONDS)
            spent.append(cpu(family(ground.engine.pid)) - used)
            written.append(await writes(ground) - before)
        floor = [await _bare(ground, names, number) for number in range(ROUNDS)]
    title = f"a commit of one file, {APPLICATIONS} applications read the repository"
    return [
        result(f"{title}, engine CPU with workers (floor: bare patches)", median(spent), "s", median(floor)),
        result(f"{title}, engine CPU an application", median(spent) / APPLICATIONS * 1000, "ms"),
        result(f"{title}, wall until what it changes is synced", median(soonest[1:]), "s"),
        result(f"{title}, wall", median(wall), "s"),
        result(f"{title}, writes", median(written), "", APPLICATIONS),
    ]


async def _bare(ground: Playground, names: list[str], number: int) -> float:
    """CPU seconds of this process for one patch of each Application."""
    began = time.process_time()

    async def patch(name: str) -> None:
        await merge(ground, APPLICATION, NAMESPACE, name, {"metadata": {"labels": {"bench": f"{number}"}}})

    await at_once(names, patch)
    return time.process_time() - began
