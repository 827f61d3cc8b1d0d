"""Packed charts, unpacked in memory under a limit: a megabyte may stand for gigabytes."""

import io
import posixpath
import tarfile
import zlib
from collections.abc import Collection, Iterator

from kubegrammar import pattern
from trueup.model.errors import RenderFailed
from trueup.model.tree import DEEPEST, Mode

MAX_UNPACKED = 100 * 1024 * 1024
"""Bytes of a packed chart when unpacked (Helm's ``MaxDecompressedChartSize``)."""
MAX_FILE = 5 * 1024 * 1024
"""Bytes of one file of a chart that is fetched (Helm's ``MaxDecompressedFileSize``)."""
MAX_FILES = 5_000
MAX_ARTIFACT_FILE, MAX_ARTIFACT_FILES = 16 * 1024 * 1024, 20_000
_GZIP, _GZIPPED = 31, b"\x1f\x8b"
_DEEPEST = 3
"""Packed charts in packed charts."""
_DRIVE = pattern.compile(r"^[a-zA-Z]:/")
_LONGEST_PATH = 1024
_MARK = b"\xef\xbb\xbf"
_HINT = "package it anew: helm package"
_PUSH = "push the folder anew as one layer, such as oras push does it"


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
    _require_folders(found, shown, _HINT)
    return found


def artifact_files(data: bytes, shown: str) -> dict[str, tuple[Mode, bytes]]:
    """The files and links of an artifact's layer, packed or not, by their paths; of one path the last. A link is its
    target, which whoever follows it looks at; names of one file more (hard links) are that file.

    Args:
        shown: what it is, for messages.

    Raises:
        RenderFailed: it is no archive, too large when unpacked, or a path leaves it.
    """
    plain, whole = _unpacked(data, shown) if data[:2] == _GZIPPED else (data, True)
    if not whole:
        raise RenderFailed(f"{shown} is not the whole of an archive", hint=_PUSH)
    found: dict[str, tuple[Mode, bytes]] = {}
    size = 0
    try:
        with tarfile.open(fileobj=io.BytesIO(plain), mode="r:") as archive:
            for member in archive:
                path = posixpath.normpath(member.name)
                if member.isdir() or path == ".":
                    continue
                _require_within(path, member.name, shown)
                size += member.size
                if member.size > MAX_ARTIFACT_FILE or size > MAX_UNPACKED or len(found) >= MAX_ARTIFACT_FILES:
                    raise RenderFailed(
                        f"{shown}: {path[:200]!r} is one file too many or too large: {MAX_ARTIFACT_FILE >> 20} MiB "
                        f"each, {MAX_UNPACKED >> 20} MiB and {MAX_ARTIFACT_FILES} files together are read",
                        hint="push what is deployed alone",
                    )
                if member.issym():
                    found[path] = (Mode.LINK, member.linkname.encode("utf-8", "surrogateescape"))
                elif member.islnk():
                    known = found.get(posixpath.normpath(member.linkname))
                    if known is None:
                        raise RenderFailed(f"{shown}: {path[:200]!r} is a link to what is not there", hint=_PUSH)
                    found[path] = known
                elif member.isreg() and (file := archive.extractfile(member)) is not None:
                    found[path] = (Mode.EXECUTABLE if member.mode & 0o100 else Mode.FILE, file.read())
                else:
                    raise RenderFailed(f"{shown}: {path[:200]!r} is neither a file nor a link", hint=_PUSH)
    except (tarfile.TarError, OSError, EOFError, ValueError, OverflowError) as error:
        raise RenderFailed(f"{shown} is no archive: {error}"[:500], hint=_PUSH) from error
    _require_folders(found, shown, _PUSH)
    return found


def _require_folders(paths: Collection[str], shown: str, hint: str) -> None:
    """Refuse an archive in which something is a file and a folder."""
    for path in paths:
        above = path
        while above := posixpath.dirname(above):
            if above in paths:
                raise RenderFailed(f"{shown}: {above!r} is a file and a folder", hint=hint)


def _require_within(path: str, name: str, shown: str) -> None:
    """Refuse a path that leads out, or is none."""
    if path.startswith(("/", "..")) or "\0" in path or not path.isprintable():
        raise RenderFailed(f"{shown}: {name[:200]!r} leads out of the artifact", hint=_PUSH)
    if len(path) > _LONGEST_PATH or path.count("/") >= DEEPEST:
        raise RenderFailed(f"{shown}: {name[:200]!r} is too deep a path", hint=_PUSH)


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
