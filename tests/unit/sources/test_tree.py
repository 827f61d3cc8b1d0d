"""A commit's files are read exactly as Git stores them."""

from pathlib import Path

import pygit2
import pytest
from tests.support.gitrepo import GitRepo

from trueup.model.errors import RenderFailed, SourceUnavailable
from trueup.model.tree import Mode, Tree
from trueup.sources.tree import GitTree


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    return GitRepo(tmp_path / "repo.git")


def open_tree(repo: GitRepo, sha: str) -> GitTree:
    return GitTree(repo.path, sha, repo.url, lambda: None)


def content(tree: Tree, path: str) -> bytes:
    entry = tree.entry(path)
    assert entry is not None
    return tree.read(entry)


def test_files_links_and_folders(repo: GitRepo) -> None:
    sha = repo.commit({"a/b/c.yaml": b"kind: X\n", "a/link": "../../etc/passwd", "top": b""})
    tree = open_tree(repo, sha)
    assert tree.revision == sha
    modes = {path: entry.mode for path in ("", "a", "a/b", "a/b/c.yaml", "a/link") if (entry := tree.entry(path))}
    assert modes == {
        "": Mode.DIRECTORY,
        "a": Mode.DIRECTORY,
        "a/b": Mode.DIRECTORY,
        "a/b/c.yaml": Mode.FILE,
        "a/link": Mode.LINK,
    }
    assert content(tree, "a/b/c.yaml") == b"kind: X\n"
    assert content(tree, "a/link") == b"../../etc/passwd"
    entry = tree.entry("a/b/c.yaml")
    assert entry is not None
    assert tree.size(entry) == 8
    assert entry.oid == repo.git("rev-parse", f"{sha}:a/b/c.yaml")


def test_children_and_walk_are_in_name_order_and_git_s_own_order_is_another(repo: GitRepo) -> None:
    sha = repo.commit({"a/z": b"", "a.b": b"", "a-b": b"", "B": b"", "a/y/x": b""})
    tree = open_tree(repo, sha)
    assert [entry.path for entry in tree.children("")] == ["B", "a", "a-b", "a.b"]
    assert [entry.path for entry in tree.walk("")] == ["B", "a/y/x", "a/z", "a-b", "a.b"]
    assert [entry.path for entry in tree.walk("a")] == ["a/y/x", "a/z"]
    assert tree.children("a/z") == []
    assert tree.children("missing") == []


@pytest.mark.parametrize("path", ["/", "/a", "a/", "a//b", ".", "..", "a/../a", "./a", "a/b/c", "link/b", "x\0y"])
def test_a_path_is_never_resolved(repo: GitRepo, path: str) -> None:
    tree = open_tree(repo, repo.commit({"a/b": b"", "link": "a"}))
    assert tree.entry(path) is None
    assert tree.children(path) == []


def test_odd_names_are_data(repo: GitRepo) -> None:
    names = {"-rf": b"1", "a\nb": b"2", "$(id).yaml": b"3", "ü.yaml": b"4"}
    tree = open_tree(repo, repo.commit(names))
    assert {entry.path: tree.read(entry) for entry in tree.walk("")} == names


def test_a_name_that_is_no_utf_8_is_shown_escaped(repo: GitRepo) -> None:
    tree_id = repo.tree(("100644", repo.blob(b"x"), b"\xff.yaml"))
    tree = open_tree(repo, repo.commit_tree(tree_id))
    assert [entry.path for entry in tree.walk("")] == ["\\xff.yaml"]


@pytest.mark.parametrize("name", [b".git", b".GIT", b".Git", b"..", b".", b"git~1", b"a/b", b"../../x"])
def test_a_folder_with_a_name_git_never_writes_is_refused(repo: GitRepo, name: bytes) -> None:
    tree_id = repo.tree(("100644", repo.blob(b"x"), name))
    tree = open_tree(repo, repo.commit_tree(tree_id))
    with pytest.raises(RenderFailed, match="does not allow"):
        tree.children("")


