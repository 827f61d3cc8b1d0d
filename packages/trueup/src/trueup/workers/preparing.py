"""What is read of trees before anything is rendered: the port, and how it is done in this process."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Protocol

from trueup.model.application import Source
from trueup.model.errors import RenderFailed
from trueup.model.seal import SopsKeys
from trueup.render.budget import Budget
from trueup.render.continuity import Trees, check_whole
from trueup.render.environment import RenderContext
from trueup.render.helm_index import ChartOf, Found, Missing, find_all
from trueup.render.job import Recipe
from trueup.render.packed_chart import check_archive
from trueup.render.recipe import make_recipe, read_inputs


class Preparing(Protocol):
    """Reads trees, within a budget. What is refused is a RenderFailed or InvalidSpec of the application."""

    async def recipe(
        self, source: Source, trees: Trees, context: RenderContext, *, index: int, whole_tree: bool
    ) -> Recipe:
        """As :func:`trueup.render.recipe.make_recipe`."""

    async def inputs(self, recipe: Recipe, trees: Trees) -> Mapping[str, bytes]:
        """As :func:`trueup.render.recipe.read_inputs`."""

    async def unsealed(
        self, recipe: Recipe, trees: Trees, keys: SopsKeys
    ) -> tuple[Mapping[str, bytes], tuple[str, ...]]:
        """The inputs as :func:`trueup.sources.sops.files.all_opened` has them."""

    async def check_whole(self, recipe: Recipe, barren: Sequence[str], now: Trees, before: Sequence[Trees]) -> None:
        """As :func:`trueup.render.continuity.check_whole`, for each of the former trees."""

    async def find_charts(self, index: bytes, charts: Sequence[ChartOf]) -> Sequence[Found | Missing]:
        """As :func:`trueup.render.helm_index.find_all`."""

    async def check_archive(self, content: bytes, shown: str, form: str) -> None:
        """As :func:`trueup.render.packed_chart.check_archive`."""


class Inline:
    """A :class:`Preparing` of threads, for folders of whoever runs a command; under the same budget."""

    async def recipe(
        self, source: Source, trees: Trees, context: RenderContext, *, index: int, whole_tree: bool
    ) -> Recipe:
        return await asyncio.to_thread(
            lambda: make_recipe(
                source,
                trees.own,
                trees.refs,
                context,
                source_index=index,
                whole_tree=whole_tree,
                budget=Budget(meter=time.thread_time),
            )
        )

    async def inputs(self, recipe: Recipe, trees: Trees) -> Mapping[str, bytes]:
        return await asyncio.to_thread(read_inputs, recipe, trees.own, trees.refs)

    async def unsealed(
        self, recipe: Recipe, trees: Trees, keys: SopsKeys
    ) -> tuple[Mapping[str, bytes], tuple[str, ...]]:
        raise RenderFailed("encrypted files are opened by the engine alone", hint="look at the application instead")

    async def check_whole(self, recipe: Recipe, barren: Sequence[str], now: Trees, before: Sequence[Trees]) -> None:
        for former in before:
            await asyncio.to_thread(
                lambda former=former: check_whole(recipe, barren, now, former, Budget(meter=time.thread_time))  # type: ignore[misc]
            )

    async def find_charts(self, index: bytes, charts: Sequence[ChartOf]) -> Sequence[Found | Missing]:
        return await asyncio.to_thread(find_all, index, charts)

    async def check_archive(self, content: bytes, shown: str, form: str) -> None:
        await asyncio.to_thread(check_archive, content, shown, form)
