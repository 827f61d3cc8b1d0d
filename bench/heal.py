"""Manual change → put back."""

import asyncio
import time

import msgspec

from bench.ground import (
    Witness,
    ask_refresh,
    config_map,
    has_value,
    kind,
    merge,
    repository,
    settled,
    witness,
    write,
)
from bench.result import Result, median, percentile, result
from kubegrammar import yaml
from trueup.demo.playground import NAMESPACE, Playground, application
from trueup.model.annotations import FIELD_MANAGER
from trueup.store.kinds import APPLICATION

ROUNDS = 21
NAME = "bench-heal"
QUIET = 0.25
"""Seconds for what a round leaves behind (a result on record, Events) to be over before the clock starts again."""


async def heal(ground: Playground) -> list[Result]:
    """Somebody changes a ConfigMap; how long until a watch shows Git's value again.

    The first heal after a sync is at once, later ones wait by the self-heal backoff: each round commits first. The
    floor waits for the same watch event, then does the engine's two writes: a status patch and the apply.
    """
    git, maps, apps_type = repository(ground), kind(ground, "", "ConfigMap"), APPLICATION
    write(git.folder, {"heal/config.yaml": yaml.dump(config_map("healed", "0"))})
    revision = await git.commit("heal")
    engine, floor = [], []
    async with witness(ground, apps_type, NAMESPACE) as apps, witness(ground, maps) as seen:
        await ground.create(application(NAME, git.url, "heal", namespace=NAME))
        await settled(apps, NAME, revision)
        for round_ in range(ROUNDS):
            wanted = str(round_ + 1)
            write(git.folder, {"heal/config.yaml": yaml.dump(config_map("healed", wanted))})
            revision = await git.commit("heal")
            await ask_refresh(ground, NAME)
            await settled(apps, NAME, revision)
            await asyncio.sleep(QUIET)
            engine.append(await _drift(ground, seen, "healed", wanted))
            await asyncio.sleep(QUIET)
            floor.append(await _bare(ground, seen, wanted))
    return [
        result("heal: manual change → put back, p50", median(engine), "ms", median(floor)),
        result("heal: manual change → put back, p90", percentile(engine, 0.9), "ms", percentile(floor, 0.9)),
    ]


async def _drift(ground: Playground, seen: Witness, name: str, wanted: str) -> float:
    """Change an object by hand; milliseconds until it is seen as it was."""
    drifted, back = seen.expect(has_value(name, "drifted")), seen.expect(has_value(name, wanted))
    began = time.perf_counter()
    await merge(ground, kind(ground, "", "ConfigMap"), NAME, name, {"data": {"value": "drifted"}})
    await seen.wait(drifted, "the manual change")
    await seen.wait(back, "the heal")
    return (time.perf_counter() - began) * 1000


async def _bare(ground: Playground, seen: Witness, value: str) -> float:
    """The same by hand, on an object nobody manages."""
    maps, apps = kind(ground, "", "ConfigMap"), APPLICATION
    body = msgspec.json.encode(config_map("bare", value, namespace=NAME))
    first = await ground.client.apply(maps, NAME, "bare", body, manager=FIELD_MANAGER)
    opened = asyncio.Event()

    async def put_back() -> None:
        events = ground.client.watch(maps, first.resource_version, namespace=NAME, opened=opened.set)
        async for event in events:
            if has_value("bare", "drifted")(event.object):
                status = {"status": {"observedAt": f"2026-01-01T00:00:{int(value) % 60:02d}Z"}}
                await merge(ground, apps, NAMESPACE, NAME, status)
                await ground.client.apply(maps, NAME, "bare", body, manager=FIELD_MANAGER)
                return

    watching = asyncio.create_task(put_back())
    await opened.wait()
    took = await _drift(ground, seen, "bare", value)
    await watching
    return took
