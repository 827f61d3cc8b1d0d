"""Renders sources as the engine does, with its workers."""

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from trueup.model.application import Source
from trueup.model.manifest import Rendering
from trueup.model.tree import Tree
from trueup.render.environment import RenderContext
from trueup.render.job import Recipe
from trueup.runtime.fair import Fair
from trueup.workers.bringing import Fetch
from trueup.workers.pool import Pool
from trueup.workers.renders import Renders

RENDERED, PREPARED = 64, 2
"""Sources rendered, and trees read, at a time."""


class OfflineRenderer:
    """An async context manager around one or more render processes.

    Args:
        workers: processes that render.
        root: where they make their private folders; the system's temporary folder by default.
        isolated: refuse to render without a whole wall around them.
    """

    def __init__(self, workers: int = 1, *, root: Path | None = None, isolated: bool = False) -> None:
        self._pool = Pool(workers, root=root, isolated=isolated)
        self._isolated = isolated
        self._renders = Renders(self._pool, turns=Fair(RENDERED), preparing_turns=Fair(PREPARED, PREPARED))

    async def __aenter__(self) -> Self:
        if self._isolated:
            # Once and for all, not for each source.
            await self._pool.warm()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._pool.close()

    async def render(
        self,
        source: Source,
        tree: Tree,
        context: RenderContext,
        *,
        refs: Mapping[str, Tree] | None = None,
        index: int = 0,
        fetch: Fetch | None = None,
    ) -> Rendering:
        """The manifests of one source.

        Args:
            refs: trees that value files name as ``$ref/path``.
            index: which of an application's sources.
            fetch: brings what kustomizations name elsewhere; without it that is refused.

        Raises:
            RenderFailed, InvalidSpec: the source cannot become manifests; the message names the file.
        """
        made, _ = await self.made(source, tree, context, refs=refs, index=index, fetch=fetch)
        return made

    async def made(
        self,
        source: Source,
        tree: Tree,
        context: RenderContext,
        *,
        refs: Mapping[str, Tree] | None = None,
        index: int = 0,
        fetch: Fetch | None = None,
    ) -> tuple[Rendering, Recipe]:
        """As :meth:`render`, with what it was made of."""
        return await self._renders.made(source, tree, refs or {}, context, index=index, fetch=fetch)
