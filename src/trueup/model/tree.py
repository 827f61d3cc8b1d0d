"""A tree of files at one revision, as renderers read it."""

from collections.abc import Iterator
from enum import IntEnum
from typing import Protocol

import msgspec


class Mode(IntEnum):
    """Kinds of tree entry (Git's own file modes)."""

    FILE = 0o100644
    EXECUTABLE = 0o100755
    LINK = 0o120000
    DIRECTORY = 0o040000
    SUBMODULE = 0o160000


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A file, link or directory. ``path`` is relative to the repository's root, ``oid`` its content hash (hex)."""

    path: str
    mode: Mode
    oid: str


class Tree(Protocol):
    """Read access to one revision of a repository. Paths are relative to its root, ``/``-separated, root is ``""``.

    A path is read exactly as given: links are entries, never followed, ``..`` never resolved.
    """

    @property
    def revision(self) -> str:
        """The commit (full SHA)."""

    def entry(self, path: str) -> Entry | None:
        """The entry at a path, None when there is none."""

    def children(self, path: str) -> list[Entry]:
        """Direct entries of a directory, sorted by name; empty when it is no directory."""

    def walk(self, path: str) -> Iterator[Entry]:
        """All files and links below a directory, depth first in name order, directories and submodules left out."""

    def size(self, entry: Entry) -> int:
        """Bytes of a file, without reading it."""

    def read(self, entry: Entry) -> bytes:
        """Content of a file, or target of a link."""
