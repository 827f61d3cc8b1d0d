"""Images that people took back: automation does not push again what a revert has undone."""

import msgspec
import pygit2

from trueup.formats import pattern
from trueup.formats.image import Image

FAR = 200
"""Commits that are looked at."""
_REVERTS = pattern.compile(r"This reverts commit ([0-9a-f]{40})")


class Undone(msgspec.Struct, frozen=True):
    """A commit that was taken back.

    Attributes:
        by: the commit that did.
        added: the lines it had added.
        text: its message and changes, with what stands around them.
    """

    by: str
    added: tuple[str, ...]
    text: str

    def brought(self, image: Image) -> bool:
        """Whether it had brought an image."""
        outside = r"[^A-Za-z0-9_.-]"
        word = pattern.compile(rf"(?:\A|{outside}){pattern.escape(image.digest or image.tag)}(?:{outside}|\z)")
        return image.name.rpartition("/")[2] in self.text and any(word.search(line) for line in self.added)


def taken_back(repository: pygit2.Repository, tip: str) -> list[Undone]:
    """The commits of a branch that were reverted. A revert that was itself reverted takes nothing back."""
    undone: dict[str, str] = {}
    for number, commit in enumerate(repository.walk(repository[tip].peel(pygit2.Commit).id)):
        if number >= FAR:
            break
        sha = str(commit.id)
        if sha in undone:
            continue  # somebody wanted it after all
        for reverted in _REVERTS.findall(commit.message):
            undone.setdefault(reverted, sha)
    found = [_undone(repository, sha, by) for sha, by in undone.items()]
    return [each for each in found if each is not None]


def _undone(repository: pygit2.Repository, sha: str, by: str) -> Undone | None:
    try:
        commit = repository[sha].peel(pygit2.Commit)
    except (KeyError, ValueError, pygit2.GitError):
        return None
    if not commit.parents:
        return None
    patch = repository.diff(str(commit.parents[0].id), sha).patch or ""
    added = [line[1:] for line in patch.splitlines() if line.startswith("+") and not line.startswith("+++")]
    return Undone(by, tuple(added), commit.message + patch)
