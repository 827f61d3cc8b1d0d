"""Whether an application's sources become manifests: rendered here, before it is written, as the engine would."""

from collections.abc import Mapping, Sequence

from trueup import policy
from trueup.cli.app.destination import OWN, destination_of
from trueup.cli.connect import ClusterAccess, client_of, discovered
from trueup.cli.repositories import KnownRepositories
from trueup.cli.screen import say
from trueup.kube.discovery import Discovery
from trueup.kube.errors import ApiError, NotFound
from trueup.model.application import DEFAULT_PROJECT, Application
from trueup.model.errors import InvalidSpec, RenderStopped, TrueupError
from trueup.model.project import Project
from trueup.model.tree import Tree
from trueup.offline.elsewhere import Elsewhere
from trueup.offline.renderer import OfflineRenderer
from trueup.policy.settings import CONFIG_MAP as SETTINGS
from trueup.render.environment import RenderContext
from trueup.render.remote import RemoteReference
from trueup.store.credentials import CONFIG_MAP
from trueup.store.settings import read_settings
from trueup.workers.bringing import Fetch


async def require_manifests(
    access: ClusterAccess, known: KnownRepositories, app: Application, project: Project | None, trees: Sequence[Tree]
) -> None:
    """Render all sources of an application. What of it is not known here is said on stderr, and left to the engine.

    Args:
        project: None where it may not be read: what kustomizations name elsewhere is not held against it.
        trees: of each source, at the revision that it means.

    Raises:
        TrueupError: a source does not become manifests, in the words of its tool.
    """
    if policy.asked_of(app).objects:
        _unknown("its values come from the destination")
        return
    try:
        context = await _context(access, known, app)
    except TrueupError as error:
        _unknown(error.message)
        return
    sources = app.spec.all_sources()
    refs = {source.ref: tree for source, tree in zip(sources, trees, strict=True) if source.ref}
    fetch = _admitted(Elsewhere(known.mirrors, guarded=False).application(), app, project)
    async with OfflineRenderer() as renderer:
        for index, (source, tree) in enumerate(zip(sources, trees, strict=True)):
            if source.plugin is not None:
                _unknown("only the engine has its plugins")
                continue
            try:
                await renderer.render(source, tree, context, refs=refs, index=index, fetch=fetch)
            except RenderStopped as error:
                _unknown(error.message)
            except TrueupError as error:
                which = f"source {index + 1}: " if len(sources) > 1 else ""
                raise TrueupError(f"{which}its manifests cannot be made: {error.message}", hint=error.hint) from error


async def _context(access: ClusterAccess, known: KnownRepositories, app: Application) -> RenderContext:
    """What a render may depend on besides files: of the destination, and of the settings.

    Raises:
        TrueupError: the destination cannot be asked from here.
    """
    destination = app.spec.destination
    if destination.server.rstrip("/") in OWN or destination.name in OWN:
        discovery = known.discovery
    else:
        discovery = await _served(access, app)
    return RenderContext(
        app_name=app.metadata.name,
        app_namespace=app.metadata.namespace,
        project=app.spec.project or DEFAULT_PROJECT,
        namespace=destination.namespace,
        kube_version=discovery.server_version,
        api_versions=discovery.api_versions(),
        inflates=await _inflates(access, known),
    )


async def _served(access: ClusterAccess, app: Application) -> Discovery:
    async with client_of(await destination_of(access, app)) as client:
        return await discovered(client)


async def _inflates(access: ClusterAccess, known: KnownRepositories) -> bool:
    """Whether kustomizations may inflate charts; who may not read the settings is not held back by them."""
    try:
        found = (await known.client.get(CONFIG_MAP, access.namespace, SETTINGS)).object()
    except NotFound:
        return read_settings({}).inflates
    except ApiError:
        return True
    return read_settings(found.get("data") or {}).inflates


def _admitted(fetch: Fetch, app: Application, project: Project | None) -> Fetch:
    """Brings what a kustomization names elsewhere, where the project permits it."""

    async def brought(needed: Sequence[RemoteReference]) -> Mapping[str, Tree]:
        for remote in needed:
            try:
                if project is not None:
                    policy.admit_elsewhere(app, project, _url(remote))
            except InvalidSpec as error:
                raise InvalidSpec(f"{remote.where}: {error.message}", hint=error.hint) from error
        return await fetch(needed)

    return brought


def _url(remote: RemoteReference) -> str:
    """What a project is asked for."""
    if remote.chart is not None:
        return remote.chart.repository
    if remote.file or remote.base is None:
        return remote.text.partition("?")[0]
    return remote.base.url


def _unknown(why: str) -> None:
    say(f"warning: whether its manifests can be made is not known here: {why}", err=True)
