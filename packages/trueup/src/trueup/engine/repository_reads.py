"""Repositories for who asks the API: reached, listed, and what a folder of them offers."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Final

import msgspec

from trueup.engine.engine import Engine
from trueup.engine.trials import SECONDS, SourceTrials, within
from trueup.model.application import Application, Source
from trueup.model.errors import TrueupError
from trueup.model.repository import RepositoryOf, registry_address
from trueup.model.tree import Tree
from trueup.render.details import SourceOffer
from trueup.runtime.shares import Crowded, PersonShares
from trueup.server.caller import ASKING
from trueup.server.errors import Code, Fault
from trueup.sources.revision import BRANCHES, TAGS
from trueup.store.credentials import address_of

AT_ONCE, OF_ONE, MOST_OF_ONE = 16, 3, 30
"""Questions to repositories on behalf of people at a time, of one of them, and of one with those that wait; the
engine's own looks have their turns beside them."""
_READING: Final = 2
"""Trees and indexes that are read at a time, each of somebody else."""
_SHORT: Final = 30.0
"""Seconds for a question that is answered by a list of names."""


class EngineRepositories:
    """Asks with what the engine has: its credentials, its mirrors, its limited children."""

    def __init__(self, engine: Engine, trials: SourceTrials) -> None:
        self._engine, self._trials = engine, trials
        self._asking = PersonShares(AT_ONCE, OF_ONE, MOST_OF_ONE)
        self._readers = PersonShares(_READING, 1, MOST_OF_ONE)

    async def problem(self, data: Mapping[str, str]) -> str:
        """Why a repository cannot be read with these data of a Secret; empty when it can."""
        git, credentials = self._engine.lasting.git, self._engine.control.credentials
        repository = RepositoryOf(address_of(data.get("url", ""), data), data.get("project", ""))
        try:
            async with self._asked(repository.url, _SHORT):
                given = credentials.given(data)
                await git.reach(repository, given, index=data.get("type", "") == "helm")
        except TrueupError as error:
            return str(error)
        return ""

    async def refs(self, url: str, project: str) -> tuple[Sequence[str], Sequence[str]]:
        """The names of branches and of tags."""
        async with self._asked(url, _SHORT):
            mirror = self._engine.lasting.git.mirrors.get(RepositoryOf(url, project))
            found = sorted(await mirror.remote_refs())

        def of_kind(kind: str) -> list[str]:
            return [name.removeprefix(kind) for name in found if name.startswith(kind)]

        return of_kind(BRANCHES), of_kind(TAGS)

    async def tags(self, url: str, project: str) -> Sequence[str]:
        """The tags of an artifact in a registry."""
        async with self._asked(url, _SHORT):
            return await self._engine.lasting.git.registries.tags(RepositoryOf(registry_address(url), project))

    async def charts(self, url: str, project: str) -> Mapping[str, Sequence[str]]:
        """The charts of a Helm repository over HTTP, with their versions."""
        lasting = self._engine.lasting
        async with self._asked(url):
            index = await lasting.git.charts.index(RepositoryOf(url, project))
            async with self._readers.turn(ASKING.get()):
                return await lasting.tools.preparer.charts(index, url)

    async def applications(self, url: str, project: str, revision: str) -> Mapping[str, str]:
        """The folders of a revision that a tool is for, with the tools' names."""
        async with self._asked(url):
            tree = await self._engine.lasting.git.mirrors.read(RepositoryOf(url, project), revision)
            async with self._readers.turn(ASKING.get()):
                return await self._engine.lasting.tools.preparer.applications(tree)

    async def offer(self, app: Application, source: Source) -> SourceOffer:
        """What a source of an Application is, which has been admitted."""
        async with self._asked(source.repo_url):
            tree = await self._tree(app, source)
            async with self._readers.turn(ASKING.get()):
                found = await self._engine.lasting.tools.preparer.offer(source, tree)
        name = source.plugin.name if source.plugin is not None else ""
        announced = [each.announced for each in self._engine.lasting.tools.plugins if each.name == name]
        return msgspec.structs.replace(found, announced=announced[0]) if announced else found

    async def images(self, app: Application) -> Sequence[str]:
        """The images of what an Application declares, which has been admitted."""
        async with self._asked(app.metadata.name):
            return await self._trials.images(app)

    async def _tree(self, app: Application, source: Source) -> Tree:
        repository = app.spec.repository(source)
        return await self._engine.lasting.git.mirrors.read(repository, source.target_revision, source.tag_prefix)

    @asynccontextmanager
    async def _asked(self, what: str, seconds: float = SECONDS) -> AsyncIterator[None]:
        """A turn of whoever asks, within a time that begins when they do.

        Raises (on entry):
            Fault: they ask too many questions at a time.
        """
        async with within(what, seconds), AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(self._asking.turn(ASKING.get()))
            except Crowded:
                text = f"you have {MOST_OF_ONE} questions about repositories that are not answered yet: wait for those"
                raise Fault(Code.RESOURCE_EXHAUSTED, text) from None
            yield
