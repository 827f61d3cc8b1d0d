"""Renders by content: what failed is remembered, and what is new or wished for is tried at once."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import pytest
from tests.support.gitrepo import GitRepo
from tests.support.memtree import MemTree
from tests.support.patience import stretched

from trueup.model.application import Source
from trueup.model.errors import RenderFailed, RenderStopped
from trueup.model.manifest import Rendering
from trueup.model.share import Share
from trueup.render.continuity import Trees
from trueup.render.environment import RenderContext
from trueup.render.job import Recipe
from trueup.runtime.fair import Fair
from trueup.sources.tree import GitTree
from trueup.workers.preparing import Inline
from trueup.workers.renders import Renders

CM = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
CONTEXT = RenderContext(app_name="shop", namespace="prod")


class Tool:
    """A pool whose renders end as the test says."""

    def __init__(self) -> None:
        self.runs = 0
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    def expect(self) -> None:
        """Nothing has to be started."""

    async def render(self, recipe: Recipe, files: Mapping[str, bytes], yielding: object = None, **_: bool) -> Rendering:
        self.runs += 1
        await self.gate.wait()
        if self.error is not None:
            raise self.error
        return Rendering(key=recipe.key, source_type=recipe.tool, manifests=())


async def render(renders: Renders, content: str = CM, *, fresh: bool = False, project: str = "p") -> Rendering:
    tree = MemTree({"a/x.yaml": content})
    return await renders.manifests(Source(path="a"), tree, {}, CONTEXT, fresh=fresh, share=Share(project, "r"))


@pytest.mark.parametrize("error", [RenderStopped("took longer than 60 s"), RenderFailed("a template error")])
async def test_a_render_that_failed_is_not_tried_on_each_pass_but_for_other_content_and_a_hard_refresh(
    error: RenderFailed,
) -> None:
    tool = Tool()
    renders = Renders(cast(Any, tool))
    tool.error = error
    for _ in range(3):
        with pytest.raises(type(error), match=error.message):
            await render(renders)
    assert tool.runs == 1
    with pytest.raises(type(error)):
        await render(renders, fresh=True)
    assert tool.runs == 2, "a person's hard refresh goes straight through"
    tool.error = None
    await render(renders, CM + "data: {}\n")
    assert tool.runs == 3, "another commit is another render"
    await render(renders, fresh=True)
    await render(renders)
    assert tool.runs == 4, "it succeeded: nothing is left of the failure"


async def test_a_render_of_one_project_waits_for_no_render_of_another_that_lasts() -> None:
    tool = Tool()
    renders = Renders(cast(Any, tool), turns=Fair(1, 1, moment=0.02))
    tool.gate.clear()
    long = asyncio.create_task(render(renders, project="greedy"))
    while not tool.runs:
        await asyncio.sleep(0.001)
    short = asyncio.create_task(render(renders, CM + "data: {}\n", project="mine"))
    async with asyncio.timeout(stretched(10)):
        while tool.runs < 2:
            await asyncio.sleep(0.001)
    tool.gate.set()
    await asyncio.gather(long, short)


class Counting(Inline):
    """Counts what is prepared."""

    def __init__(self) -> None:
        self.recipes = self.checks = 0

    async def recipe(
        self, source: Source, trees: Trees, context: RenderContext, *, index: int, whole_tree: bool
    ) -> Recipe:
        self.recipes += 1
        return await super().recipe(source, trees, context, index=index, whole_tree=whole_tree)

    async def check_whole(self, recipe: Recipe, barren: Sequence[str], now: Trees, before: Sequence[Trees]) -> None:
        self.checks += 1
        await super().check_whole(recipe, barren, now, before)


async def test_a_commit_elsewhere_in_the_repository_costs_a_source_nothing(tmp_path: Path) -> None:
    repo, tool, preparing = GitRepo(tmp_path / "repo.git"), Tool(), Counting()
    renders = Renders(cast(Any, tool), preparing)

    async def commit(files: Mapping[str, bytes], path: str, before: str) -> tuple[str, tuple[int, int, int]]:
        sha = repo.commit(files)
        tree, former = (GitTree(repo.path, each, repo.url, lambda: None) for each in (sha, before or sha))
        await renders.manifests(
            Source(path=path), tree, {}, CONTEXT, before=[Trees(former)] if before else (), share=Share("p", "r")
        )
        return sha, (preparing.recipes, preparing.checks, tool.runs)

    base = {"b/x.yaml": CM.encode(), "c/kustomization.yaml": b"resources: [../b/x.yaml]\n"}
    first, found = await commit({"a/x.yaml": CM.encode(), **base}, "a", "")
    assert found == (1, 0, 1)
    second, found = await commit({"b/x.yaml": CM.encode() + b"data: {}\n"}, "a", first)
    assert found == (1, 0, 1), "neither the recipe nor what was lost since then is asked for"
    _, found = await commit({"a/x.yaml": CM.encode() + b"data: {}\n"}, "a", second)
    assert found == (2, 1, 2)
    fourth, found = await commit({"d": b""}, "c", "")
    assert found == (3, 1, 3)
    fifth, found = await commit({"d": b"1", "a/x.yaml": b""}, "c", fourth)
    assert found == (3, 1, 3), "nor are they of what reads another folder, which is the same as well"
    _, found = await commit({"b/x.yaml": CM.encode()}, "c", fifth)
    assert found == (4, 2, 4), "what reads a folder that the commit changes is asked about anew"


async def test_what_a_source_is_made_of_has_another_name_when_a_base_beside_it_has_changed(tmp_path: Path) -> None:
    repo, renders = GitRepo(tmp_path / "repo.git"), Renders(cast(Any, Tool()))
    source = Source(path="c")

    async def commit(files: Mapping[str, bytes], *, look: bool = False) -> str:
        tree = GitTree(repo.path, repo.commit(files), repo.url, lambda: None)
        if look:
            await renders.manifests(source, tree, {}, CONTEXT, share=Share("p", "r"))
        return renders.made_of(source, tree, CONTEXT)

    base = {"b/x.yaml": CM.encode(), "c/kustomization.yaml": b"resources: [../b/x.yaml]\n"}
    assert await commit(base) == "", "it is not known what is read"
    name = await commit({"d": b"1"}, look=True)
    assert name and await commit({"d": b"2"}) == name
    assert await commit({"b/x.yaml": CM.encode() + b"data: {}\n"}) == ""
    assert await commit({"c/y.yaml": b""}) == ""
    assert await commit({"c/y.yaml": b"1"}, look=True) not in ("", name)


async def for_application(renders: Renders, name: str) -> Rendering:
    tree = MemTree({"a/x.yaml": CM})
    return await renders.manifests(
        Source(path="a"), tree, {}, RenderContext(app_name="shop", namespace="prod", instance=name)
    )


async def test_what_is_rendered_for_an_application_that_leaves_is_ended_and_nothing_of_another() -> None:
    tool = Tool()
    renders = Renders(cast(Any, tool), turns=Fair(2, 2))
    tool.gate.clear()
    leaves, stays = (asyncio.create_task(for_application(renders, name)) for name in ("leaves", "stays"))
    async with asyncio.timeout(stretched(10)):
        while tool.runs < 2:
            await asyncio.sleep(0.001)
    renders.abandon("leaves")
    with pytest.raises(RenderStopped, match="is being deleted"):
        await leaves
    tool.gate.set()
    assert await stays
    assert await for_application(renders, "leaves"), "one of its name that is made anew is rendered"
    assert tool.runs == 3
