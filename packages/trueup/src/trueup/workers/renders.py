"""Manifests by content: what was rendered once from the same inputs is never rendered again."""

import asyncio
import random
import time
from collections.abc import Callable, Mapping, Sequence

import msgspec
import structlog

from trueup.memory.bounded import Memory
from trueup.memory.failures import Failures
from trueup.model.application import Source
from trueup.model.errors import RenderFailed, RenderStopped
from trueup.model.manifest import Manifest, Rendering
from trueup.model.seal import NO_KEYS, SopsKeys
from trueup.model.share import NOBODY, Share
from trueup.model.tree import MEBIBYTE, Tree
from trueup.render.confidential import holds_secrets
from trueup.render.continuity import Trees
from trueup.render.environment import Plugin, RenderContext
from trueup.render.given import given
from trueup.render.job import ClosureTooNarrow, Recipe
from trueup.workers.bringing import Fetch
from trueup.workers.discreet import discreet
from trueup.workers.kept import Kept, KeptEntry
from trueup.workers.pool import Pool
from trueup.workers.preparing import Inline, Preparing
from trueup.workers.recipes import REFUSED, STOPPED, RecipeAsk, Recipes
from trueup.workers.turns import AtOnce, RenderTurn, RenderTurns

log = structlog.get_logger("trueup.renders")

CAPACITY = 20_000
"""Renderings kept at most, within their room. Each holds its manifests as JSON bytes."""
ROOM = 64 * MEBIBYTE
_SPARE = 8
"""Which part of the room may be taken by renderings that no application uses: of two commits ago, or of one that is
gone."""
_MANIFEST = 1000
"""Bytes that a manifest costs beside its body."""
_User = tuple[str, int]
"""An application, by its instance name, and which of its sources."""


