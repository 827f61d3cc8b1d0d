"""Bases, files and charts that kustomizations name elsewhere: permitted, fetched, and looked at again."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import msgspec

from trueup.controllers.repository import Repositories
from trueup.formats import json
from trueup.formats.redact import redact_url
from trueup.model.errors import InvalidSpec, RenderFailed, RenderStopped, SourceUnavailable, TrueupError, Waiting
from trueup.model.repository import RepositoryOf, parse_repository_url
from trueup.model.tree import MEBIBYTE, Tree
from trueup.render.budget import TooCostly
from trueup.render.helm_index import MAX_INDEX, ChartOf, Found, Missing
from trueup.render.packed_chart import PackedChart
from trueup.render.remote import Base, OneFile, Remote, is_meant
from trueup.runtime.failures import Failures, Patience
from trueup.runtime.fair import Fair, Share, Turn, resting
from trueup.runtime.memory import Memory
from trueup.sources.download import MAX_BYTES, Download, TooLarge
from trueup.sources.helm_repository import HelmRepositories
from trueup.sources.outgoing import require_host_outside
from trueup.sources.purse import Purse, TooMuch
from trueup.sources.revision import UnknownRevision

_FILES = 32 * MEBIBYTE
"""Bytes of files that are remembered, and of charts."""
HOLDING = 4
"""Builds at a time that hold files elsewhere; the others wait, so that all of them together are bounded."""
TOO_LARGE = Patience(60.0, 3600.0)
"""Seconds until files are fetched again that were too large; another revision, other files or a hard refresh do so at
once."""

T = TypeVar("T")


class NotFetched(Waiting):
    """A mirror is being fetched for the first time; the repository reconciler wakes the application.

    Attributes:
        repositories: those, beside the application's own.
    """

    reason = "Fetching"

    def __init__(self, message: str, *, after: float, repositories: Sequence[RepositoryOf] = ()) -> None:
        super().__init__(message, after=after)
        self.repositories = tuple(repositories)


class Used(msgspec.Struct, frozen=True):
    """A repository elsewhere that a render has read.

    Attributes:
        ref: as the kustomization has it.
        revision: full SHA of the commit that it meant.
        moves: it may mean another one tomorrow: it is a branch, or nothing. Tags and commits stay.
    """

    repository: RepositoryOf
    ref: str
    revision: str
    moves: bool


class Remotes:
    """Brings what kustomizations name elsewhere, and knows who uses what.

    Args:
        download: fetches a file.
        charts: fetches charts.
        guarded: repositories on this machine, and on what answers to it alone, are not asked.
    """

    def __init__(
        self, repositories: Repositories, download: Download, charts: HelmRepositories, *, guarded: bool
    ) -> None:
        self._repositories = repositories
        self._download = download
        self.charts = charts
        self._guarded = guarded
        self._using: dict[str, tuple[str, frozenset[Used]]] = {}
        self._lacking: dict[str, str] = {}
        self.failures = Failures()
        self.holding = Fair(HOLDING)
        self._files: Memory[tuple[str, str], tuple[tuple[str, ...], OneFile]] = Memory(
            entries=4096, size=_FILES, weigh=lambda known: len(known[1].content)
        )
        self._packed: Memory[tuple[str, ChartOf], tuple[tuple[str, ...], PackedChart]] = Memory(
            entries=4096, size=_FILES, weigh=lambda known: len(known[1].content)
        )

    def followers(self, is_it: Callable[[RepositoryOf], bool]) -> set[str]:
        """Applications (keys) with a base in a repository that may move."""
        return {
            key for key, used in self._using.values() if any(each.moves and is_it(each.repository) for each in used)
        }

    def used(self, instance: str, *, moving: bool = False) -> list[RepositoryOf]:
        """The repositories of an application's bases.

        Args:
            moving: those alone whose refs may move.
        """
        _, used = self._using.get(instance, ("", frozenset()))
        return sorted({each.repository for each in used if each.moves or not moving}, key=lambda each: each.url)

    def repositories(self) -> set[RepositoryOf]:
        """Those of all applications."""
        return {each.repository for _, used in self._using.values() for each in used}

    def lacking(self) -> set[str]:
        """Applications (keys) whose last build has not got a chart."""
        return set(self._lacking.values())

    def lacks(self, instance: str, key: str) -> None:
        """An application's build has not got a chart."""
        self._lacking[instance] = key

    def forget(self, instance: str) -> None:
        """An application is gone."""
        self._using.pop(instance, None)
        self._lacking.pop(instance, None)
        self._files.release(instance)
        self._packed.release(instance)

    def are_current(self, used: Sequence[Used]) -> bool:
        """Whether bases are where a render found them; what does not move is not looked at."""
        return all(not each.moves or self._now(each) == each.revision for each in used)

    def _now(self, used: Used) -> str:
        try:
            mirror = self._repositories.mirror(used.repository)
            return mirror.resolve(used.ref) if mirror is not None else ""
        except TrueupError:
            return ""

    def fetching(
        self,
        instance: str,
        key: str,
        project: str,
        revisions: tuple[str, ...],
        admit: Callable[[str], None],
        *,
        fresh: bool,
    ) -> "Fetching":
        """What brings the bases and files of one build of an application.

        Args:
            revisions: of its sources: files are fetched again when one of them is another.
            admit: raises InvalidSpec for a URL that the project does not permit.
            fresh: fetch files again in any case.
        """
        self._lacking.pop(instance, None)
        return Fetching(self, instance, key, project, revisions, admit, fresh=fresh)

    async def content(self, instance: str, url: str, revisions: tuple[str, ...], limit: int, *, fresh: bool) -> OneFile:
        """A file over HTTP, as it was when it was first asked for at these revisions.

        Raises:
            TooLarge: it has more than ``limit`` bytes.
            TrueupError: it cannot be had.
        """
        known = self._files.get((instance, url))
        if known is not None and known[0] == revisions and not fresh:
            if len(known[1].content) > limit:
                raise TooLarge(f"{redact_url(url)[:300]} is larger than what is left")
            return known[1]
        # Its digest is made in a thread: it takes longer than the event loop has.
        file = await asyncio.to_thread(OneFile, await self._download(url, limit))
        self._files.put((instance, url), (revisions, file), instance)
        return file

    def known_chart(self, instance: str, chart: ChartOf) -> tuple[tuple[str, ...], PackedChart] | None:
        """A chart as it was fetched last, and at which revisions that was."""
        return self._packed.get((instance, chart))

    def keep_chart(self, instance: str, chart: ChartOf, revisions: tuple[str, ...], packed: PackedChart) -> None:
        """A chart has been fetched."""
        self._packed.put((instance, chart), (revisions, packed), instance)

    async def tree(self, base: Base, project: str) -> tuple[Used, Tree]:
        """The tree of a base.

        Raises:
            NotFetched: its mirror is not there yet.
            AddressRefused: its host is this machine.
            TrueupError: its repository cannot be read, or has no such ref.
        """
        repository = RepositoryOf(base.url, project)
        mirror = self._repositories.mirror(repository)
        if mirror is None:
            if self._guarded and (host := parse_repository_url(base.url).host):
                async with resting():
                    await require_host_outside(host)
            raise NotFetched(f"{base.shown} is being fetched", after=60.0, repositories=[repository])
        try:
            revision = mirror.resolve(base.ref)
        except UnknownRevision:
            # Of a pull request, or a commit that no branch or tag leads to: kustomize fetches whatever git can.
            async with resting():
                if not await self._repositories.obtain(repository, base.ref):
                    raise
            revision = mirror.resolve(base.ref)
        return Used(repository, base.ref, revision, moves=mirror.moves(base.ref)), mirror.tree(revision)

    def note(self, instance: str, key: str, used: frozenset[Used]) -> None:
        """What a build has asked for so far; its repositories are followed from now on."""
        if used:
            self._using[instance] = (key, used)
        else:
            self._using.pop(instance, None)


