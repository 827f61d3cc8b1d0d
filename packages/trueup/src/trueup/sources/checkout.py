"""A folder on this machine that is, or lies in, a checkout of a Git repository."""

from pathlib import Path

import msgspec
import pygit2
from pygit2.enums import FileMode, RepositoryOpenFlag

from trueup.model.errors import SourceUnavailable
from trueup.sources.worktree import WorkTree


class Checkout(msgspec.Struct, frozen=True):
    """What can be read, and which repository it stands for.

    Attributes:
        tree: the files that ``git add --all`` would take; outside of Git all of them.
        root: the folder that the tree is of.
        path: of the folder asked for, relative to the root; empty for the root itself.
        urls: of the repository's remotes, ``origin`` first; empty outside of Git.
    """

    tree: WorkTree
    root: Path
    path: str
    urls: tuple[str, ...] = ()


def open_checkout(folder: Path, *, root: Path | None = None) -> Checkout:
    """The checkout that a folder lies in. Outside of Git, and where Git ignores the folder, it stands for itself.

    Args:
        folder: one that exists.
        root: the folder that may be read, where it is not the repository's own.

    Raises:
        SourceUnavailable: there is a repository, but it cannot be read.
    """
    folder = folder.resolve()
    repository = None if root else _repository(folder)
    if repository is None:
        root = (root or folder).resolve()
        return Checkout(WorkTree(root), root, _relative(folder, root))
    root = Path(repository.workdir).resolve()
    path = _relative(folder, root)
    index, urls = _Index(repository), _urls(repository)
    tree = WorkTree(
        root,
        revision=_revision(repository),
        taken=index.takes,
        url=urls[0] if urls else "",
        submodules=index.submodules,
    )
    if tree.entry(path) is None:
        return Checkout(WorkTree(folder), folder, "")
    return Checkout(tree, root, path, urls)


class _Index:
    """What Git follows or would follow.

    Attributes:
        submodules: their commits, by path.
    """

    def __init__(self, repository: pygit2.Repository) -> None:
        self._repository = repository
        self._followed: set[str] = set()
        self.submodules: dict[str, str] = {}
        for item in repository.index:
            path = item.path
            if item.mode == FileMode.COMMIT:
                self.submodules[path] = str(item.id)
            while path and path not in self._followed:
                self._followed.add(path)
                path = path.rpartition("/")[0]

    def takes(self, path: str, directory: bool) -> bool:
        """Whether a path is followed, or is not ignored."""
        if path in self._followed:
            return True
        return not self._repository.path_is_ignored(f"{path}/" if directory else path)


def _repository(folder: Path) -> pygit2.Repository | None:
    """The repository whose work tree holds a folder; None for a bare one, and where there is none."""
    try:
        found = pygit2.discover_repository(str(folder))
        if found is None:
            return None
        repository = pygit2.Repository(found, RepositoryOpenFlag.NO_SEARCH)
    except (KeyError, ValueError, pygit2.GitError) as error:
        raise SourceUnavailable(
            f"the Git repository of {folder} cannot be read: {error}",
            hint="git status says more; --root names a folder to read without Git",
        ) from error
    if repository.is_bare or not repository.workdir:
        return None
    return repository if folder.is_relative_to(Path(repository.workdir).resolve()) else None


def _revision(repository: pygit2.Repository) -> str:
    """The commit that is checked out; zeros before the first one."""
    try:
        return str(repository.head.peel(pygit2.Commit).id)
    except (KeyError, pygit2.GitError):
        return "0" * 40


def _urls(repository: pygit2.Repository) -> tuple[str, ...]:
    remotes = {remote.name: remote.url for remote in repository.remotes if remote.url}
    return tuple(remotes[name] for name in sorted(remotes, key=lambda name: (name != "origin", name)))


def _relative(folder: Path, root: Path) -> str:
    path = folder.relative_to(root).as_posix()
    return "" if path == "." else path
