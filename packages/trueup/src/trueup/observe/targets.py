"""What Applications want: their sources resolved to commits and versions, and rendered."""

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from trueup.memory.bounded import Memory, weight
from trueup.model.annotations import REFRESH, VALUES_FROM
from trueup.model.application import Application, Source
from trueup.model.errors import InvalidSpec, TrueupError
from trueup.model.manifest import Rendering
from trueup.model.repository import RepositoryOf
from trueup.model.share import Share, Urgency
from trueup.model.tree import MEBIBYTE, Tree
from trueup.observe.fetching import Fetching
from trueup.observe.reading import Reading
from trueup.observe.remotes import NotFetched, Remotes, are_permitted
from trueup.observe.target import Target, learn_secrets, target_of
from trueup.render.continuity import Trees
from trueup.render.environment import RenderContext
from trueup.render.job import Recipe
from trueup.render.watched import watched
from trueup.runtime.fair import resting
from trueup.sources.revision import UnknownRevision
from trueup.store.settings import Settings
from trueup.workers.renders import Renders, manifests_weight

OPEN = 16
"""Trees that are held open: all applications of a repository read the same two or three."""
REMEMBERED = 20_000
"""Targets kept, and revisions resolved, so that a pass in which Git did not move costs neither a tree nor a stamp."""
ROOM = 160 * MEBIBYTE
"""Bytes of the targets that are kept."""
SPARE = 8 * MEBIBYTE
"""Bytes of those that no application has any more."""


class _Inputs(msgspec.Struct, frozen=True):
    """All that a target follows from, beside the commits."""

    sources: tuple[Source, ...]
    contents: tuple[str, ...]
    context: RenderContext
    label_key: str
    before: tuple[tuple[str, ...], ...]


def urgency_of(app: Application) -> Urgency:
    """Whether somebody waits for what a pass over an application brings."""
    asked = app.operation is not None or REFRESH in app.metadata.annotations or bool(app.metadata.deletion_timestamp)
    return Urgency.PERSON if asked else Urgency.ROUTINE


