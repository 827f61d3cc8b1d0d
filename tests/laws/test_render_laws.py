"""What a cache gives is what a cold render of the same commit gives: for every application, after any commits, after a
restart, and with two renders at once."""

import asyncio
import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.gitrepo import GitRepo

from trueup.model.application import DirectorySource, HelmSource, JsonnetSource, Source
from trueup.model.errors import RenderFailed
from trueup.model.manifest import Rendering
from trueup.render.environment import RenderContext
from trueup.render.job import Recipe
from trueup.sources.tree import GitTree
from trueup.workers.child import render
from trueup.workers.frame import RenderTask
from trueup.workers.kept import Kept
from trueup.workers.renders import Renders

CONTEXT = RenderContext(app_name="shop", namespace="prod")
CHART = "apiVersion: v2\nname: web\nversion: 1.0.0\n"
TEMPLATE = (
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n"
    "data: {a: '{{ .Values.a }}', f: '{{ .Files.Get \"note.txt\" }}'}\n"
)
SOURCES = {
    "plain": Source(path="plain"),
    "deep": Source(path="plain", directory=DirectorySource(recurse=True, exclude="*.json")),
    "program": Source(path="program", directory=DirectorySource(jsonnet=JsonnetSource(libs=["lib"]))),
    "chart": Source(
        path="chart", helm=HelmSource(value_files=["../shared/values.yaml"], ignore_missing_value_files=True)
    ),
    "the root": Source(path=".", directory=DirectorySource(include="*.yaml")),
}


def config(name: str, data: str) -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{k: '{data}'}}\n"


SMALL = st.sampled_from(["1", "2", "3"])
CONTENTS: dict[str, st.SearchStrategy[str]] = {
    "plain/a.yaml": SMALL.map(lambda data: config("a", data)),
    "plain/deeper/b.yaml": SMALL.map(lambda data: config("b", data)),
    "plain/c.json": st.sampled_from(["{}", '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "j"}}']),
    "top.yaml": SMALL.map(lambda data: config("top", data)),
    "program/x.jsonnet": st.sampled_from(
        [
            "{apiVersion: 'v1', kind: 'ConfigMap', metadata: {name: 'x'}, "
            "data: {k: import 'near', t: importstr 'far'}}",
            "[]",
        ]
    ),
    "program/near": SMALL,
    "lib/near": SMALL.map(lambda data: f"import '../shared/{data}'"),
    "lib/far": SMALL,
    "shared/1": SMALL,
    "chart/Chart.yaml": st.just(CHART),
    "chart/templates/c.yaml": st.just(TEMPLATE),
    "chart/values.yaml": SMALL.map(lambda data: f"a: '{data}'\n"),
    "chart/note.txt": SMALL,
    "shared/values.yaml": SMALL.map(lambda data: f"a: 'shared {data}'\n"),
}
FIRST = st.fixed_dictionaries(CONTENTS)
CHANGES = st.fixed_dictionaries({}, optional={path: st.none() | content for path, content in CONTENTS.items()})
_numbers = itertools.count()


class Direct:
    """A pool in this process, which counts."""

    def __init__(self, scratch: Path) -> None:
        self._scratch, self.renders = scratch, 0

    def expect(self) -> None:
        """Nothing has to be started."""

    async def render(self, recipe: Recipe, files: Mapping[str, bytes], yielding: object = None, **_: bool) -> Rendering:
        self.renders += 1
        folder = self._scratch / str(next(_numbers))
        folder.mkdir(parents=True)
        return await asyncio.to_thread(render, RenderTask(recipe, dict(files), 1), folder)


async def outcome(renders: Renders, tree: GitTree, source: Source) -> Any:
    try:
        made = await renders.manifests(source, tree, {}, CONTEXT)
    except RenderFailed as error:
        return error.message
    return made.source_type, made.manifests, made.barren


@settings(max_examples=8, deadline=None)
@given(FIRST, st.lists(CHANGES, min_size=1, max_size=3))
def test_the_cached_outcome_is_that_of_a_cold_render(
    tmp_path_factory: pytest.TempPathFactory, first: dict[str, str], changes: list[dict[str, str | None]]
) -> None:
    root = tmp_path_factory.mktemp("renders")
    repo = GitRepo(root / "repo.git")
    asyncio.run(_compare(root, repo, first, changes))


async def _compare(root: Path, repo: GitRepo, first: dict[str, str], changes: list[dict[str, str | None]]) -> None:
    pool = Direct(root / "scratch")

    def started(kept: Kept | None) -> Renders:
        return Renders(cast(Any, pool), kept=kept)

    lasting = Kept(root / "kept")
    warm, state = started(lasting), dict[str, str | None]()
    commits = []
    everything: dict[str, str | None] = {**first}
    for change in (everything, *changes, everything):
        state.update(change)
        present = {path: text.encode() for path, text in state.items() if text is not None}
        sha = repo.commit(present, keep=False)
        commits.append(sha)
        tree = GitTree(repo.path, sha, repo.url, lambda: None)
        for source in SOURCES.values():
            cold = await outcome(started(None), tree, source)
            twice = await asyncio.gather(outcome(warm, tree, source), outcome(warm, tree, source))
            assert list(twice) == [cold, cold]
    await lasting.close()
    # After a restart, and a rollback to each of the commits: nothing that could be rendered is rendered again.
    again = Kept(root / "kept")
    restarted = started(again)
    for sha in reversed(commits):
        tree = GitTree(repo.path, sha, repo.url, lambda: None)
        for source in SOURCES.values():
            cold = await outcome(started(None), tree, source)
            before = pool.renders
            assert await outcome(restarted, tree, source) == cold
            assert pool.renders == before or isinstance(cold, str)
    await again.close()
