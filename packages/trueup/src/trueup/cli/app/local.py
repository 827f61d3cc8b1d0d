"""A folder of this disk in the place of an application's."""

import posixpath
from collections.abc import Iterator
from pathlib import Path

from trueup.cli.app.sources import Here
from trueup.model.tree import Mode, Tree
from trueup.sources.checkout import open_checkout
from trueup.sources.worktree import WorkTree
from trueup.sources.writer import Blob, Changes


def local_changes(tree: Tree, path: str, here: Here) -> Changes:
    """What makes a folder of a revision like one of this disk. What lies beside it stays as that revision has it,
    unless a folder takes the place of the repository.

    Args:
        path: of the folder in the repository; its root is ``.`` or empty.
    """
    place = posixpath.normpath(path.strip("/") or ".").removeprefix(".")
    changes: dict[str, bytes | Blob | None] = {}
    if here.root is not None:
        changes |= dict.fromkeys((entry.path for entry in tree.walk("")), None)
        changes |= _files(_repository(here.root), "")
    below = f"{place}/" if place else ""
    changes = {each: content for each, content in changes.items() if not each.startswith(below)}
    changes |= dict.fromkeys((entry.path for entry in tree.walk(place)), None)
    changes |= _files(WorkTree(here.folder.resolve()), place)
    return changes


def _repository(root: Path) -> Tree:
    """A folder as Git would commit it; where it is no checkout, as it is."""
    found = open_checkout(root)
    return found.tree if not found.path else WorkTree(root.resolve())


def _files(tree: Tree, place: str) -> dict[str, bytes | Blob | None]:
    def each() -> Iterator[tuple[str, bytes | Blob | None]]:
        for entry in tree.walk(""):
            data = tree.read(entry)
            yield posixpath.join(place, entry.path), Blob(data, int(Mode.LINK)) if entry.mode is Mode.LINK else data

    return dict(each())
