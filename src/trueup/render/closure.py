"""Paths of a repository, resolved and refused before any tool runs.

Nothing here touches a disk: a path is text, a link is an entry of a tree. The rule is Argo CD's: whatever a source
names must lie inside its repository, also after links are followed.
"""

import posixpath
from collections.abc import Iterator

import msgspec

from trueup.model.errors import RenderFailed
from trueup.model.tree import Entry, Mode, Tree
from trueup.render.job import Input

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


def follow(tree: Tree, path: str, what: str) -> Located | None:
    """What a normalised path leads to, links followed; None when there is nothing.

    Raises:
        RenderFailed: a link leaves the repository, or links lead in circles.
    """
    links: list[Entry] = []
    asked = path
    while True:
        link = _first_link(tree, path)
        if link is None:
            entry = Entry("", Mode.DIRECTORY, tree.revision) if not path else tree.entry(path)
            return Located(path, entry, tuple(links)) if entry is not None else None
        links.append(link)
        if len(links) > MAX_LINKS:
            raise RenderFailed(
                f"symlink nesting too deep: {asked}", hint="replace the chain of links by the file itself"
            )
        target = tree.read(link).decode("utf-8", "surrogateescape")
        resolved = inside(posixpath.dirname(link.path), target) if target else None
        if resolved is None:
            raise refuse_outside(asked, f"{what} (through the link {link.path})")
        rest = path[len(link.path) :].lstrip("/")
        path = posixpath.join(resolved, rest) if rest else resolved


def _first_link(tree: Tree, path: str) -> Entry | None:
    direct = tree.entry(path) if path else None
    # A tree finds a path only through real directories: a hit that is no link passed no link.
    if not path or (direct is not None and direct.mode is not Mode.LINK):
        return None
    parts = path.split("/")
    for count in range(1, len(parts) + 1):
        entry = tree.entry("/".join(parts[:count]))
        if entry is None:
            return None
        if entry.mode is Mode.LINK:
            return entry
    return None


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


def submodules_below(tree: Tree, path: str) -> Iterator[str]:
    """Paths of the submodules below a real directory, which hold files that nobody fetched."""
    for child in tree.children(path):
        if child.mode is Mode.SUBMODULE:
            yield child.path
        elif child.mode is Mode.DIRECTORY:
            yield from submodules_below(tree, child.path)


def check_size(inputs: list[Input], tree: Tree, limit: int = MAX_CLOSURE_BYTES) -> None:
    """Refuse a closure that is too large, by the sizes the tree knows, before anything is read.

    Raises:
        RenderFailed: more than ``limit`` bytes or MAX_CLOSURE_FILES files in the source's own tree.
    """
    if len(inputs) > MAX_CLOSURE_FILES:
        raise RenderFailed(
            f"the source reads {len(inputs)} files, more than {MAX_CLOSURE_FILES}", hint="narrow the source's path"
        )
    total = 0
    for file in inputs:
        if file.ref:
            continue
        total += tree.size(file.entry)
        if total > limit:
            raise RenderFailed(
                f"the files of the source exceed {limit // (1024 * 1024)} MiB (reached at {file.path})",
                hint="narrow the source's path, or move large files away",
            )
