"""The commit that changed an application: the last one that touched what it is made of."""

import msgspec

LONGEST = 200
"""Characters of a subject or an author that are kept."""


class LastChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A commit.

    Attributes:
        revision: full SHA.
        author: ``Name <email>``, which anybody may write into a commit.
        at: when it was written, RFC 3339 UTC.
        subject: the first line of its message.
        sources: digest of the sources that it has changed.
    """

    revision: str
    author: str = ""
    at: str = ""
    subject: str = ""
    sources: str = ""

    def spelt(self) -> str:
        """As JSON, for an annotation."""
        return msgspec.json.encode(self).decode()


def read_change(text: str) -> LastChange | None:
    """A change as an annotation has it, which whoever may write the application may write; None where it is none."""
    try:
        return msgspec.json.decode(text, type=LastChange)
    except msgspec.DecodeError:
        return None
