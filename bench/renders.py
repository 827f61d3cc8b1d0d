"""What a render costs, by its tool: cold, known, and when a commit changes one of a thousand."""

import asyncio
import os
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pygit2

from bench.ground import config_map
from bench.result import Result, result
from bench.usage import cpu, family
from kubegrammar import yaml
from trueup.demo.playground import Playground
from trueup.model.application import Source
from trueup.model.manifest import Rendering
from trueup.render.environment import RenderContext
from trueup.render.job import Recipe
from trueup.runtime.fair import Fair
from trueup.sources.tree import GitTree
from trueup.workers.pool import Pool
from trueup.workers.renders import Renders

EACH = 150
"""Sources of a kind that are rendered cold."""
FLEET = 1000
"""Applications of the monorepo, of all kinds by turns."""
WORKERS = 2
KNOWN_ROUNDS = 5


def _directory(number: int) -> dict[str, str]:
    return {"a.yaml": yaml.dump(config_map(f"d-{number}", "0"))}


def _helm(number: int) -> dict[str, str]:
    template = yaml.dump(config_map(f"h-{number}", "VALUE"))
    return {
        "Chart.yaml": f"apiVersion: v2\nname: c{number}\nversion: 1.0.0\n",
        "values.yaml": 'value: "0"\n',
        "templates/a.yaml": template.replace("VALUE", "{{ .Values.value | quote }}"),
    }


def _kustomize(number: int) -> dict[str, str]:
    return {
        "kustomization.yaml": "resources: [../../base]\nnamePrefix: k-\n",
        "note.txt": str(number),
    }


KINDS: dict[str, Callable[[int], dict[str, str]]] = {"directory": _directory, "Kustomize": _kustomize, "Helm": _helm}


class _Counting(Pool):
    """A pool that counts what it is asked to render."""

    started = 0

    async def render(self, recipe: Recipe, files: Mapping[str, bytes], *args: Any, **options: Any) -> Rendering:
        self.started += 1
        return await super().render(recipe, files, *args, **options)


async def renders(ground: Playground) -> list[Result]:
    """Renders a second on two workers, and what a commit of one file costs a thousand sources. No cluster is asked."""
    del ground
    with tempfile.TemporaryDirectory(prefix="trueup-bench-") as folder:
        repository = pygit2.init_repository(folder, bare=True)
        paths = [f"{kind.lower()}/{number:04d}" for kind in KINDS for number in range(FLEET // len(KINDS) + 1)][:FLEET]
        files = {"base/kustomization.yaml": "resources: [a.yaml]\n", "base/a.yaml": yaml.dump(config_map("base", "0"))}
        for path in paths:
            kind, _, number = path.partition("/")
            made = next(make for name, make in KINDS.items() if name.lower() == kind)(int(number))
            files |= {f"{path}/{name}": text for name, text in made.items()}
        first = _commit(repository, files)
        changed = {**files, "directory/0000/a.yaml": yaml.dump(config_map("d-0", "1"))}
        second = _commit(repository, changed)
        pool = _Counting(WORKERS)
        kept = Renders(pool, turns=Fair(WORKERS), preparing_turns=Fair(WORKERS, WORKERS))
        try:
            await pool.warm()
            return await _measured(kept, pool, Path(folder), paths, first, second)
        finally:
            await pool.close()


async def _measured(
    kept: Renders, pool: _Counting, folder: Path, paths: Sequence[str], first: str, second: str
) -> list[Result]:
    tree = GitTree(folder, first, "bench", lambda: None)
    results = []
    for kind in KINDS:
        own = [path for path in paths if path.startswith(f"{kind.lower()}/")][:EACH]
        used = cpu(family(os.getpid()))
        took = await _all(kept, tree, own)
        spent = (cpu(family(os.getpid())) - used) / len(own) * 1000
        results.append(result(f"renders a second, {kind}, cold", len(own) / took, ""))
        results.append(result(f"CPU of a render, {kind}, cold", spent, "ms"))
        took = await _all(kept, tree, own * KNOWN_ROUNDS)
        results.append(result(f"renders a second, {kind}, known", len(own) * KNOWN_ROUNDS / took, ""))
    await _all(kept, tree, paths)
    pool.started, began = 0, time.process_time()
    took = await _all(kept, GitTree(folder, second, "bench", lambda: None), paths)
    spent = time.process_time() - began
    title = f"monorepo commit: {len(paths)} sources"
    return [
        *results,
        result("monorepo commit: renders started", pool.started, ""),
        result(f"{title}, wall until all are known", took, "s"),
        result(f"{title}, CPU of deciding", spent, "s"),
    ]


async def _all(kept: Renders, tree: GitTree, paths: Sequence[str]) -> float:
    """Seconds until all are rendered."""
    began = time.perf_counter()
    await asyncio.gather(
        *(kept.manifests(Source(path=path), tree, {}, RenderContext(app_name=path.replace("/", "-"))) for path in paths)
    )
    return time.perf_counter() - began


def _commit(repository: pygit2.Repository, files: Mapping[str, str]) -> str:
    """A commit of these files alone."""
    index = pygit2.Index()
    for path, text in files.items():
        index.add(pygit2.IndexEntry(path, repository.create_blob(text.encode()), pygit2.enums.FileMode.BLOB))
    who = pygit2.Signature("bench", "bench@example.org", 0, 0)
    return str(repository.create_commit(None, who, who, "bench", index.write_tree(repository), []))
