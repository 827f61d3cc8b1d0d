"""Manifests by content: what was rendered once from the same inputs is never rendered again."""

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from functools import partial

import msgspec
import structlog

from kubegrammar.json import digest
from trueup.memory.bounded import Memory
from trueup.memory.failures import Failures, Patience
from trueup.model.application import Source
from trueup.model.errors import RenderFailed, RenderStopped
from trueup.model.manifest import Manifest, Rendering
from trueup.model.share import NOBODY, Share
from trueup.model.tree import MEBIBYTE, Tree
from trueup.render.budget import TooCostly
from trueup.render.closure import inside
from trueup.render.confidential import holds_secrets
from trueup.render.continuity import Trees
from trueup.render.environment import Plugin, RenderContext
from trueup.render.given import given
from trueup.render.job import ClosureTooNarrow, Recipe
from trueup.workers.bringing import Fetch, compared, complete
from trueup.workers.discreet import discreet
from trueup.workers.kept import Kept, KeptEntry
from trueup.workers.pool import Pool
from trueup.workers.preparing import Inline, Preparing
from trueup.workers.turns import AtOnce, RenderTurn, RenderTurns

log = structlog.get_logger("trueup.renders")

CAPACITY = 4096
"""Renderings kept at most. Each holds its manifests as JSON bytes."""
ROOM = 64 * MEBIBYTE
_SPARE = 8
"""Which part of the room may be taken by renderings that no application uses: of two commits ago, or of one that is
gone."""
_MANIFEST = 1000
"""Bytes that a manifest costs beside its body."""
STOPPED = Patience(10.0, 300.0)
"""Seconds until a render is tried again that met a limit of this machine: it may have been busy."""
REFUSED = Patience(60.0, 3600.0)
"""The same for one that the tool refused: the same inputs give the same answer, if the machine let the tool work."""

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
    ) -> None:
        self._plugins = plugins
        self._pool = pool
        self._kept = kept
        self._turns = turns or AtOnce()
        self._preparing = preparing or Inline()
        self._preparing_turns = preparing_turns or AtOnce()
        self._failures = Failures(time.monotonic, random.random)
        self._done: Memory[str, Rendering] = Memory(entries=CAPACITY, size=room, weigh=_weight, spare=room // _SPARE)
        self._recipes: Memory[str, Recipe] = Memory(entries=CAPACITY, size=room // 4, weigh=_recipe_weight)
        self._narrow: Memory[str, bool] = Memory(entries=CAPACITY, size=MEBIBYTE)
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
        """The rendering of one source.

        Args:
            fresh: drop what is cached for these inputs first (a hard refresh).
            before: what was synced last. Files that have lost something since then, by a fault it seems, are refused.
            share: whose it is.
            fetch: brings submodules, and what kustomizations name elsewhere; without it they are refused.

        Raises:
            RenderFailed: the source cannot become manifests.
        """
        trees, context = Trees(tree, refs), self._with_plugins(context)
        user = (context.instance or context.app_name, index)
        self._sources[user[0]] = max(index + 1, self._sources.get(user[0], 0))

        async def make(trees: Trees, *, whole_tree: bool = False) -> Recipe:
            return await self._recipe(source, trees, context, index, whole_tree=whole_tree, fresh=fresh, share=share)

        recipe, trees = await complete(make, trees, fetch)
        if recipe.key not in self._narrow:
            try:
                return await self._whole(recipe, trees, user, fresh=fresh, before=before, share=share, fetch=fetch)
            except ClosureTooNarrow:
                # Remembered, or every pass would try the narrow one first.
                self._narrow.put(recipe.key, True)
        recipe, trees = await complete(partial(make, whole_tree=True), trees, fetch)
        return await self._whole(recipe, trees, user, fresh=fresh, before=before, share=share, fetch=fetch)

    def made_of(self, source: Source, tree: Tree, context: RenderContext, *, index: int = 0) -> str:
        """A name for what one source declares, by the folders that it is made of; empty where it is made of more, or
        where that is not known yet."""
        local = _local_question(source, Trees(tree), self._with_plugins(context), index)
        recipe = self._recipes.get(local) if local else None
        if recipe is None or recipe.key in self._narrow or not _holds(recipe, tree):
            return ""
        return f"{local} {recipe.key}"

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

    async def _recipe(
        self,
        source: Source,
        trees: Trees,
        context: RenderContext,
        index: int,
        *,
        whole_tree: bool,
        fresh: bool,
        share: Share,
    ) -> Recipe:
        """A recipe, remembered by all that it follows from where that has a name; and so is that it costs too much."""

        async def prepare(_: RenderTurn) -> Recipe:
            self._pool.expect()
            return await self._preparing.recipe(source, trees, context, index=index, whole_tree=whole_tree)

        key = _question(source, trees, context, index, whole_tree)
        local = "" if whole_tree else _local_question(source, trees, context, index)
        if local and (known := self._recipes.get(local)) and _holds(known, trees.own):
            return known
        if key and (known := self._recipes.get(key)):
            return known
        if key and not fresh and (failure := self._failures.standing(key)):
            raise failure
        try:
            async with self._turns.resting():
                recipe = await self._preparing_turns.run(share, prepare)
        except (RenderStopped, TooCostly) as error:
            if key:
                self._failures.failed(key, error, STOPPED if isinstance(error, RenderStopped) else REFUSED)
            raise
        if key:
            self._failures.forget(key)
            self._recipes.put(local if local and recipe.within is not None else key, recipe)
        return recipe

    async def _checked(
        self,
        recipe: Recipe,
        barren: Sequence[str],
        trees: Trees,
        before: Sequence[Trees],
        share: Share,
        fetch: Fetch | None,
    ) -> None:
        async def check(former: Trees) -> None:
            async def look(_: RenderTurn) -> None:
                await self._preparing.check_whole(recipe, barren, trees, [former])

            async with self._turns.resting():
                await self._preparing_turns.run(share, look)

        for former in before:
            await compared(check, Trees(former.own, {**trees.refs, **former.refs}), fetch)

    async def _whole(
        self,
        recipe: Recipe,
        trees: Trees,
        user: _User,
        *,
        fresh: bool,
        before: Sequence[Trees],
        share: Share,
        fetch: Fetch | None,
    ) -> Rendering:
        rendering = await self._rendering(recipe, trees, user, fresh=fresh, share=share)
        self._done.use(user, recipe.key)
        if any(not _is_alike(recipe, trees, each) for each in before):
            await self._checked(recipe, rendering.barren, trees, before, share, fetch)
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
            files = await self._preparing.inputs(recipe, trees)
            try:
                return await self._pool.render(recipe, files, turn.yielding, patient=turn.patient)
            except RenderFailed as error:
                raise await asyncio.to_thread(discreet, error, recipe, files) from None

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
        self._keep(recipe, rendering)
        return rendering


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


def _question(source: Source, trees: Trees, context: RenderContext, index: int, whole_tree: bool) -> str:
    """All that a recipe follows from; empty where a tree's content has no name of its own."""
    own, named = trees.own.identity, [(name, each.identity) for name, each in sorted(trees.refs.items())]
    if not own or not all(identity for _, identity in named):
        return ""
    return digest(msgspec.json.encode([own, named, source, context, index, whole_tree]))


def _local_question(source: Source, trees: Trees, context: RenderContext, index: int) -> str:
    """All that a recipe follows from that is made of the source's own folder, but for what lies beside it; empty where
    that has no name."""
    path = inside("", source.path or ".")
    folder = trees.own.folder(path) if path is not None and not trees.refs else ""
    return digest(msgspec.json.encode(["folder", folder, source, context, index])) if folder else ""


def _is_alike(recipe: Recipe, now: Trees, before: Trees) -> bool:
    """Whether all that a recipe was made of was the same in another commit."""
    folder = now.own.folder(recipe.within) if recipe.within is not None else ""
    if not folder or recipe.within is None or before.own.folder(recipe.within) != folder:
        return False
    return _holds(recipe, now.own) and _holds(recipe, before.own)


def _holds(recipe: Recipe, tree: Tree) -> bool:
    """Whether what lies beside the folder that a recipe is made of is in a tree as it was then."""
    return all(tree.folder(folder) == name for folder, name in recipe.beside)


def manifests_weight(manifests: Sequence[Manifest]) -> int:
    """Bytes that manifests take."""
    return sum(_MANIFEST + len(manifest.body) for manifest in manifests)


def _weight(rendering: Rendering) -> int:
    return manifests_weight(rendering.manifests) + sum(map(len, rendering.warnings + rendering.barren))


def _recipe_weight(recipe: Recipe) -> int:
    texts = len(msgspec.msgpack.encode(recipe.job))
    return texts + sum(400 + 2 * len(file.path) for file in recipe.inputs) + sum(map(len, recipe.absent))
