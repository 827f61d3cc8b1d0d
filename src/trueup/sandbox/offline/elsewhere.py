"""Bases, files and charts that kustomizations name elsewhere, for a command: fetched as they are asked for."""

from collections.abc import Mapping, Sequence

from trueup.model.errors import RenderFailed, SourceUnavailable, TrueupError
from trueup.model.repository import RepositoryOf
from trueup.model.tree import Tree
from trueup.render.helm_index import ChartOf, Found, Missing
from trueup.render.packed_chart import PackedChart
from trueup.render.remote import Base, OneFile, Remote, is_meant
from trueup.sources.download import Download
from trueup.sources.helm_repository import HelmRepositories
from trueup.sources.mirrors import Mirrors
from trueup.store.preparing import Inline


class Elsewhere:
    """A :data:`trueup.store.renders.Fetch`, by mirrors of one command.

    Attributes:
        trees: what has been fetched, by its name.
    """

    def __init__(self, mirrors: Mirrors, download: Download) -> None:
        self.trees: dict[str, Tree] = {}
        self._mirrors, self._download = mirrors, download
        self._updated: set[str] = set()
        self._charts = HelmRepositories(download, Inline().find_charts)
        self._found: dict[ChartOf, Found | Missing] = {}

    async def __call__(self, needed: Sequence[Remote]) -> Mapping[str, Tree]:
        """All of them.

        Raises:
            TrueupError: one cannot be had; the message names file and field.
        """
        found = {}
        for remote in needed:
            try:
                name, tree = await self._one(remote, needed)
            except TrueupError as error:
                hint = error.hint
                if isinstance(error, SourceUnavailable):
                    hint = hint or "it is fetched over the network; without one, copy it into the repository"
                raise type(error)(f"{remote.where}: {error.message}", hint=hint) from error
            found[name] = self.trees[name] = tree
        return found

    async def _one(self, remote: Remote, needed: Sequence[Remote]) -> tuple[str, Tree]:
        for name in (remote.file_name, remote.base.name if remote.base else "", remote.text):
            if name in self.trees:
                return name, self.trees[name]
        if remote.chart is not None:
            return remote.chart.tree, await self._chart(remote.chart, needed)
        if remote.file:
            try:
                content = await self._download(remote.text)
                if remote.base is None or is_meant(remote, content):
                    return remote.file_name, OneFile(content)
            except TrueupError:
                # A server of repositories may answer whatever it likes to who asks for a file.
                if remote.is_file:
                    raise
        assert remote.base is not None
        return remote.base.name, await self._tree(remote.base)

    async def _tree(self, base: Base) -> Tree:
        mirror = self._mirrors.get(base.url)
        if base.url not in self._updated:
            await mirror.update()
            self._updated.add(base.url)
        return mirror.tree(await mirror.locate(base.ref))

    async def _chart(self, chart: ChartOf, needed: Sequence[Remote]) -> Tree:
        repository = RepositoryOf(chart.repository, "")
        if chart not in self._found:
            wanted = {each.chart for each in needed if each.chart and each.chart.repository == chart.repository}
            self._found |= await self._charts.find(repository, sorted(wanted, key=lambda each: each.tree))
        found = self._found[chart]
        if isinstance(found, Missing):
            raise RenderFailed(found.message, hint=found.hint)
        return PackedChart(await self._charts.archive(repository, found), chart.shown)
