"""What is to be run on which files: recipes, known again by what they follow from."""

from collections.abc import Callable, Sequence
from functools import lru_cache, partial

import msgspec

from kubegrammar.json import digest
from trueup.memory.bounded import Memory
from trueup.memory.failures import Failures, Patience
from trueup.model.application import Source
from trueup.model.errors import RenderStopped
from trueup.model.share import NOBODY, Share
from trueup.model.tree import MEBIBYTE, Tree
from trueup.render.budget import TooCostly
from trueup.render.closure import inside
from trueup.render.continuity import Trees
from trueup.render.environment import RenderContext
from trueup.render.job import Recipe
from trueup.workers.bringing import Fetch, compared, complete
from trueup.workers.preparing import Preparing
from trueup.workers.turns import RenderTurn, RenderTurns

CAPACITY = 20_000
STOPPED = Patience(10.0, 300.0)
"""Seconds until a render is tried again that met a limit of this machine: it may have been busy."""
REFUSED = Patience(60.0, 3600.0)
"""The same for one that the tool refused: the same inputs give the same answer, if the machine let the tool work."""


class RecipeAsk(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be rendered, and for whom.

    Attributes:
        index: which of an application's sources.
        fresh: what failed is tried at once.
        share: whose it is.
        fetch: brings submodules, and what kustomizations name elsewhere; without it they are refused.
    """

    source: Source
    trees: Trees
    context: RenderContext
    index: int = 0
    fresh: bool = False
    share: Share = NOBODY
    fetch: Fetch | None = None


class Recipes:
    """Makes recipes, and remembers them by all that they follow from where that has a name.

    Args:
        preparing: reads the trees.
        turns: of renders, which rest while trees are read.
        preparing_turns: whose turn it is to have its trees read.
        failures: what has failed, and when it may be tried again.
        expect: tells that something will be rendered soon.
        room: bytes of all that are remembered.
    """

    def __init__(
        self,
        preparing: Preparing,
        turns: RenderTurns,
        preparing_turns: RenderTurns,
        failures: Failures,
        expect: Callable[[], None],
        room: int,
    ) -> None:
        self._preparing, self._turns, self._preparing_turns = preparing, turns, preparing_turns
        self._failures, self._expect = failures, expect
        self._known: Memory[str, Recipe] = Memory(entries=CAPACITY, size=room, weigh=_weight)
        self._narrow: Memory[str, bool] = Memory(entries=CAPACITY, size=MEBIBYTE)

    async def of(self, ask: RecipeAsk) -> tuple[Recipe, Trees]:
        """A recipe, and its trees with submodules and all that kustomizations name elsewhere.

        Raises:
            RenderFailed: the source cannot become manifests.
        """
        recipe, trees = await complete(partial(self._one, ask, whole_tree=False), ask.trees, ask.fetch)
        if recipe.key in self._narrow:
            return await complete(partial(self._one, ask, whole_tree=True), trees, ask.fetch)
        return recipe, trees

    async def widened(self, recipe: Recipe, trees: Trees, ask: RecipeAsk) -> tuple[Recipe, Trees]:
        """A recipe on the whole tree in the place of one that has turned out too narrow, from now on."""
        self._narrow.put(recipe.key, True)
        return await complete(partial(self._one, ask, whole_tree=True), trees, ask.fetch)

    def made_of(self, source: Source, tree: Tree, context: RenderContext, index: int) -> str:
        """A name for what one source declares, by the folders that it is made of; empty where it is made of more, or
        where that is not known yet."""
        local = _local_question(source, Trees(tree), context, index)
        recipe = self._known.get(local) if local else None
        if recipe is None or recipe.key in self._narrow or not _holds(recipe, tree):
            return ""
        return f"{local} {recipe.key}"

    async def check_whole(
        self, recipe: Recipe, barren: Sequence[str], trees: Trees, before: Sequence[Trees], ask: RecipeAsk
    ) -> None:
        """Refuse files that have lost something since former commits, by a fault it seems.

        Raises:
            RenderFailed: naming the file.
        """
        if all(_is_alike(recipe, trees, each) for each in before):
            return

        async def check(former: Trees) -> None:
            async def look(_: RenderTurn) -> None:
                await self._preparing.check_whole(recipe, barren, trees, [former])

            async with self._turns.resting():
                await self._preparing_turns.run(ask.share, look)

        for former in before:
            await compared(check, Trees(former.own, {**trees.refs, **former.refs}), ask.fetch)

    async def _one(self, ask: RecipeAsk, trees: Trees, *, whole_tree: bool) -> Recipe:
        async def prepare(_: RenderTurn) -> Recipe:
            self._expect()
            return await self._preparing.recipe(ask.source, trees, ask.context, index=ask.index, whole_tree=whole_tree)

        key = _question(ask, trees, whole_tree)
        local = "" if whole_tree else _local_question(ask.source, trees, ask.context, ask.index)
        if local and (known := self._known.get(local)) and _holds(known, trees.own):
            return known
        if key and (known := self._known.get(key)):
            return known
        if key and not ask.fresh and (failure := self._failures.standing(key)):
            raise failure
        try:
            async with self._turns.resting():
                recipe = await self._preparing_turns.run(ask.share, prepare)
        except (RenderStopped, TooCostly) as error:
            if key:
                self._failures.failed(key, error, STOPPED if isinstance(error, RenderStopped) else REFUSED)
            raise
        if key:
            self._failures.forget(key)
            self._known.put(local if local and recipe.within is not None else key, recipe)
        return recipe


def _question(ask: RecipeAsk, trees: Trees, whole_tree: bool) -> str:
    """All that a recipe follows from; empty where a tree's content has no name of its own."""
    own, named = trees.own.identity, [(name, each.identity) for name, each in sorted(trees.refs.items())]
    if not own or not all(identity for _, identity in named):
        return ""
    return digest(msgspec.json.encode([own, named, ask.source, _marked(ask.context), ask.index, whole_tree]))


def _local_question(source: Source, trees: Trees, context: RenderContext, index: int) -> str:
    """All that a recipe follows from that is made of the source's own folder, but for what lies beside it; empty where
    that has no name."""
    path = inside("", source.path or ".")
    folder = trees.own.folder(path) if path is not None and not trees.refs else ""
    if not folder:
        return ""
    # Each application of a commit asks, and all of one cluster tell the same hundreds of names of what it serves.
    named, served = msgspec.structs.replace(_marked(context), api_versions=()), _name_of(context.api_versions)
    return digest(msgspec.json.encode(["folder", folder, source, named, served, index]))


def _marked(context: RenderContext) -> RenderContext:
    """A context with a name for what is lent in its place."""
    return msgspec.structs.replace(context, lent=context.lent.marked()) if context.lent.mark else context


@lru_cache(64)
def _name_of(texts: tuple[str, ...]) -> str:
    return digest(msgspec.json.encode(texts))


def _is_alike(recipe: Recipe, now: Trees, before: Trees) -> bool:
    """Whether all that a recipe was made of was the same in another commit."""
    folder = now.own.folder(recipe.within) if recipe.within is not None else ""
    if not folder or recipe.within is None or before.own.folder(recipe.within) != folder:
        return False
    return _holds(recipe, now.own) and _holds(recipe, before.own)


def _holds(recipe: Recipe, tree: Tree) -> bool:
    """Whether what lies beside the folder that a recipe is made of is in a tree as it was then."""
    return all(tree.folder(folder) == name for folder, name in recipe.beside)


def _weight(recipe: Recipe) -> int:
    texts = [*recipe.absent, *recipe.reasons.values()]
    files = sum(400 + 2 * len(file.path) for file in recipe.inputs)
    return len(msgspec.msgpack.encode(recipe.job)) + files + sum(map(len, texts))
