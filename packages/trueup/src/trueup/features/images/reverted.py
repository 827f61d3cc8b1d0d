"""Images that people took back: automation does not push again what a revert has undone."""

from typing import cast

import msgspec
import pygit2
from pygit2.enums import ObjectType

from kubegrammar import pattern
from kubegrammar.image import Image

_LONGEST = 1024 * 1024
"""Bytes of a message or file that is looked at."""
_FILES = 500
"""Files of a commit that are looked at."""
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
        for reverted in _REVERTS.findall(commit.message[:_LONGEST]):
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
    text = _text(repository, commit)
    # A message says anything: what was taken back is what that commit has taken out.
    out = set(_lines(_text(repository, repository[by].peel(pygit2.Commit)), "-"))
    return Undone(by, tuple(line for line in _lines(text, "+") if line in out), text)


def _text(repository: pygit2.Repository, commit: pygit2.Commit) -> str:
    """Message and changes. File by file, and by their sizes first: a commit may bring anything."""
    pieces = [commit.message[:_LONGEST]]
    for delta in commit.parents[0].tree.diff_to_tree(commit.tree).deltas if commit.parents else ():
        if len(pieces) > _FILES:
            break
        old, new = (_blob(repository, str(side.id)) for side in (delta.old_file, delta.new_file))
        if old is not None or new is not None:
            pieces.append(_changed(old, new))
    return "\n".join(pieces)


def _lines(text: str, sign: str) -> list[str]:
    """The lines that a patch adds, or takes out."""
    return [line[1:] for line in text.splitlines() if line.startswith(sign) and not line.startswith(sign * 3)]


def _blob(repository: pygit2.Repository, oid: str) -> pygit2.Blob | None:
    """A file of a size that images are named in; None for what is none."""
    try:
        kind, size = repository.odb.read_header(oid)
    except KeyError:
        return None
    found = repository[oid] if kind == ObjectType.BLOB and size <= _LONGEST else None
    return cast(pygit2.Blob, found) if found is not None else None


def _changed(old: pygit2.Blob | None, new: pygit2.Blob | None) -> str:
    if old is not None and new is not None:
        return bytes(old.diff(new).data).decode("utf-8", "replace")
    sign, blob = ("-", old) if old is not None else ("+", new)
    lines = bytes(blob.data).decode("utf-8", "replace").splitlines() if blob is not None else []
    return "\n".join(sign + line for line in lines)
