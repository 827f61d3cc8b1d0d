"""Which commit changed an application: the last one that touched what it is made of."""

from collections.abc import Sequence

import msgspec
import structlog

from kubegrammar.json import canonical, digest
from kubegrammar.time import format_time
from trueup.model.annotations import CHANGED_BY
from trueup.model.application import Application, Source
from trueup.model.changed import LONGEST, LastChange, read_change
from trueup.model.errors import TrueupError
from trueup.observe.target import Target
from trueup.observe.targets import Targets
from trueup.render.environment import RenderContext
from trueup.render.watched import Watched
from trueup.runtime.secrecy import told
from trueup.sources.disk import on_disk
from trueup.sources.history import MOST_LOOKS, commit_at, last_touched
from trueup.sources.tree import GitTree
from trueup.store.applications import StoredApplication

log = structlog.get_logger("trueup.changing")

_MOST_RECIPES = 8
"""Commits in a row that touched a folder of a source, and nothing that it is made of."""


class _Known(msgspec.Struct, frozen=True):
    """Which commit it was, of these sources at these revisions."""

    sources: str
    revisions: tuple[str, ...]
    change: LastChange | None


class Changing:
    """Looks into the history once for each commit that a pass looks at. What is forgotten is on the Application."""

    def __init__(self, targets: Targets) -> None:
        self._targets = targets
        self._known: dict[str, _Known] = {}

    def forget(self, key: str) -> None:
        """An application is gone."""
        self._known.pop(key, None)

    async def of(self, stored: StoredApplication, target: Target, context: RenderContext) -> LastChange | None:
        """The commit that changed an application, as its sources are declared; None where it is not known: for charts,
        and where it lies further back than is looked."""
        sources = stored.app.spec.all_sources()
        name = digest(canonical(msgspec.to_builtins(sources)))[:16]
        known = self._known.get(stored.key) or _recorded(stored)
        if known is None or known.sources != name:
            known = _Known(name, (), None)
        if known.revisions != target.revisions:
            try:
                change = await self._last(stored.app, sources, target, context, known)
            except TrueupError as error:
                log.debug("the commit that changed it is not known", application=stored.key, error=error.message)
                self._known.pop(stored.key, None)
                return None
            known = _Known(name, target.revisions, change)
        self._known[stored.key] = known
        return known.change

    async def _last(
        self, app: Application, sources: Sequence[Source], target: Target, context: RenderContext, known: _Known
    ) -> LastChange | None:
        found: list[LastChange] = []
        for index, source in enumerate(sources):
            until = known.revisions[index] if index < len(known.revisions) else ""
            paths = _paths(source, target.watched, index)
            if source.packed or not paths:
                continue
            change = await self._of_source(app, source, index, target, context, paths=paths, until=until)
            # Of none since then: what was not known does not become known by looking less far.
            change = change or known.change
            if change is None:
                return None
            found.append(msgspec.structs.replace(change, sources=known.sources))
        return max(found, key=lambda each: each.at, default=None)

    async def _of_source(
        self,
        app: Application,
        source: Source,
        index: int,
        target: Target,
        context: RenderContext,
        *,
        paths: Sequence[str],
        until: str,
    ) -> LastChange | None:
        """The commit that changed one source; None for none since the one until which it is known, or as far as is
        looked.

        Raises:
            TrueupError: the repository cannot be read.
        """
        tree, watched = self._targets.tree(app, source, target.revisions[index]), target.watched[index]
        if not isinstance(tree, GitTree):
            raise TrueupError("its files are of no commit")
        at, left = tree.revision, MOST_LOOKS
        for attempt in range(_MOST_RECIPES):
            step = await on_disk(last_touched, tree.place, paths, start=at, until=until, most=left)
            if not step.commit:
                return None
            certain = not watched.coarse or not step.before or attempt == _MOST_RECIPES - 1
            if certain or await self._differs(app, source, step.before, watched, context, index):
                info = await on_disk(commit_at, tree.place, step.commit)
                subject = info.message.partition("\n")[0]
                return LastChange(
                    revision=step.commit,
                    author=told(info.author)[:LONGEST],
                    at=format_time(info.date),
                    subject=told(subject)[:LONGEST],
                )
            at, left = step.before, step.left
        raise AssertionError("the last attempt is certain")

    async def _differs(
        self, app: Application, source: Source, before: str, watched: Watched, context: RenderContext, index: int
    ) -> bool:
        """Whether a source is made of something else at a commit."""
        try:
            recipe = await self._targets.recipe(app, source, before, context=context, index=index)
        except TrueupError:
            return True
        return recipe.key != watched.key


def _paths(source: Source, watched: Sequence[Watched], index: int) -> list[str]:
    """Where a change of an application would show in one of its repositories."""
    paths = list(watched[index].own)
    if source.ref:
        paths += [path for each in watched for path in each.refs.get(source.ref, ())]
    return list(dict.fromkeys(paths))


def _recorded(stored: StoredApplication) -> _Known | None:
    """What an engine before this one has put on record, of the commits that it compared last."""
    change, sync = read_change(stored.app.metadata.annotations.get(CHANGED_BY, "")), stored.status.sync
    revisions = tuple(sync.revisions or ([sync.revision] if sync.revision else [])) if sync else ()
    return _Known(change.sources, revisions, change) if change is not None and revisions else None