def test_submodules_are_entries_but_not_walked(repo: GitRepo) -> None:
    tree_id = repo.tree(("100644", repo.blob(b"x"), b"file"), ("160000", "1" * 40, b"module"))
    tree = open_tree(repo, repo.commit_tree(tree_id))
    module = tree.entry("module")
    assert module is not None
    assert module.mode is Mode.SUBMODULE
    assert tree.children("module") == []
    assert tree.entry("module/x") is None
    assert [entry.path for entry in tree.walk("")] == ["file"]
    with pytest.raises(RenderFailed, match="module is a submodule"):
        tree.read(module)


def test_folders_without_end_are_refused(repo: GitRepo) -> None:
    tree_id = repo.tree(("100644", repo.blob(b"x"), b"file"))
    for _ in range(200):
        tree_id = repo.tree(("40000", tree_id, b"d"))
    tree = open_tree(repo, repo.commit_tree(tree_id))
    with pytest.raises(RenderFailed, match="nested more than"):
        list(tree.walk(""))
    assert tree.entry("d/" * 5000 + "d") is None


def test_attributes_do_not_change_content(repo: GitRepo) -> None:
    tree = open_tree(repo, repo.commit({".gitattributes": b"* text eol=crlf ident\n", "a": b"$Id$\n"}))
    assert content(tree, "a") == b"$Id$\n"


def test_size_of_a_big_file_is_known_without_reading_it(repo: GitRepo) -> None:
    tree = open_tree(repo, repo.commit({"big": b"\0" * 30_000_000}))
    entry = tree.entry("big")
    assert entry is not None
    assert tree.size(entry) == 30_000_000


def test_a_missing_object_is_reported_as_damage(repo: GitRepo) -> None:
    sha = repo.commit({"a/b": b"content"})
    damage: list[int] = []
    tree = GitTree(repo.path, sha, repo.url, lambda: damage.append(1))
    entry = tree.entry("a/b")
    assert entry is not None
    (repo.path / "objects" / entry.oid[:2] / entry.oid[2:]).unlink()
    with pytest.raises(SourceUnavailable, match="damaged"):
        tree.read(entry)
    assert damage


def test_a_commit_that_is_not_there_is_unavailable(repo: GitRepo) -> None:
    with pytest.raises(SourceUnavailable, match="has no commit"):
        open_tree(repo, "1" * 40)


def test_a_folder_is_named_by_all_that_is_in_it(repo: GitRepo) -> None:
    first = open_tree(repo, repo.commit({"a/b/c.yaml": b"1", "a/link": "b", "d/e.yaml": b"1"}))
    beside = open_tree(repo, repo.commit({"d/e.yaml": b"2"}))
    below = open_tree(repo, repo.commit({"a/b/c.yaml": b"2"}))
    for path in ("a", "a/b"):
        assert first.folder(path) == beside.folder(path) != below.folder(path)
        assert first.folder(path) == repo.git("rev-parse", f"{first.revision}:{path}")
    assert len({first.folder(""), beside.folder(""), below.folder("")}) == 3
    assert [first.folder(path) for path in ("a/link", "a/b/c.yaml", "x", "a/x", "a/b/c.yaml/x", "/a", "a/../a")] == [
        ""
    ] * 7


def test_folders_in_a_large_one_are_looked_up_in_one_reading_of_it(repo: GitRepo) -> None:
    tree = open_tree(repo, repo.commit({f"apps/{number:03}/a.yaml": b"%d" % number for number in range(300)}))
    reads = 0

    class Counting:
        def __init__(self, repository: pygit2.Repository) -> None:
            self.repository, self.odb = repository, repository.odb

        def __getitem__(self, oid: str) -> pygit2.Object:
            nonlocal reads
            reads += 1
            return self.repository[oid]

    tree._repository = Counting(tree._repository)  # type: ignore[assignment]
    assert len({tree.folder(f"apps/{number:03}") for number in range(300)}) == 300
    assert reads <= 2, "time with the square of the applications of a monorepo"
