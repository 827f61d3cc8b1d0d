"""The files of one commit, read from a mirror's objects."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast

import msgspec
import pygit2
from pygit2.enums import ConfigLevel, ObjectType

from trueup.model.errors import RenderFailed, SourceUnavailable
from trueup.model.tree import DEEPEST, MEBIBYTE, Entry, Mode, check_readable
from trueup.render.large_files import POINTER, LargeFile, pointed, reference
from trueup.render.remote import RemotesNeeded
from trueup.sources import large_store

_KEPT = 200_000
"""Entries remembered. More than any repository has in its folders: only folders that are one and the same folder under
many paths come so far."""
MAX_FOLDER = 8 * 1024 * 1024
"""Bytes of the object that lists a folder: some 200,000 entries."""
_LARGE_FOLDER = 1024 * 1024
"""Bytes of the same, above which it is not read just to save work."""
_PARENTS = 16
"""Folders held open to look folders up in."""
_SHA = 40
_TAGS_IN_TAGS = 16
MAX_COMMIT = 4 * 1024 * 1024
"""Bytes of a commit or tag: what is larger is not read for its message."""
_LARGE = " lfs"
_FILES = (Mode.FILE, Mode.EXECUTABLE)
_MODES = {int(mode): mode for mode in Mode}
_REFUSED_NAMES = frozenset({"", ".", "..", ".git", "git~1"})
"""Names git itself never writes (``verify_path``); a tree that has one was made to escape its folder."""


class NoCommit(ValueError):
    """An object is no commit and leads to none."""


class TreePlace(msgspec.Struct, frozen=True, tag=True):
    """Where a tree is: what another process needs to open it.

    Attributes:
        folder: the bare repository.
        revision: full SHA of a commit.
        shown: the repository's URL, masked, for messages.
        url: of the repository, without who asks.
        large: pointers of Git LFS are read as what they point to.
    """

    folder: str
    revision: str
    shown: str
    url: str = ""
    large: bool = False

    def open(self, damaged: Callable[[], None]) -> "GitTree":
        """The tree.

        Raises:
            SourceUnavailable: there is no such commit.
        """
        return GitTree(Path(self.folder), self.revision, self.shown, damaged, self.url, large=self.large)


class GitTree:
    """A :class:`trueup.model.tree.Tree` over a bare repository.

    It owns its repository handle, and libgit2 is called with the interpreter's lock held, so an instance may be
    used from several threads. A name that is no UTF-8 is shown with ``\\xNN`` in place of each odd byte.

    Args:
        folder: the bare repository.
        revision: full SHA of a commit.
        shown: the repository's URL, masked, for messages.
        damaged: called when an object that must be there is not.
        url: of the repository, without who asks.
        large: pointers of Git LFS are read as what they point to. Names of contents are others then.
    """

    def __init__(
        self,
        folder: Path,
        revision: str,
        shown: str,
        damaged: Callable[[], None],
        url: str = "",
        *,
        large: bool = False,
    ) -> None:
        self._revision = revision
        self._shown = shown
        self.url = url
        self._large, self._mark = large, _LARGE if large else ""
        self.place = TreePlace(str(folder.absolute()), revision, shown, url, large)
        self._damaged = damaged
        self._directories: dict[str, dict[str, Entry]] = {}
        self._kept = 0
        self._parents: dict[str, pygit2.Tree] = {}
        try:
            self._repository = pygit2.Repository(str(folder))
            root = commit_of(self._repository, revision).peel(pygit2.Tree)
        except (KeyError, ValueError, OSError, pygit2.GitError) as error:
            raise SourceUnavailable(f"repository {shown} has no commit {revision} yet") from error
        self._root = Entry("", Mode.DIRECTORY, str(root.id))

    @property
    def revision(self) -> str:
        """The commit (full SHA)."""
        return self._revision

    @property
    def oid(self) -> str:
        """The hash of all that is in it."""
        return self._root.oid

    @property
    def identity(self) -> str:
        """The hash of all that is in it, with the commit, which renders may hold."""
        return f"{self.oid} {self.revision}{self._mark}"

    def doubt(self) -> None:
        """Tell that an object was not to be had."""
        self._damaged()

    def folder(self, path: str) -> str:
        """The hash of all that is in a folder, ``""`` for the root; empty where there is none, or where a folder on the
        way to it is so large that looking it up takes time."""
        if not path:
            return self._root.oid
        if path.startswith("/") or path.count("/") > DEEPEST:
            return ""
        parent, _, name = path.rpartition("/")
        above = self._above(parent)
        try:
            entry = above[name] if above is not None else None
        except (KeyError, ValueError, pygit2.GitError):
            return ""
        return str(entry.id) if entry is not None and int(entry.filemode) == Mode.DIRECTORY else ""

    def _above(self, path: str) -> pygit2.Tree | None:
        """A folder that others lie in, which many of them are looked up in; None where it is too large, or is none."""
        known = self._parents.get(path)
        if known is None and (oid := self.folder(path)):
            try:
                if int(self._repository.odb.read_header(oid)[1]) > _LARGE_FOLDER:
                    return None
                known = self._repository[oid].peel(pygit2.Tree)
            except (KeyError, ValueError, pygit2.GitError):
                return None
            if len(self._parents) >= _PARENTS:
                self._parents.clear()
            self._parents[path] = known
        return known

    def entry(self, path: str) -> Entry | None:
        """The entry at a path, None when there is none."""
        if path == "":
            return self._root
        parent, _, name = path.rpartition("/")
        if path.startswith("/") or path.count("/") > DEEPEST:
            return None
        above = self.entry(parent)
        if above is None or above.mode is not Mode.DIRECTORY:
            return None
        return self._directory(above).get(name)

    def children(self, path: str) -> list[Entry]:
        """Direct entries of a directory, sorted by name; empty when it is no directory."""
        entry = self.entry(path)
        if entry is None or entry.mode is not Mode.DIRECTORY:
            return []
        return list(self._directory(entry).values())

    def walk(self, path: str) -> Iterator[Entry]:
        """All files and links below a directory, depth first in name order, directories and submodules left out.

        Raises:
            RenderFailed: folders nested deeper than any path a file system takes.
        """
        if path.count("/") >= DEEPEST:
            raise RenderFailed(f"{self._shown}: folders nested more than {DEEPEST} deep at {path[:100]}…")
        for child in self.children(path):
            if child.mode is Mode.DIRECTORY:
                yield from self.walk(child.path)
            elif child.mode is not Mode.SUBMODULE:
                yield child

    def size(self, entry: Entry) -> int:
        """Bytes of a file, without reading it.

        Raises:
            RemotesNeeded: it lies in Git LFS, and is not here.
        """
        self._must_be_blob(entry)
        file = self._pointed(entry)
        return file.size if file is not None and self._is_here(entry, file) else self._stored_size(entry)

    def _stored_size(self, entry: Entry) -> int:
        try:
            return int(self._repository.odb.read_header(entry.oid.removesuffix(self._mark))[1])
        except (KeyError, ValueError, pygit2.GitError) as error:
            raise self._lost(entry) from error

    def read(self, entry: Entry) -> bytes:
        """Content of a file, or target of a link. Attributes, filters and line-end rules are not applied.

        Raises:
            RenderFailed: it is too large; its size is asked before it is read.
            RemotesNeeded: it lies in Git LFS, and is not here.
        """
        check_readable(entry, self.size(entry))
        file = self._pointed(entry)
        return self._stored(entry) if file is None else large_store.read(Path(self.place.folder), file, self._shown)

    def _pointed(self, entry: Entry) -> LargeFile | None:
        """What a file of Git LFS points to; None for any other."""
        if not self._large or entry.mode is Mode.LINK or self._stored_size(entry) > POINTER:
            return None
        return pointed(self._stored(entry))

    def _is_here(self, entry: Entry, file: LargeFile) -> bool:
        if not large_store.kept(Path(self.place.folder), file).is_file():
            raise RemotesNeeded([reference(entry, file, self.url)])
        return True

    def _stored(self, entry: Entry) -> bytes:
        try:
            return bytes(self._repository.odb.read(entry.oid.removesuffix(self._mark))[1])
        except (KeyError, ValueError, pygit2.GitError) as error:
            raise self._lost(entry) from error

    def _directory(self, directory: Entry) -> dict[str, Entry]:
        """Entries of a directory by name, in name order (git's own order puts ``a.b`` before the folder ``a``)."""
        known = self._directories.get(directory.path)
        if known is None:
            known = self._read_directory(directory)
            self._kept += len(known) + 1
            if self._kept > _KEPT:
                self._directories.clear()
                self._kept = len(known) + 1
            self._directories[directory.path] = known
        return known

    def _read_directory(self, directory: Entry) -> dict[str, Entry]:
        try:
            size = int(self._repository.odb.read_header(directory.oid)[1])
            if size > MAX_FOLDER:
                raise RenderFailed(
                    f'{self._shown}: folder "{directory.path[:100]}" has too many entries to be read',
                    hint="Spread its files over several folders.",
                )
            tree = self._repository[directory.oid].peel(pygit2.Tree)
        except (KeyError, ValueError, pygit2.GitError) as error:
            raise self._lost(directory) from error
        prefix = f"{directory.path}/" if directory.path else ""
        found: dict[str, Entry] = {}
        for item in tree:
            name = (item.raw_name or b"").decode("utf-8", "backslashreplace")
            if name.lower() in _REFUSED_NAMES or "/" in name:
                raise RenderFailed(
                    f'{self._shown}: folder "{directory.path}" has an entry named "{name}", which Git does not allow',
                    hint="Remove the entry from the commit.",
                )
            mode = _MODES.get(int(item.filemode), Mode.FILE)
            found[name] = Entry(prefix + name, mode, str(item.id) + (self._mark if mode in _FILES else ""))
        return dict(sorted(found.items()))

    def _must_be_blob(self, entry: Entry) -> None:
        if entry.mode in (Mode.DIRECTORY, Mode.SUBMODULE):
            raise RenderFailed(f"{self._shown}: {entry.path} is a {entry.mode.name.lower()}, not a file")

    def _lost(self, entry: Entry) -> SourceUnavailable:
        self._damaged()
        return SourceUnavailable(f"repository {self._shown}: the local copy of {entry.path or 'its root'} is damaged")


def commit_of(repository: pygit2.Repository, wanted: str) -> pygit2.Commit:
    """The commit that an object is or leads to, named by its SHA or the start of one. Nothing large is read for it.

    Raises:
        KeyError: there is no such object.
        ValueError: several objects begin so, it leads to no commit, or it is too large to be one.
    """
    name = wanted if len(wanted) == _SHA else str(repository.expand_id(wanted))
    for _ in range(_TAGS_IN_TAGS):
        kind, size = repository.odb.read_header(name)
        if kind not in (ObjectType.COMMIT, ObjectType.TAG) or size > MAX_COMMIT:
            break
        found = repository[name]
        if kind == ObjectType.COMMIT:
            return found.peel(pygit2.Commit)
        name = str(cast(pygit2.Tag, found).target)
    raise NoCommit(f"object {name} is no commit")


def within_limits() -> None:
    """For a process that only reads mirrors: their own configuration is all there is, and packs are seen through small
    windows, for the memory is limited."""
    settings = pygit2.settings
    for level in (ConfigLevel.PROGRAMDATA, ConfigLevel.SYSTEM, ConfigLevel.XDG, ConfigLevel.GLOBAL):
        settings.search_path[level] = ""
    settings.owner_validation = False
    settings.mwindow_size = 16 * MEBIBYTE
    settings.mwindow_mapped_limit = 128 * MEBIBYTE
    settings.cache_max_size(16 * MEBIBYTE)
