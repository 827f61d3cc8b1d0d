"""Submodules: folders of a commit whose files lie in other repositories.

What looks into one asks for it: a recipe that needs its files says so, as one does that needs a base elsewhere
(:mod:`trueup.render.remote`), and what is brought is seen at its path. Nobody asks for what nobody looks into.
"""

from collections.abc import Iterator, Mapping

import msgspec

from kubegrammar.encoding import salvaged
from trueup.model.errors import RenderFailed
from trueup.model.tree import DEEPEST, Entry, Mode, Tree
from trueup.render.gitmodules import FILE, MAX_FILE, Submodule, absolute_url, read_gitmodules
from trueup.render.remote import MAX_REMOTES, Base, RemoteReference, RemotesNeeded

DEEP = 8
"""Submodules in submodules."""
MAX_PLACES = 64
"""Places at which one source has submodules: one repository may stand at many, and each is read anew."""


class SubmoduleCount:
    """Of the submodules of one source, those in submodules among them."""

    def __init__(self) -> None:
        self._count = 0

    def take(self, where: str) -> None:
        """One more.

        Raises:
            RenderFailed: it is one too many.
        """
        if self._count >= MAX_PLACES:
            raise RenderFailed(
                f"{where[:300]}: the source has more than {MAX_PLACES} submodules, those in submodules among them",
                hint="narrow the source's path",
            )
        self._count += 1


