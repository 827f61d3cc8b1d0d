"""Refresh → applied, for a commit that changes one file."""

import time
from pathlib import Path

import msgspec

from bench.ground import config_map, kind, merge, repository, settled, until, write
from bench.result import Result, median, result
from trueup.cli.app.access import application_type
from trueup.formats import yaml
from trueup.model.annotations import FIELD_MANAGER, REFRESH
from trueup.sandbox.playground import NAMESPACE, Playground, application

ROUNDS = 9


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
    """From the refresh annotation to the server having the new value.

    The floor does the same writes bare: the annotation, the intent, the apply.
    """
    git = repository(ground)
    results = []
    for tool, change in (("directory", _directory), ("helm", _helm), ("kustomize", _kustomize)):
        name = f"bench-{tool}"
        change(git.folder, "0")
        revision = await git.commit(tool)
        await ground.create(application(name, git.url, tool, namespace=name))
        await settled(ground, name, revision)
        samples, floor = [], []
        for round_ in range(ROUNDS):
            samples.append(await _round(ground, name, str(round_ + 1), change))
            floor.append(await _bare(ground, name, str(round_ + 1)))
        results.append(result(f"refresh → applied, {tool}, p50", median(samples), "ms", median(floor)))
    return results


async def _round(ground: Playground, name: str, value: str, change: object) -> float:
    git = repository(ground)
    assert callable(change)
    change(git.folder, value)
    # The poll may see the commit first: the clock starts before it, so that this cannot flatter.
    began = time.perf_counter()
    revision = await git.commit(value)
    committed = time.perf_counter()
    note = {"metadata": {"annotations": {REFRESH: "normal"}}}
    await merge(ground, application_type(ground.discovery), NAMESPACE, name, note)
    maps = kind(ground, "", "ConfigMap")

    async def applied() -> bool:
        live = await ground.client.get(maps, name, "changed")
        return bool(live.object()["data"]["value"] == value)

    await until(applied, "the apply")
    took = (time.perf_counter() - committed) * 1000
    assert took <= (time.perf_counter() - began) * 1000
    await settled(ground, name, revision)
    return took


async def _bare(ground: Playground, name: str, value: str) -> float:
    maps, apps = kind(ground, "", "ConfigMap"), application_type(ground.discovery)
    began = time.perf_counter()
    await merge(ground, apps, NAMESPACE, name, {"metadata": {"annotations": {"trueup.dev/bench": value}}})
    await merge(ground, apps, NAMESPACE, name, {"status": {"observedAt": "2026-01-01T00:00:0" + value[-1] + "Z"}})
    body = msgspec.json.encode(config_map("bare", value, namespace=name))
    await ground.client.apply(maps, name, "bare", body, manager=FIELD_MANAGER)
    return (time.perf_counter() - began) * 1000
