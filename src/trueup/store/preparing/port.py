"""What a preparation is asked."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from trueup.model.application import Source
from trueup.render.continuity import Trees
from trueup.render.environment import RenderContext
from trueup.render.helm_index import ChartOf, Found, Missing
from trueup.render.job import Recipe


class Preparing(Protocol):
    """Reads trees, within a budget. What is refused is a RenderFailed or InvalidSpec of the application."""

    async def recipe(
        self, source: Source, trees: Trees, context: RenderContext, *, index: int, whole_tree: bool
    ) -> Recipe:
        """As :func:`trueup.render.recipe.make_recipe`."""

    async def inputs(self, recipe: Recipe, trees: Trees) -> Mapping[str, bytes]:
        """As :func:`trueup.render.recipe.read_inputs`."""

    async def check_whole(self, recipe: Recipe, barren: Sequence[str], now: Trees, before: Sequence[Trees]) -> None:
        """As :func:`trueup.render.continuity.check_whole`, for each of the former trees."""

    async def find_charts(self, index: bytes, charts: Sequence[ChartOf]) -> Sequence[Found | Missing]:
        """As :func:`trueup.render.helm_index.find_all`."""