class WithSubmodules:
    """A :class:`trueup.model.tree.Tree` whose submodules are folders where they have been brought.

    Args:
        brought: trees by the names of their :class:`~trueup.render.remote.Base`.
        within: what lies below this folder is asked for together; None for one at a time.
        at: where this tree lies in the one that is read.
        depth: submodules around it.
        places: counts those of all trees of a source.
    """

    def __init__(
        self,
        tree: Tree,
        brought: Mapping[str, Tree],
        *,
        within: str | None = None,
        at: str = "",
        depth: int = 0,
        places: SubmoduleCount | None = None,
    ) -> None:
        self._places = places or SubmoduleCount()
        self._tree, self._brought, self._within, self._at, self._depth = tree, brought, within, at, depth
        self._declared: dict[str, Submodule] | None = None
        self._problem: RenderFailed | None = None
        self._inner: dict[str, WithSubmodules] = {}

    @property
    def revision(self) -> str:
        """The commit (full SHA)."""
        return self._tree.revision

    @property
    def identity(self) -> str:
        """That of the tree: it names the commits of the submodules too."""
        return self._tree.identity

    @property
    def url(self) -> str:
        """The repository's."""
        return self._tree.url

    def folder(self, path: str) -> str:
        """Names all that is in a folder; empty in a submodule that has not been brought."""
        place, rest = self._split(path)
        if not place:
            return self._tree.folder(path)
        inner = self._known(place)
        return inner.folder(rest) if inner is not None else ""

    def entry(self, path: str) -> Entry | None:
        """The entry at a path, None when there is none.

        Raises:
            RemotesNeeded: it is in a submodule that has not been brought.
            RenderFailed: submodules are too many, or too deep.
        """
        place, rest = self._split(path)
        if not place:
            return self._tree.entry(path)
        if not rest:
            return self._seen(self._tree.entry(path))
        found = self._opened(place).entry(rest)
        return _moved(found, place) if found is not None else None

    def children(self, path: str) -> list[Entry]:
        """Direct entries of a directory, sorted by name; empty when it is no directory.

        Raises:
            RemotesNeeded: it is a submodule, or in one, that has not been brought.
            RenderFailed: it is a submodule, and what says where from cannot be read.
        """
        place, rest = self._split(path)
        if place:
            return [_moved(each, place) for each in self._opened(place).children(rest)]
        if self._problem is not None and self._is_one(path):
            raise self._problem
        return [self._seen(each) or each for each in self._tree.children(path)]

    def walk(self, path: str) -> Iterator[Entry]:
        """All files and links below a directory, depth first in name order, those of submodules among them.

        Raises:
            RemotesNeeded: there is a submodule that has not been brought.
            RenderFailed: folders nested deeper than any path a file system takes.
        """
        if path.count("/") >= DEEPEST:
            raise RenderFailed(f"folders nested more than {DEEPEST} deep at {path[:100]}…", hint="move them up")
        for child in self.children(path):
            if child.mode in (Mode.DIRECTORY, Mode.SUBMODULE):
                yield from self.walk(child.path)
            else:
                yield child

    def size(self, entry: Entry) -> int:
        """Bytes of a file, without reading it."""
        place, rest = self._split(entry.path)
        if not place:
            return self._tree.size(entry)
        return self._opened(place).size(msgspec.structs.replace(entry, path=rest))

    def read(self, entry: Entry) -> bytes:
        """Content of a file, or target of a link."""
        place, rest = self._split(entry.path)
        if not place:
            return self._tree.read(entry)
        return self._opened(place).read(msgspec.structs.replace(entry, path=rest))

    # --- which they are ----------------------------------------------------------------------------------------------

    def _split(self, path: str) -> tuple[str, str]:
        """The submodule that a path leads into, or to, and the path in there; empty where there is none."""
        declared = self._submodules()
        if declared:
            end = path.find("/")
            while end >= 0:
                if path[:end] in declared:
                    return path[:end], path[end + 1 :]
                end = path.find("/", end + 1)
            if path in declared:
                return path, ""
        return "", ""

    def _submodules(self) -> Mapping[str, Submodule]:
        """Those that the file names and the commit has."""
        if self._declared is None:
            try:
                self._declared = {path: each for path, each in self._read().items() if self._is_one(path)}
            except RenderFailed as error:
                # Told to who needs one: the others have nothing to do with it.
                self._declared, self._problem = {}, error
        return self._declared

    def _read(self) -> Mapping[str, Submodule]:
        file = self._tree.entry(FILE)
        # A link in its place is not followed, as by git.
        if file is None or file.mode not in (Mode.FILE, Mode.EXECUTABLE):
            return {}
        named = f"{self._at}/{FILE}" if self._at else FILE
        if self._tree.size(file) > MAX_FILE:
            raise RenderFailed(
                f"{named} has more than {MAX_FILE >> 10} KiB", hint="keep fewer submodules in one repository"
            )
        return read_gitmodules(salvaged(self._tree.read(file)), named)

    def _is_one(self, path: str) -> bool:
        entry = self._tree.entry(path)
        return entry is not None and entry.mode is Mode.SUBMODULE and bool(entry.oid)

    def _seen(self, entry: Entry | None) -> Entry | None:
        """An entry, which is a folder where it is a submodule that has been brought."""
        if entry is None or entry.mode is not Mode.SUBMODULE or entry.path not in self._submodules():
            return entry
        return Entry(entry.path, Mode.DIRECTORY, entry.oid) if self._known(entry.path) is not None else entry

    # --- what is in them ---------------------------------------------------------------------------------------------

    def _reference(self, path: str) -> RemoteReference:
        """What is to be brought for a submodule."""
        entry, said = self._tree.entry(path), self._submodules()[path]
        assert entry is not None
        where = f"{self._at}/{path}" if self._at else path
        try:
            url = absolute_url(said.url, self.url)
        except RenderFailed as error:
            raise RenderFailed(f"{where}: {error.message}", hint=error.hint) from None
        return RemoteReference(where, url, file=False, base=Base(url, "", entry.oid), submodule=True)

    def _known(self, path: str) -> "WithSubmodules | None":
        inner = self._inner.get(path)
        if inner is None:
            try:
                base = self._reference(path).base
            except RenderFailed:
                return None  # told to who looks into it
            tree = self._brought.get(base.name) if base is not None else None
            if tree is None:
                return None
            at = f"{self._at}/{path}" if self._at else path
            self._places.take(at)
            inner = self._inner[path] = WithSubmodules(
                tree,
                self._brought,
                within=_below(self._within, path),
                at=at,
                depth=self._depth + 1,
                places=self._places,
            )
        return inner

    def _opened(self, path: str) -> "WithSubmodules":
        """The files of a submodule.

        Raises:
            RemotesNeeded: they have not been brought.
        """
        if self._depth >= DEEP:
            raise RenderFailed(
                f"{self._at}/{path}: submodules in submodules, more than {DEEP} deep", hint="name the last one directly"
            )
        inner = self._known(path)
        if inner is not None:
            return inner
        together = [each for each in self._submodules() if _is_below(each, self._within) and self._known(each) is None]
        needed = [self._reference(each) for each in dict.fromkeys([path, *together])]
        if len(needed) + len(self._brought) > MAX_REMOTES:
            raise RenderFailed(
                f"{needed[0].where}: the source needs more than {MAX_REMOTES} submodules and bases elsewhere",
                hint="narrow the source's path",
            )
        raise RemotesNeeded(needed)


def with_submodules(tree: Tree, refs: Mapping[str, Tree], within: str | None) -> tuple[Tree, dict[str, Tree]]:
    """A tree and those of other sources, each with its submodules, which lie among the latter where they were brought.

    Args:
        within: the source's folder: submodules in there are brought together.
    """
    places = SubmoduleCount()
    own = WithSubmodules(tree, refs, within=within, places=places)
    return own, {name: WithSubmodules(each, refs, places=places) for name, each in refs.items()}


def _below(within: str | None, path: str) -> str | None:
    """A folder, seen from a submodule; all of that where it lies in the folder."""
    if within is None:
        return None
    if _is_below(path, within):
        return ""
    return within[len(path) + 1 :] if within.startswith(f"{path}/") else None


def _is_below(path: str, within: str | None) -> bool:
    return within is not None and (not within or path == within or path.startswith(f"{within}/"))


def _moved(entry: Entry, place: str) -> Entry:
    return Entry(f"{place}/{entry.path}" if entry.path else place, entry.mode, entry.oid)
