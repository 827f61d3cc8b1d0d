"""The private folder of one render: exactly its inputs, nothing else."""

import os
import posixpath
from collections.abc import Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from trueup.model.errors import RenderFailed
from trueup.model.tree import DEEPEST, Entry, Mode
from trueup.render.closure import MAX_CLOSURE_BYTES, Located, follow
from trueup.render.job import Input
from trueup.render.wholeness import is_lfs_pointer, pointer_problem
from trueup.workers.kustomizer import Layout

_COPIED = 4 * MAX_CLOSURE_BYTES
"""Bytes written for files behind links, where a file system has no second name for a file."""


def lay_out(
    root: Path,
    inputs: Iterable[Input],
    files: Mapping[str, bytes],
    written: Mapping[str, bytes] | None = None,
    executable: Collection[str] = (),
) -> None:
    """Write inputs below ``root``. No link of the repository is there afterwards, nor was one passed on the way.

    A link to a file is that file. A link to a folder leads straight to the real folder here, by a text of ours: what
    lies in it is resolved from its real place, as in a checkout, and however many links there are, they multiply
    nothing. A link that leads to nothing of the inputs is left out.

    Args:
        root: a folder that is empty, or not there yet.
        written: files that replace inputs or join them.
        executable: paths of files whose mode says that they are programs.

    Raises:
        RenderFailed: a path that no checkout could hold, or a link out. Recipes have neither; this is the second lock.
    """
    written = written or {}
    laid = _Laid(inputs, files, written)
    contents = {path: files[path] for path, entry in laid.entries.items() if entry.mode is not Mode.LINK} | {**written}
    links = sorted(path for path, entry in laid.entries.items() if entry.mode is Mode.LINK)
    for path in (*contents, *links):
        _check(path)
    root.mkdir(parents=True, exist_ok=True)
    with _Below(root) as below:
        try:
            for path in sorted(contents):
                below.write(path, contents[path], 0o700 if path in executable else 0o600)
            for path in links:
                _place(below, laid, path)
        except OSError as error:
            raise RenderFailed(
                f"the files of the source cannot be laid out: {error.strerror}", hint="rename or shorten what is odd"
            ) from error


def in_memory(inputs: Iterable[Input], files: Mapping[str, bytes], written: Mapping[str, bytes]) -> Layout:
    """What :func:`lay_out` writes, for who needs no disk.

    Raises:
        RenderFailed: as there.
    """
    laid = _Laid(inputs, files, written)
    contents = {path: files[path] for path, entry in laid.entries.items() if entry.mode is not Mode.LINK} | {**written}
    links = sorted(path for path, entry in laid.entries.items() if entry.mode is Mode.LINK)
    for path in (*contents, *links):
        _check(path)
    folders: dict[str, str] = {}
    copied = 0
    for path in links:
        located = _located(laid, path)
        if located is None:
            continue
        if located.entry.mode is Mode.DIRECTORY:
            folders[path] = located.path
            continue
        contents[path] = laid.data(located.path)
        copied += len(contents[path])
        if copied > _COPIED:
            raise _too_much_copied(path)
    return Layout(contents, folders)


def refuse_pointers(inputs: Iterable[Input], files: Mapping[str, bytes]) -> None:
    """Refuse inputs that are pointers of Git LFS: a tool would take the pointer for the file.

    Raises:
        RenderFailed: naming each.
    """
    pointers = [file.path for file in inputs if file.entry.mode is not Mode.LINK and is_lfs_pointer(files[file.path])]
    if pointers:
        raise RenderFailed("; ".join(map(pointer_problem, pointers)), hint="run 'git lfs untrack' on it, and commit")


class _Laid:
    """The inputs as a tree, in which links can be followed; paths are those of the private folder."""

    revision = ""

    def __init__(self, inputs: Iterable[Input], files: Mapping[str, bytes], written: Mapping[str, bytes]) -> None:
        self.entries = {file.path: Entry(file.path, file.entry.mode, "") for file in inputs if file.path not in written}
        self._files = {**files, **written}
        self._all = {**self.entries, **{path: Entry(path, Mode.FILE, "") for path in written}}
        for path in tuple(self._all):
            while (path := posixpath.dirname(path)) and path not in self._all:
                self._all[path] = Entry(path, Mode.DIRECTORY, "")

    def entry(self, path: str) -> Entry | None:
        return self._all.get(path)

    def read(self, entry: Entry) -> bytes:
        return self._files[entry.path]

    def data(self, path: str) -> bytes:
        return self._files[path]


def _located(laid: _Laid, path: str) -> Located | None:
    try:
        return follow(laid, path, "link")
    except RenderFailed as error:
        raise RenderFailed(f"the link {path} leads out of the repository, or nowhere", hint="remove it") from error


def _too_much_copied(path: str) -> RenderFailed:
    return RenderFailed(
        f"the links of the source stand for more than {_COPIED >> 20} MiB of files (reached at {path})",
        hint="keep one copy of a large file, and no links to it",
    )


def _place(below: "_Below", laid: _Laid, path: str) -> None:
    located = _located(laid, path)
    if located is None:
        return
    if located.entry.mode is Mode.DIRECTORY:
        below.point(path, located.path)
    else:
        below.name(path, located.path, laid.data(located.path))


class _Below:
    """A folder that is written into by handles: whatever lies in it, no name is resolved through a link."""

    def __init__(self, root: Path) -> None:
        self._names: list[str] = []
        self._handles = [os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)]
        self._copied = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for handle in self._handles:
            os.close(handle)

    def write(self, path: str, data: bytes, mode: int = 0o600) -> None:
        """Make a file, in folders that are made when they are not there."""
        *folders, name = path.split("/")
        handle = os.open(
            name,
            os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC,
            mode,
            dir_fd=self._enter(folders),
        )
        with os.fdopen(handle, "wb", buffering=0) as file:
            view = memoryview(data)
            while view:
                view = view[file.write(view) :]

    def point(self, path: str, folder: str) -> None:
        """A link straight to a real folder here."""
        *folders, name = path.split("/")
        os.symlink(posixpath.relpath(folder or ".", posixpath.dirname(path) or "."), name, dir_fd=self._enter(folders))

    def name(self, path: str, file: str, data: bytes) -> None:
        """A second name for a file that is here; a copy where there can be none.

        Raises:
            RenderFailed: too much was copied.
        """
        *folders, name = path.split("/")
        with suppress(OSError):
            os.link(file, name, src_dir_fd=self._handles[0], dst_dir_fd=self._enter(folders), follow_symlinks=False)
            return
        self._copied += len(data)
        if self._copied > _COPIED:
            raise _too_much_copied(path)
        self.write(path, data)

    def _enter(self, folders: list[str]) -> int:
        """A handle of a folder below, made when it is not there. The last way taken is kept open."""
        kept = 0
        for old, new in zip(self._names, folders, strict=False):
            if old != new:
                break
            kept += 1
        while len(self._names) > kept:
            self._names.pop()
            os.close(self._handles.pop())
        for folder in folders[kept:]:
            parent = self._handles[-1]
            with suppress(FileExistsError):
                os.mkdir(folder, 0o700, dir_fd=parent)
            flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
            self._handles.append(os.open(folder, flags, dir_fd=parent))
            self._names.append(folder)
        return self._handles[-1]


def _check(path: str) -> None:
    parts = path.split("/")
    if len(parts) > DEEPEST or any(part in ("", ".", "..") or "\0" in part for part in parts):
        raise RenderFailed(f"{path!r} is no path a render may write", hint="rename the file")
