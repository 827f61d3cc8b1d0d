"""Preparing in children: a repository may be made to take all the time and memory there is, and gets a limited part."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from trueup.model.application import Source
from trueup.model.errors import InvalidSpec, RenderFailed, SourceUnavailable
from trueup.model.public_key import PublicKey
from trueup.model.seal import SopsKeys
from trueup.model.tree import Tree
from trueup.policy.integrity import Demand
from trueup.render.budget import TooCostly
from trueup.render.continuity import Trees
from trueup.render.details import SourceOffer
from trueup.render.environment import RenderContext
from trueup.render.helm_index import ChartOf, Found, Missing
from trueup.render.job import Recipe
from trueup.render.packed_chart import PackedChart
from trueup.render.remote import OneFile, RemotesNeeded
from trueup.sources.shelved import Shelved, ShelvedChart
from trueup.sources.tree import GitTree, TreePlace
from trueup.store.preparing.frame import (
    Answer,
    ApplicationsOf,
    ChartsOf,
    CheckArchive,
    CheckSigned,
    CheckWhole,
    FindCharts,
    HeldTree,
    IndexedCharts,
    Inputs,
    Keys,
    KeysOf,
    Listed,
    Made,
    MakeRecipe,
    Needs,
    Offered,
    OfferOf,
    OpenInputs,
    Packed,
    Places,
    PreparingRefused,
    ReadInputs,
    Signatures,
    Task,
    Whole,
    pack,
    unpack_answer,
)
from trueup.workers.preparing import Inline
from trueup.workers.readers import SECONDS, Readers

_JOBS = 5000
_NARROWER = "narrow the source's path; look for very large files and for links that lead to folders of links"
_SEAL = "sign a commit with the trailer Argocd-gpg-seal, which answers for those before it"
_ERRORS: dict[str, type[RenderFailed | InvalidSpec | SourceUnavailable]] = {
    kind.__name__: kind for kind in (InvalidSpec, TooCostly, RenderFailed, SourceUnavailable)
}


class Preparer:
    """A :class:`trueup.workers.preparing.Preparing` of children. Trees that are no repository's are read here.

    Args:
        mirrors: the folder of all mirrors; the children may read it and nothing else.
        size: processes at a time.
        root: where the private folders are made; the system's temporary folder by default.
        isolated: refuse to read without a whole wall around it.
        seconds: wall-clock time of one task.
    """

    def __init__(
        self,
        mirrors: Path,
        size: int = 2,
        *,
        root: Path | None = None,
        isolated: bool = False,
        seconds: float = SECONDS,
    ) -> None:
        self._readers = Readers(
            "trueup.store.preparing.child",
            size,
            jobs=_JOBS,
            mirrors=mirrors,
            root=root,
            isolated=isolated,
            seconds=seconds,
        )
        self._inline = Inline()

    async def recipe(
        self, source: Source, trees: Trees, context: RenderContext, *, index: int, whole_tree: bool
    ) -> Recipe:
        places = _places(trees)
        if places is None:
            return await self._inline.recipe(source, trees, context, index=index, whole_tree=whole_tree)
        task = MakeRecipe(source, places, context, index, whole_tree)
        answer = await self._ask(task, trees, where=source.path or ".")
        assert isinstance(answer, Made)
        return answer.recipe

    async def inputs(self, recipe: Recipe, trees: Trees) -> Mapping[str, bytes]:
        places = _places(trees)
        if places is None:
            return await self._inline.inputs(recipe, trees)
        answer = await self._ask(ReadInputs(recipe, places), trees)
        assert isinstance(answer, Inputs)
        return answer.files

    async def unsealed(
        self, recipe: Recipe, trees: Trees, keys: SopsKeys
    ) -> tuple[Mapping[str, bytes], tuple[str, ...]]:
        places = _places(trees)
        if places is None:
            return await self._inline.unsealed(recipe, trees, keys)
        answer = await self._ask(OpenInputs(recipe, places, keys), trees)
        assert isinstance(answer, Inputs)
        return answer.files, answer.secrets

    async def check_whole(self, recipe: Recipe, barren: Sequence[str], now: Trees, before: Sequence[Trees]) -> None:
        places, former = _places(now), [_places(each) for each in before]
        if places is None or None in former:
            await self._inline.check_whole(recipe, barren, now, before)
            return
        task = CheckWhole(recipe, tuple(barren), places, tuple(each for each in former if each is not None))
        answer = await self._ask(task, now, *before)
        assert isinstance(answer, Whole)

    async def find_charts(self, index: bytes, charts: Sequence[ChartOf]) -> Sequence[Found | Missing]:
        answer = await self._ask(
            FindCharts(index, tuple(charts)),
            what="the index of a Helm repository",
            hint="commit the chart to the repository, or name a repository with a smaller index",
        )
        assert isinstance(answer, IndexedCharts)
        return answer.found

    async def check_archive(self, content: bytes, shown: str, form: str) -> None:
        answer = await self._ask(
            CheckArchive(content, shown, form), what=shown, hint="package it anew, or set another version"
        )
        assert isinstance(answer, Whole)

    async def signatures(
        self,
        tree: GitTree,
        tag: tuple[str, str],
        demand: Demand,
        keyring: tuple[str, ...],
        known: tuple[str, ...],
        now: float,
    ) -> tuple[tuple[str, ...], float]:
        """What is amiss with who signed a commit, and when the first of the keys ends, in seconds since 1970."""
        task = CheckSigned(tree.place, tag, demand, keyring, known, now)
        answer = await self._ask(task, Trees(tree, {}), what="the signatures of commits", hint=_SEAL)
        assert isinstance(answer, Signatures)
        return answer.problems, float("inf") if answer.until is None else answer.until

    async def offer(self, source: Source, tree: Tree) -> SourceOffer:
        """As :func:`trueup.render.details.offer_of`."""
        trees = Trees(tree, {})
        places = _places(trees)
        if places is None:
            raise RenderFailed(f"{source.path or '.'} is no folder of a repository")
        answer = await self._ask(OfferOf(source, places), trees, where=source.path or ".")
        assert isinstance(answer, Offered)
        return answer.offer

    async def applications(self, tree: Tree) -> dict[str, str]:
        """As :func:`trueup.render.details.applications_of`."""
        trees = Trees(tree, {})
        places = _places(trees)
        if places is None:
            return {}
        answer = await self._ask(ApplicationsOf(places), trees)
        assert isinstance(answer, Listed)
        return {path: tool for path, (tool,) in answer.found.items()}

    async def charts(self, index: bytes, repository: str) -> dict[str, tuple[str, ...]]:
        """As :func:`trueup.render.details.charts_of`."""
        answer = await self._ask(
            ChartsOf(index, repository),
            what="the index of a Helm repository",
            hint="name a repository with a smaller index",
        )
        assert isinstance(answer, Listed)
        return answer.found

    async def keys(self, texts: Sequence[str]) -> tuple[PublicKey, ...]:
        """The OpenPGP keys of some texts; what cannot be read is left out."""
        answer = await self._ask(KeysOf(tuple(texts)), what="public keys", hint="give fewer of them")
        assert isinstance(answer, Keys)
        return answer.found

    async def warm(self) -> None:
        """Start one child now, so that the first recipe does not wait for it."""
        await self._readers.warm()

    async def close(self) -> None:
        """Kill all children and remove their folders. Tasks under way fail."""
        await self._readers.close()

    async def _ask(
        self, task: Task, *trees: Trees, where: str = "", what: str = "the source", hint: str = _NARROWER
    ) -> Answer:
        """An answer that is no refusal.

        Raises:
            RenderFailed, InvalidSpec: the source's fault, or a limit.
            RemotesNeeded: something is to be brought before.
            SourceUnavailable: the mirror is damaged.
        """
        at = f" (path {where})" if where else ""
        answer = await self._readers.ask(pack(task), unpack_answer, what=what, hint=hint, at=at)
        if isinstance(answer, Needs):
            raise RemotesNeeded(answer.remotes)
        if not isinstance(answer, PreparingRefused):
            return answer
        if answer.kind == SourceUnavailable.__name__:
            for each in trees:
                for tree in (each.own, *each.refs.values()):
                    if isinstance(tree, GitTree | ShelvedChart):
                        tree.doubt()
        raise _ERRORS.get(answer.kind, RenderFailed)(answer.message, hint=answer.hint)


def _places(trees: Trees) -> Places | None:
    """Where trees are; None unless all of them are repositories' or whole by themselves."""
    refs: dict[str, TreePlace | Shelved | HeldTree | Packed] = {}
    for name, tree in trees.refs.items():
        if isinstance(tree, GitTree | ShelvedChart):
            refs[name] = tree.place
        elif isinstance(tree, OneFile):
            refs[name] = HeldTree(tree.content)
        elif isinstance(tree, PackedChart):
            refs[name] = Packed(tree.content, tree.shown)
        else:
            return None
    return Places(trees.own.place, refs) if isinstance(trees.own, GitTree | ShelvedChart) else None
