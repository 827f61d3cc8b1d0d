"""Taking commits back: the changes between two commits, undone on the newest state of a branch."""

from collections.abc import Mapping, Sequence

import msgspec
import pygit2
from pygit2.enums import MergeFavor

from trueup.model.errors import Stalled
from trueup.sources.writer import Blob

MOST_NAMED = 10
_LONGEST_RANGE = 1000
_REGULAR = 0o100644


class RevertFailed(Stalled):
    """The changes cannot be taken back by themselves; the message names what is in the way."""

    reason = "RevertFailed"


class Reverted(msgspec.Struct, frozen=True):
    """What is to be committed.

    Attributes:
        changes: new content by path, None for a file that goes.
        commits: those that are taken back, newest first: SHA and subject.
    """

    changes: dict[str, bytes | Blob | None]
    commits: tuple[tuple[str, str], ...]


def revert(repository: pygit2.Repository, *, good: str, bad: str, tip: str, folders: Sequence[str] = ()) -> Reverted:
    """Undo on ``tip`` what changed from ``good`` to ``bad``. What came after ``bad`` stays.

    Args:
        folders: only changes below these count; none for all. A monorepo's other applications are left alone so.

    Raises:
        RevertFailed: later commits changed the same lines, or nothing differs.
    """
    old, new = (repository[sha].peel(pygit2.Commit) for sha in (good, bad))
    latest = repository[tip].peel(pygit2.Commit)
    wanted = _changed(old.tree, new.tree, folders)
    if not wanted:
        where = f" below {', '.join(folders)}" if folders else ""
        raise RevertFailed(
            f"nothing differs{where} between {good[:8]} and {bad[:8]}",
            hint="name the folders that the change was in by --path, or all of them by --all",
        )
    # Only these paths take part in the merge: elsewhere both sides are as they were.
    target = _with(repository, new.tree, {path: _entry(old.tree, path) for path in wanted})
    index = repository.merge_trees(new.tree, latest.tree, target, favor=MergeFavor.NORMAL)
    if index.conflicts is not None:
        names = sorted({side.path for sides in index.conflicts for side in sides if side is not None})
        raise RevertFailed(
            f"later commits changed what is to be taken back: {', '.join(names[:MOST_NAMED])}",
            hint="revert those commits first, or undo the change by hand in a commit of your own",
        )
    merged = repository[index.write_tree(repository)].peel(pygit2.Tree)
    changes: dict[str, bytes | Blob | None] = {}
    for path in _changed(latest.tree, merged, ()):
        changes[path] = _content(_entry(merged, path), _entry(latest.tree, path))
    if not changes:
        raise RevertFailed(
            f"the branch has already taken {bad[:8]} back", hint="`trueup app get` shows what is deployed"
        )
    return Reverted(changes, tuple(_commits(repository, old, new, wanted)))


def _changed(before: pygit2.Tree, after: pygit2.Tree, folders: Sequence[str]) -> list[str]:
    found = set()
    for delta in before.diff_to_tree(after).deltas:
        found |= {delta.old_file.path, delta.new_file.path}
    prefixes = [f"{folder.strip('/')}/" for folder in folders if folder.strip("/.")]
    if folders and len(prefixes) < len(folders):
        prefixes = []  # one of them is the root
    return sorted(path for path in found if not prefixes or any(path.startswith(prefix) for prefix in prefixes))


def _entry(tree: pygit2.Tree, path: str) -> pygit2.Blob | None:
    """The file or link at a path; None where there is none, also where a folder has its name.

    Raises:
        RevertFailed: it is a submodule.
    """
    found = tree[path] if path in tree else None  # noqa: SIM401 - a tree's get reads no path
    if found is None or isinstance(found, pygit2.Tree):
        return None
    if not isinstance(found, pygit2.Blob):
        raise RevertFailed(
            f"{path} is a submodule, which cannot be taken back from here",
            hint="`git revert` in a clone, or name the other folders by --path",
        )
    return found


def _content(wanted: pygit2.Blob | None, present: pygit2.Blob | None) -> bytes | Blob | None:
    """What makes a file so; with its mode where that is not the one it has, or would have as a new one."""
    if wanted is None:
        return None
    usual = _REGULAR if present is None else present.filemode
    data = bytes(wanted.data)
    return data if wanted.filemode == usual else Blob(data, int(wanted.filemode))


def _with(repository: pygit2.Repository, tree: pygit2.Tree, entries: Mapping[str, pygit2.Blob | None]) -> pygit2.Tree:
    index = pygit2.Index()
    index.read_tree(tree)
    # What goes comes first: a file may make way for a folder of its name, and the other way round.
    for path, entry in sorted(entries.items(), key=lambda item: item[1] is not None):
        if entry is None:
            if path in index:
                index.remove(path)
        else:
            index.add(pygit2.IndexEntry(path, entry.id, entry.filemode))
    return repository[index.write_tree(repository)].peel(pygit2.Tree)


def _commits(
    repository: pygit2.Repository, old: pygit2.Commit, new: pygit2.Commit, paths: Sequence[str]
) -> list[tuple[str, str]]:
    """Commits from one to the other that touched the paths; none where the one is no ancestor of the other."""
    if not repository.descendant_of(new.id, old.id):
        return []
    walker = repository.walk(new.id)
    walker.hide(old.id)
    found = []
    for number, commit in enumerate(walker):
        if number >= _LONGEST_RANGE:
            break
        before = commit.parents[0].tree if commit.parents else None
        touched = {
            delta.new_file.path
            for delta in (commit.tree.diff_to_tree(before) if before else commit.tree.diff_to_tree()).deltas
        }
        if touched & set(paths):
            found.append((str(commit.id), commit.message.partition("\n")[0][:200]))
    return found
