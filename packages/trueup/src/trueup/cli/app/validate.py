"""Whether an application can work, asked before it is written: its project, its cluster, its repositories."""

import posixpath
from pathlib import Path

import msgspec

from kubegrammar import pattern
from trueup import policy
from trueup.cli.connect import ClusterAccess
from trueup.cli.screen import say
from trueup.kube.client import Client
from trueup.kube.errors import Forbidden, NotFound
from trueup.model.application import DEFAULT_PROJECT, Application, Destination, Source
from trueup.model.errors import InvalidSpec, TrueupError
from trueup.model.project import Project
from trueup.model.repository import short_revision
from trueup.model.tree import Mode, Tree
from trueup.store.install import default_project
from trueup.store.kinds import PROJECT

EVERYWHERE = Path("/")
"""Who runs a command may read his own disk anyhow; an engine that serves others must be told which folders."""
_LABEL = pattern.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_NAME = pattern.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*")
_LONGEST_LABEL = 63
_LETTERS = "use lower-case letters, digits and hyphens, a letter or digit at both ends"
_SHOWN = 80
_ANYWAY = "--validate=false leaves that to the engine"


def well_formed(body: object) -> Application:
    """An Application, refused where the engine would refuse it whatever its project says.

    Raises:
        TrueupError: naming the fields.
    """
    try:
        app = msgspec.convert(body, type=Application)
    except msgspec.ValidationError as error:
        raise TrueupError(f"the application is not valid: {error}", hint="correct that field") from error
    try:
        _require_names(app)
        # Which cluster a name means is for the Secrets to say.
        place = msgspec.structs.replace(app.spec.destination, server=app.spec.destination.server or "https://any")
        policy.admit(app, msgspec.convert(default_project(app.metadata.namespace), type=Project), place)
    except InvalidSpec as error:
        raise TrueupError(f"the application is not valid: {error.message}", hint=error.hint) from error
    return app


def _require_names(app: Application) -> None:
    """Refuse what no server takes for a name."""
    name, namespace = app.metadata.name, app.spec.destination.namespace
    if name and not _NAME.fullmatch(name):
        raise InvalidSpec(f"metadata.name: {name[:_SHOWN]!a} is no name", hint=f"{_LETTERS}, and dots between them")
    if namespace and not (_LABEL.fullmatch(namespace) and len(namespace) <= _LONGEST_LABEL):
        raise InvalidSpec(
            f"spec.destination.namespace: {namespace[:_SHOWN]!a} is no name of a namespace",
            hint=f"{_LETTERS}; {_LONGEST_LABEL} at most",
        )


def tell_oddities(app: Application) -> None:
    """Say on stderr what an application asks for that nothing will do."""
    for text in policy.odd_options(app):
        say(f"warning: {text}", err=True)


async def validate(client: Client, access: ClusterAccess, app: Application) -> None:
    """Look whether the application's project permits it, whether its cluster is known, whether its repositories have
    what it names, and whether manifests can be made of that.

    Repositories are read with the cluster's credentials where the user may read them, and with those of the
    environment. What may not be asked is said on stderr, and left to the engine.

    Raises:
        TrueupError: what is missing, or not permitted.
    """
    name, project = app.spec.project or DEFAULT_PROJECT, None
    try:
        live = await client.get(PROJECT, access.namespace, name)
    except NotFound as error:
        raise TrueupError(
            f"the application is not valid: there is no project {name}",
            hint=f"`trueup proj create {name}` makes it, `trueup proj list` shows those that are there",
        ) from error
    except Forbidden as error:
        say(f"warning: whether project {name} permits this is not known: {error.message}", err=True)
    else:
        project = msgspec.json.decode(live.body, type=Project)
        _permitted(app, project, await place_of(client, access, app))
    await _sources(access, app, project)


async def place_of(client: Client, access: ClusterAccess, app: Application) -> Destination | None:
    """Where an application goes, by server and name both; None where that may not be asked, which is said on stderr.

    Raises:
        TrueupError: no cluster is known that it means.
    """
    # Only who writes an application pays for it.
    from trueup.cli.clusters import known_clusters

    try:
        known = await known_clusters(client, access.namespace)
        return known.place(app.spec.destination, app.spec.project or DEFAULT_PROJECT)
    except Forbidden as error:
        say(f"warning: whether the destination is known cannot be said: {error.message}", err=True)
        return None
    except InvalidSpec as error:
        raise TrueupError(f"the application is not valid: {error.message}", hint=error.hint) from error


def _permitted(app: Application, project: Project, place: Destination | None) -> None:
    try:
        policy.admit(app, project, place)
    except InvalidSpec as error:
        raise TrueupError(
            f"the application is not valid: {error.message}",
            hint=error.hint or f"`trueup proj get {project.metadata.name}` shows what it permits",
        ) from error


def _require_folder(tree: Tree, source: Source, at: str) -> None:
    """Refuse a path that a revision does not have; where a link leads is the engine's to follow."""
    path = posixpath.normpath(source.path.strip("/") or ".")
    if path == ".":
        return
    segments = path.split("/")
    for end in range(1, len(segments) + 1):
        entry = tree.entry("/".join(segments[:end]))
        if entry is not None and entry.mode is Mode.LINK:
            return
        if entry is None:
            raise TrueupError(
                f"{source.repo_url} has no path {source.path} at {at}", hint="name a folder of that revision"
            )
        if entry.mode is not Mode.DIRECTORY:
            raise TrueupError(f"{source.path} is no folder at {at}", hint="name the folder that the file is in")


async def _sources(access: ClusterAccess, app: Application, project: Project | None) -> None:
    # Only who writes an application pays for what reads and renders one.
    from trueup.cli.app.trial import require_manifests
    from trueup.cli.repositories import with_repositories
    from trueup.sources.mirrors import Mirrors

    async def look(mirrors: Mirrors, source: Source) -> Tree:
        tree = await mirrors.read(app.spec.repository(source), source.target_revision, source.tag_prefix)
        if not source.chart:
            at = f"{source.target_revision or 'HEAD'} ({short_revision(tree.revision)})"
            _require_folder(tree, source, at)
        return tree

    async with with_repositories(access, (EVERYWHERE,)) as known:
        try:
            trees = [await look(known.mirrors, source) for source in app.spec.all_sources()]
            await require_manifests(access, known, app, project, trees)
        except TrueupError as error:
            hint = f"{error.hint.rstrip('.')}; {_ANYWAY}" if error.hint else _ANYWAY
            raise TrueupError(f"the application is not valid: {error.message}", hint=hint) from error
