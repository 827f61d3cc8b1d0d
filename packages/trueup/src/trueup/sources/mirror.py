"""A bare mirror of one Git repository: kept up to date over the network, read from disk."""

import asyncio
import errno
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import pygit2

from trueup.model.errors import RenderFailed, SourceUnavailable
from trueup.render.large_files import LargeFile
from trueup.sources import large_store
from trueup.sources import revision as revisions
from trueup.sources.commit import CommitInfo, describe
from trueup.sources.credential import Credential
from trueup.sources.disk import on_disk
from trueup.sources.folder import Folder, mirrored
from trueup.sources.git_server import Upstream, git_dir
from trueup.sources.identity.exchange import Exchange
from trueup.sources.port import Git, Pin, Timeouts, Turns, at_once
from trueup.sources.quota import Allowance, Growth, Quota
from trueup.sources.revision import BRANCHES, HEAD, OURS, TAGS, UnknownRevision
from trueup.sources.tree import GitTree, NoCommit, commit_of
from trueup.sources.url import Remote

_PINNED = f"{OURS}pinned/"
"""Commits fetched by SHA are kept under it, or repacking would drop them."""


class Mirror:
    """One repository. Made by :class:`trueup.sources.mirrors.Mirrors`.

    What talks to the server is a coroutine of the event loop it was first awaited on: :meth:`update`, :meth:`fetch`,
    :meth:`remote_refs`, :meth:`locate`. What reads the disk alone may be called from any thread, also while an
    update runs: :meth:`resolve`, :meth:`tree`, :meth:`commit`.
    """

    def __init__(
        self,
        remote: Remote,
        folder: Path,
        git: Git,
        timeouts: Timeouts,
        *,
        credential: Callable[[], Credential | None] = lambda: None,
        exchange: Exchange | None = None,
        turns: Turns = at_once,
        name: str = "",
        quota: Quota | None = None,
        wanted: Callable[[], Iterable[str]] = tuple,
        guarded: bool = False,
    ) -> None:
        self.shown, self._address = remote.shown, remote.address
        self._folder = Folder(folder)
        self._timeouts = timeouts
        self._server = Upstream(
            remote,
            self._folder,
            git,
            timeouts,
            credential=credential,
            exchange=exchange or Exchange(),
            turns=turns,
            name=name or remote.identity,
            growth=Growth(quota or Quota(folder.parent, Allowance()), folder),
            guarded=guarded,
        )
        self._turn = asyncio.Lock()
        self._next: asyncio.Task[bool] | None = None
        self._flights: set[asyncio.Task[bool]] = set()
        self._refs: dict[str, str] | None = None
        self._refused: set[str] = set()
        self._wanted = wanted
        self._located: frozenset[str] = frozenset()
        self._answered: frozenset[str] = frozenset()
        self._doubtful = False
        self._used_at = time.monotonic()

    def is_kept(self) -> bool:
        """Whether an earlier engine left a mirror."""
        try:
            self.repository()
        except SourceUnavailable:
            return False
        return True

    def unused_for(self) -> float:
        """Seconds since somebody last looked at the server or read a commit; 0 while something is under way."""
        return 0.0 if self._flights or self._turn.locked() else time.monotonic() - self._used_at

    def answered(self, revision: str) -> bool:
        """Whether a revision that the mirror does not have need not be waited for: the server was asked for it, or is
        not going to be."""
        return _asked(revision) not in self._named() - self._answered

    @property
    def lacking(self) -> None:
        """All of a repository is brought, or nothing."""
        return None

    async def update(self) -> bool:
        """Bring the mirror to a state of the server read after this call began, and tell whether it changed.

        Calls that come while one listing runs share the next one. Nothing is fetched when no branch, tag or HEAD moved,
        nor what else is wanted.

        Raises:
            SourceUnavailable: the server cannot be reached or refuses; the mirror stays as it was.
        """
        self._used_at = time.monotonic()
        if self._next is None:
            flight = asyncio.create_task(self._fly(), name=f"update {self.shown}")
            self._next = flight
            self._flights.add(flight)
            flight.add_done_callback(self._landed)
        return await asyncio.shield(self._next)

    async def fetch(self) -> None:
        """Fetch all branches, tags and HEAD, moved or not.

        Raises:
            SourceUnavailable: as :meth:`update`.
        """
        async with self._turn:
            await self._bring(await self.remote_refs())

    async def bring(self, file: LargeFile) -> None:
        """:meth:`LargeFiles.bring`."""
        self._used_at = time.monotonic()
        await self._server.bring(file)

    async def push(self, sha: str, branch: str, credential: Credential | None = None) -> str:
        """:meth:`Upstream.push` of a commit that lies in the mirror."""
        async with self._turn:
            return await self._server.push(sha, branch, credential)

    async def push_note(
        self, sha: str, line: str, ref: str, by: pygit2.Signature, credential: Credential | None
    ) -> str:
        """:meth:`Upstream.push_note`."""
        async with self._turn:
            self.repository()
            return await self._server.push_note(sha, line, ref, by, credential)

    async def remote_refs(self) -> dict[str, str]:
        """:meth:`Upstream.refs`, with those that are wanted."""
        return await self._server.refs(self._named())

    def repository(self) -> pygit2.Repository:
        """The objects of the mirror, to add some: what no ref leads to stays for two days.

        Raises:
            SourceUnavailable: nothing has been fetched yet.
        """
        try:
            return pygit2.Repository(str(self._folder.repository))
        except (OSError, pygit2.GitError) as error:
            raise SourceUnavailable(f"repository {self.shown} has not been fetched yet") from error

    async def locate(self, revision: str, tag_prefix: str = "") -> str:
        """:meth:`resolve`; what the mirror does not follow by itself is asked of the server: another ref, which
        each update then asks for, and a full SHA that no branch or tag leads to, that once until a ref moves.

        Raises:
            RenderFailed: as :meth:`resolve`.
            SourceUnavailable: the server cannot be reached.
        """
        try:
            return await on_disk(self.resolve, revision, tag_prefix)
        except UnknownRevision:
            sha, asked = revisions.commit(revision), _asked(revision)
            if not asked or sha in self._refused or asked in self._located & self._answered:
                raise
            if sha:
                await self._fetch_commit(sha)
            else:
                self._located |= {asked}
                await self.update()
            return await on_disk(self.resolve, revision, tag_prefix)

    def resolve(self, revision: str, tag_prefix: str = "") -> str:
        """The full SHA a revision means: :meth:`pin` without the rest."""
        return self.pin(revision, tag_prefix).revision

    def pin(self, revision: str, tag_prefix: str = "") -> Pin:
        """What a revision means in the mirror as it is; for the order see :mod:`trueup.sources.revision`. A branch or
        HEAD may be another commit tomorrow; tags and commits stay.

        Raises:
            InvalidSpec: it cannot be a revision.
            RenderFailed: there is none of this name (:class:`UnknownRevision`), or the name is ambiguous.
            SourceUnavailable: the repository was never fetched.
        """
        revisions.check(revision)
        refs, commit = self._known_refs(), revisions.commit(revision)
        name = "" if commit else revisions.match(revision, tag_prefix, refs)
        wanted = commit or refs.get(name, "") or revisions.short_commit(revision)
        sha = self._commit_of(wanted, revision) if wanted else ""
        if not sha:
            raise UnknownRevision(
                f'revision "{revision or HEAD}" not found in {self.shown}', hint=revisions.suggestion(revision, refs)
            )
        tag = (name, wanted) if name.startswith(TAGS) and wanted != sha else ("", "")
        return Pin(sha, moves=not commit and not name.startswith(TAGS), tag=tag)

    def tree(self, revision: str) -> GitTree:
        """The files of a commit, by its full SHA.

        Raises:
            SourceUnavailable: the mirror does not hold it.
        """
        self._used_at = time.monotonic()
        large = self._server.has_large_files()
        return GitTree(self._folder.repository, revision, self.shown, self._doubt, self._address, large=large)

    def commit(self, sha: str) -> CommitInfo:
        """Author, date and message of a commit, by its full SHA.

        Raises:
            SourceUnavailable: the mirror does not hold it.
        """
        try:
            repository = pygit2.Repository(str(self._folder.repository))
            return describe(commit_of(repository, sha))
        except (KeyError, ValueError, OSError, pygit2.GitError) as error:
            raise SourceUnavailable(f"repository {self.shown} has no commit {sha} yet") from error

    async def close(self) -> None:
        """Give up the updates under way; their git processes are killed."""
        for flight in list(self._flights):
            flight.cancel()
        await asyncio.gather(*self._flights, return_exceptions=True)

    async def _fly(self) -> bool:
        async with self._turn:
            self._next, named = None, self._named()
            try:
                moved = await self._update(named)
            except OSError as error:
                full = error.errno in (errno.ENOSPC, errno.EDQUOT)
                remedy = "Free space where the data folder lies" if full else "Look at the data folder"
                raise SourceUnavailable(
                    f"repository {self.shown}: its mirror cannot be written: {error.strerror or error}",
                    hint=f"{remedy} (--data).",
                ) from error
        for sha in sorted(filter(revisions.commit, named)):
            moved |= await self._obtained(sha)
        self._answered = named
        return moved

    def _named(self) -> frozenset[str]:
        """What is to be asked of the server beside branches and tags."""
        # Of hundreds of applications that read one repository, nearly all name the same.
        return frozenset(filter(None, map(_asked, set(self._wanted())))) | self._located

    async def _obtained(self, sha: str) -> bool:
        """Whether a commit that is wanted has only come now."""
        if sha in self._refused or await on_disk(self._has, sha):
            return False
        await self._fetch_commit(sha)
        return sha not in self._refused

    def _has(self, sha: str) -> bool:
        try:
            return bool(self.resolve(sha))
        except RenderFailed:
            return False

    def _landed(self, flight: asyncio.Task[bool]) -> None:
        self._flights.discard(flight)
        if self._next is flight:
            self._next = None
        if not flight.cancelled():
            flight.exception()  # every waiter may have been cancelled: nobody else would fetch it

    async def _update(self, named: frozenset[str]) -> bool:
        remote = await self._server.refs(named)
        known = await on_disk(self._folder.refs)
        doubtful = self._doubtful
        if known == remote and not doubtful and not self._folder.interrupted():
            self._refs = known
            return False
        await self._bring(remote)
        return doubtful or known != self._refs

    async def _bring(self, remote: dict[str, str]) -> None:
        if self._doubtful:
            await on_disk(large_store.drop_damaged, self._folder.repository)
        async with self._folder.writing(self._timeouts.fetch) as lock:
            if await self._is_sound(lock):
                await self._fetch_or_mend(remote, lock)
            else:
                await self._make(remote, lock)
            self._refs = await on_disk(self._folder.refs)
            await self._server.tidy(lock)
        self._refused.clear()
        self._doubtful = False

    async def _is_sound(self, lock: int) -> bool:
        """Whether there is a repository to fetch into; all of it is checked only when there is a doubt."""
        if await on_disk(self._folder.refs) is None:
            return False
        if not self._doubtful:
            return True
        check = ["fsck", "--connectivity-only", "--no-dangling", "--no-progress"]
        try:
            await self._server.run([git_dir(self._folder.repository), *check], self._timeouts.local, hold=[lock])
        except SourceUnavailable:
            return False
        return True

    async def _fetch_or_mend(self, remote: dict[str, str], lock: int) -> None:
        """Fetch; when that fails though the server just answered, see whether the mirror is the reason."""
        try:
            await self._fetch_into(self._folder.repository, remote, lock)
        except SourceUnavailable:
            self._doubt()
            if await self._is_sound(lock):
                self._doubtful = False
                raise
            await self._make(remote, lock)
            return
        gone = (await on_disk(self._folder.refs) or {}).keys() - remote.keys()
        if gone := {name for name in gone if not name.startswith((BRANCHES, TAGS))}:
            await on_disk(self._folder.forget, gone)

    async def _make(self, remote: dict[str, str], lock: int) -> None:
        """Make the repository anew, beside the old one if there is one, and put it in place when it is whole."""
        fresh = self._folder.fresh
        await on_disk(self._folder.clear_fresh)
        await self._server.run(
            ["init", "--quiet", "--bare", "--template=", "--", str(fresh)], self._timeouts.local, hold=[lock]
        )
        await self._fetch_into(fresh, remote, lock)
        await on_disk(self._folder.adopt_fresh)

    async def _fetch_into(self, repository: Path, remote: dict[str, str], lock: int) -> None:
        refspecs = [f"+{BRANCHES}*:{BRANCHES}*", f"+{TAGS}*:{TAGS}*"]
        others = [name for name in remote if not name.startswith((BRANCHES, TAGS))]
        refspecs += [f"+{name}:{mirrored(name)}" for name in others]
        await self._server.fetch(repository, refspecs, lock, prune=True)

    async def _fetch_commit(self, sha: str) -> None:
        """Ask the server for one commit, by itself or, where it gives none that it has not named, by a ref that it has
        there. When it will not give it although it answers, the commit counts as unknown."""
        async with self._turn:
            for name in (sha, ""):
                try:
                    name = name or await self._server.name_of(sha)
                    if not name:
                        break
                    async with self._folder.writing(self._timeouts.fetch) as lock:
                        await self._server.fetch(
                            self._folder.repository, [f"+{name}:{_PINNED}{sha}"], lock, prune=False
                        )
                    return
                except SourceUnavailable:
                    continue
            await self.remote_refs()
            self._refused.add(sha)

    def _known_refs(self) -> dict[str, str]:
        refs = self._refs
        if refs is None:
            refs = self._refs = self._folder.refs()
        if refs is None:
            raise SourceUnavailable(f"repository {self.shown} has not been fetched yet")
        return refs

    def _commit_of(self, wanted: str, revision: str) -> str:
        """The commit an object (named by SHA or the start of one) is or leads to; empty when there is none."""
        try:
            return str(commit_of(pygit2.Repository(str(self._folder.repository)), wanted).id)
        except KeyError:
            return ""
        except NoCommit:
            raise RenderFailed(f'revision "{revision}" of {self.shown} is no commit, nor a tag of one') from None
        except ValueError:
            raise RenderFailed(
                f'revision "{revision}" of {self.shown} is ambiguous: several objects begin so',
                hint="Write more digits of the commit.",
            ) from None
        except pygit2.GitError as error:
            self._refs = None
            self._doubt()
            raise SourceUnavailable(f"repository {self.shown}: the local copy cannot be read") from error

    def _doubt(self) -> None:
        self._doubtful = True


def _asked(revision: str) -> str:
    """What to ask a server for where a mirror does not have a revision: a commit, or another ref's full name."""
    return revisions.commit(revision) or revisions.other_ref(revision)
