"""Files as they lie on a disk, read as a commit of them would be."""

import os
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from trueup.model.errors import RenderFailed
from trueup.model.tree import DEEPEST, MAX_FILE, Entry, Mode, check_readable

_GIT = frozenset({".git", "git~1"})

Taken = Callable[[str, bool], bool]
"""``taken(path, is_directory)``: whether a path below the root would become part of a commit."""


class WorkTree:
    """A :class:`trueup.model.tree.Tree` over a folder. An entry's ``oid`` stands for a file's state: time and size.

    What is neither file, folder nor link is left out, and so is Git's own folder. A submodule that is checked out is a
    folder; any other folder with a repository of its own is a submodule. A name that is no UTF-8 is shown with
    ``\\xNN`` in place of each odd byte.

    Args:
        root: the folder; an absolute path.
        revision: stands for the commit; 40 hex digits.
        taken: leaves paths out; takes everything by default.
        url: of the repository; empty where it has none.
        submodules: commits by their paths, of the repository.
    """

    def __init__(
        self,
        root: Path,
        *,
        revision: str = "0" * 40,
        taken: Taken = lambda _path, _directory: True,
        url: str = "",
        submodules: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._root, self._revision, self._taken = root, revision, taken
        self.url, self._submodules = url, submodules
        self._places: dict[str, str] = {"": str(root)}
        self._directories: dict[str, dict[str, Entry]] = {}
        self._sizes: dict[str, int] = {}

    @property
    def revision(self) -> str:
        """What stands for the commit."""
        return self._revision

    identity = ""
    """A folder changes at any time."""

    def folder(self, path: str) -> str:
        """Nothing names it."""
        return ""

    def entry(self, path: str) -> Entry | None:
        """The entry at a path, None when there is none."""
        if path == "":
            return Entry("", Mode.DIRECTORY, "")
        parent, _, name = path.rpartition("/")
        if path.startswith("/") or path.count("/") > DEEPEST:
            return None
        above = self.entry(parent)
        if above is None or above.mode is not Mode.DIRECTORY:
            return None
        return self._directory(parent).get(name)

    def children(self, path: str) -> list[Entry]:
        """Direct entries of a directory, sorted by name; empty when it is no directory."""
        entry = self.entry(path)
        if entry is None or entry.mode is not Mode.DIRECTORY:
            return []
        return list(self._directory(path).values())

    def walk(self, path: str) -> Iterator[Entry]:
        """All files and links below a directory, depth first in name order, directories and submodules left out.

        Raises:
            RenderFailed: folders nested too deep.
        """
        if path.count("/") >= DEEPEST:
            raise RenderFailed(f"folders nested more than {DEEPEST} deep at {path[:100]}…", hint="move them up")
        for child in self.children(path):
            if child.mode is Mode.DIRECTORY:
                yield from self.walk(child.path)
            elif child.mode is not Mode.SUBMODULE:
                yield child

    def size(self, entry: Entry) -> int:
        """Bytes of a file, without reading it."""
        return self._sizes[entry.path]

    def read(self, entry: Entry) -> bytes:
        """Content of a file, or target of a link.

        Raises:
            RenderFailed: it cannot be read, or is too large; its size is asked before it is read.
        """
        place = self._places[entry.path]
        check_readable(entry, self._sizes[entry.path])
        try:
            if entry.mode is Mode.LINK:
                return os.fsencode(os.readlink(place))  # noqa: PTH115 - a Path would normalise the target
            with Path(place).open("rb") as file:
                data = file.read(MAX_FILE + 1)
            # It may have grown since it was listed.
            check_readable(entry, len(data))
            return data
        except OSError as error:
            raise _unreadable(entry.path, error) from error

    def _directory(self, path: str) -> dict[str, Entry]:
        known = self._directories.get(path)
        if known is None:
            known = self._directories[path] = dict(sorted(self._read_directory(path)))
        return known

    def _read_directory(self, path: str) -> list[tuple[str, Entry]]:
        found = []
        prefix = f"{path}/" if path else ""
        try:
            with os.scandir(self._places[path]) as listed:
                for item in listed:
                    name = os.fsencode(item.name).decode("utf-8", "backslashreplace")
                    entry = self._entry_of(prefix + name, item)
                    if entry is not None:
                        found.append((name, entry))
        except OSError as error:
            raise _unreadable(path or ".", error) from error
        return found

    def _entry_of(self, path: str, item: "os.DirEntry[str]") -> Entry | None:
        if item.name.lower() in _GIT:
            return None
        facts = item.stat(follow_symlinks=False)
        mode = _mode(facts.st_mode)
        if mode is None or not self._taken(path, mode is Mode.DIRECTORY):
            return None
        self._places[path], self._sizes[path] = item.path, facts.st_size
        if mode is Mode.DIRECTORY and not self._is_read(path, Path(item.path, ".git")):
            return Entry(path, Mode.SUBMODULE, self._submodules.get(path, ""))
        return Entry(path, mode, f"{facts.st_dev:x}{facts.st_ino:016x}{facts.st_mtime_ns:016x}{facts.st_size:016x}")

    def _is_read(self, path: str, git: Path) -> bool:
        """Whether a folder is one like others: no repository of its own, or a submodule that is checked out. One in a
        submodule is known by what Git leaves in it, a file."""
        if path in self._submodules:
            return git.exists()
        return not git.exists() or (git.is_file() and any(path.startswith(f"{each}/") for each in self._submodules))


def _mode(bits: int) -> Mode | None:
    if stat.S_ISDIR(bits):
        return Mode.DIRECTORY
    if stat.S_ISLNK(bits):
        return Mode.LINK
    if stat.S_ISREG(bits):
        return Mode.EXECUTABLE if bits & stat.S_IXUSR else Mode.FILE
    return None


def _unreadable(path: str, error: OSError) -> RenderFailed:
    return RenderFailed(f"{path}: {error.strerror or error}", hint="make it readable")
