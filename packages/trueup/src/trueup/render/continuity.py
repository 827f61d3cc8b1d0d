"""A commit beside the one that was synced last: what it lost on the way, told apart from what was taken out on purpose.

A deleted file is meant. A file that is still there and has become empty, foreign or shorter by half a line is not: the
objects that it declared would be deleted on the word of a fault.
"""

import posixpath
from collections.abc import Callable, Mapping, Sequence

import msgspec

from trueup.model.application import Source
from trueup.model.errors import RenderFailed
from trueup.model.status import Status
from trueup.model.tree import Entry, Mode, Tree
from trueup.render.budget import Budget, metered
from trueup.render.closure import follow
from trueup.render.job import Input, Recipe
from trueup.render.renderers import BY_NAME, every_file
from trueup.render.submodules import with_submodules
from trueup.render.wholeness import MANIFESTS, doubt, looks_like_manifest

_SHOWN = 10
"""In a template that reads other files of its chart."""
_HINT = (
    "restore it; or, if its objects should go, delete the file, exclude it (directory.exclude), or write "
    "'# +argocd:skip-file-rendering' into it"
)


class Trees(msgspec.Struct, frozen=True):
    """What a source was rendered from: its own tree, and those of the application's ``ref`` sources by name."""

    own: Tree
    refs: Mapping[str, Tree] = {}


def synced_before(status: Status, sources: Sequence[Source], revisions: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """The revisions to compare with: of the last deployment, and of a sync since then that did not become one.

    Args:
        revisions: full SHAs about to be rendered. One that was deployed before is known, and compared with nothing.

    Returns:
        A SHA for each source, empty where another repository or path was synced.
    """
    places = [_place(source) for source in sources]
    deployed = [
        _matched(places, past.sources or [past.source], past.revisions or [past.revision]) for past in status.history
    ]
    if tuple(revisions) in deployed:
        return ()
    found = deployed[-1:]
    state = status.operation_state
    if state is not None and state.sync_result is not None:
        result = state.sync_result
        found.append(_matched(places, result.sources or [result.source], result.revisions or [result.revision]))
    return tuple(dict.fromkeys(each for each in found if any(each) and each != tuple(revisions)))


def _matched(
    places: Sequence[tuple[str, ...]], sources: Sequence[Source | None], revisions: Sequence[str]
) -> tuple[str, ...]:
    known = {_place(source): revision for source, revision in zip(sources, revisions, strict=False) if source}
    return tuple(known.get(place, "") for place in places)


def _place(source: Source) -> tuple[str, ...]:
    return (source.repo_url, posixpath.normpath(source.path), source.chart, source.ref)


def check_whole(recipe: Recipe, barren: Sequence[str], now: Trees, before: Trees, budget: Budget | None = None) -> None:
    """Refuse a render whose files have lost something since the last sync that nobody took out on purpose.

    Args:
        barren: files of the recipe that hold no manifest.
        budget: what it may cost; one without a clock by default.

    Raises:
        RenderFailed: naming every such file.
        RemotesNeeded: one of them was in a submodule that has not been brought.
        TooCostly: the budget is spent.
    """
    budget = budget or Budget()
    now, before = (Trees(*metered(budget, *with_submodules(trees.own, trees.refs, None))) for trees in (now, before))
    empty = set(barren)
    decides = _deciding(recipe, now.own)
    files = (*(file for file in recipe.inputs if decides(file)), *recipe.overrides)
    found = [f"{file.path}: {why}" for file in files if (why := _lost(file, file.path in empty, now, before))]
    found += [f"{gap}: {why}" for gap in recipe.gaps if (why := _replaced(gap, before.own))]
    if found:
        more = f"; and {len(found) - _SHOWN} more" if len(found) > _SHOWN else ""
        raise RenderFailed("; ".join(found[:_SHOWN]) + more, hint=_HINT)


def _deciding(recipe: Recipe, now: Tree) -> Callable[[Input], bool]:
    """Tells whether it depends on a file which objects there are: of a whole repository, on those that are named."""
    if recipe.whole_tree:
        named = set(recipe.named)
        return lambda file: file.path in named
    renderer = BY_NAME.get(recipe.tool)
    return renderer.deciding(recipe, now) if renderer is not None else every_file


def _lost(file: Input, barren: bool, now: Trees, before: Trees) -> str:
    new, old = (trees.refs.get(file.ref) if file.ref else trees.own for trees in (now, before))
    if new is None or old is None:
        return ""
    former = _entry(old, file.path.removeprefix(f"${file.ref}/") if file.ref else file.path)
    if former is None or former.oid == file.entry.oid or Mode.LINK in (former.mode, file.entry.mode):
        return ""
    if former.mode is Mode.DIRECTORY:
        return ""
    return doubt(file.path, old.read(former), new.read(file.entry), barren=barren)


def _replaced(gap: str, before: Tree) -> str:
    """Whether manifests were where a link is now that leads to none."""
    there, former = before.entry(gap), _entry(before, gap)
    if there is None or former is None:
        return ""
    if former.mode is not Mode.DIRECTORY:
        files = iter([former])
    elif there.mode is Mode.LINK:
        # It was passed over then, as it is now.
        return ""
    else:
        files = (entry for entry in before.walk(gap) if entry.mode is not Mode.LINK and entry.path.endswith(MANIFESTS))
    if any(looks_like_manifest(before.read(entry)) for entry in files):
        return "a link that leads to no manifest is where manifests were at the last sync"
    return ""


def _entry(tree: Tree, path: str) -> Entry | None:
    try:
        located = follow(tree, path, "file")
    except RenderFailed:
        return None
    if located is None or located.entry.mode is Mode.SUBMODULE:
        return None
    return Entry(located.path, located.entry.mode, located.entry.oid)
