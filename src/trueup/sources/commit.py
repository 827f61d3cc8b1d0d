"""What a commit says about itself."""

import base64
import hashlib
from datetime import UTC, datetime

import msgspec
import pygit2

_EPOCH = datetime.fromtimestamp(0, UTC)


class CommitInfo(msgspec.Struct, frozen=True):
    """Who wrote a commit, when, and why.

    Args:
        author: ``Name <email>``.
        date: when it was written, in UTC; 1970 when the commit gives no time that exists.
        message: without blank lines around it.
        signer: what the signature says of the key it was made with, unverified; empty where there is none.
    """

    author: str
    date: datetime
    message: str
    signer: str = ""


def describe(commit: pygit2.Commit) -> CommitInfo:
    """Read a commit; bytes that are no UTF-8 become U+FFFD."""
    author = commit.author
    try:
        date = datetime.fromtimestamp(author.time, UTC)
    except (OverflowError, OSError, ValueError):
        date = _EPOCH
    name = author.raw_name.decode("utf-8", "replace")
    email = author.raw_email.decode("utf-8", "replace")
    message = commit.raw_message.decode("utf-8", "replace").strip()
    return CommitInfo(f"{name} <{email}>", date, message, _signer(commit))


def _signer(commit: pygit2.Commit) -> str:
    signature = commit.gpg_signature[0] or b""
    if b"BEGIN SSH SIGNATURE" not in signature:
        return "an OpenPGP key" if signature else ""
    try:
        blob = base64.b64decode(b"".join(signature.strip().splitlines()[1:-1]))
        length = int.from_bytes(blob[10:14], "big")
    except ValueError:
        return "an SSH key"
    # PROTOCOL.sshsig: the magic, a version, then the public key as a string.
    digest = hashlib.sha256(blob[14 : 14 + length]).digest()
    return "SHA256:" + base64.b64encode(digest).decode().rstrip("=")
