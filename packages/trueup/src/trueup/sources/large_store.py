"""Contents of Git LFS that are here: files beside a mirror, named by their digests."""

import contextlib
import hashlib
import os
from pathlib import Path

from trueup.model.errors import SourceUnavailable
from trueup.model.tree import MEBIBYTE
from trueup.render.large_files import LargeFile

KEPT = 1024 * MEBIBYTE
"""Bytes of a repository's contents that are kept; those that came first go first."""
_FOLDER = "lfs"


def kept(repository: Path, file: LargeFile) -> Path:
    """Where a content is, if it is here.

    Args:
        repository: the bare repository of the mirror.
    """
    return repository.parent / _FOLDER / file.oid


def read(repository: Path, file: LargeFile, shown: str) -> bytes:
    """A content that is here.

    Raises:
        SourceUnavailable: it is not, or not what it was.
    """
    place = kept(repository, file)
    try:
        content = place.read_bytes()
    except OSError as error:
        raise SourceUnavailable(f"repository {shown}: large file {file.oid[:12]} is not here any more") from error
    if hashlib.sha256(content).hexdigest() != file.oid:
        raise SourceUnavailable(f"repository {shown}: the local copy of large file {file.oid[:12]} is damaged")
    return content


def keep(repository: Path, file: LargeFile, content: bytes) -> None:
    """Write a content, whole as soon as it has its name, and remove the oldest of too many."""
    place = kept(repository, file)
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    fresh = place.with_suffix(".new")
    with fresh.open("wb") as written:
        written.write(content)
        written.flush()
        os.fsync(written.fileno())
    fresh.rename(place)
    total = 0
    for each in sorted(place.parent.iterdir(), key=lambda each: each.stat().st_mtime_ns, reverse=True):
        total += each.stat().st_size
        if total > KEPT and each != place:
            with contextlib.suppress(OSError):
                each.unlink()


def drop_damaged(repository: Path) -> None:
    """Remove what is not what it was: it is fetched again."""
    folder = repository.parent / _FOLDER
    for each in folder.iterdir() if folder.is_dir() else ():
        with contextlib.suppress(OSError):
            if hashlib.sha256(each.read_bytes()).hexdigest() != each.name:
                each.unlink()
