"""Paths of a repository, resolved and refused before any tool runs.

Nothing here touches a disk: a path is text, a link is an entry of a tree. The rule is Argo CD's: whatever a source
names must lie inside its repository, also after links are followed.
"""

import posixpath
from collections.abc import Iterator, Mapping
from typing import Protocol

import msgspec

from trueup.model.errors import RenderFailed
from trueup.model.tree import DEEPEST, Entry, Mode, Tree
from trueup.render.job import Input
from trueup.render.remote import RemoteReference, RemotesNeeded

MAX_LINKS = 10
"""Links followed on one path."""

MAX_CLOSURE_BYTES = 64 * 1024 * 1024
"""Bytes of one render's inputs, counted before any is read."""

MAX_CLOSURE_FILES = 20_000


class Located(msgspec.Struct, frozen=True, gc=False):
    """Where a path leads.

    Attributes:
        path: the real path, free of links.
        entry: the file or directory there, never a link.
        links: the links that were followed.
    """

    path: str
    entry: Entry
    links: tuple[Entry, ...] = ()


def inside(base: str, relative: str) -> str | None:
    """``relative`` seen from the directory ``base``, normalised; None when that is outside the repository.

    The root is the empty string.
    """
    if relative.startswith("/"):
        return None
    joined = posixpath.normpath(posixpath.join(base, relative))
    if joined == ".." or joined.startswith("../"):
        return None
    return "" if joined == "." else joined


def refuse_outside(text: str, what: str) -> RenderFailed:
    """The error for a path that leaves the repository (Argo CD's words for value files)."""
    return RenderFailed(
        f"{what} {text!r} resolved to outside repository root",
        hint="name a file of the repository by a path relative to the source's path",
    )


class Looks(Protocol):
    """What following a path asks a tree for."""

    @property
    def revision(self) -> str:
        """The commit."""

    def entry(self, path: str) -> Entry | None:
        """The entry at a path, None when there is none."""

    def read(self, entry: Entry) -> bytes:
        """The target of a link."""


def follow(tree: Looks, path: str, what: str) -> Located | None:
    """What a normalised path leads to, links followed; None when there is nothing.

    Component by component, as the kernel does it: in ``a/link/..`` the two dots lead from where the link leads to, not
    back to ``a``.

    Raises:
        RenderFailed: a link leaves the repository, even on a detour, or links lead in circles.
    """
    entry = tree.entry(path) if path else Entry("", Mode.DIRECTORY, tree.revision)
    # A tree finds a path only through real directories: a hit that is no link passed no link.
    if entry is not None and entry.mode is not Mode.LINK:
        return Located(path, entry)
    links: list[Entry] = []
    here = Entry("", Mode.DIRECTORY, tree.revision)
    # The components still to come, the next one last.
    ahead = path.split("/")[::-1]
    while ahead:
        name = ahead.pop()
        if here.mode not in (Mode.DIRECTORY, Mode.SUBMODULE):
            return None
        if name in ("", "."):
            continue
        if name == "..":
            if not here.path:
                raise refuse_outside(path, f"{what} (through the link {links[-1].path})" if links else what)
            here = _folder(tree, posixpath.dirname(here.path))
            continue
        found = tree.entry(posixpath.join(here.path, name))
        if found is None:
            return None
        if found.mode is not Mode.LINK:
            here = found
            continue
        links.append(found)
        if len(links) > MAX_LINKS:
            raise RenderFailed(
                f"symlink nesting too deep: {path}", hint="replace the chain of links by the file itself"
            )
        target = tree.read(found).decode("utf-8", "surrogateescape")
        if not target or "\0" in target:
            return None
        if target.startswith("/"):
            raise refuse_outside(path, f"{what} (through the link {found.path})")
        ahead += target.split("/")[::-1]
    return Located(here.path, here, tuple(links))


def _folder(tree: Looks, path: str) -> Entry:
    found = tree.entry(path) if path else None
    return found or Entry(path, Mode.DIRECTORY, tree.revision)


def files_below(tree: Tree, path: str, what: str) -> Iterator[tuple[str, Entry]]:
    """All files below a real directory: (path as seen there, entry that holds the content), links followed by content.

    A link to a directory yields the files of that directory below the link's path.

    Raises:
        RenderFailed: a link leaves the repository, dangles or leads to a directory that holds it.
    """
    yield from _files_below(tree, path, path, what, ())


