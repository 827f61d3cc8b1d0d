"""What reading one source may cost, spent while it is read.

A repository of a few kilobytes can name millions of files (a tree in a tree in a tree), and a few links can multiply
its folders without end. So every look at a tree is paid for before it is made, and who has spent all gets an error
that says where.
"""

import posixpath
from collections.abc import Callable, Iterator, Mapping

import msgspec

from trueup.model.errors import RenderFailed
from trueup.model.tree import DEEPEST, Entry, Mode, Tree

_CLOCK_EVERY = 256
"""Looks between two looks at the clock."""


class SourceAllowance(msgspec.Struct, frozen=True, kw_only=True):
    """What may be spent on one source.

    Args:
        looks: entries listed, and names looked up on the way to one.
        size: bytes read from files while the recipe is made, each time anew.
        seconds: by the meter, where there is one.
    """

    looks: int = 1_500_000
    size: int = 256 * 1024 * 1024
    seconds: float = 20.0


class TooCostly(RenderFailed):
    """A source costs more than it may; the message says what of it."""


class Budget:
    """What is left of an allowance.

    Args:
        meter: a clock, in seconds; without one time is not counted.
    """

    def __init__(self, allowance: SourceAllowance | None = None, meter: Callable[[], float] | None = None) -> None:
        self._allowance = allowance or SourceAllowance()
        self._looks = self._allowance.looks
        self._size = self._allowance.size
        self._meter = meter
        self._unmetered = 0
        self._start = meter() if meter else 0.0

    def look(self, where: str, count: int = 1) -> None:
        """Pay for so many looks.

        Args:
            where: the path that is looked at, for the message.

        Raises:
            TooCostly: there is not so much left.
        """
        self._looks -= count
        if self._looks < 0:
            raise TooCostly(
                f"the source is too large: it leads to more than {self._allowance.looks} files and folders "
                f"(reached at {_shown(where)})",
                hint="narrow the source's path; look for links that lead to folders of links",
            )
        self._unmetered += count
        if self._unmetered >= _CLOCK_EVERY:
            self.check_time(where)

    def read(self, where: str, size: int) -> None:
        """Pay for reading so many bytes.

        Raises:
            TooCostly: there is not so much left.
        """
        self._size -= size
        if self._size < 0:
            raise TooCostly(
                f"the source is too large: more than {self._allowance.size // (1024 * 1024)} MiB would be read "
                f"(reached at {_shown(where)})",
                hint="narrow the source's path, or split its files",
            )
        self.check_time(where)

    def check_time(self, where: str) -> None:
        """Look at the clock.

        Raises:
            TooCostly: the time is up.
        """
        self._unmetered = 0
        if self._meter is not None and self._meter() - self._start > self._allowance.seconds:
            raise TooCostly(
                f"reading the source took longer than {self._allowance.seconds:g} s (reached at {_shown(where)})",
                hint="narrow the source's path, or split its files",
            )


class Metered:
    """A :class:`trueup.model.tree.Tree` whose every use is paid for.

    Attributes:
        within: the folder that is read; what is looked at elsewhere is noticed from the moment that it is set.
        beside: folders elsewhere that something was looked at in.
    """

    def __init__(self, tree: Tree, budget: Budget) -> None:
        self._tree = tree
        self._budget = budget
        self.within: str | None = None
        self.beside: set[str] = set()

    def _notice(self, path: str, *, is_folder: bool, folders_above: bool = False) -> None:
        folder = self.within
        if not folder or path == folder or path.startswith(f"{folder}/"):
            return
        if not (folders_above and (not path or folder.startswith(f"{path}/"))):
            self.beside.add(path if is_folder else posixpath.dirname(path))

    @property
    def revision(self) -> str:
        """The commit (full SHA)."""
        return self._tree.revision

    @property
    def identity(self) -> str:
        """That of the tree."""
        return self._tree.identity

    @property
    def url(self) -> str:
        """That of the tree."""
        return self._tree.url

    def named(self, path: str) -> str:
        """What names all that is in a folder, for who asks what was looked at."""
        return self._tree.folder(path)

    def folder(self, path: str) -> str:
        """That of the tree."""
        self._budget.look(path, 1 + path.count("/"))
        self._notice(path, is_folder=True)
        return self._tree.folder(path)

    def entry(self, path: str) -> Entry | None:
        """The entry at a path, None when there is none. Every name of the path is a look."""
        self._budget.look(path, 1 + path.count("/"))
        found = self._tree.entry(path)
        is_folder = found is not None and found.mode is Mode.DIRECTORY
        self._notice(path, is_folder=is_folder, folders_above=True)
        return found

    def children(self, path: str) -> list[Entry]:
        """Direct entries of a directory, sorted by name; empty when it is no directory."""
        self._notice(path, is_folder=True)
        found = self._tree.children(path)
        self._budget.look(path, 1 + path.count("/") + len(found))
        return found

    def walk(self, path: str) -> Iterator[Entry]:
        """All files and links below a directory, depth first in name order, those of submodules among them.

        Folders that hold nothing but folders are paid for as well.

        Raises:
            RemotesNeeded: there is a submodule that has not been brought.
            RenderFailed: folders nested deeper than any path a file system takes.
        """
        levels = [iter(self.children(path))]
        while levels:
            entry = next(levels[-1], None)
            if entry is None:
                levels.pop()
            elif entry.mode in (Mode.DIRECTORY, Mode.SUBMODULE):
                # Looking into a submodule asks for it; what nobody can bring has nothing in it.
                if entry.path.count("/") >= DEEPEST:
                    raise RenderFailed(
                        f"folders nested more than {DEEPEST} deep at {_shown(entry.path)}", hint="move them up"
                    )
                levels.append(iter(self.children(entry.path)))
            else:
                yield entry

    def size(self, entry: Entry) -> int:
        """Bytes of a file, without reading it."""
        self._budget.look(entry.path)
        self._notice(entry.path, is_folder=False)
        return self._tree.size(entry)

    def read(self, entry: Entry) -> bytes:
        """Content of a file, or target of a link."""
        self._notice(entry.path, is_folder=False)
        self._budget.read(entry.path, self._tree.size(entry))
        return self._tree.read(entry)


def metered(budget: Budget, tree: Tree, refs: Mapping[str, Tree]) -> tuple[Metered, dict[str, Tree]]:
    """A tree and those of its ``ref`` sources, paid for from one budget."""
    return Metered(tree, budget), {name: Metered(each, budget) for name, each in refs.items()}


def _shown(path: str) -> str:
    return path if len(path) <= 200 else f"{path[:200]}…"
