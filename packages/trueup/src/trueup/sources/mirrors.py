"""All mirrors of an engine, and the shelves of its charts."""

import asyncio
import contextlib
import hashlib
import shutil
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

import msgspec

from trueup.model.errors import InvalidSpec
from trueup.model.repository import RepositoryOf
from trueup.model.repository_url import OCI
from trueup.model.tree import Tree
from trueup.sources.credential import Credential
from trueup.sources.disk import on_disk
from trueup.sources.identity.exchange import Exchange
from trueup.sources.mirror import Mirror
from trueup.sources.port import Git, Origin, Timeouts, Turns, at_once
from trueup.sources.quota import Allowance, Growth, Quota
from trueup.sources.shelf import ChartOrigin, Check, Library, Shelf, Wished
from trueup.sources.url import admit

_NAME_LENGTH = 32
_REMEMBERED = 10_000
_GONE = ".gone"


class Charts(msgspec.Struct, frozen=True):
    """How charts are brought.

    Attributes:
        library: of Helm repositories over HTTP.
        registries: of OCI registries.
        check: refuses what cannot be unpacked.
        wished: charts and versions that are wanted of a repository (its identity).
    """

    library: Library
    registries: Library
    check: Check
    wished: Callable[[str], Iterable[Wished]] = lambda _: ()


