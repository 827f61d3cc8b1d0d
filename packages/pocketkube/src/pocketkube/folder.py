"""Folders that clusters are kept in."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pocketkube.errors import ClusterError


class DataFolderUnusable(ClusterError):
    """A folder cannot be made, read or written; the message names it and says why."""


def own_folder(folder: Path, *, remedy: str) -> Path:
    """A folder that this process may write, made where it is missing, for its owner alone; absolute.

    Raises:
        FolderUnusable: with what to do about it.
    """
    with usable(folder, remedy=remedy):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        # Rights, a read-only mount and a full disk show only when something is written.
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(b"pocketkube")
            probe.flush()
        return folder.absolute()


@contextlib.contextmanager
def usable(path: Path, *, remedy: str) -> Iterator[None]:
    """What the system refuses below a path becomes one sentence.

    Raises:
        FolderUnusable: instead of any OSError.
    """
    try:
        yield
    except FileExistsError as error:
        raise DataFolderUnusable(f"{path}: a file is there, not a folder", hint=remedy) from error
    except OSError as error:
        raise DataFolderUnusable(f"{path}: {error.strerror or error}", hint=remedy) from error
