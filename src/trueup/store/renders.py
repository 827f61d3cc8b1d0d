"""Manifests by content: what was rendered once from the same inputs is never rendered again."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence

from trueup.model.application import Source
from trueup.model.manifest import Rendering
from trueup.model.tree import Tree
from trueup.render.continuity import Trees, check_whole
from trueup.render.environment import RenderContext
from trueup.render.job import ClosureTooNarrow, Recipe
from trueup.render.recipe import make_recipe, read_inputs
from trueup.workers.pool import Pool

CAPACITY = 4096
"""Renderings kept. Each holds its manifests as JSON bytes; the least recently used goes first."""


class Renders:
    """Content-addressed cache in front of the worker pool. Equal requests at one time share one render.

    Failed renders are not kept: the failure may be the machine's (memory, time).
    """

    def __init__(self, pool: Pool, capacity: int = CAPACITY) -> None:
        self._pool = pool
        self._capacity = capacity
        self._done: OrderedDict[str, Rendering] = OrderedDict()
        self._narrow: OrderedDict[str, None] = OrderedDict()
        self._flights: dict[str, asyncio.Task[Rendering]] = {}

    async def manifests(
        self,
        source: Source,
        tree: Tree,
        refs: Mapping[str, Tree],
        context: RenderContext,
        *,
        index: int = 0,
        fresh: bool = False,
        before: Sequence[Trees] = (),
    ) -> Rendering:
        """The rendering of one source.

        Args:
            fresh: drop what is cached for these inputs first (a hard refresh).
            before: what was synced last. Files that have lost something since then, by a fault it seems, are refused.

        Raises:
            RenderFailed: the source cannot become manifests.
        """
        recipe = await asyncio.to_thread(make_recipe, source, tree, refs, context, source_index=index)
        if recipe.key not in self._narrow:
            try:
                return await self._whole(recipe, tree, refs, fresh=fresh, before=before)
            except ClosureTooNarrow:
                # Remembered, or every pass would try the narrow one first.
                self._narrow[recipe.key] = None
                while len(self._narrow) > self._capacity:
                    self._narrow.popitem(last=False)
        recipe = await asyncio.to_thread(make_recipe, source, tree, refs, context, source_index=index, whole_tree=True)
        return await self._whole(recipe, tree, refs, fresh=fresh, before=before)

    async def _whole(
        self, recipe: Recipe, tree: Tree, refs: Mapping[str, Tree], *, fresh: bool, before: Sequence[Trees]
    ) -> Rendering:
        rendering = await self._rendering(recipe, tree, refs, fresh=fresh)
        for former in before:
            await asyncio.to_thread(check_whole, recipe, rendering.barren, Trees(tree, refs), former)
        return rendering

    async def _rendering(self, recipe: Recipe, tree: Tree, refs: Mapping[str, Tree], *, fresh: bool) -> Rendering:
        if fresh:
            self._done.pop(recipe.key, None)
        known = self._done.get(recipe.key)
        if known is not None:
            self._done.move_to_end(recipe.key)
            return known
        flight = self._flights.get(recipe.key)
        if flight is None:
            flight = asyncio.create_task(self._render(recipe, tree, refs))
            self._flights[recipe.key] = flight
            flight.add_done_callback(lambda _: self._flights.pop(recipe.key, None))
        # One waiter that gives up must not cancel the others' render.
        return await asyncio.shield(flight)

    async def _render(self, recipe: Recipe, tree: Tree, refs: Mapping[str, Tree]) -> Rendering:
        files = await asyncio.to_thread(read_inputs, recipe, tree, refs)
        rendering = await self._pool.render(recipe, files)
        self._done[recipe.key] = rendering
        while len(self._done) > self._capacity:
            self._done.popitem(last=False)
        return rendering
