"""Sources that no Application is stored with, or not yet: read and rendered as a pass would, for who asks once."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, Final

import msgspec

from kubegrammar.redact import redact_url
from trueup.engine.engine import Engine
from trueup.model.annotations import API_VERSION, GROUP, REFRESH
from trueup.model.application import Application, Source
from trueup.model.errors import InvalidSpec, RenderFailed, SourceUnavailable, TrueupError
from trueup.model.live import LiveObject
from trueup.model.manifest import Manifest
from trueup.model.resource import ResourceKey
from trueup.model.status import Status
from trueup.observe.observer import Observer
from trueup.observe.remotes import NotFetched
from trueup.store.applications import StoredApplication

SECONDS: Final = 120.0
"""That somebody waits for repositories and a render. A first clone of a large repository may take longer; it goes on,
and the next who asks finds it."""
_ROUNDS: Final = 8
"""Looks at what a kustomization names elsewhere, each of which may name more."""

_CONTAINERS: Final = ("containers", "initContainers")


class SourceTrials:
    """Asks the engine's present term; nothing that it does is an application's state."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def require_manifests(self, app: Application) -> None:
        """Let an Application pass whose sources can be read and become manifests. It has been admitted.

        Raises:
            InvalidSpec: they do not, in Argo CD's words.
            SourceUnavailable: nobody knows yet, since the time is over.
        """
        sources = app.spec.all_sources()
        where = " ".join(each.chart or each.path or "." for each in sources)
        async with within(f"application {app.metadata.name}"):
            try:
                await self._read(app, sources)
            except TrueupError as error:
                which = "repository" if len(sources) == 1 else "repositories"
                raise InvalidSpec(f"{which} not accessible: {error.message}", hint=error.hint) from error
            try:
                await self._manifests(app)
            except TrueupError as error:
                raise InvalidSpec(
                    f"Unable to generate manifests in {where}: {error.message}", hint=error.hint
                ) from error

    async def images(self, app: Application) -> list[str]:
        """The images of all that an Application declares, each once. It has been admitted.

        Raises:
            TrueupError: its sources cannot be read, or become no manifests.
        """
        async with within(f"application {app.metadata.name}"):
            await self._read(app, app.spec.all_sources())
            return sorted({image for each in await self._manifests(app) for image in _images(each.object())})

    async def _read(self, app: Application, sources: list[Source]) -> None:
        """Look at repositories, and have what is asked for: refs and charts that no Application names yet."""
        repositories = self._engine.repositories
        for source in sources:
            repository = app.spec.repository(source)
            await repositories.look(repository, app.key)
            origin = repositories.origin(repository)
            if origin is None:
                raise SourceUnavailable(f"repository {source.repo_url} is not to be had")
            if repository.packed or source.target_revision:
                await origin.locate(source.target_revision)

    async def _manifests(self, app: Application) -> tuple[Manifest, ...]:
        engine = self._engine
        observer = (await engine.term.sites.opened(app)).observer
        stored, project = _as_stored(app), engine.control.applications.project_of(app)
        try:
            for _ in range(_ROUNDS):
                try:
                    return await observer.declared(stored, project, ())
                except NotFetched as error:
                    # What a kustomization names elsewhere; its project has been asked.
                    for repository in error.repositories:
                        await engine.repositories.look(repository, app.key)
            raise RenderFailed(f"what its kustomizations name elsewhere leads on more than {_ROUNDS} times")
        except TrueupError:
            self._forget(observer, app)
            raise

    def _forget(self, observer: Observer, app: Application) -> None:
        """An Application that is refused leaves nothing; one that is taken is rendered once."""
        if self._engine.control.applications.get(app.key) is None:
            observer.forget(app.key)


def _as_stored(app: Application) -> StoredApplication:
    # Somebody waits for it, as for one that is refreshed.
    annotations = {**app.metadata.annotations, REFRESH: "normal"}
    app = msgspec.structs.replace(app, metadata=msgspec.structs.replace(app.metadata, annotations=annotations))
    key = ResourceKey(GROUP, "Application", app.metadata.namespace, app.metadata.name)
    live = LiveObject(key=key, api_version=API_VERSION, uid="", resource_version="", body=msgspec.json.encode(app))
    return StoredApplication(key=app.key, live=live, app=app, status=Status(), raw_status={})


def _images(body: Any) -> Iterator[str]:
    """Of the containers in an object, wherever they are."""
    pending: list[Any] = [body]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            for name, each in value.items():
                if name in _CONTAINERS and isinstance(each, list):
                    images = (container.get("image") for container in each if isinstance(container, dict))
                    yield from (image for image in images if isinstance(image, str) and image)
                pending.append(each)
        elif isinstance(value, list):
            pending += value


@asynccontextmanager
async def within(what: str, seconds: float = SECONDS) -> AsyncIterator[None]:
    """A limit of time for a question of somebody who waits.

    Args:
        what: is asked, for the message.

    Raises (on exit):
        SourceUnavailable: the time is over.
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise SourceUnavailable(
            f"{redact_url(what)[:300]}: its sources have not been read within {seconds:.0f} s",
            hint="ask again, or leave validation out",
        ) from None
