"""The commit that touched some paths last is the one that ``git log -1`` names."""

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.gitrepo import GitRepo

from trueup.model.errors import SourceUnavailable
from trueup.sources.history import commit_at, last_touched
from trueup.sources.tree import TreePlace

PATHS = ("a", "a/x", "b/x", "b", "c", "")
COMMITS = st.lists(st.tuples(st.sampled_from(("a/x", "a/y", "b/x", "c")), st.integers(0, 1)), min_size=1, max_size=8)


def place(repo: GitRepo) -> TreePlace:
    return TreePlace(str(repo.path), "", repo.url)


def touched(repo: GitRepo, start: str, *paths: str, until: str = "") -> str:
    return last_touched(place(repo), paths, start=start, until=until).commit


@settings(max_examples=15)
@given(COMMITS, st.lists(st.sampled_from(PATHS), min_size=1, max_size=3, unique=True))
def test_it_is_the_one_that_git_names(commits: list[tuple[str, int]], paths: list[str]) -> None:
    with TemporaryDirectory() as folder:
        repo = GitRepo(Path(folder) / "repo.git")
        head = ""
        for number, (path, content) in enumerate(commits):
            head = repo.commit({path: str(content).encode()}, message=f"{number}")
        named = repo.git("log", "-1", "--format=%H", head, "--", *(path or "." for path in paths))
        found = touched(repo, head, *paths)
        # Of paths that were never there, the first commit is as good as any.
        assert found == (named or repo.git("rev-list", "--max-parents=0", head))


def merge(repo: GitRepo, tree: str, *parents: str) -> str:
    args = [part for parent in parents for part in ("-p", parent)]
    return repo.git("commit-tree", tree, *args, stdin=b"merge")


def test_of_a_merge_the_side_is_followed_that_brought_it(tmp_path: Path) -> None:
    repo = GitRepo(tmp_path / "repo.git")
    base = repo.commit({"a/x": b"1", "b/x": b"1"})
    main = repo.commit({"a/x": b"2"})
    repo.git("branch", "side", base)
    side = repo.commit({"b/x": b"2"}, branch="side")
    both = repo.commit({"b/x": b"2"})
    head = merge(repo, repo.git("rev-parse", f"{both}^{{tree}}"), main, side)
    assert touched(repo, head, "b") == side
    assert touched(repo, head, "a") == main
    assert touched(repo, head, "") == head, "neither side has all of it"


def test_it_stops_where_it_is_known_and_where_it_has_looked_enough(tmp_path: Path) -> None:
    repo = GitRepo(tmp_path / "repo.git")
    first = repo.commit({"a/x": b"1"})
    second = repo.commit({"b/x": b"1"})
    head = repo.commit({"b/x": b"2"})
    assert touched(repo, head, "a") == first
    assert touched(repo, head, "a", until=second) == ""
    assert last_touched(place(repo), ["a"], start=head, most=1).commit == ""
    found = last_touched(place(repo), ["b"], start=head)
    assert (found.commit, found.before) == (head, second)
    assert commit_at(place(repo), head).author == "Ada <ada@example.org>"


def test_a_history_that_is_not_there_is_said(tmp_path: Path) -> None:
    repo = GitRepo(tmp_path / "repo.git")
    lost = "1" * 40
    for sha in (lost, repo.commit_tree(repo.tree(), parent=lost)):
        with pytest.raises(SourceUnavailable):
            touched(repo, sha, "a")
    with pytest.raises(SourceUnavailable):
        commit_at(place(repo), lost)


def test_what_lies_in_a_submodule_is_touched_by_who_moves_it(tmp_path: Path) -> None:
    repo = GitRepo(tmp_path / "repo.git")
    heads: list[str] = []
    for number, link in enumerate(("1" * 40, "2" * 40, "2" * 40)):
        tree = repo.tree(("100644", repo.blob(b"%d" % number), b"file"), ("160000", link, b"sub"))
        heads.append(repo.commit_tree(tree, parent=heads[-1] if heads else ""))
    assert touched(repo, heads[-1], "sub/deep/x.yaml") == heads[1]
    assert touched(repo, heads[-1], "sub") == heads[1]
    assert touched(repo, heads[-1], "file") == heads[2]
