"""Files of Git LFS: a commit holds a pointer, and the content lies beside the repository, named by its digest."""

import msgspec

from kubegrammar import pattern
from trueup.model.tree import Entry
from trueup.render.remote import RemoteReference
from trueup.render.wholeness import is_lfs_pointer

POINTER = 1024
"""Bytes of a pointer at most."""
_POINTED = pattern.compile(r"(?m)^oid sha256:([0-9a-f]{64})\r?\nsize ([0-9]{1,15})\r?$")


class LargeFile(msgspec.Struct, frozen=True):
    """What a pointer says.

    Attributes:
        oid: SHA-256 of the content, in hexadecimal digits.
        size: bytes of the content.
    """

    oid: str
    size: int


def pointed(data: bytes) -> LargeFile | None:
    """What a file points to; None where it is no pointer, or one of another kind than everybody's."""
    if not is_lfs_pointer(data):
        return None
    found = _POINTED.search(data.decode("utf-8", "replace"))
    return LargeFile(found[1], int(found[2])) if found is not None else None


def reference(entry: Entry, file: LargeFile, url: str) -> RemoteReference:
    """What is to be brought for a pointer.

    Args:
        url: of its repository.
    """
    return RemoteReference(entry.path, url, file=False, base=None, large=(file.oid, file.size))