class Targets:
    """Renders what Applications want. Reads mirrors; a Git server is asked only for what was synced last, where a
    rewritten history has dropped it."""

    def __init__(
        self, repositories: Reading, renders: Renders, settings: Callable[[], Settings], remotes: Remotes
    ) -> None:
        self._repositories = repositories
        self._remotes = remotes
        self._settings = settings
        self._renders = renders
        self._resolved: Memory[tuple[RepositoryOf, str, str], tuple[int, str]] = Memory(
            entries=REMEMBERED, size=4 * MEBIBYTE, weigh=weight
        )
        self._trees: Memory[tuple[RepositoryOf, str], tuple[int, Tree]] = Memory(entries=OPEN, size=MEBIBYTE)
        self._built: Memory[tuple[str, tuple[str, ...]], tuple[_Inputs, Target]] = Memory(
            entries=REMEMBERED, size=ROOM, weigh=lambda built: manifests_weight(built[1].manifests), spare=SPARE
        )

    def resolve(self, app: Application, sources: Sequence[Source], revisions: Sequence[str] = ()) -> tuple[str, ...]:
        """A commit for each source: of ``revisions`` where one is given, else of the declared target.

        Raises:
            NotFetched: a mirror is not there yet.
            TrueupError: a revision or repository cannot be read.
        """
        resolved = []
        for index, source in enumerate(sources):
            wanted = revisions[index] if index < len(revisions) and revisions[index] else source.target_revision
            resolved.append(self._resolve(app.spec.repository(source), source, wanted))
        return tuple(resolved)

    def _resolve(self, repository: RepositoryOf, source: Source, wanted: str) -> str:
        question, state = (repository, wanted, source.tag_prefix), self._repositories.state(repository)
        known = self._resolved.get(question)
        if state and known is not None and known[0] == state:
            return known[1]
        mirror = self._repositories.origin(repository)
        if mirror is None:
            raise NotFetched(f"{source.repo_url} is being fetched", after=60.0)
        try:
            revision = mirror.pin(wanted, source.tag_prefix).revision
        except UnknownRevision:
            if mirror.answered(wanted):
                raise
            # A ref that nobody has named before, as of a pull request: the next look asks for it.
            raise NotFetched(f"{source.repo_url} is asked for {wanted}", after=60.0) from None
        self._resolved.put(question, (state, revision))
        return revision

    async def build(
        self,
        app: Application,
        sources: Sequence[Source],
        revisions: Sequence[str],
        *,
        instance: str,
        context: RenderContext,
        namespaced: Callable[[str, str], bool | None],
        admit: Callable[[str], None],
        before: tuple[tuple[str, ...], ...] = (),
        fresh: bool = False,
    ) -> Target:
        """Render all sources at these commits, unless that has been done just so.

        Args:
            admit: raises InvalidSpec for a repository or file elsewhere that the project does not permit.
            before: commits that were synced last; what has been lost since then by a fault is refused.
            fresh: render anew (a hard refresh).

        Raises:
            RenderFailed: a source cannot become manifests.
        """
        slot, contents = (instance, tuple(revisions)), self._contents(app, sources, revisions)
        inputs = _Inputs(tuple(sources), contents, context, self._label_key(), before)
        known = self._built.get(slot)
        if known is not None and known[0] == inputs and not fresh and self._holds(known[1], admit):
            self._built.use(instance, slot)
            # Another commit may have been built meanwhile, by an operation.
            self._remotes.note(instance, app.key, frozenset(known[1].remotes))
            learn_secrets(known[1])
            return known[1]
        fetch = Fetching(self._remotes, instance, app.key, app.spec.project or "default", slot[1], admit, fresh=fresh)
        try:
            target = await self._build(
                app, inputs, slot[1], fetch, instance=instance, namespaced=namespaced, fresh=fresh
            )
        finally:
            fetch.close()
        self._remotes.note(instance, app.key, fetch.used)
        learn_secrets(target)
        if target.unread:
            # It may be had next time.
            self._built.pop(slot)
            return target
        self._built.put(slot, (inputs, target), instance)
        return target

    def _contents(self, app: Application, sources: Sequence[Source], revisions: Sequence[str]) -> tuple[str, ...]:
        """What the revisions of charts name today: unlike a commit, a version may be published anew."""
        return tuple(
            self._tree(app.spec.repository(source), revision).identity
            for source, revision in zip(sources, revisions, strict=True)
            if source.packed
        )

    def made_of(
        self, app: Application, sources: Sequence[Source], revisions: Sequence[str], *, context: RenderContext
    ) -> tuple[str, ...]:
        """Names for what sources declare at these commits, by the files that it is made of: of two commits with the
        same names both declare the same. Empty where that cannot be told at a glance.

        Raises:
            TrueupError: a repository or a commit cannot be read.
        """
        names = [self._label_key()]
        for index, (source, revision) in enumerate(zip(sources, revisions, strict=True)):
            tree = self._tree(app.spec.repository(source), revision)
            names.append(self._renders.made_of(source, tree, context, index=index))
        return tuple(names) if all(names[1:]) and not any(source.ref or source.chart for source in sources) else ()

    def tree(self, app: Application, source: Source, revision: str) -> Tree:
        """The files of one source at a commit.

        Raises:
            TrueupError: the repository or the commit cannot be read.
        """
        return self._tree(app.spec.repository(source), revision)

    async def recipe(
        self, app: Application, source: Source, revision: str, *, context: RenderContext, index: int
    ) -> Recipe:
        """What one source is made of at a commit, where it is made of its own repository alone.

        Raises:
            TrueupError: it cannot be read, or become manifests.
        """
        share = self._share(app, source)
        return await self._renders.recipe(
            source, self.tree(app, source, revision), {}, context, index=index, share=share
        )

    def reopen(self) -> None:
        """What is read of repositories may be another from now on: their files of Git LFS, or the pointers to them."""
        self._trees.clear()

    def _holds(self, target: Target, admit: Callable[[str], None]) -> bool:
        """Whether what a target was built from elsewhere is the same today, and still permitted. Where it is not,
        building anew says so by file and field."""
        return self._remotes.are_current(target.remotes) and are_permitted(target.elsewhere, admit)

    def elsewhere(self, instance: str, *, moving: bool) -> list[RepositoryOf]:
        """Repositories that an application's kustomizations name: all, or those alone whose refs may move."""
        return self._remotes.used(instance, moving=moving)

    def abandon(self, instance: str) -> None:
        """An application leaves: what is being rendered for it is ended."""
        self._renders.abandon(instance)

    def forget(self, instance: str) -> None:
        """An application is gone: nothing is kept for it."""
        self._built.release(instance)
        self._remotes.forget(instance)
        self._renders.forget(instance)

    async def _build(
        self,
        app: Application,
        inputs: _Inputs,
        revisions: tuple[str, ...],
        fetch: Fetching,
        *,
        instance: str,
        namespaced: Callable[[str, str], bool | None],
        fresh: bool,
    ) -> Target:
        reached = [app.spec.repository(source) for source in inputs.sources]
        unread: list[str] = []
        former = [await self._former(reached, inputs.sources, past, unread) for past in inputs.before]
        made_each = await self._each(app, inputs.sources, revisions, inputs.context, fetch, fresh=fresh, former=former)
        renderings = [rendering for rendering, _ in made_each]
        if inputs.context.lent.values and "Helm" not in {each.source_type for each in renderings}:
            raise InvalidSpec(f"{VALUES_FROM}: no source of the application is a chart", hint="remove the annotation")
        made = target_of(app, renderings, instance=instance, namespaced=namespaced, label_key=inputs.label_key)
        return msgspec.structs.replace(
            made,
            revisions=revisions,
            unread=tuple(dict.fromkeys(unread)),
            remotes=tuple(fetch.used),
            elsewhere=tuple(sorted(fetch.asked)),
            watched=tuple(watched(recipe) for _, recipe in made_each),
        )

    async def _each(
        self,
        app: Application,
        sources: Sequence[Source],
        revisions: Sequence[str],
        context: RenderContext,
        fetch: Fetching,
        *,
        fresh: bool = False,
        former: Sequence[Sequence[Trees | None]] = (),
    ) -> list[tuple[Rendering, Recipe]]:
        """All sources rendered, each with what it was made of."""
        trees = [self.tree(app, source, revision) for source, revision in zip(sources, revisions, strict=True)]
        refs = {source.ref: tree for source, tree in zip(sources, trees, strict=True) if source.ref}
        return await asyncio.gather(
            *(
                self._renders.made(
                    source,
                    tree,
                    refs,
                    context,
                    index=index,
                    fresh=fresh,
                    before=[known for past in former if (known := past[index])],
                    share=self._share(app, source),
                    fetch=fetch,
                )
                for index, (source, tree) in enumerate(zip(sources, trees, strict=True))
            )
        )

    async def inputs(
        self,
        app: Application,
        sources: Sequence[Source],
        revisions: Sequence[str],
        *,
        instance: str,
        context: RenderContext,
        admit: Callable[[str], None],
    ) -> list[Recipe]:
        """What all sources are made of at these commits; arguments and errors are those of :meth:`build`."""
        project = app.spec.project or "default"
        fetch = Fetching(self._remotes, instance, app.key, project, tuple(revisions), admit, fresh=False)
        try:
            return [recipe for _, recipe in await self._each(app, sources, revisions, context, fetch)]
        finally:
            fetch.close()

    async def given(
        self,
        app: Application,
        texts: Sequence[str],
        *,
        instance: str,
        namespaced: Callable[[str, str], bool | None],
    ) -> Target:
        """Manifests that come with an operation, made the application's as rendered ones are.

        Raises:
            RenderFailed: they are none.
        """
        share = Share(
            project=app.spec.project or "default", repository="", urgency=urgency_of(app), about="operation.sync"
        )
        rendering = await self._renders.given(texts, share=share)
        target = target_of(app, [rendering], instance=instance, namespaced=namespaced, label_key=self._label_key())
        learn_secrets(target, "brought")
        return target

    def _label_key(self) -> str:
        """The label that objects are tagged with; empty for none."""
        settings = self._settings()
        return settings.instance_label if settings.labelled else ""

    def _tree(self, repository: RepositoryOf, revision: str) -> Tree:
        state, known = self._repositories.state(repository), self._trees.get((repository, revision))
        if state and known is not None and known[0] == state:
            return known[1]
        mirror = self._repositories.origin(repository)
        if mirror is None:
            raise NotFetched(f"{repository.url} is being fetched", after=60.0)
        tree = mirror.tree(revision)
        self._trees.put((repository, revision), (state, tree))
        return tree

    async def _former(
        self, reached: Sequence[RepositoryOf], sources: Sequence[Source], revisions: Sequence[str], unread: list[str]
    ) -> list[Trees | None]:
        """The trees of earlier commits, None for those that are not to be had, which are added to ``unread``."""
        found: list[Tree | None] = []
        for repository, revision in zip(reached, revisions, strict=True):
            tree = await self._past(repository, revision) if revision else None
            if revision and tree is None:
                unread.append(revision)
            found.append(tree)
        known = {
            source.ref: tree for source, tree in zip(sources, found, strict=True) if source.ref and tree is not None
        }
        return [Trees(tree, known) if tree is not None else None for tree in found]

    async def _past(self, repository: RepositoryOf, revision: str) -> Tree | None:
        state, known = self._repositories.state(repository), self._trees.get((repository, revision))
        if state and known is not None and known[0] == state:
            return known[1]
        async with resting():
            there = await self._repositories.obtain(repository, revision)
        if not there:
            return None
        try:
            return self._tree(repository, revision)
        except TrueupError:
            return None

    def _share(self, app: Application, source: Source) -> Share:
        return Share(
            project=app.spec.project or "default",
            repository=self._repositories.identity(app.spec.repository(source)),
            urgency=urgency_of(app),
            about=source.path,
        )
