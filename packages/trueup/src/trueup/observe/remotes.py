"""Bases, files and charts that kustomizations name elsewhere: permitted, fetched, and looked at again."""

import asyncio
import random
import time
from collections.abc import Callable, Iterable, Sequence

import msgspec

from kubegrammar.redact import redact_url
from trueup.memory.bounded import Memory
from trueup.memory.failures import Failures
from trueup.model.errors import InvalidSpec, TrueupError, Waiting
from trueup.model.repository import RepositoryOf
from trueup.model.repository_url import parse_repository_url
from trueup.model.tree import MEBIBYTE, Tree
from trueup.observe.reading import Reading
from trueup.render.helm_index import ChartOf
from trueup.render.large_files import LargeFile
from trueup.render.packed_chart import PackedChart
from trueup.render.remote import Base, OneFile
from trueup.runtime.fair import Fair, resting
from trueup.sources.download import Download, TooLarge
from trueup.sources.helm_repository import HelmRepositories
from trueup.sources.mirror import Mirror
from trueup.sources.outgoing import require_host_outside
from trueup.sources.revision import UnknownRevision

_FILES = 32 * MEBIBYTE
"""Bytes of files that are remembered, and of charts."""
HOLDING = 4
"""Builds at a time that hold files elsewhere; the others wait, so that all of them together are bounded."""


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

    def __init__(self, repositories: Reading, download: Download, charts: HelmRepositories, *, guarded: bool) -> None:
        self._repositories = repositories
        self._download = download
        self.charts = charts
        self._guarded = guarded
        self._using: dict[str, tuple[str, frozenset[Used]]] = {}
        self._lacking: dict[str, str] = {}
        self.failures = Failures(time.monotonic, random.random)
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

    def begins(self, instance: str) -> None:
        """An application is built: nothing is known to be lacking yet."""
        self._lacking.pop(instance, None)

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
            mirror = self._repositories.origin(used.repository)
            return mirror.pin(used.ref).revision if mirror is not None else ""
        except TrueupError:
            return ""

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
        mirror = self._repositories.origin(repository)
        if mirror is None:
            if self._guarded and (host := parse_repository_url(base.url).host):
                async with resting():
                    await require_host_outside(host)
            raise NotFetched(f"{base.shown} is being fetched", after=60.0, repositories=[repository])
        try:
            pin = mirror.pin(base.ref)
        except UnknownRevision:
            # Of a pull request, or a commit that no branch or tag leads to: kustomize fetches whatever git can.
            async with resting():
                if not await self._repositories.obtain(repository, base.ref):
                    raise
            pin = mirror.pin(base.ref)
        return Used(repository, base.ref, pin.revision, moves=pin.moves), mirror.tree(pin.revision)

    async def bring(self, repository: RepositoryOf, file: LargeFile) -> None:
        """Have a file of Git LFS here.

        Raises:
            NotFetched: its repository's mirror is not there yet.
            TrueupError: it is not to be had.
        """
        mirror = self._repositories.origin(repository)
        if not isinstance(mirror, Mirror):
            raise NotFetched(f"{redact_url(repository.url)} is being fetched", after=60.0, repositories=[repository])
        await mirror.bring(file)

    def note(self, instance: str, key: str, used: frozenset[Used]) -> None:
        """What a build has asked for so far; its repositories are followed from now on."""
        if used:
            self._using[instance] = (key, used)
        else:
            self._using.pop(instance, None)


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