def _files_below(
    tree: Tree, real: str, seen_as: str, what: str, through: tuple[str, ...]
) -> Iterator[tuple[str, Entry]]:
    """``through``: the links to folders that led here."""
    if len(through) > MAX_LINKS:
        raise RenderFailed(f"symlink nesting too deep: {seen_as}", hint="replace links to folders by the folders")
    for entry in tree.walk(real):
        shown = posixpath.join(seen_as, entry.path[len(real) :].lstrip("/")) if real != seen_as else entry.path
        if entry.mode is not Mode.LINK:
            yield shown, entry
            continue
        located = follow(tree, entry.path, what)
        if located is None:
            raise RenderFailed(f"{what}: the link {entry.path} leads nowhere", hint="remove it or add its target")
        if located.entry.mode is Mode.DIRECTORY:
            passed = (*through, entry.path)
            if any(_holds(located.path, link) for link in passed):
                raise RenderFailed(
                    f"{what}: the link {entry.path} leads to a folder that holds it, round and round", hint="remove it"
                )
            yield from _files_below(tree, located.path, shown, what, passed)
        else:
            yield shown, located.entry


def _holds(folder: str, path: str) -> bool:
    return not folder or path.startswith(f"{folder}/")


def own_entries(tree: Tree, path: str) -> Iterator[Entry]:
    """All files, links and submodules below a real directory, in name order; no submodule is looked into that has not
    been brought.

    Raises:
        RenderFailed: folders nested deeper than any path a file system takes.
    """
    levels = [iter(tree.children(path))]
    while levels:
        entry = next(levels[-1], None)
        if entry is None:
            levels.pop()
        elif entry.mode is not Mode.DIRECTORY:
            yield entry
        elif entry.path.count("/") >= DEEPEST:
            raise RenderFailed(f"folders nested more than {DEEPEST} deep at {entry.path[:200]}…", hint="move them up")
        else:
            levels.append(iter(tree.children(entry.path)))


def submodules_below(tree: Tree, path: str) -> Iterator[str]:
    """Paths of the submodules below a real directory that have not been brought."""
    return (entry.path for entry in own_entries(tree, path) if entry.mode is Mode.SUBMODULE)


def refuse_submodule(tree: Tree, path: str, where: str = "", hint: str = "") -> RenderFailed:
    """The error for a submodule whose files are needed, and that nobody can bring.

    Args:
        where: what names it, for messages.
        hint: what else helps.

    Raises:
        RemotesNeeded: it is known where it comes from.
    """
    tree.children(path)
    return RenderFailed(
        f"{where or path} is a submodule, and .gitmodules has no URL of it, or submodules are not fetched here",
        hint=hint or "declare it in .gitmodules, or commit its files",
    )


def check_size(
    inputs: list[Input], tree: Tree, limit: int = MAX_CLOSURE_BYTES, refs: Mapping[str, Tree] | None = None
) -> None:
    """Refuse a closure that is too large, by the sizes the trees know, before anything is read.

    Raises:
        RenderFailed: more than ``limit`` bytes or MAX_CLOSURE_FILES files, in the source's own tree and in ``refs``.
        RemotesNeeded: some of them are in Git LFS, and not here: all of these.
    """
    if len(inputs) > MAX_CLOSURE_FILES:
        raise RenderFailed(
            f"the source reads {len(inputs)} files, more than {MAX_CLOSURE_FILES}", hint="narrow the source's path"
        )
    total, lacking = 0, list[RemoteReference]()
    for file in inputs:
        holder = (refs or {}).get(file.ref) if file.ref else tree
        if holder is None:
            continue
        try:
            total += holder.size(file.entry)
        except RemotesNeeded as needed:
            lacking += needed.remotes
            total += sum(remote.large[1] for remote in needed.remotes if remote.large is not None)
        if total > limit:
            raise RenderFailed(
                f"the files of the source exceed {limit // (1024 * 1024)} MiB (reached at {file.path})",
                hint="narrow the source's path, or move large files away",
            )
    if lacking:
        raise RemotesNeeded(lacking)
