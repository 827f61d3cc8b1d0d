"""Manifests by content: what was rendered once from the same inputs is never rendered again."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence

import structlog

from trueup.model.application import Source
from trueup.model.errors import RenderFailed, RenderStopped
from trueup.model.manifest import Rendering
from trueup.model.tree import Tree
from trueup.render.continuity import Trees, check_whole
from trueup.render.environment import RenderContext
from trueup.render.job import ClosureTooNarrow, Recipe
from trueup.render.recipe import make_recipe, read_inputs
from trueup.runtime.failures import Failures, Patience
from trueup.runtime.fair import NOBODY, Fair, Share, Turn, resting
from trueup.workers.pool import Pool

log = structlog.get_logger("trueup.renders")

CAPACITY = 4096
"""Renderings kept. Each holds its manifests as JSON bytes; the least recently used goes first."""
PREPARED = 4
"""Recipes made at a time, and as many beside them that take long."""
STOPPED = Patience(10.0, 300.0)
"""Seconds until a render is tried again that met a limit of this machine: it may have been busy."""
REFUSED = Patience(60.0, 3600.0)
"""The same for one that the tool refused: the same inputs give the same answer, if the machine let the tool work."""


class Renders:
    """Content-addressed cache in front of the worker pool. Equal requests at one time share one render.

    A render that failed is not tried again on each pass: :data:`STOPPED`, :data:`REFUSED`. Another commit, other
    parameters or a hard refresh are tried at once.

    Args:
        slots: whose turn it is; the pool has as many children as it has slots, and places beside them.
    """

    def __init__(self, pool: Pool, capacity: int = CAPACITY, *, slots: Fair | None = None) -> None:
        self._pool = pool
        self._slots = slots or Fair(64)
        self._preparing = Fair(PREPARED, PREPARED)
        self._failures = Failures()
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
        share: Share = NOBODY,
    ) -> Rendering:
        """The rendering of one source.

        Args:
            fresh: drop what is cached for these inputs first (a hard refresh).
            before: what was synced last. Files that have lost something since then, by a fault it seems, are refused.
            share: whose it is.

        Raises:
            RenderFailed: the source cannot become manifests.
        """

        async def prepared(whole_tree: bool) -> Recipe:
            async def prepare(_: Turn) -> Recipe:
                made = asyncio.to_thread(
                    make_recipe, source, tree, refs, context, source_index=index, whole_tree=whole_tree
                )
                return await made

            async with resting():
                return await self._preparing.run(share, prepare, again=False)

        recipe = await prepared(False)
        if recipe.key not in self._narrow:
            try:
                return await self._whole(recipe, tree, refs, fresh=fresh, before=before, share=share)
            except ClosureTooNarrow:
                # Remembered, or every pass would try the narrow one first.
                self._narrow[recipe.key] = None
                while len(self._narrow) > self._capacity:
                    self._narrow.popitem(last=False)
        recipe = await prepared(True)
        return await self._whole(recipe, tree, refs, fresh=fresh, before=before, share=share)

    async def _whole(
        self,
        recipe: Recipe,
        tree: Tree,
        refs: Mapping[str, Tree],
        *,
        fresh: bool,
        before: Sequence[Trees],
        share: Share,
    ) -> Rendering:
        rendering = await self._rendering(recipe, tree, refs, fresh=fresh, share=share)
        for former in before:
            await asyncio.to_thread(check_whole, recipe, rendering.barren, Trees(tree, refs), former)
        return rendering

    async def _rendering(
        self, recipe: Recipe, tree: Tree, refs: Mapping[str, Tree], *, fresh: bool, share: Share
    ) -> Rendering:
        if fresh:
            self._done.pop(recipe.key, None)
            self._failures.forget(recipe.key)
        known = self._done.get(recipe.key)
        if known is not None:
            self._done.move_to_end(recipe.key)
            return known
        flight = self._flights.get(recipe.key)
        if flight is None:
            if failure := self._failures.standing(recipe.key):
                raise failure
            flight = asyncio.create_task(self._render(recipe, tree, refs, share))
            self._flights[recipe.key] = flight
            flight.add_done_callback(lambda _: self._flights.pop(recipe.key, None))
        # One waiter that gives up must not cancel the others' render.
        async with resting():
            return await asyncio.shield(flight)

    async def _render(self, recipe: Recipe, tree: Tree, refs: Mapping[str, Tree], share: Share) -> Rendering:
        async def render(turn: Turn) -> Rendering:
            files = await asyncio.to_thread(read_inputs, recipe, tree, refs)
            return await self._pool.render(recipe, files, turn.yielding, patient=turn.patient)

        try:
            rendering = await self._slots.run(share, render)
        except ClosureTooNarrow:
            raise
        except RenderFailed as error:
            patience = STOPPED if isinstance(error, RenderStopped) else REFUSED
            seconds = self._failures.failed(recipe.key, error, patience)
            log.info("render failed", about=share.about, error=error.message, again_in_seconds=round(seconds))
            raise
        self._failures.forget(recipe.key)
        self._done[recipe.key] = rendering
        while len(self._done) > self._capacity:
            self._done.popitem(last=False)
        return rendering
