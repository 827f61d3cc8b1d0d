"""A packed chart on a shelf, as a tree: carried by its place, and opened by who reads it."""

from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path

import msgspec

from kubegrammar import json
from trueup.model.errors import SourceUnavailable
from trueup.model.tree import Entry
from trueup.render.helm_index import CHART
from trueup.render.packed_chart import PackedChart, identity_of


class Shelved(msgspec.Struct, frozen=True, tag=True):
    """Where a packed chart is: what another process needs to open it.

    Attributes:
        path: of the archive.
        revision: the chart's version.
        digest: of the archive.
        shown: what it is, for messages.
        form: what is in it.
    """

    path: str
    revision: str
    digest: str
    shown: str
    form: str = CHART

    def open(self, damaged: Callable[[], None]) -> PackedChart:
        """The tree.

        Args:
            damaged: told where the archive is not what it was.

        Raises:
            SourceUnavailable: it is not there, or not what it was.
        """
        try:
            content = Path(self.path).read_bytes()
        except OSError as error:
            raise SourceUnavailable(f"{self.shown} is not here any more") from error
        if json.digest(content) != self.digest:
            damaged()
            raise SourceUnavailable(f"{self.shown}: the local copy is damaged")
        return PackedChart(content, self.shown, self.revision, self.form)


class ShelvedChart:
    """A :class:`trueup.model.tree.Tree` of a packed chart on the disk, which only who looks into it reads."""

    url = ""
    """An archive has no submodules."""

    def __init__(self, place: Shelved) -> None:
        self.place, self.revision = place, place.revision
        self.identity = identity_of(place.digest, place.revision)

    def folder(self, path: str) -> str:
        """The root's name alone."""
        return self.place.digest if not path else ""

    def doubt(self) -> None:
        """The archive was not what it must be: it is fetched again."""
        Path(self.place.path).unlink(missing_ok=True)

    def entry(self, path: str) -> Entry | None:
        """What is at a path."""
        return self._opened.entry(path)

    def children(self, path: str) -> list[Entry]:
        """What is in a folder."""
        return self._opened.children(path)

    def walk(self, path: str) -> Iterator[Entry]:
        """The files below a folder."""
        return self._opened.walk(path)

    def size(self, entry: Entry) -> int:
        """Bytes of a file."""
        return self._opened.size(entry)

    def read(self, entry: Entry) -> bytes:
        """A file's content."""
        return self._opened.read(entry)

    @cached_property
    def _opened(self) -> PackedChart:
        return self.place.open(self.doubt)
