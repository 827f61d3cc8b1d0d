"""One build's way to what is elsewhere: asked for, paid for, and held until it ends."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar

from kubegrammar import json
from trueup.memory.failures import Patience
from trueup.model.errors import RenderFailed, RenderStopped, SourceUnavailable, TrueupError, Waiting
from trueup.model.repository import RepositoryOf
from trueup.model.share import Share
from trueup.model.tree import Tree
from trueup.observe.remotes import NotFetched, Remotes, Used
from trueup.render.budget import TooCostly
from trueup.render.helm_index import MAX_INDEX, ChartOf, Found, Missing
from trueup.render.large_files import LargeFile
from trueup.render.packed_chart import PackedChart
from trueup.render.remote import OneFile, RemoteReference, is_meant
from trueup.runtime.fair import resting
from trueup.runtime.turn import Turn
from trueup.sources.download import MAX_BYTES, TooLarge
from trueup.sources.purse import Purse, TooMuch

TOO_LARGE = Patience(60.0, 3600.0)
"""Seconds until files are fetched again that were too large; another revision, other files or a hard refresh do so at
once."""

T = TypeVar("T")


class Fetching:
    """What one build asks for; a :data:`trueup.workers.bringing.Fetch`.

    Its files are paid for in the order in which they are needed. From the first of them until it is closed it has one
    of the few slots for builds that hold files.

    Args:
        revisions: of its sources: files are fetched again when one of them is another.
        admit: raises InvalidSpec for a URL that the project does not permit.
        fresh: fetch files again in any case.

    Attributes:
        used: repositories that were read.
        asked: URLs that the project was asked for.
    """

    def __init__(
        self,
        remotes: Remotes,
        instance: str,
        key: str,
        project: str,
        revisions: tuple[str, ...],
        admit: Callable[[str], None],
        *,
        fresh: bool,
    ) -> None:
        self.used: frozenset[Used] = frozenset()
        self.asked: set[str] = set()
        remotes.begins(instance)
        self._remotes = remotes
        self._instance, self._key, self._project = instance, key, project
        self._revisions, self._admit, self._fresh = revisions, admit, fresh
        self._files: dict[str, OneFile] = {}
        self._charts: dict[ChartOf, PackedChart] = {}
        self._found: dict[ChartOf, Found | Missing] = {}
        self._purse = Purse()
        self._one_by_one = asyncio.Lock()
        self._slot: Turn | None = None
        self._closed = False

    def close(self) -> None:
        """The build has ended: nothing that was brought is held any more, and what still asks on its behalf, such as
        another source of an application whose first one has failed, gets nothing."""
        self._closed = True
        self._files.clear()
        self._charts.clear()
        if self._slot is not None:
            self._remotes.holding.leave(self._slot)
            self._slot = None

    async def __call__(self, needed: Sequence[RemoteReference]) -> Mapping[str, Tree]:
        """All of them.

        Raises:
            NotFetched: repositories are being fetched.
            TrueupError: one cannot be had, or all files are too large; the message names file and field.
        """
        question = (self._instance, self._revisions, json.digest("\n".join(each.text for each in needed).encode()))
        if self._fresh:
            self._remotes.failures.forget(question)
        elif failure := self._remotes.failures.standing(question):
            raise failure
        found: dict[str, Tree] = {}
        waiting: list[RepositoryOf] = []
        for remote in needed:
            try:
                found |= await self._one(remote, needed)
            except NotFetched as error:
                waiting += error.repositories
            except Waiting:
                raise
            except TrueupError as error:
                if remote.chart is not None:
                    self._remotes.lacks(self._instance, self._key)
                named = type(error)(f"{remote.where}: {error.message}", hint=error.hint, reason=error.reason)
                if isinstance(error, TooLarge | TooCostly | RenderStopped):
                    self._remotes.failures.failed(question, named, TOO_LARGE)
                raise named from None
        if waiting:
            raise NotFetched(f"{needed[0].where} is being fetched", after=60.0, repositories=waiting)
        return found

    async def _one(self, remote: RemoteReference, needed: Sequence[RemoteReference]) -> dict[str, Tree]:
        """Its tree by its name; nothing for what is in a tree that is here already."""
        if remote.large is not None:
            self._ask(remote.text)
            async with resting(), self._one_by_one:
                await self._remotes.bring(RepositoryOf(remote.text, self._project), LargeFile(*remote.large))
            return {}
        if remote.chart is not None:
            self._ask(remote.chart.repository)
            return {remote.chart.tree: await self._chart(remote.chart, needed)}
        if remote.file:
            self._ask(remote.text.partition("?")[0])
            try:
                if file := await self._file(remote):
                    return {remote.file_name: file}
            except TooMuch:
                raise
            except TrueupError:
                # A server of repositories may answer whatever it likes to who asks for a file.
                if remote.is_file:
                    raise
        assert remote.base is not None
        self._ask(remote.base.url)
        # Followed also where it cannot be read: whatever mends that wakes the application.
        used = Used(RepositoryOf(remote.base.url, self._project), remote.base.ref, "", moves=True)
        try:
            used, tree = await self._remotes.tree(remote.base, self._project)
        finally:
            self.used |= {used}
            self._remotes.note(self._instance, self._key, self.used)
        return {remote.base.name: tree}

    async def _file(self, remote: RemoteReference) -> OneFile | None:
        """The file; None where what the server gives is a page about a repository."""
        async with resting(), self._one_by_one:
            if remote.text in self._files:
                return self._files[remote.text]

            def fetch(limit: int) -> Awaitable[OneFile]:
                return self._remotes.content(self._instance, remote.text, self._revisions, limit, fresh=self._fresh)

            file = await self._paid(remote.text, MAX_BYTES, fetch)
            if remote.base is not None and not await asyncio.to_thread(is_meant, remote, file.content):
                return None
            self._files[remote.text] = file
            self._purse.keep(len(file.content))
            return file

    async def _chart(self, chart: ChartOf, needed: Sequence[RemoteReference]) -> PackedChart:
        """A chart. One look at an index finds all that are needed of its repository."""
        async with resting(), self._one_by_one:
            if chart in self._charts:
                return self._charts[chart]
            repositories, repository = self._remotes.charts, RepositoryOf(chart.repository, self._project)
            known = self._remotes.known_chart(self._instance, chart)
            if known is not None and known[0] == self._revisions and not self._fresh:
                packed = known[1]
                return self._has(
                    chart, await self._paid(chart.repository, MAX_BYTES, lambda limit: _within(packed, limit))
                )
            if chart not in self._found:
                also = {each.chart for each in needed if each.chart and each.chart.repository == chart.repository}
                wanted = [chart, *sorted(also - {chart}, key=lambda each: each.tree)]
                self._found |= await self._paid(
                    chart.repository, MAX_INDEX, lambda limit: repositories.find(repository, wanted, limit)
                )
            found = self._found[chart]
            if isinstance(found, Missing):
                raise RenderFailed(found.message, hint=found.hint)

            async def bring(limit: int) -> PackedChart:
                if known is not None and found.digest == known[1].digest:
                    return await _within(known[1], limit)
                content = await repositories.archive(repository, found, limit)
                return await asyncio.to_thread(PackedChart, content, chart.shown)

            brought = await self._paid(found.url, MAX_BYTES, bring)
            self._remotes.keep_chart(self._instance, chart, self._revisions, brought)
            return self._has(chart, brought)

    def _has(self, chart: ChartOf, packed: PackedChart) -> PackedChart:
        self._charts[chart] = packed
        self._purse.keep(len(packed.content))
        return packed

    async def _paid(self, url: str, most: int, fetch: Callable[[int], Awaitable[T]]) -> T:
        """What is fetched, of so many bytes at most, by a build that has a slot."""
        await self._hold()
        return await self._purse.pay(url, most, fetch)

    async def _hold(self) -> None:
        """Wait for a slot, unless this build has one."""
        if self._slot is None and not self._closed:
            begun = asyncio.Event()
            slot = Turn(Share(self._project), begun.set)
            self._remotes.holding.enter(slot)
            try:
                await begun.wait()
            finally:
                if begun.is_set() and not self._closed:
                    self._slot = slot
                else:
                    self._remotes.holding.leave(slot)
        if self._closed:
            raise SourceUnavailable("the build that has asked for it has ended")

    def _ask(self, url: str) -> None:
        self._admit(url)
        self.asked.add(url)


async def _within(packed: PackedChart, limit: int) -> PackedChart:
    """A chart that is here already, which counts as one that comes."""
    if len(packed.content) > limit:
        raise TooLarge(f"{packed.shown} is larger than what is left")
    return packed
