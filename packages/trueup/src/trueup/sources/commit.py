"""What a commit says about itself."""

from datetime import UTC, datetime

import msgspec
import pygit2

from trueup.sources.signing import read_signature

_EPOCH = datetime.fromtimestamp(0, UTC)


class CommitInfo(msgspec.Struct, frozen=True):
    """Who wrote a commit, when, and why.

    Args:
        author: ``Name <email>``.
        date: when it was written, in UTC; 1970 when the commit gives no time that exists.
        message: without blank lines around it.
        signer: what the signature says of the key it was made with; empty where there is none.
        verified: the signature is of this commit, by that key.
    """

    author: str
    date: datetime
    message: str
    signer: str = ""
    verified: bool = False


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
    signature, signed = commit.gpg_signature
    if b"BEGIN SSH SIGNATURE" in (signature or b""):
        key, verified = read_signature(signature, signed or b"")
        return CommitInfo(f"{name} <{email}>", date, message, key or "an SSH key", verified)
    return CommitInfo(f"{name} <{email}>", date, message, "an OpenPGP key" if signature else "")
