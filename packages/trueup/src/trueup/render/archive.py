"""Packed charts, unpacked in memory under a limit: a megabyte may stand for gigabytes."""

import io
import posixpath
import tarfile
import zlib
from collections.abc import Iterator

from kubegrammar import pattern
from trueup.model.errors import RenderFailed
from trueup.model.tree import DEEPEST

MAX_UNPACKED = 100 * 1024 * 1024
"""Bytes of a packed chart when unpacked (Helm's ``MaxDecompressedChartSize``)."""
MAX_FILE = 5 * 1024 * 1024
"""Bytes of one file of a chart that is fetched (Helm's ``MaxDecompressedFileSize``)."""
MAX_FILES = 5_000
_GZIP = 31
_DEEPEST = 3
"""Packed charts in packed charts."""
_DRIVE = pattern.compile(r"^[a-zA-Z]:/")
_LONGEST_PATH = 1024
_MARK = b"\xef\xbb\xbf"
_HINT = "package it anew: helm package"


def unpacked(data: bytes, path: str) -> bytes:
    """What a gzip holds, as far as it goes; what is no gzip is itself.

    Raises:
        RenderFailed: more than MAX_UNPACKED.
    """
    return _unpacked(data, path)[0]


def _unpacked(data: bytes, path: str) -> tuple[bytes, bool]:
    """What a gzip holds, and whether it is whole."""
    made = bytearray()
    rest, member = data, zlib.decompressobj(_GZIP)
    try:
        while rest:
            member = zlib.decompressobj(_GZIP)
            made += member.decompress(rest, MAX_UNPACKED + 1 - len(made))
            if len(made) > MAX_UNPACKED:
                raise RenderFailed(
                    f"{path} unpacks to more than {MAX_UNPACKED >> 20} MiB", hint="remove what no chart needs from it"
                )
            rest = member.unused_data
    except zlib.error:
        return bytes(made) or data, bool(made)
    return bytes(made), member.eof


def members(data: bytes, path: str, ending: str, depth: int = 0) -> Iterator[tuple[str, bytes]]:
    """Files of a packed chart whose name ends so, and of the packed charts in it; nothing is written.

    Raises:
        RenderFailed: it is too large when unpacked, or packed charts are in one another without end.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(unpacked(data, path)), mode="r:") as archive:
            for member in archive:
                file = archive.extractfile(member) if member.isreg() else None
                if file is None:
                    continue
                if member.name.endswith(ending):
                    yield member.name, file.read()
                elif member.name.endswith(".tgz"):
                    if depth == _DEEPEST:
                        raise RenderFailed(f"{path}: packed charts nested too deep", hint="unpack the inner ones")
                    yield from members(file.read(), f"{path}: {member.name}", ending, depth + 1)
    except (tarfile.TarError, OSError, EOFError, ValueError):
        # Helm says what is wrong with it.
        return


def without(data: bytes, path: str, ending: str, depth: int = 0) -> bytes:
    """A packed chart without the files whose name ends so; the same when it has none.

    Raises:
        RenderFailed: it is too large when unpacked.
    """
    if next(members(data, path, ending, depth), None) is None:
        return data
    made = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(unpacked(data, path)), mode="r:") as archive,
        tarfile.open(fileobj=made, mode="w:gz", compresslevel=1) as packed,
    ):
        for member in archive:
            file = archive.extractfile(member) if member.isreg() else None
            if file is None or member.name.endswith(ending):
                continue
            content = file.read()
            if member.name.endswith(".tgz") and depth < _DEEPEST:
                content = without(content, path, ending, depth + 1)
            entry = tarfile.TarInfo(member.name)
            entry.size = len(content)
            packed.addfile(entry, io.BytesIO(content))
    return made.getvalue()


def chart_files(data: bytes, shown: str) -> dict[str, bytes]:
    """The files of a packed chart by their paths in it, as Helm unpacks it (``LoadArchiveFiles``): without the folder
    that holds all, links as empty files. Of one path the last.

    Args:
        shown: what it is, for messages.

    Raises:
        RenderFailed: it is no packed chart, too large when unpacked, or a path leaves it.
    """
    plain, whole = _unpacked(data, shown)
    if not whole:
        raise RenderFailed(f"{shown} is no packed chart, or not the whole of one", hint=_HINT)
    found: dict[str, bytes] = {}
    size = 0
    try:
        with tarfile.open(fileobj=io.BytesIO(plain), mode="r:") as archive:
            for member in archive:
                if member.isdir():
                    continue
                path = _inner(member.name, shown)
                # A sparse file says any size.
                size += member.size
                if member.size > MAX_FILE or size > MAX_UNPACKED or len(found) >= MAX_FILES:
                    raise RenderFailed(
                        f"{shown}: {path[:200]!r} is one file too many or too large: {MAX_FILE >> 20} MiB each, "
                        f"{MAX_UNPACKED >> 20} MiB and {MAX_FILES} files together are read",
                        hint="remove what no chart needs from it",
                    )
                file = archive.extractfile(member) if member.isreg() else None
                found[path] = file.read().removeprefix(_MARK) if file is not None else b""
    except (tarfile.TarError, OSError, EOFError, ValueError, OverflowError) as error:
        raise RenderFailed(f"{shown} is no packed chart: {error}"[:500], hint=_HINT) from error
    if not found:
        raise RenderFailed(f"{shown} is no packed chart: there is no file in it", hint=_HINT)
    for path in found:
        above = path
        while above := posixpath.dirname(above):
            if above in found:
                raise RenderFailed(f"{shown}: {above!r} is a file and a folder", hint=_HINT)
    return found


def _inner(name: str, shown: str) -> str:
    """The path of a file in a chart.

    Raises:
        RenderFailed: it leads out of the chart.
    """
    outer, _, rest = name.replace("\\", "/").partition("/")
    path = posixpath.normpath(rest) if rest else "."
    if outer == "Chart.yaml":
        raise RenderFailed(f"{shown}: Chart.yaml is not in a folder of the chart's name", hint=_HINT)
    if path == "." or path.startswith(("/", "..")) or _DRIVE.match(path) or "\0" in path:
        raise RenderFailed(f"{shown}: {name[:200]!r} leads out of the chart", hint=_HINT)
    if len(path) > _LONGEST_PATH or path.count("/") >= DEEPEST:
        raise RenderFailed(f"{shown}: {name[:200]!r} is too deep a path", hint=_HINT)
    return path
