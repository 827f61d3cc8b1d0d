"""What a delivery says, whoever has sent it."""

from collections.abc import Mapping
from typing import Final

import msgspec

from trueup.sources.revision import BRANCHES, REFS, TAGS

MOST_PUSHES: Final = 32
"""Pushes to one repository that are kept apart. Of more, all that is kept is that there were many."""
MOST_FILES: Final = 2000
"""Changed files that are looked at. Of more, applications are told whatever files they are made of."""
MOST_URLS: Final = 8
"""Ways to a repository that a delivery may name; further ones are not looked at."""
MOST_IMAGES: Final = 200
"""Pushed images that wait at a time."""

_LONGEST_COMMIT: Final = 64
_HEXADECIMAL: Final = frozenset("0123456789abcdefABCDEF")


class Delivery(msgspec.Struct, frozen=True):
    """One request of a host.

    Attributes:
        headers: by their names in small letters.
        query: the first value of each parameter.
        body: as it was sent, which is what is signed.
    """

    headers: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes


class BadDelivery(Exception):
    """A delivery is none, or not of the form that its host has. Its text is ours, and repeats nothing of it."""


class GitPush(msgspec.Struct, frozen=True):
    """A branch or tag of a repository is another than it was.

    Attributes:
        urls: of the repository, as the host writes them.
        ref: the full name.
        commit: what it leads to now; empty where it is gone, or nobody says.
        is_head: whether it is the default branch; None where nobody says.
        files: that have changed, by their paths; None where nobody says, or not of all commits.
    """

    urls: tuple[str, ...]
    ref: str
    commit: str = ""
    is_head: bool | None = None
    files: frozenset[str] | None = None


class ImagePush(msgspec.Struct, frozen=True):
    """A registry has something new.

    Attributes:
        repository: host and path, as ``ghcr.io/org/app``.
        tag: empty where nobody says.
    """

    repository: str
    tag: str = ""


News = GitPush | ImagePush


def full_ref(name: str, *, tag: bool = False) -> str:
    """The full name of a branch or a tag that a host calls by its short one."""
    return name if name.startswith(REFS) else f"{TAGS if tag else BRANCHES}{name}"


def leads_to(commit: str) -> str:
    """A commit as hosts write it: of what is gone, only noughts. What can be none is nothing, however long it is."""
    return commit if len(commit) <= _LONGEST_COMMIT and commit.strip("0") and _HEXADECIMAL.issuperset(commit) else ""
