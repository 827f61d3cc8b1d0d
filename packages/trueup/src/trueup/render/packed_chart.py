"""A packed chart as a tree of files."""

import posixpath
from collections.abc import Iterator
from functools import cached_property

from kubegrammar import json
from trueup.model.errors import RenderFailed
from trueup.model.tree import Entry, Mode
from trueup.render.archive import artifact_files, chart_files
from trueup.render.helm_index import CHART, FILES


def identity_of(digest: str, revision: str) -> str:
    """Names all that is in an archive, with what it is called."""
    return f"{digest} {revision}"


def check_archive(content: bytes, shown: str, form: str) -> None:
    """Refuse what is no archive.

    Args:
        form: what is to be in it.

    Raises:
        RenderFailed: it cannot be unpacked, or there is no Chart.yaml in a chart.
    """
    if form == FILES:
        artifact_files(content, shown)
    elif "Chart.yaml" not in chart_files(content, shown):
        raise RenderFailed(f"{shown} is no packed chart: there is no Chart.yaml in it", hint="set another version")


class PackedChart:
    """A :class:`trueup.model.tree.Tree` of a chart that came packed. It is unpacked when it is first looked into: not
    by who only carries it.

    Args:
        content: the archive.
        shown: what it is, for messages.

        revision: the version that it is of; the digest of the content where none is said.
        form: what is in it: a chart, or the files of an artifact.

    Attributes:
        digest: of the content.
        identity: the same, with the revision.
    """

    url = ""
    """An archive has no submodules."""

    def __init__(self, content: bytes, shown: str, revision: str = "", form: str = CHART) -> None:
        self.content, self.shown, self._form = content, shown, form
        self.digest = json.digest(content)
        self.revision = revision or self.digest
        self.identity = identity_of(self.digest, self.revision)

    def folder(self, path: str) -> str:
        """The root's name alone; nothing names what is below it."""
        return self.digest if not path else ""

    def entry(self, path: str) -> Entry | None:
        """What is at a path.

        Raises:
            RenderFailed: it is no packed chart.
        """
        return self._entries.get(path) if path else Entry("", Mode.DIRECTORY, self.digest)

    def children(self, path: str) -> list[Entry]:
        """What is in a folder."""
        return self._folders.get(path, [])

    def walk(self, path: str) -> Iterator[Entry]:
        """The files below a folder."""
        below = f"{path}/" if path else ""
        return iter(self._entries[name] for name in sorted(self._files) if name.startswith(below))

    def size(self, entry: Entry) -> int:
        """Bytes of a file."""
        return len(self._files[entry.path][1])

    def read(self, entry: Entry) -> bytes:
        """A file's content."""
        return self._files[entry.path][1]

    @cached_property
    def _files(self) -> dict[str, tuple[Mode, bytes]]:
        if self._form == FILES:
            return artifact_files(self.content, self.shown)
        return {path: (Mode.FILE, data) for path, data in chart_files(self.content, self.shown).items()}

    @cached_property
    def _folders(self) -> dict[str, list[Entry]]:
        made: dict[str, list[Entry]] = {}
        for path, entry in sorted(self._entries.items()):
            made.setdefault(posixpath.dirname(path), []).append(entry)
        return made

    @cached_property
    def _entries(self) -> dict[str, Entry]:
        made = {path: Entry(path, mode, json.digest(data)) for path, (mode, data) in self._files.items()}
        for path in list(made):
            while (path := posixpath.dirname(path)) and path not in made:
                made[path] = Entry(path, Mode.DIRECTORY, self.digest)
        return made
