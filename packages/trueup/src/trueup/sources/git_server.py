"""The server of one Git repository: what is asked of it, brought from it and pushed to it, by git itself."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pygit2

from kubegrammar import pattern
from kubegrammar.hidden import Hidden, written
from trueup.model.errors import InvalidSpec, Redirected, SourceUnavailable, TooBusy
from trueup.render.large_files import LargeFile
from trueup.sources import revision as revisions
from trueup.sources.credential import Credential, lent
from trueup.sources.disk import on_disk
from trueup.sources.folder import Folder
from trueup.sources.identity.exchange import Exchange
from trueup.sources.large_files import LargeFiles
from trueup.sources.port import Git, Timeouts, Turns
from trueup.sources.quota import Growth
from trueup.sources.revision import BRANCHES, HEAD, TAGS
from trueup.sources.url import Remote, detours

_FETCH_OPTIONS = ("--quiet", "--force", "--no-auto-gc", "--no-tags", "--no-write-fetch-head", "--no-recurse-submodules")
_MOST_LISTED = 16 * 1024 * 1024
"""Bytes of a listing of refs: some 200,000."""
_MEMORY = 768 * 1024 * 1024
"""Bytes of address space of a git that lists refs: it keeps what the server says before it tells us."""
_REF_NAMES = pattern.compile(r"refs/[^\s']+|[^\s']+ +-> +[^\s']+")
_TIDY = {"gc.auto": "4000", "gc.autoPackLimit": "40", "gc.autoDetach": "false", "gc.pruneExpire": "2.days.ago"}


class Upstream:
    """What talks to the server of one repository, in processes of git. Who writes into the folder holds its lock.

    Every question raises :class:`~trueup.model.errors.SourceUnavailable` where the server cannot be reached or refuses.
    """

    def __init__(
        self,
        remote: Remote,
        folder: Folder,
        git: Git,
        timeouts: Timeouts,
        *,
        credential: Callable[[], Credential | None],
        exchange: Exchange,
        turns: Turns,
        name: str,
        growth: Growth,
        guarded: bool,
    ) -> None:
        self.shown = remote.shown
        self._remote, self._folder, self._git, self._timeouts = remote, folder, git, timeouts
        self._credential, self._turns, self._name, self._growth = credential, turns, name, growth
        self._exchange = exchange
        self._large_files = LargeFiles(remote, folder.repository, growth, guarded=guarded)

    def has_large_files(self) -> bool:
        """Whether the repository's Secret asks for files of Git LFS."""
        try:
            credential = self._credential()
        except InvalidSpec:
            return False  # told when the server is asked
        return credential is not None and credential.large_files

    async def bring(self, file: LargeFile) -> None:
        """Have the content of a file of Git LFS here.

        Raises:
            TrueupError: it is not to be had.
        """
        await self._large_files.bring(file, await self._identified(self._credential()))

    async def refs(self, named: frozenset[str]) -> dict[str, str]:
        """Branches, tags (annotated ones: the tag object), HEAD and other wanted refs of the server, by full name.

        Args:
            named: refs of other kinds, and commits, that are wanted.

        Raises:
            SourceUnavailable: the server cannot be reached or refuses.
            Redirected: the server says that the repository is elsewhere.
        """
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
        answer = await self.run(command, self._timeouts.list_refs, remote=remote)
        found = {}
        for line in answer.decode("utf-8", "surrogateescape").splitlines():
            sha, _, name = line.partition("\t")
            followed = name == HEAD or name.startswith((BRANCHES, TAGS)) or name in others
            if followed and pygit2.reference_is_valid_name(name):  # git fetches no other; "v1^{}" is none either
                found[name] = sha
        return found

    async def push(self, sha: str, branch: str, credential: Credential | None = None) -> str:
        """Move a branch of the server forward to a commit that lies in the mirror; never by force.

        Args:
            credential: shown instead of the one that reads.

        Returns:
            Why the server did not move it, in its words; empty when it did.

        Raises:
            SourceUnavailable: the server cannot be reached, or does not let us in.
        """
        credential = await self._identified(credential or self._credential())
        target = f"{sha}:{BRANCHES}{branch}"
        options = ["--porcelain", "--no-verify", "--no-follow-tags", "--no-signed", "--recurse-submodules=no"]
        command = [git_dir(self._folder.repository), "push", *options, "--", self._remote.address, target]
        answer = await self.run(command, self._timeouts.fetch, credential=credential, answers=(0, 1))
        return _discreet(_refused(answer), credential, command)

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
        credential = await self._identified(credential or self._credential())
        inside = git_dir(self._folder.repository)
        listed = await self.run(["ls-remote", "--", self._remote.address, ref], self._timeouts.list_refs)
        if listed:
            fetch = [inside, "fetch", *_FETCH_OPTIONS, "--no-prune", "--", self._remote.address, f"+{ref}:{ref}"]
            await self.run(fetch, self._timeouts.fetch)
        repository = pygit2.Repository(str(self._folder.repository))
        if not listed and ref in repository.references:
            repository.references.delete(ref)
        text = _noted(repository, sha, ref) + line + "\n"
        await on_disk(repository.create_note, text, by, by, sha, ref, True)
        push = [inside, "push", "--porcelain", "--no-verify", "--", self._remote.address, f"{ref}:{ref}"]
        answer = await self.run(push, self._timeouts.fetch, credential=credential, answers=(0, 1))
        return _discreet(_refused(answer), credential, push)

    async def name_of(self, sha: str) -> str:
        """A ref of any kind that the server has at a commit; empty for none."""
        answer = await self.run(["ls-remote", "--quiet", "--", self._remote.address], self._timeouts.list_refs)
        for line in answer.decode("utf-8", "surrogateescape").splitlines():
            at, _, name = line.partition("\t")
            if at == sha and pygit2.reference_is_valid_name(name):
                return name
        return ""

    async def fetch(self, repository: Path, refspecs: Sequence[str], lock: int, *, prune: bool) -> None:
        """Fetch refs into a repository.

        Args:
            lock: a file descriptor, held open until git has ended.
            prune: delete what the refspecs cover and the server no longer has.
        """
        options = [*_FETCH_OPTIONS, "--prune" if prune else "--no-prune"]
        command = [git_dir(repository), "fetch", *options, "--", self._remote.address, *refspecs]
        await self.run(command, self._timeouts.fetch, hold=[lock])

    async def tidy(self, lock: int) -> None:
        """Repack when many fetches left many packs; a mirror that could not be repacked is as good as before."""
        with contextlib.suppress(SourceUnavailable):
            command = [git_dir(self._folder.repository), "gc", "--auto", "--quiet"]

            async def tidy() -> bytes:
                return await self._git(command, timeout=self._timeouts.local, config=_TIDY, hold=[lock])

            await self._turns(self._name, tidy)

    async def run(
        self,
        args: Sequence[str],
        timeout: float,
        *,
        hold: Sequence[int] = (),
        credential: Credential | None = None,
        answers: Sequence[int] = (0,),
        remote: Remote | None = None,
    ) -> bytes:
        """What a git command says, shown the credential, bounded, and in its turn.

        Args:
            timeout: seconds.
            hold: file descriptors that stay open until git has ended.
            answers: exit codes that are an answer.
            remote: whom it asks, instead of the repository's own.
        """
        own, remote = credential or self._credential(), remote or self._remote
        credential = await self._identified(own)
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
            self._exchange.forget(own, remote.url)
            said = _discreet(error.message, credential, args)
            kind = TooBusy if isinstance(error, TooBusy) else SourceUnavailable
            raise kind(f"repository {self.shown}: {said}", hint=error.hint) from error

    async def _identified(self, credential: Credential | None) -> Credential | None:
        """A credential as a server is shown it: its identity exchanged."""
        try:
            return await self._exchange(credential, self._remote.url)
        except SourceUnavailable as error:
            raise SourceUnavailable(f"repository {self.shown}: {error.message}", hint=error.hint) from error

    @contextlib.contextmanager
    def _swept(self) -> Iterator[None]:
        """Leave no part of a pack where a fetch ends before its time."""
        try:
            yield
        except BaseException:
            self._folder.sweep_packs()
            raise


def git_dir(repository: Path) -> str:
    """The option of git that names the repository it works in."""
    return f"--git-dir={repository}"


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
