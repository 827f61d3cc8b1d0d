"""Manual change → put back."""

import asyncio
import time

import msgspec

from bench.ground import config_map, kind, merge, repository, settled, until, write
from bench.result import Result, median, percentile, result
from trueup.cli.app.access import application_type
from trueup.formats import yaml
from trueup.model.annotations import FIELD_MANAGER
from trueup.sandbox.playground import NAMESPACE, Playground, application

ROUNDS = 15
APPLICATION = "bench-heal"
QUIET = 0.3


async def heal(ground: Playground) -> list[Result]:
    """Somebody changes a ConfigMap; how long until the server has Git's value again.

    The first heal after a sync is at once, later ones wait by the self-heal backoff: each round commits first. The
    floor waits for the same watch event, then does the engine's two writes: a status patch and the apply.
    """
    git = repository(ground)
    maps = kind(ground, "", "ConfigMap")
    write(git.folder, {"heal/config.yaml": yaml.dump(config_map("healed", "0"))})
    revision = await git.commit("heal")
    await ground.create(application(APPLICATION, git.url, "heal", namespace=APPLICATION))
    await settled(ground, APPLICATION, revision)
    engine, floor = [], []
    for round_ in range(ROUNDS):
        wanted = str(round_ + 1)
        write(git.folder, {"heal/config.yaml": yaml.dump(config_map("healed", wanted))})
        await settled(ground, APPLICATION, await git.commit("heal"))
        await asyncio.sleep(QUIET)
        began = time.perf_counter()
        await merge(ground, maps, APPLICATION, "healed", {"data": {"value": "drifted"}})

        async def is_back(value: str = wanted) -> bool:
            live = await ground.client.get(maps, APPLICATION, "healed")
            return bool(live.object()["data"]["value"] == value)

        await until(is_back, "the heal")
        engine.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(QUIET)
        floor.append(await _bare(ground, wanted))
    return [
        result("heal: manual change → put back, p50", median(engine), "ms", median(floor)),
        result("heal: manual change → put back, p90", percentile(engine, 0.9), "ms", percentile(floor, 0.9)),
    ]


async def _bare(ground: Playground, value: str) -> float:
    """The same by hand, on an object nobody manages."""
    maps = kind(ground, "", "ConfigMap")
    body = msgspec.json.encode(config_map("bare", value, namespace=APPLICATION))
    first = await ground.client.apply(maps, APPLICATION, "bare", body, manager=FIELD_MANAGER)
    began = time.perf_counter()

    async def put_back() -> None:
        async for event in ground.client.watch(maps, first.resource_version, namespace=APPLICATION):
            live = event.object
            if live is None or live.key.name != "bare" or live.object()["data"]["value"] == value:
                continue
            status = {"status": {"observedAt": f"2026-01-01T00:00:{int(value) % 60:02d}Z"}}
            await merge(ground, application_type(ground.discovery), NAMESPACE, APPLICATION, status)
            await ground.client.apply(maps, APPLICATION, "bare", body, manager=FIELD_MANAGER)
            return

    watching = asyncio.create_task(put_back())
    await merge(ground, maps, APPLICATION, "bare", {"data": {"value": "drifted"}})
    await watching
    return (time.perf_counter() - began) * 1000