class Fetching:
    """One build's way to what is elsewhere. Made by :class:`Remotes`; a :data:`trueup.store.renders.Fetch`.

    Its files are paid for in the order in which they are needed. From the first of them until it is closed it has one
    of the few slots for builds that hold files.

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

    async def __call__(self, needed: Sequence[Remote]) -> Mapping[str, Tree]:
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
                name, tree = await self._one(remote, needed)
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
            else:
                found[name] = tree
        if waiting:
            raise NotFetched(f"{needed[0].where} is being fetched", after=60.0, repositories=waiting)
        return found

    async def _one(self, remote: Remote, needed: Sequence[Remote]) -> tuple[str, Tree]:
        if remote.chart is not None:
            self._ask(remote.chart.repository)
            return remote.chart.tree, await self._chart(remote.chart, needed)
        if remote.file:
            self._ask(remote.text.partition("?")[0])
            try:
                if file := await self._file(remote):
                    return remote.file_name, file
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
        return remote.base.name, tree

    async def _file(self, remote: Remote) -> OneFile | None:
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

    async def _chart(self, chart: ChartOf, needed: Sequence[Remote]) -> PackedChart:
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
                if known is not None and found.digest == known[1].revision:
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


def are_permitted(urls: Iterable[str], admit: Callable[[str], None]) -> bool:
    """Whether a project permits all of these.

    Args:
        admit: raises InvalidSpec for one that it does not.
    """
    try:
        for url in urls:
            admit(url)
    except InvalidSpec:
        return False
    return True
