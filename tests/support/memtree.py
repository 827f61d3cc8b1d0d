"""A tree in memory: a dictionary of paths, for tests that need a repository's content and no repository."""

import hashlib
import posixpath
from collections.abc import Iterator, Mapping

from trueup.model.tree import Entry, Mode


class Link(str):
    """A file that is a symbolic link; the text is its target."""


class Submodule(str):
    """A submodule; the text is its commit."""


class MemTree:
    """:class:`trueup.model.tree.Tree` over a mapping of path → content. Reads are counted, by path."""

    def __init__(self, files: Mapping[str, str | bytes], revision: str = "a" * 40) -> None:
        self._revision = revision
        self._data: dict[str, bytes] = {}
        self._entries: dict[str, Entry] = {}
        self.reads: list[str] = []
        for path, content in files.items():
            data = content if isinstance(content, bytes) else content.encode()
            mode = Mode.LINK if isinstance(content, Link) else Mode.FILE
            mode = Mode.SUBMODULE if isinstance(content, Submodule) else mode
            self._data[path] = data
            self._entries[path] = Entry(path, mode, hashlib.sha1(data, usedforsecurity=False).hexdigest())
        for path in sorted(files):
            while path := posixpath.dirname(path):
                if path not in self._entries:
                    self._entries[path] = Entry(path, Mode.DIRECTORY, self._directory_id(path))

    def _directory_id(self, path: str) -> str:
        below = sorted((name, self._entries[name].oid) for name in self._data if name.startswith(f"{path}/"))
        return hashlib.sha1(repr(below).encode(), usedforsecurity=False).hexdigest()

    @property
    def revision(self) -> str:
        return self._revision

    identity = ""
    url = ""

    def folder(self, path: str) -> str:
        return ""

    def entry(self, path: str) -> Entry | None:
        return self._entries.get(path)

    def children(self, path: str) -> list[Entry]:
        return [self._entries[name] for name in sorted(self._entries) if posixpath.dirname(name) == path]

    def walk(self, path: str) -> Iterator[Entry]:
        prefix = f"{path}/" if path else ""
        for name in sorted(self._data):
            if name.startswith(prefix) and self._entries[name].mode is not Mode.SUBMODULE:
                yield self._entries[name]

    def size(self, entry: Entry) -> int:
        return len(self._data[entry.path])

    def read(self, entry: Entry) -> bytes:
        self.reads.append(entry.path)
        return self._data[entry.path]
