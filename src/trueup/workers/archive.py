"""Packed charts, unpacked in memory under a limit: a megabyte may stand for gigabytes."""

import io
import tarfile
import zlib
from collections.abc import Iterator

from trueup.model.errors import RenderFailed

MAX_UNPACKED = 100 * 1024 * 1024
"""Bytes of a packed chart when unpacked (Helm's ``MaxDecompressedChartSize``)."""
_GZIP = 31
_DEEPEST = 3
"""Packed charts in packed charts."""


def unpacked(data: bytes, path: str) -> bytes:
    """What a gzip holds; what is no gzip is itself.

    Raises:
        RenderFailed: more than MAX_UNPACKED.
    """
    made = bytearray()
    rest = data
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
        return bytes(made) or data
    return bytes(made)


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
