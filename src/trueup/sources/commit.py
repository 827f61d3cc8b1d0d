"""What a commit says about itself."""

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
    """

    author: str
    date: datetime
    message: str


def describe(commit: pygit2.Commit) -> CommitInfo:
    """Read a commit; bytes that are no UTF-8 become U+FFFD."""
    author = commit.author
    try:
        date = datetime.fromtimestamp(author.time, UTC)
    except (OverflowError, OSError, ValueError):
        date = _EPOCH
    name = author.raw_name.decode("utf-8", "replace")
    email = author.raw_email.decode("utf-8", "replace")
    return CommitInfo(f"{name} <{email}>", date, commit.raw_message.decode("utf-8", "replace").strip())
