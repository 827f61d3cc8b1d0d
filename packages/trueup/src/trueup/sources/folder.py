"""A mirror on disk: who may write it, and how it is mended after a crash.

The folder of a mirror holds ``repo.git``, a bare repository with the remote's branches, tags and HEAD, and ``lock``.
The writer keeps a file lock (``flock``) on ``lock``, whose descriptor git and its children hold too. So whoever gets
the lock knows that no git of an earlier, killed engine still writes, and that every ``*.lock`` file there is a dead
one's. A mark in ``lock`` says that a write began and did not end.
"""

import asyncio
import contextlib
import fcntl
import os
import shutil
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path

import pygit2

from trueup.model.errors import SourceUnavailable
from trueup.sources.disk import on_disk
from trueup.sources.revision import BRANCHES, HEAD, OURS, REFS, TAGS

MIRRORED_HEAD = f"{OURS}HEAD"
"""The remote's HEAD: a ref of ours, because HEAD of a bare repository can only name a branch that is mirrored."""
MIRRORED = f"{OURS}others/"
"""Refs of the remote beside branches and tags that somebody has asked for: ``refs/pull/7/head`` as ``pull/7/head``."""
_PAUSE = 0.05
_PARTS = (
    "objects/pack/tmp_*",
    "objects/pack/.tmp-*",
    "objects/[0-9a-f][0-9a-f]/tmp_obj_*",
    "objects/tmp_objdir-*",
    "objects/incoming-*",
)
_LEFTOVERS = (
    "*.lock",
    "gc.pid",
    "refs/**/*.lock",
    "objects/info/*.lock",
    "objects/pack/*.keep",
    *_PARTS,
)


def mirrored(name: str) -> str:
    """Where a mirror keeps a ref of the remote, by its full name there."""
    if name == HEAD:
        return MIRRORED_HEAD
    return name if name.startswith((BRANCHES, TAGS)) else MIRRORED + name.removeprefix(REFS)


class Folder:
    """The folder of one mirror. Its methods may be called from any thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.repository = path / "repo.git"
        self.fresh = path / "repo.git.new"
        """Where a new repository is made; it becomes ``repository`` when it is whole."""
        self._retired = path / "repo.git.old"

    @contextlib.asynccontextmanager
    async def writing(self, patience: float) -> AsyncIterator[int]:
        """Be the only writer. Gives the lock's descriptor, for git to hold.

        Args:
            patience: seconds to wait for a git that a killed engine left running.

        Raises:
            SourceUnavailable: the lock is still held after that.
        """
        descriptor = self._open()
        try:
            await _lock(descriptor, patience)
            if os.pread(descriptor, 1, 0):
                await on_disk(self._sweep)
            os.pwrite(descriptor, b"1", 0)
            yield descriptor
            os.ftruncate(descriptor, 0)
        finally:
            os.close(descriptor)

    def refs(self) -> dict[str, str] | None:
        """Branches, tags, HEAD and other refs of the mirror with their objects; None when there is no readable
        repository."""
        try:
            repository = pygit2.Repository(str(self.repository))
            found = {}
            for reference in repository.references.iterator():
                if reference.name.startswith((BRANCHES, TAGS)):
                    found[reference.name] = str(reference.target)
                elif reference.name.startswith(MIRRORED):
                    found[REFS + reference.name.removeprefix(MIRRORED)] = str(reference.target)
                elif reference.name == MIRRORED_HEAD:
                    found[HEAD] = str(reference.target)
        except (OSError, KeyError, ValueError, pygit2.GitError):
            return None
        return found

    def interrupted(self) -> bool:
        """Whether the last write did not end well: something may be left to remove."""
        try:
            return (self.path / "lock").stat().st_size > 0
        except FileNotFoundError:
            return False

    def forget(self, names: Iterable[str]) -> None:
        """Drop what is mirrored of HEAD, or of refs beside branches and tags: the remote has it no more."""
        references = pygit2.Repository(str(self.repository)).references
        for name in names:
            references.delete(mirrored(name))

    def clear_fresh(self) -> None:
        """Remove what an unfinished attempt at a new repository left."""
        shutil.rmtree(self.fresh, ignore_errors=True)

    def adopt_fresh(self) -> None:
        """Put the new repository in the old one's place."""
        shutil.rmtree(self._retired, ignore_errors=True)
        if self.repository.exists():
            self.repository.rename(self._retired)
        self.fresh.rename(self.repository)
        shutil.rmtree(self._retired, ignore_errors=True)

    def sweep_packs(self) -> None:
        """Remove what a fetch leaves that was ended, though nobody else writes."""
        for repository in (self.repository, self.fresh):
            _remove(repository, _PARTS)

    def _open(self) -> int:
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        return os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _sweep(self) -> None:
        """Remove what a killed writer left, but never an object or a ref."""
        if not self.repository.exists() and self._retired.exists():
            self._retired.rename(self.repository)
        shutil.rmtree(self._retired, ignore_errors=True)
        _remove(self.repository, _LEFTOVERS)


def _remove(repository: Path, patterns: Sequence[str]) -> None:
    for pattern in patterns:
        for leftover in list(repository.glob(pattern)):
            if leftover.is_dir() and not leftover.is_symlink():
                shutil.rmtree(leftover, ignore_errors=True)
            else:
                leftover.unlink(missing_ok=True)


async def _lock(descriptor: int, patience: float) -> None:
    try:
        async with asyncio.timeout(patience):
            await _poll_lock(descriptor)
    except TimeoutError:
        raise SourceUnavailable(
            "another process is still writing the local copy of the repository",
            hint="Give each engine a data folder of its own.",
        ) from None


async def _poll_lock(descriptor: int) -> None:
    """Ask again and again: a waiting ``flock`` would keep a thread that nothing can cancel."""
    while True:
        try:
            return fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            await asyncio.sleep(_PAUSE)
