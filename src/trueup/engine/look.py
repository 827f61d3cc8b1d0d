"""One look at an application, by who only wants to know."""

from collections.abc import Callable

from trueup import policy
from trueup.controllers.observe import Observation
from trueup.engine.control import Control
from trueup.engine.term import Term
from trueup.model.application import Application
from trueup.model.errors import TrueupError
from trueup.model.manifest import Manifest
from trueup.model.project import Project
from trueup.model.tree import Tree
from trueup.runtime.clock import Clock
from trueup.sources.writer import Ask, Changes, commit
from trueup.store.applications import StoredApplication

Edit = Callable[[Tree, str], Changes]
"""What is to be looked at instead of a revision's own files, given those and the source's path."""


async def observe(
    control: Control, term: Term, clock: Clock, key: str, revision: str = "", edit: Edit | None = None
) -> Observation:
    """Look at one application once, without reconciling it.

    Args:
        edit: the commit that is made of it stays in this engine's mirror.

    Raises:
        TrueupError: there is no such application, or it cannot be compared.
    """
    stored, project, revisions = await _asked(control, term, clock, key, revision, edit)
    return await term.observer.observe(stored, project, revisions=revisions)


async def declared(
    control: Control, term: Term, clock: Clock, key: str, revision: str = "", edit: Edit | None = None
) -> tuple[Manifest, ...]:
    """What an application declares, as :func:`observe` compares it.

    Raises:
        TrueupError: there is no such application, or it cannot be rendered.
    """
    stored, project, revisions = await _asked(control, term, clock, key, revision, edit)
    return await term.observer.declared(stored, project, revisions)


async def _asked(
    control: Control, term: Term, clock: Clock, key: str, revision: str, edit: Edit | None
) -> tuple[StoredApplication, Project, list[str]]:
    """An application that may be looked at, with its project and the revisions to look at."""
    stored = control.applications.get(key)
    if stored is None:
        raise TrueupError(f"application {key} does not exist", hint="`trueup app list` shows those that do")
    if stored.fault is not None:
        raise stored.fault
    project = control.applications.project_of(stored.app)
    policy.admit(stored.app, project)
    for repository in stored.app.spec.repositories():
        await term.repositories.look(repository, key)
    revisions = [revision] if revision else []
    if edit is not None:
        revisions = [await _edited(term, clock, stored.app, revision, edit)]
    return stored, project, revisions


async def _edited(term: Term, clock: Clock, app: Application, revision: str, edit: Edit) -> str:
    sources = app.spec.all_sources()
    mirror = term.repositories.mirror(app.spec.repository(sources[0]))
    if len(sources) > 1 or mirror is None:
        raise TrueupError(
            f"application {app.key} has {len(sources)} sources, and a folder takes the place of one",
            hint="push to a branch, and name it by --revision",
        )
    sha = await mirror.locate(revision or sources[0].target_revision, sources[0].tag_prefix)
    changes = edit(mirror.tree(sha), sources[0].path)
    ask = Ask(branch="", message=lambda _: "files of a disk")
    return commit(mirror.repository(), sha, changes, ask, clock.now())
