"""One look at an application, by who only wants to know."""

from collections.abc import Callable, Sequence

import msgspec

from trueup import policy
from trueup.engine.control import Control
from trueup.engine.term import Term
from trueup.model.application import Application, Source
from trueup.model.errors import TrueupError
from trueup.model.manifest import Manifest
from trueup.model.project import Project
from trueup.model.tree import Tree
from trueup.observe.observation import Observation
from trueup.render.job import Recipe
from trueup.runtime.clock import Clock
from trueup.sources.writer import Changes, WantedCommit, commit
from trueup.store.applications import StoredApplication

Edit = Callable[[Tree, str], Changes]
"""What is to be looked at instead of a revision's own files, given those and the source's path."""
Revisions = Callable[[Application], Sequence[str]]
"""Of an application's sources in their order, empty for the declared one; none for all of these."""


class SourceInputs(msgspec.Struct, frozen=True, kw_only=True):
    """What one source is made of at a revision."""

    source: Source
    revision: str
    recipe: Recipe


def declared_ones(_: Application) -> Sequence[str]:
    """The declared revision of each source."""
    return ()


async def observe(
    control: Control, term: Term, clock: Clock, key: str, revisions: Revisions = declared_ones, edit: Edit | None = None
) -> Observation:
    """Look at one application once, without reconciling it.

    Args:
        revisions: of the application's sources, empty for the declared one.
        edit: the commit that is made of it stays in this engine's mirror.

    Raises:
        TrueupError: there is no such application, or it cannot be compared.
    """
    stored, project, found = await _asked(control, term, clock, key, revisions, edit)
    return await (await term.sites.opened(stored.app)).observer.observe(stored, project, revisions=found)


async def declared(
    control: Control, term: Term, clock: Clock, key: str, revisions: Revisions = declared_ones, edit: Edit | None = None
) -> tuple[Manifest, ...]:
    """What an application declares, as :func:`observe` compares it.

    Raises:
        TrueupError: there is no such application, or it cannot be rendered.
    """
    stored, project, found = await _asked(control, term, clock, key, revisions, edit)
    return await (await term.sites.opened(stored.app)).observer.declared(stored, project, found)


async def inputs(
    control: Control, term: Term, clock: Clock, key: str, revisions: Revisions = declared_ones, edit: Edit | None = None
) -> list[SourceInputs]:
    """What an application is made of, as :func:`observe` renders it.

    Raises:
        TrueupError: there is no such application, or it cannot be rendered.
    """
    stored, project, found = await _asked(control, term, clock, key, revisions, edit)
    made = await (await term.sites.opened(stored.app)).observer.inputs(stored, project, found)
    sources = stored.app.spec.all_sources()
    return [
        SourceInputs(source=source, revision=revision, recipe=recipe)
        for source, (revision, recipe) in zip(sources, made, strict=True)
    ]


async def _asked(
    control: Control, term: Term, clock: Clock, key: str, revisions: Revisions, edit: Edit | None
) -> tuple[StoredApplication, Project, list[str]]:
    """An application that may be looked at, with its project and the revisions to look at."""
    stored = control.applications.get(key)
    if stored is None:
        raise TrueupError(f"application {key} does not exist", hint="`trueup app list` shows those that do")
    if stored.fault is not None:
        raise stored.fault
    project = control.applications.project_of(stored.app)
    policy.admit(stored.app, project, term.place(stored.app))
    for repository in stored.app.spec.repositories():
        await term.repositories.look(repository, key)
    found = list(revisions(stored.app))
    for source, revision in zip(stored.app.spec.all_sources(), found, strict=False):
        repository = stored.app.spec.repository(source)
        if revision and repository.packed:
            # Only what is wished for is brought.
            await term.repositories.obtain(repository, revision)
    if edit is not None:
        found = [await _edited(term, clock, stored.app, "".join(found), edit)]
    return stored, project, found


async def _edited(term: Term, clock: Clock, app: Application, revision: str, edit: Edit) -> str:
    sources = app.spec.all_sources()
    mirror = term.repositories.mirror(app.spec.repository(sources[0]))
    if len(sources) > 1 or mirror is None:
        raise TrueupError(
            f"application {app.key} has {len(sources)} sources, and a folder takes the place of one",
            hint="push to a branch, and name it by --revisions BRANCH --source-positions N",
        )
    sha = await mirror.locate(revision or sources[0].target_revision, sources[0].tag_prefix)
    changes = edit(mirror.tree(sha), sources[0].path)
    ask = WantedCommit(branch="", message=lambda _: "files of a disk")
    return commit(mirror.repository(), sha, changes, ask, clock.now())
