"""Bases and files that kustomizations name elsewhere: permitted, fetched, and looked at again."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from trueup.controllers.repository import Repositories
from trueup.model.errors import InvalidSpec, RenderFailed, TrueupError, Waiting
from trueup.model.repository import RepositoryOf, parse_repository_url
from trueup.model.tree import MEBIBYTE, Tree
from trueup.render.remote import Base, OneFile, Remote, is_meant
from trueup.runtime.fair import resting
from trueup.runtime.memory import Memory
from trueup.sources.download import Download
from trueup.sources.outgoing import AddressRefused, require_host_outside
from trueup.sources.revision import UnknownRevision

_FILES = 32 * MEBIBYTE
"""Bytes of files that are remembered."""


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
        guarded: repositories on this machine, and on what answers to it alone, are not asked.
    """

    def __init__(self, repositories: Repositories, download: Download, *, guarded: bool) -> None:
        self._repositories = repositories
        self._download = download
        self._guarded = guarded
        self._using: dict[str, tuple[str, frozenset[Used]]] = {}
        self._files: Memory[tuple[str, str], tuple[tuple[str, ...], OneFile]] = Memory(
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

    def forget(self, instance: str) -> None:
        """An application is gone."""
        self._using.pop(instance, None)
        self._files.release(instance)

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
        return Fetching(self, instance, key, project, revisions, admit, fresh=fresh)

    async def content(self, instance: str, url: str, revisions: tuple[str, ...], *, fresh: bool) -> OneFile:
        """A file over HTTP, as it was when it was first asked for at these revisions."""
        known = self._files.get((instance, url))
        if known is not None and known[0] == revisions and not fresh:
            return known[1]
        async with resting():
            file = OneFile(await self._download(url))
        self._files.put((instance, url), (revisions, file), instance)
        return file

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

    async def __call__(self, needed: Sequence[Remote]) -> Mapping[str, Tree]:
        found: dict[str, Tree] = {}
        waiting: list[RepositoryOf] = []
        for remote in needed:
            try:
                name, tree = await self._one(remote)
            except NotFetched as error:
                waiting += error.repositories
            except (RenderFailed, InvalidSpec, AddressRefused) as error:
                raise type(error)(f"{remote.where}: {error.message}", hint=error.hint) from error
            else:
                found[name] = tree
        if waiting:
            raise NotFetched(f"{needed[0].where} is being fetched", after=60.0, repositories=waiting)
        return found

    async def _one(self, remote: Remote) -> tuple[str, Tree]:
        if remote.file:
            self._ask(remote.text.partition("?")[0])
            try:
                file = await self._remotes.content(self._instance, remote.text, self._revisions, fresh=self._fresh)
                if remote.base is None or is_meant(remote, file.content):
                    return remote.file_name, file
            except TrueupError:
                # A server of repositories may answer whatever it likes to who asks for a file.
                if remote.is_file:
                    raise
        assert remote.base is not None
        self._ask(remote.base.url)
        used, tree = await self._remotes.tree(remote.base, self._project)
        self.used |= {used}
        self._remotes.note(self._instance, self._key, self.used)
        return remote.base.name, tree

    def _ask(self, url: str) -> None:
        self._admit(url)
        self.asked.add(url)


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
