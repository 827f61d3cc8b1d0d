"""Refresh → applied, for a commit that changes one file."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

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
from bench.result import Result, median, result
from kubegrammar import yaml
from trueup.demo.playground import NAMESPACE, Playground, application
from trueup.model.annotations import FIELD_MANAGER
from trueup.store.kinds import APPLICATION

ROUNDS = 11
QUIET = 0.2


def _directory(folder: Path, value: str) -> None:
    write(folder, {"directory/config.yaml": yaml.dump(config_map("changed", value))})


def _helm(folder: Path, value: str) -> None:
    template = config_map("changed", "VALUE")
    write(
        folder,
        {
            "helm/Chart.yaml": "apiVersion: v2\nname: chart\nversion: 1.0.0\n",
            "helm/templates/config.yaml": yaml.dump(template).replace("VALUE", "{{ .Values.value | quote }}"),
            "helm/values.yaml": f'value: "{value}"\n',
        },
    )


def _kustomize(folder: Path, value: str) -> None:
    write(
        folder,
        {
            "kustomize/kustomization.yaml": "resources: [config.yaml]\nlabels: [{pairs: {team: bench}}]\n",
            "kustomize/config.yaml": yaml.dump(config_map("changed", value)),
        },
    )


async def refresh(ground: Playground) -> list[Result]:
    """From the refresh annotation to a watch showing the new value.

    The floor does the same writes bare: the annotation, the intent, the apply. What it leaves out is the point of the
    figure: asking the Git server, fetching, rendering.
    """
    results = []
    maps, apps_type = kind(ground, "", "ConfigMap"), APPLICATION
    async with witness(ground, apps_type, NAMESPACE) as apps, witness(ground, maps) as seen:
        for tool, change in (("directory", _directory), ("helm", _helm), ("kustomize", _kustomize)):
            samples, floor = await _rounds(ground, apps, seen, tool, change)
            results.append(result(f"refresh → applied, {tool}, p50", median(samples), "ms", median(floor)))
    return results


async def _rounds(
    ground: Playground, apps: Witness, seen: Witness, tool: str, change: Callable[[Path, str], None]
) -> tuple[list[float], list[float]]:
    git, name = repository(ground), f"bench-{tool}"
    change(git.folder, f"{tool}-0")
    revision = await git.commit(tool)
    await ground.create(application(name, git.url, tool, namespace=name))
    await settled(apps, name, revision)
    samples: list[float] = []
    floor: list[float] = []
    while len(samples) < ROUNDS:
        round_ = len(floor) + 1
        value = f"{tool}-{round_}"
        change(git.folder, value)
        await asyncio.sleep(QUIET)
        applied = seen.expect(has_value("changed", value))
        revision = await git.commit(value)
        began = time.perf_counter()
        # The engine polls too: a round in which it was quicker than the request shows less than the whole way.
        flattered = applied.done()
        await ask_refresh(ground, name)
        await seen.wait(applied, f"{name} applied")
        took = (time.perf_counter() - began) * 1000
        await settled(apps, name, revision)
        if not flattered:
            samples.append(took)
        await asyncio.sleep(QUIET)
        floor.append(await _bare(ground, seen, name, round_))
    return samples, floor


async def _bare(ground: Playground, seen: Witness, name: str, round_: int) -> float:
    value = f"bare-{round_}"
    maps, apps = kind(ground, "", "ConfigMap"), APPLICATION
    applied = seen.expect(has_value("bare", value))
    body = msgspec.json.encode(config_map("bare", value, namespace=name))
    began = time.perf_counter()
    await merge(ground, apps, NAMESPACE, name, {"metadata": {"annotations": {"trueup.dev/bench": value}}})
    await merge(ground, apps, NAMESPACE, name, {"status": {"observedAt": f"2026-01-01T00:00:{round_ % 60:02d}Z"}})
    await ground.client.apply(maps, name, "bare", body, manager=FIELD_MANAGER)
    await seen.wait(applied, "the bare apply")
    return (time.perf_counter() - began) * 1000