class Renders:
    """Content-addressed cache in front of the worker pool. Equal requests at one time share one render.

    A render that failed is not tried again on each pass: :data:`STOPPED`, :data:`REFUSED`. Another commit, other
    parameters or a hard refresh are tried at once. A rendering belongs to the applications that use it; what none of
    them does is the first to go.

    Args:
        preparing: reads the trees; in threads by default.
        turns: whose turn it is to render; the pool has as many children as there are slots, and places beside them.
        preparing_turns: whose turn it is to have its trees read.
        room: bytes of all renderings.
        kept: those of former runs, on disk; none by default.
        plugins: those that a source may be rendered by.
        keys: private keys by their name, which open encrypted files.
    """

    def __init__(
        self,
        pool: Pool,
        preparing: Preparing | None = None,
        *,
        turns: RenderTurns | None = None,
        preparing_turns: RenderTurns | None = None,
        room: int = ROOM,
        kept: Kept | None = None,
        plugins: tuple[Plugin, ...] = (),
        keys: Callable[[str], SopsKeys] = lambda _: NO_KEYS,
    ) -> None:
        self._plugins, self._keys = plugins, keys
        self._pool = pool
        self._kept = kept
        self._turns = turns or AtOnce()
        self._preparing = preparing or Inline()
        self._failures = Failures(time.monotonic, random.random)
        self._recipes = Recipes(
            self._preparing, self._turns, preparing_turns or AtOnce(), self._failures, pool.expect, room // 4
        )
        self._done: Memory[str, Rendering] = Memory(entries=CAPACITY, size=room, weigh=_weight, spare=room // _SPARE)
        self._flights: dict[str, asyncio.Task[Rendering]] = {}
        self._waiting: dict[asyncio.Task[Rendering], set[str]] = {}
        self._sources: dict[str, int] = {}

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
        fetch: Fetch | None = None,
    ) -> Rendering:
        """As :meth:`made`, without what it was made of."""
        made, _ = await self.made(
            source, tree, refs, context, index=index, fresh=fresh, before=before, share=share, fetch=fetch
        )
        return made

    async def made(
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
        fetch: Fetch | None = None,
    ) -> tuple[Rendering, Recipe]:
        """The rendering of one source, and what it was made of.

        Args:
            fresh: drop what is cached for these inputs first (a hard refresh).
            before: what was synced last. Files that have lost something since then, by a fault it seems, are refused.
            share: whose it is.
            fetch: brings submodules, and what kustomizations name elsewhere; without it they are refused.

        Raises:
            RenderFailed: the source cannot become manifests.
        """
        ask = self._ask(source, tree, refs, context, index, share=share, fetch=fetch, fresh=fresh)
        user = (context.instance or context.app_name, index)
        self._sources[user[0]] = max(index + 1, self._sources.get(user[0], 0))
        recipe, trees = await self._recipes.of(ask)
        try:
            return await self._whole(recipe, trees, user, ask, before), recipe
        except ClosureTooNarrow:
            # Remembered, or every pass would try the narrow one first.
            recipe, trees = await self._recipes.widened(recipe, trees, ask)
        return await self._whole(recipe, trees, user, ask, before), recipe

    async def recipe(
        self,
        source: Source,
        tree: Tree,
        refs: Mapping[str, Tree],
        context: RenderContext,
        *,
        index: int = 0,
        share: Share = NOBODY,
        fetch: Fetch | None = None,
    ) -> Recipe:
        """What one source is made of, as :meth:`manifests` renders it, as far as that is known without rendering.

        Raises:
            RenderFailed: the source cannot become manifests.
        """
        recipe, _ = await self._recipes.of(
            self._ask(source, tree, refs, context, index, share=share, fetch=fetch, fresh=False)
        )
        return recipe

    def made_of(self, source: Source, tree: Tree, context: RenderContext, *, index: int = 0) -> str:
        """As :meth:`trueup.workers.recipes.Recipes.made_of`."""
        return self._recipes.made_of(source, tree, self._with_plugins(context), index)

    def _ask(
        self,
        source: Source,
        tree: Tree,
        refs: Mapping[str, Tree],
        context: RenderContext,
        index: int,
        *,
        share: Share,
        fetch: Fetch | None,
        fresh: bool,
    ) -> RecipeAsk:
        return RecipeAsk(
            source=source,
            trees=Trees(tree, refs),
            context=self._with_plugins(context),
            index=index,
            share=share,
            fetch=fetch,
            fresh=fresh,
        )

    def _with_plugins(self, context: RenderContext) -> RenderContext:
        return msgspec.structs.replace(context, plugins=self._plugins) if self._plugins else context

    async def given(self, texts: Sequence[str], *, share: Share = NOBODY) -> Rendering:
        """Manifests that come with an operation, read as all that strangers write. No application keeps them.

        Raises:
            RenderFailed: they are none.
        """
        recipe, files = given(texts)
        if known := self._done.get(recipe.key):
            return known
        if failure := self._failures.standing(recipe.key):
            raise failure

        async def read(turn: RenderTurn) -> Rendering:
            return await self._pool.render(recipe, files, turn.yielding, patient=turn.patient)

        try:
            async with self._turns.resting():
                rendering = await self._turns.run(share, read)
        except RenderFailed as error:
            named = {f"{place}.yaml": data for place, data in files.items()}
            failure = await asyncio.to_thread(discreet, error, recipe, named)
            self._failures.failed(recipe.key, failure, STOPPED if isinstance(error, RenderStopped) else REFUSED)
            raise failure from None
        self._failures.forget(recipe.key)
        self._done.put(recipe.key, rendering)
        return rendering

    @property
    def size(self) -> int:
        """Bytes of all renderings that are kept."""
        return self._done.size

    def abandon(self, instance: str) -> None:
        """An application leaves: what is being rendered for it alone is ended."""
        for key, flight in list(self._flights.items()):
            waiting = self._waiting[flight]
            waiting.discard(instance)
            if not waiting:
                del self._flights[key]
                flight.cancel()

    def forget(self, instance: str) -> None:
        """An application is gone: what it alone has used is the first to go."""
        for index in range(self._sources.pop(instance, 0)):
            self._done.release((instance, index))

    async def _whole(
        self, recipe: Recipe, trees: Trees, user: _User, ask: RecipeAsk, before: Sequence[Trees]
    ) -> Rendering:
        rendering = await self._rendering(recipe, trees, user, fresh=ask.fresh, share=ask.share)
        self._done.use(user, recipe.key)
        await self._recipes.check_whole(recipe, rendering.barren, trees, before, ask)
        return rendering

    async def _rendering(self, recipe: Recipe, trees: Trees, user: _User, *, fresh: bool, share: Share) -> Rendering:
        if fresh:
            self._done.pop(recipe.key)
            self._failures.forget(recipe.key)
        known = self._done.get(recipe.key)
        if known is not None:
            return known
        flight = self._flights.get(recipe.key)
        if flight is None:
            if failure := self._failures.standing(recipe.key):
                raise failure
            flight = asyncio.create_task(self._obtain(recipe, trees, user, share, fresh=fresh))
            self._flights[recipe.key] = flight
            self._waiting[flight] = set()
            flight.add_done_callback(lambda done: self._landed(recipe.key, done))
        self._waiting[flight].add(user[0])
        async with self._turns.resting():
            return await _of(flight)

    def _landed(self, key: str, flight: asyncio.Task[Rendering]) -> None:
        del self._waiting[flight]
        if self._flights.get(key) is flight:
            del self._flights[key]
        if not flight.cancelled():
            flight.exception()  # heard, where nobody waits any more

    async def _obtain(self, recipe: Recipe, trees: Trees, user: _User, share: Share, *, fresh: bool) -> Rendering:
        """What a former run has made of a recipe, else a render."""
        known = await self._kept.get(recipe.key) if self._kept is not None and not fresh else None
        if known is None:
            return await self._render(recipe, trees, user, share)
        if known.rendering is None:
            raise ClosureTooNarrow("kustomize missed a file")
        self._done.put(recipe.key, known.rendering, user)
        return known.rendering

    def _keep(self, recipe: Recipe, rendering: Rendering | None) -> None:
        """Let the next run have an outcome, unless there is a secret in it."""
        if self._kept is not None and (rendering is None or not holds_secrets(recipe, rendering.manifests)):
            self._kept.put(recipe.key, KeptEntry(rendering))

    async def _render(self, recipe: Recipe, trees: Trees, user: _User, share: Share) -> Rendering:
        async def render(turn: RenderTurn) -> Rendering:
            files, secrets = await self._inputs(recipe, trees)
            # Of what was decrypted nothing is written to disk.
            private = msgspec.structs.replace(recipe, confidential=True) if secrets else recipe
            try:
                made = await self._pool.render(private, files, turn.yielding, patient=turn.patient)
            except RenderFailed as error:
                raise await asyncio.to_thread(discreet, error, recipe, files, secrets) from None
            return msgspec.structs.replace(made, secrets=secrets) if secrets else made

        try:
            rendering = await self._turns.run(share, render)
        except ClosureTooNarrow:
            self._keep(recipe, None)
            raise
        except RenderFailed as error:
            patience = STOPPED if isinstance(error, RenderStopped) else REFUSED
            seconds = self._failures.failed(recipe.key, error, patience)
            log.info("render failed", about=share.about, error=error.message, again_in_seconds=round(seconds))
            raise
        self._failures.forget(recipe.key)
        self._done.put(recipe.key, rendering, user)
        if not rendering.secrets:
            self._keep(recipe, rendering)
        return rendering

    async def _inputs(self, recipe: Recipe, trees: Trees) -> tuple[Mapping[str, bytes], tuple[str, ...]]:
        """The files of a recipe, and what was encrypted of them."""
        if recipe.sops:
            return await self._preparing.unsealed(recipe, trees, self._keys(recipe.sops))
        return await self._preparing.inputs(recipe, trees), ()


async def _of(flight: asyncio.Task[Rendering]) -> Rendering:
    """What comes of a render. One waiter that gives up must not cancel the others' render.

    Raises:
        RenderStopped: the application that it was for leaves.
    """
    try:
        return await asyncio.shield(flight)
    except asyncio.CancelledError:
        task = asyncio.current_task()
        if flight.cancelled() and task is not None and not task.cancelling():
            raise RenderStopped(
                "the application is being deleted", hint="nothing is rendered for it any more"
            ) from None
        raise


def manifests_weight(manifests: Sequence[Manifest]) -> int:
    """Bytes that manifests take."""
    return sum(_MANIFEST + len(manifest.body) for manifest in manifests)


def _weight(rendering: Rendering) -> int:
    return manifests_weight(rendering.manifests) + sum(map(len, rendering.warnings + rendering.barren))
