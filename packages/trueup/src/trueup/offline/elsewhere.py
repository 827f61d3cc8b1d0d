"""Bases, files and charts that kustomizations name elsewhere, for a command: fetched as they are asked for."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from trueup.model.errors import RenderFailed, SourceUnavailable, TrueupError
from trueup.model.repository import RepositoryOf
from trueup.model.repository_url import parse_repository_url
from trueup.model.tree import MEBIBYTE, Tree
from trueup.render.helm_index import MAX_INDEX, ChartOf, Found, Missing
from trueup.render.large_files import LargeFile
from trueup.render.packed_chart import PackedChart
from trueup.render.remote import Base, OneFile, RemoteReference, is_meant
from trueup.sources.download import MAX_BYTES, TooLarge, downloading
from trueup.sources.helm_repository import HelmRepositories
from trueup.sources.mirrors import Mirrors
from trueup.sources.outgoing import AddressRefused, require_host_outside
from trueup.sources.purse import Purse, TooMuch
from trueup.workers.bringing import Fetch
from trueup.workers.preparing import Inline

ALL = 256 * MEBIBYTE
"""Bytes of the files and charts that a command holds."""
_ALLOWED = "--allow-local-repos FOLDER lets servers of this machine be asked too"

T = TypeVar("T", OneFile, PackedChart)


class _Application:
    """What one application has paid for.

    Attributes:
        names: of the trees that count.
    """

    def __init__(self) -> None:
        self.purse = Purse()
        self.names: set[str] = set()


class Elsewhere:
    """Fetches, by mirrors of one command.

    Args:
        guarded: who wrote what is read may be a stranger: servers of this machine, and of what answers to it alone, are
            not asked.

    Attributes:
        trees: what has been fetched, by its name.
    """

    def __init__(self, mirrors: Mirrors, *, guarded: bool) -> None:
        self.trees: dict[str, Tree] = {}
        self._mirrors, self._guarded = mirrors, guarded
        self._updated: set[str] = set()
        self._download = downloading(guarded=guarded)
        self._charts = HelmRepositories(self._download, Inline().find_charts)
        self._found: dict[ChartOf, Found | Missing] = {}
        self._all = Purse(ALL, float("inf"))

    def application(self) -> Fetch:
        """What brings the bases, files and charts of one application, which may have what the engine lets it have."""
        app = _Application()

        async def fetch(needed: Sequence[RemoteReference]) -> Mapping[str, Tree]:
            for remote in needed:
                if remote.large is not None:
                    await self._mirrors.get(remote.text).bring(LargeFile(*remote.large))
            return dict([await self._named(remote, needed, app) for remote in needed if remote.large is None])

        return fetch

    async def repository(self, url: str) -> None:
        """Refuse a repository that is not asked.

        Raises:
            AddressRefused: it is on this machine.
        """
        if self._guarded and (host := parse_repository_url(url).host):
            try:
                await require_host_outside(host)
            except AddressRefused as error:
                raise AddressRefused(error.message, hint=_ALLOWED) from error

    async def _named(
        self, remote: RemoteReference, needed: Sequence[RemoteReference], app: _Application
    ) -> tuple[str, Tree]:
        """What one is.

        Raises:
            TrueupError: it cannot be had; the message names file and field.
        """
        try:
            name, tree = await self._one(remote, needed, app)
        except TrueupError as error:
            hint = _ALLOWED if isinstance(error, AddressRefused) else error.hint
            if isinstance(error, SourceUnavailable):
                hint = hint or "it is fetched over the network; without one, copy it into the repository"
            raise type(error)(f"{remote.where}: {error.message}", hint=hint) from error
        self.trees[name] = tree
        return name, tree

    async def _one(
        self, remote: RemoteReference, needed: Sequence[RemoteReference], app: _Application
    ) -> tuple[str, Tree]:
        if remote.chart is not None:
            return remote.chart.tree, await self._chart(remote.chart, needed, app)
        if remote.file:
            try:
                file = await self._file(remote, app)
                if remote.base is None or is_meant(remote, file.content):
                    return remote.file_name, file
            except TooMuch:
                raise
            except TrueupError:
                # A server of repositories may answer whatever it likes to who asks for a file.
                if remote.is_file:
                    raise
        assert remote.base is not None
        return remote.base.name, self.trees.get(remote.base.name) or await self._tree(remote.base)

    async def _file(self, remote: RemoteReference, app: _Application) -> OneFile:
        async def fetch(limit: int) -> OneFile:
            return OneFile(await self._download(remote.text, limit))

        return await self._paid(remote.file_name, remote.text, fetch, app, OneFile)

    async def _chart(self, chart: ChartOf, needed: Sequence[RemoteReference], app: _Application) -> PackedChart:
        repository = RepositoryOf(chart.repository, "")

        async def fetch(limit: int) -> PackedChart:
            if chart not in self._found:
                wanted = {each.chart for each in needed if each.chart and each.chart.repository == chart.repository}
                charts = sorted(wanted, key=lambda each: each.tree)
                self._found |= await self._charts.find(repository, charts, MAX_INDEX)
            found = self._found[chart]
            if isinstance(found, Missing):
                raise RenderFailed(found.message, hint=found.hint)
            return PackedChart(await self._charts.archive(repository, found, limit), chart.shown)

        return await self._paid(chart.tree, chart.repository, fetch, app, PackedChart)

    async def _paid(
        self, name: str, url: str, fetch: Callable[[int], Awaitable[T]], app: _Application, kind: type[T]
    ) -> T:
        """What has been fetched, or is now; each application pays for what it uses, the command for what it holds."""
        known = self.trees.get(name)

        async def bring(limit: int) -> T:
            if not isinstance(known, kind):
                return await self._all.pay(url, limit, fetch)
            if name not in app.names and len(known.content) > limit:
                raise TooLarge("it is larger than what is left")
            return known

        brought = await app.purse.pay(url, MAX_BYTES, bring)
        if name not in app.names:
            app.names.add(name)
            app.purse.keep(len(brought.content))
        if brought is not known:
            self._all.keep(len(brought.content))
        return brought

    async def _tree(self, base: Base) -> Tree:
        await self.repository(base.url)
        mirror = self._mirrors.get(base.url)
        if base.url not in self._updated:
            await mirror.update()
            self._updated.add(base.url)
        return mirror.tree(await mirror.locate(base.ref))
