"""A tree of files at one revision, as renderers read it."""

from collections.abc import Iterator
from enum import IntEnum
from typing import Protocol

import msgspec

from trueup.model.errors import RenderFailed

MEBIBYTE = 1024 * 1024

DEEPEST = 128
"""Folders in folders; a file system takes no deeper path."""

MAX_LINK = 4096
"""Bytes of a link's target: the kernel takes no longer path, so what is longer is no link."""

MAX_FILE = 64 * MEBIBYTE
"""Bytes of a file that is read at all."""
_SHOWN = 200


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

    @property
    def identity(self) -> str:
        """What names this tree and all that is in it: trees of one identity are alike. Empty where nothing does."""

    @property
    def url(self) -> str:
        """Of the repository, without who asks; empty where there is none, or nobody knows it."""

    def folder(self, path: str) -> str:
        """Names all that is in a folder, ``""`` for the root: folders of one name are alike. Empty where there is no
        such folder, where a link leads to it, or where nothing names it. It takes no longer than a few looks."""

    def entry(self, path: str) -> Entry | None:
        """The entry at a path, None when there is none."""

    def children(self, path: str) -> list[Entry]:
        """Direct entries of a directory, sorted by name; empty when it is no directory."""

    def walk(self, path: str) -> Iterator[Entry]:
        """All files and links below a directory, depth first in name order, directories and submodules left out."""

    def size(self, entry: Entry) -> int:
        """Bytes of a file, without reading it."""

    def read(self, entry: Entry) -> bytes:
        """Content of a file, or target of a link.

        Raises:
            RenderFailed: it is larger than MAX_FILE, or MAX_LINK; its size is asked before it is read.
        """


def check_readable(entry: Entry, size: int) -> None:
    """Refuse what is too large to be read, before it is.

    Raises:
        RenderFailed: naming the path.
    """
    shown = entry.path if len(entry.path) <= _SHOWN else f"{entry.path[:_SHOWN]}…"
    if entry.mode is Mode.LINK and size > MAX_LINK:
        raise RenderFailed(
            f"{shown}: the target of this link is {size} bytes long, which no path is", hint="remove the link"
        )
    if size > MAX_FILE:
        raise RenderFailed(
            f"{shown} has {size // MEBIBYTE} MiB, more than the {MAX_FILE // MEBIBYTE} MiB that a file may have",
            hint="keep large files elsewhere, or exclude it",
        )
