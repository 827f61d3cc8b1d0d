"""The private folder of one render: exactly its inputs, nothing else."""

import posixpath
from collections.abc import Iterable, Mapping
from pathlib import Path

from trueup.model.errors import RenderFailed
from trueup.model.tree import Mode
from trueup.render.closure import inside
from trueup.render.job import Input
from trueup.render.wholeness import is_lfs_pointer, pointer_problem


def lay_out(root: Path, inputs: list[Input], files: Mapping[str, bytes]) -> None:
    """Write inputs below ``root``; links lead inside it, and files keep their executable bit.

    Raises:
        RenderFailed: a path that no checkout could hold. Recipes never have one; this is the second lock.
    """
    made: set[Path] = set()
    # Files first: no write ever passes through a link.
    for file in sorted(inputs, key=lambda file: file.entry.mode is Mode.LINK):
        path = _safe(root, file.path)
        if path.parent not in made:
            path.parent.mkdir(parents=True, exist_ok=True)
            made.add(path.parent)
        data = files[file.path]
        if file.entry.mode is Mode.LINK:
            target = data.decode("utf-8", "surrogateescape")
            if inside(posixpath.dirname(file.path), target) is None:
                raise RenderFailed(f"the link {file.path} leads out of the repository", hint="remove it")
            path.symlink_to(target)
        else:
            path.write_bytes(data)


def refuse_pointers(inputs: Iterable[Input], files: Mapping[str, bytes]) -> None:
    """Refuse inputs that are pointers of Git LFS: a tool would take the pointer for the file.

    Raises:
        RenderFailed: naming each.
    """
    pointers = [file.path for file in inputs if file.entry.mode is not Mode.LINK and is_lfs_pointer(files[file.path])]
    if pointers:
        raise RenderFailed("; ".join(map(pointer_problem, pointers)), hint="run 'git lfs untrack' on it, and commit")


def _safe(root: Path, path: str) -> Path:
    parts = path.split("/")
    if any(part in ("", ".", "..") or "\0" in part for part in parts):
        raise RenderFailed(f"{path!r} is no path a render may write", hint="rename the file")
    return root.joinpath(*parts)
