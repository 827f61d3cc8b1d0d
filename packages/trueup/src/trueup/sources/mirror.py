"""A bare mirror of one Git repository: kept up to date over the network, read from disk."""

import asyncio
import contextlib
import errno
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import pygit2

from kubegrammar import pattern
from kubegrammar.hidden import Hidden, written
from trueup.model.errors import Redirected, RenderFailed, SourceUnavailable
from trueup.sources import revision as revisions
from trueup.sources.commit import CommitInfo, describe
from trueup.sources.credential import Credential, lent
from trueup.sources.disk import on_disk
from trueup.sources.folder import Folder, mirrored
from trueup.sources.port import Git, Pin, Timeouts, Turns, at_once
from trueup.sources.quota import Allowance, Growth, Quota
from trueup.sources.revision import BRANCHES, HEAD, OURS, TAGS, UnknownRevision
from trueup.sources.tree import GitTree, NoCommit, commit_of
from trueup.sources.url import Remote, detours

_PINNED = f"{OURS}pinned/"
"""Commits fetched by SHA are kept under it, or repacking would drop them."""
_FETCH_OPTIONS = ("--quiet", "--force", "--no-auto-gc", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules")
_MOST_LISTED = 16 * 1024 * 1024
"""Bytes of a listing of refs: some 200,000."""
_MEMORY = 768 * 1024 * 1024
"""Bytes of address space of a git that lists refs: it keeps what the server says before it tells us."""
_REF_NAMES = pattern.compile(r"refs/[^\s']+|[^\s']+ +-> +[^\s']+")
_TIDY = {"gc.auto": "4000", "gc.autoPackLimit": "40", "gc.autoDetach": "false", "gc.pruneExpire": "2.days.ago"}


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
        turns: Turns = at_once,
        name: str = "",
        quota: Quota | None = None,
        wanted: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        self.shown = remote.shown
        self._turns, self._name = turns, name or remote.identity
        self._credential = credential
        self._remote = remote
        self._folder = Folder(folder)
        self._growth = Growth(quota or Quota(folder.parent, Allowance()), folder)
        self._git = git
        self._timeouts = timeouts
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

    async def push(self, sha: str, branch: str, credential: Credential | None = None) -> str:
        """Move a branch of the server forward to a commit that lies in the mirror; never by force.

        Args:
            credential: shown instead of the one that reads.

        Returns:
            Why the server did not move it, in its words; empty when it did.

        Raises:
            SourceUnavailable: the server cannot be reached, or does not let us in.
        """
        async with self._turn:
            target = f"{sha}:{BRANCHES}{branch}"
            options = ["--porcelain", "--no-verify", "--no-follow-tags", "--no-signed", "--recurse-submodules=no"]
            command = [self._in(self._folder.repository), "push", *options, "--", self._remote.address, target]
            answer = await self._run(command, self._timeouts.fetch, credential=credential, answers=(0, 1))
        return _discreet(_refused(answer), credential or self._credential(), command)

    async def push_note(
        self, sha: str, line: str, ref: str, by: pygit2.Signature, credential: Credential | None
    ) -> str:
        """Add a line to a commit's note, beside the notes that the server has; never by force.

        Args:
            ref: ``refs/notes/…``.

        Returns:
            Why the server did not take it, in its words; empty when it did.

        Raises:
            SourceUnavailable: the server cannot be reached, or does not let us in.
        """
        async with self._turn:
            inside = self._in(self._folder.repository)
            listed = await self._run(["ls-remote", "--", self._remote.address, ref], self._timeouts.list_refs)
            if listed:
                fetch = [inside, "fetch", *_FETCH_OPTIONS, "--no-prune", "--", self._remote.address, f"+{ref}:{ref}"]
                await self._run(fetch, self._timeouts.fetch)
            repository = self.repository()
            if not listed and ref in repository.references:
                repository.references.delete(ref)
            text = _noted(repository, sha, ref) + line + "\n"
            await on_disk(repository.create_note, text, by, by, sha, ref, True)
            push = [inside, "push", "--porcelain", "--no-verify", "--", self._remote.address, f"{ref}:{ref}"]
            answer = await self._run(push, self._timeouts.fetch, credential=credential, answers=(0, 1))
        return _discreet(_refused(answer), credential or self._credential(), push)

    def repository(self) -> pygit2.Repository:
        """The objects of the mirror, to add some: what no ref leads to stays for two days.

        Raises:
            SourceUnavailable: nothing has been fetched yet.
        """
        try:
            return pygit2.Repository(str(self._folder.repository))
        except (OSError, pygit2.GitError) as error:
            raise SourceUnavailable(f"repository {self.shown} has not been fetched yet") from error

    async def remote_refs(self, named: frozenset[str] | None = None) -> dict[str, str]:
        """Branches, tags (annotated ones: the tag object), HEAD and other wanted refs of the server, by full name.

        Args:
            named: what is wanted; asked for where that is not known already.

        Raises:
            SourceUnavailable: the server cannot be reached or refuses.
            Redirected: the server says that the repository is elsewhere.
        """
        named = self._named() if named is None else named
        try:
            return await self._listed(self._remote, named)
        except Redirected:
            for other in detours(self._remote):
                with contextlib.suppress(SourceUnavailable):
                    found = await self._listed(other, named)
                    self._remote = other
                    return found
            raise

    async def _listed(self, remote: Remote, named: frozenset[str]) -> dict[str, str]:
        others = [name for name in sorted(named) if not revisions.commit(name)]
        patterns = (HEAD, BRANCHES + "*", TAGS + "*", *others)
        command = ["ls-remote", "--quiet", "--", remote.address, *patterns]
        answer = await self._run(command, self._timeouts.list_refs, remote=remote)
        found = {}
        for line in answer.decode("utf-8", "surrogateescape").splitlines():
            sha, _, name = line.partition("\t")
            followed = name == HEAD or name.startswith((BRANCHES, TAGS)) or name in others
            if followed and pygit2.reference_is_valid_name(name):  # git fetches no other; "v1^{}" is none either
                found[name] = sha
        return found

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
        return Pin(sha, moves=not commit and not name.startswith(TAGS))

    def tree(self, revision: str) -> GitTree:
        """The files of a commit, by its full SHA.

        Raises:
            SourceUnavailable: the mirror does not hold it.
        """
        self._used_at = time.monotonic()
        return GitTree(self._folder.repository, revision, self.shown, self._doubt)

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
        remote = await self.remote_refs(named)
        known = await on_disk(self._folder.refs)
        doubtful = self._doubtful
        if known == remote and not doubtful and not self._folder.interrupted():
            self._refs = known
            return False
        await self._bring(remote)
        return doubtful or known != self._refs

    async def _bring(self, remote: dict[str, str]) -> None:
        async with self._folder.writing(self._timeouts.fetch) as lock:
            if await self._is_sound(lock):
                await self._fetch_or_mend(remote, lock)
            else:
                await self._make(remote, lock)
            self._refs = await on_disk(self._folder.refs)
            await self._tidy(lock)
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
            await self._run([self._in(self._folder.repository), *check], self._timeouts.local, hold=[lock])
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
        await self._run(
            ["init", "--quiet", "--bare", "--template=", "--", str(fresh)], self._timeouts.local, hold=[lock]
        )
        await self._fetch_into(fresh, remote, lock)
        await on_disk(self._folder.adopt_fresh)

    async def _fetch_into(self, repository: Path, remote: dict[str, str], lock: int) -> None:
        refspecs = [f"+{BRANCHES}*:{BRANCHES}*", f"+{TAGS}*:{TAGS}*"]
        others = [name for name in remote if not name.startswith((BRANCHES, TAGS))]
        refspecs += [f"+{name}:{mirrored(name)}" for name in others]
        await self._run_fetch(repository, refspecs, lock, prune=True)

    async def _fetch_commit(self, sha: str) -> None:
        """Ask the server for one commit, by itself or, where it gives none that it has not named, by a ref that it has
        there. When it will not give it although it answers, the commit counts as unknown."""
        async with self._turn:
            for name in (sha, ""):
                try:
                    name = name or await self._name_of(sha)
                    if not name:
                        break
                    async with self._folder.writing(self._timeouts.fetch) as lock:
                        await self._run_fetch(self._folder.repository, [f"+{name}:{_PINNED}{sha}"], lock, prune=False)
                    return
                except SourceUnavailable:
                    continue
            await self.remote_refs()
            self._refused.add(sha)

    async def _name_of(self, sha: str) -> str:
        """A ref of any kind that the server has at a commit; empty for none."""
        answer = await self._run(["ls-remote", "--quiet", "--", self._remote.address], self._timeouts.list_refs)
        for line in answer.decode("utf-8", "surrogateescape").splitlines():
            at, _, name = line.partition("\t")
            if at == sha and pygit2.reference_is_valid_name(name):
                return name
        return ""

    async def _run_fetch(self, repository: Path, refspecs: Sequence[str], lock: int, *, prune: bool) -> None:
        options = [*_FETCH_OPTIONS, "--prune" if prune else "--no-prune"]
        command = [self._in(repository), "fetch", *options, "--", self._remote.address, *refspecs]
        await self._run(command, self._timeouts.fetch, hold=[lock])

    async def _tidy(self, lock: int) -> None:
        """Repack when many fetches left many packs; a mirror that could not be repacked is as good as before."""
        with contextlib.suppress(SourceUnavailable):
            command = [self._in(self._folder.repository), "gc", "--auto", "--quiet"]

            async def tidy() -> bytes:
                return await self._git(command, timeout=self._timeouts.local, config=_TIDY, hold=[lock])

            await self._turns(self._name, tidy)

    async def _run(
        self,
        args: Sequence[str],
        timeout: float,
        *,
        hold: Sequence[int] = (),
        credential: Credential | None = None,
        answers: Sequence[int] = (0,),
        remote: Remote | None = None,
    ) -> bytes:
        credential, remote = credential or self._credential(), remote or self._remote

        fetches = "fetch" in args

        async def work() -> bytes:
            with lent(remote, credential) as shown, self._swept() if fetches else contextlib.nullcontext():
                return await self._git(
                    args,
                    timeout=timeout,
                    protocols=remote.protocols,
                    config=shown.config,
                    hold=hold,
                    ssh=shown.ssh,
                    no_proxy=credential.no_proxy if credential else "",
                    answers=answers,
                    max_output=_MOST_LISTED,
                    memory=_MEMORY if "ls-remote" in args else 0,
                    growth=self._growth if fetches else None,
                    idle=self._timeouts.idle,
                )

        try:
            # What was pushed is not known of a push that is cut off: it is not begun anew.
            return await self._turns(self._name, work, again="push" not in args)
        except Redirected as error:
            hint = "write the URL that it leads to: open it in a browser, or run git ls-remote"
            said = _discreet(error.message, credential, args)
            raise Redirected(f"repository {self.shown}: it redirects elsewhere: {said}", hint=hint) from error
        except SourceUnavailable as error:
            said = _discreet(error.message, credential, args)
            raise SourceUnavailable(f"repository {self.shown}: {said}", hint=error.hint) from error

    @contextlib.contextmanager
    def _swept(self) -> Iterator[None]:
        """Leave no part of a pack where a fetch ends before its time."""
        try:
            yield
        except BaseException:
            self._folder.sweep_packs()
            raise

    @staticmethod
    def _in(repository: Path) -> str:
        return f"--git-dir={repository}"

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


def _discreet(message: str, credential: Credential | None, args: Sequence[str]) -> str:
    """What git says without the credential that it showed: a server may repeat that.

    What git was told to do, and names of branches and tags, are others' words: a mask would tell who guesses that he is
    right.
    """
    if credential is None:
        return message
    names = _REF_NAMES.findall(message)
    return Hidden(credential.confidential()).hide(message, written(lambda: (*args, *names)))


def _refused(answer: bytes) -> str:
    """What ``git push --porcelain`` says of a ref that was not moved; empty when all were."""
    for line in answer.decode("utf-8", "replace").splitlines():
        flag, _, rest = line.partition("\t")
        if flag == "!":
            return rest.partition("\t")[2] or "rejected"
    return ""


def _noted(repository: pygit2.Repository, sha: str, ref: str) -> str:
    try:
        return str(repository.lookup_note(sha, ref).message)
    except KeyError:
        return ""
