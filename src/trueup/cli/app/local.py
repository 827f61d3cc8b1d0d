"""A folder of this disk in the place of an application's."""

import posixpath
from pathlib import Path

from trueup.model.tree import Mode, Tree
from trueup.sources.worktree import WorkTree
from trueup.sources.writer import Blob, Changes


def local_changes(tree: Tree, path: str, folder: Path) -> Changes:
    """What makes a folder of a revision like one of this disk; what lies beside it stays as that revision has it.

    Args:
        path: of the folder in the repository; its root is ``.`` or empty.
    """
    place = posixpath.normpath(path.strip("/") or ".").removeprefix(".")
    here = WorkTree(folder.resolve())
    changes: dict[str, bytes | Blob | None] = {entry.path: None for entry in tree.walk(place)}
    for entry in here.walk(""):
        data = here.read(entry)
        changes[posixpath.join(place, entry.path)] = Blob(data, int(Mode.LINK)) if entry.mode is Mode.LINK else data
    return changes