class Mirrors:
    """One mirror per repository, in folders below ``root``.

    Two URLs share a mirror when they differ in the case of scheme or host, in a last slash, or in a user without a
    password only. Other spellings
    that Argo CD holds equal (``.git``, case of the path) may name different repositories, and other credentials may
    have other rights.

    So it is with the credentials of a project: what they fetched lies in a mirror of that project.

    Args:
        root: folder of the mirrors, for this engine alone.
        git: the git command.
        allowed_local: folders below which local repositories may lie.
        credential: what to show the server on behalf of a project (of none: ``""``), asked for at each run of git.
        scope: the project whose own credential that would be; empty for one that is for all projects.
        turns: when git may run.
        allowance: how much disk they may take.
        wanted: revisions that a repository (its identity) is to be asked for, should they be neither branch nor tag:
            refs of pull requests, and commits (full SHAs) that nothing else leads to.
        charts: without it no repository of charts is read.
        exchange: exchanges identities of apps and accounts.
        guarded: servers on this machine are not asked for large files.
    """

    def __init__(
        self,
        root: Path,
        git: Git,
        *,
        allowed_local: Sequence[Path] = (),
        timeouts: Timeouts | None = None,
        credential: Callable[[RepositoryOf], Credential | None] = lambda _: None,
        scope: Callable[[RepositoryOf], str] = lambda _: "",
        turns: Turns = at_once,
        allowance: Allowance | None = None,
        wanted: Callable[[str], Iterable[str]] = lambda _: (),
        charts: Charts | None = None,
        exchange: Exchange | None = None,
        guarded: bool = False,
    ) -> None:
        # git runs in another folder.
        self._root = root = root.absolute()
        self._git = git
        self._allowed_local = tuple(allowed_local)
        self._timeouts = timeouts or Timeouts()
        self._credential, self._scope = credential, scope
        self._turns, self._wanted, self._charts = turns, wanted, charts
        self._quota = Quota(root, allowance or Allowance())
        self._exchange, self._guarded = exchange or Exchange(), guarded
        self._mirrors: dict[str, Mirror] = {}
        self._shelves: dict[str, Shelf] = {}
        self._identities: dict[str, str] = {}

    def get(self, repository: str | RepositoryOf) -> Mirror:
        """The mirror of a Git repository, fetched or not yet.

        Args:
            repository: a URL alone is that on behalf of nobody.

        Raises:
            InvalidSpec: the URL is not allowed.
        """
        url, scope = self._scoped(repository)
        remote = admit(url, self._allowed_local)
        if remote.url.scheme == OCI:
            raise InvalidSpec(f"{remote.shown} is a registry, not a Git repository", hint="name a Git repository")
        identity = _identity(remote.identity, scope)
        mirror = self._mirrors.get(identity)
        if mirror is None:
            folder = self._root / _name(identity)
            show = partial(self._credential, RepositoryOf(url, scope))
            mirror = Mirror(
                remote,
                folder,
                self._git,
                self._timeouts,
                credential=show,
                exchange=self._exchange,
                turns=self._turns,
                name=identity,
                quota=self._quota,
                wanted=partial(self._wanted, identity),
                guarded=self._guarded,
            )
            self._mirrors[identity] = mirror
        return mirror

    def shelf(self, repository: RepositoryOf) -> Shelf:
        """The shelf of a repository of charts, looked at or not yet.

        Raises:
            InvalidSpec: the URL is not allowed.
        """
        if self._charts is None:
            raise InvalidSpec(f"{repository.url[:200]}: repositories of charts and registries are not read here")
        remote = admit(repository.url, self._allowed_local)
        identity = self.identity(repository)
        shelf = self._shelves.get(identity)
        if shelf is None:
            folder = self._root / _name(identity)
            shelf = self._shelves[identity] = Shelf(
                RepositoryOf(repository.url, self._scope(repository)),
                folder,
                self._charts.registries if remote.url.scheme == OCI else self._charts.library,
                self._charts.check,
                Growth(self._quota, folder),
                wished=partial(self._charts.wished, identity),
                turns=self._turns,
                name=identity,
            )
        return shelf

    def place(self, repository: str | RepositoryOf) -> Mirror | Shelf:
        """What a repository is brought to, by its kind.

        Raises:
            InvalidSpec: the URL is not allowed.
        """
        if isinstance(repository, RepositoryOf) and repository.packed:
            return self.shelf(repository)
        return self.get(repository)

    def origin(self, repository: str | RepositoryOf) -> Origin:
        """Where the files of a source come from.

        Raises:
            InvalidSpec: the URL is not allowed.
        """
        if isinstance(repository, RepositoryOf) and repository.packed:
            return ChartOrigin(self.shelf(repository), repository.chart)
        return self.get(repository)

    async def read(self, repository: RepositoryOf, revision: str, tag_prefix: str = "") -> Tree:
        """The files of a revision as its server has it now.

        Raises:
            TrueupError: it is not to be had.
        """
        if repository.packed:
            origin = ChartOrigin(self.shelf(repository), repository.chart)
            await origin.locate(revision)
            return origin.tree(origin.pin(revision).revision)
        mirror = self.get(repository)
        await mirror.update()
        return mirror.tree(await mirror.locate(revision, tag_prefix))

    def identity(self, repository: str | RepositoryOf) -> str:
        """What two repositories with one mirror, or one shelf, have in common; an unallowed URL is its own."""
        url, scope = self._scoped(repository)
        identity = _identity(self._of_url(url), scope)
        return f"charts {identity}" if isinstance(repository, RepositoryOf) and repository.packed else identity

    def _scoped(self, repository: str | RepositoryOf) -> tuple[str, str]:
        if isinstance(repository, str):
            return repository, ""
        return repository.url, self._scope(repository)

    def _of_url(self, url: str) -> str:
        known = self._identities.get(url)
        if known is None:
            try:
                known = admit(url, self._allowed_local).identity
            except InvalidSpec:
                known = url
            if len(self._identities) >= _REMEMBERED:
                self._identities.clear()
            self._identities[url] = known
        return known

    async def keep_only(self, repositories: Iterable[str | RepositoryOf], *, after: float = 0.0) -> None:
        """Drop the mirrors of all other repositories, and their folders, also those of an earlier run.

        Args:
            after: seconds for which nobody has used what is dropped.
        """
        kept = {self.identity(repository) for repository in repositories}
        places: list[tuple[str, Mirror | Shelf]] = [*self._mirrors.items(), *self._shelves.items()]
        for identity, place in places:
            if identity in kept:
                continue
            if after and place.unused_for() < after:
                kept.add(identity)
                continue
            await place.close()
            self._mirrors.pop(identity, None)
            self._shelves.pop(identity, None)
        await on_disk(self._remove_folders, {_name(identity) for identity in kept}, after)

    async def close(self) -> None:
        """Give up all updates under way."""
        await asyncio.gather(*(mirror.close() for mirror in self._mirrors.values()))

    def _remove_folders(self, kept: set[str], after: float) -> None:
        if not self._root.is_dir():
            return
        for folder in list(self._root.iterdir()):
            if folder.name.endswith(_GONE):
                shutil.rmtree(folder, ignore_errors=True)
            elif folder.name not in kept and len(folder.name) == _NAME_LENGTH and _age(folder) >= after:
                # Whoever comes back meanwhile makes a new one.
                gone = folder.with_name(folder.name + _GONE)
                with contextlib.suppress(OSError):
                    folder.rename(gone)
                shutil.rmtree(gone, ignore_errors=True)
                self._quota.forget(folder)


def _age(folder: Path) -> float:
    """Seconds since a mirror was last written."""
    try:
        return time.time() - max(folder.stat().st_mtime, (folder / "lock").stat().st_mtime)
    except OSError:
        return float("inf")


def _identity(remote: str, scope: str) -> str:
    return f"{remote} {scope}" if scope else remote


def _name(identity: str) -> str:
    return hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()[:_NAME_LENGTH]
