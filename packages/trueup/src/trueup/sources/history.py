"""The last commit that touched some paths, as ``git log -1 -- PATH…`` finds it: a few looks for each commit."""

from collections.abc import Sequence

import msgspec
import pygit2

from trueup.model.errors import SourceUnavailable
from trueup.model.tree import Mode
from trueup.sources.commit import CommitInfo, describe
from trueup.sources.tree import TreePlace, commit_of

MOST_LOOKS = 20_000
"""Folders and files that are looked up in one walk: some tenths of a second."""


class Touched(msgspec.Struct, frozen=True):
    """How far a walk has come.

    Attributes:
        commit: that touched one of the paths; empty where none did up to the last one known, or as far as was looked.
        before: its first parent; empty for none.
        left: looks that are left.
    """

    commit: str
    before: str = ""
    left: int = 0


def last_touched(
    place: TreePlace, paths: Sequence[str], *, start: str, until: str = "", most: int = MOST_LOOKS
) -> Touched:
    """Walk back from a commit to the one that touched a path last. Of a merge that brings nothing new to them, the side
    that they come from is followed.

    Args:
        place: of the repository.
        paths: of files and folders, ``""`` for all there is.
        start: full SHA.
        until: one of which it is known.
        most: looks that may be taken.

    Raises:
        SourceUnavailable: the repository does not have the commit, or one on the way.
    """
    try:
        repository = pygit2.Repository(place.folder)
        commit = commit_of(repository, start)
        here = _names(commit, paths)
        while str(commit.id) != until:
            parents = commit.parents
            most -= len(paths) * max(1, len(parents))
            if most < 0:
                return Touched("")
            for parent in parents:
                there = _names(parent, paths)
                if there == here:
                    commit = parent
                    break
            else:
                return Touched(str(commit.id), str(parents[0].id) if parents else "", left=most)
    except (KeyError, ValueError, OSError, pygit2.GitError) as error:
        raise SourceUnavailable(f"repository {place.shown}: its history cannot be read") from error
    return Touched("", left=most)


def commit_at(place: TreePlace, sha: str) -> CommitInfo:
    """What a commit says.

    Raises:
        SourceUnavailable: the repository does not have it.
    """
    try:
        return describe(commit_of(pygit2.Repository(place.folder), sha))
    except (KeyError, ValueError, OSError, pygit2.GitError) as error:
        raise SourceUnavailable(f"repository {place.shown} has no commit {sha} yet") from error


def _names(commit: pygit2.Commit, paths: Sequence[str]) -> list[str]:
    """The hash of what is at each path, empty for nothing."""
    tree = commit.tree
    return [_name(tree, path) for path in paths]


def _name(tree: pygit2.Tree, path: str) -> str:
    """The same of one path. What lies in a submodule has the name of the submodule's commit."""
    if not path:
        return str(tree.id)
    found = _entry(tree, path)
    if found is None:
        above, slash, _ = path.rpartition("/")
        while slash and found is None:
            found, (above, slash, _) = _entry(tree, above), above.rpartition("/")
        if found is None or int(found.filemode) != Mode.SUBMODULE:
            return ""
    return str(found.id)


def _entry(tree: pygit2.Tree, path: str) -> pygit2.Object | None:
    try:
        return tree[path]
    except (KeyError, ValueError, pygit2.GitError):
        return None
