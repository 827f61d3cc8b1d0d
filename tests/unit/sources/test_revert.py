"""Commits are taken back as ``git revert`` does: what came later stays, and what is in the way is named."""

import os
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pygit2
import pytest
from tests.support.gitrepo import GitRepo

from trueup.sources.revert import Reverted, RevertFailed, revert
from trueup.sources.writer import Blob, WantedCommit, commit

IDENTITY = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    **{f"GIT_{who}_{what}": "a@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")},
}


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    return GitRepo(tmp_path / "repo.git")


def reverted(repo: GitRepo, good: str, bad: str, tip: str = "", folders: tuple[str, ...] = ()) -> Reverted:
    opened = pygit2.Repository(str(repo.path))
    return revert(opened, good=good, bad=bad, tip=tip or repo.git("rev-parse", "main"), folders=folders)


def test_the_last_commit_is_taken_back(repo: GitRepo) -> None:
    good = repo.commit({"app/a": b"1\n", "app/b": b"1\n"})
    bad = repo.commit({"app/a": b"2\n", "app/new": b"x"}, message="Two\n\nmore")
    found = reverted(repo, good, bad)
    assert found.changes == {"app/a": b"1\n", "app/new": None}
    assert found.commits == ((bad, "Two"),)


def test_several_commits_are_taken_back_newest_first(repo: GitRepo) -> None:
    good = repo.commit({"app/a": b"1\n"})
    second = repo.commit({"app/a": b"2\n"}, message="Two")
    third = repo.commit({"app/b": b"3\n"}, message="Three")
    found = reverted(repo, good, third)
    assert found.changes == {"app/a": b"1\n", "app/b": None}
    assert [sha for sha, _ in found.commits] == [third, second]


def test_what_came_later_stays(repo: GitRepo) -> None:
    lines = b"".join(b"%d\n" % n for n in range(20))
    good = repo.commit({"a": lines})
    bad = repo.commit({"a": lines.replace(b"3\n", b"three\n", 1)})
    repo.commit({"a": lines.replace(b"3\n", b"three\n", 1) + b"later\n", "b": b"new"})
    assert reverted(repo, good, bad).changes == {"a": lines + b"later\n"}


def test_other_applications_of_a_monorepo_are_left_alone(repo: GitRepo) -> None:
    good = repo.commit({"web/a": b"1\n", "api/a": b"1\n", "webhook/a": b"1\n"})
    bad = repo.commit({"web/a": b"2\n", "api/a": b"2\n", "webhook/a": b"2\n"})
    assert reverted(repo, good, bad, folders=("web",)).changes == {"web/a": b"1\n"}


@pytest.mark.parametrize("folders", [(), (".",), ("", "web")])
def test_the_root_stands_for_everything(repo: GitRepo, folders: tuple[str, ...]) -> None:
    good = repo.commit({"web/a": b"1\n", "b": b"1\n"})
    bad = repo.commit({"web/a": b"2\n", "b": b"2\n"})
    assert set(reverted(repo, good, bad, folders=folders).changes) == {"web/a", "b"}


def test_a_conflict_is_named_by_its_file(repo: GitRepo) -> None:
    good = repo.commit({"app/a": b"1\n", "app/b": b"1\n"})
    bad = repo.commit({"app/a": b"2\n", "app/b": b"2\n"})
    repo.commit({"app/a": b"3\n"})
    with pytest.raises(RevertFailed, match=r"later commits changed what is to be taken back: app/a$"):
        raise_plain(lambda: reverted(repo, good, bad))


def raise_plain(call: object) -> None:
    try:
        call()  # type: ignore[operator]
    except RevertFailed as error:
        assert error.hint
        raise RevertFailed(error.message) from None


def test_a_folder_that_did_not_change_is_an_error_with_a_remedy(repo: GitRepo) -> None:
    good = repo.commit({"base/a": b"1\n", "app/a": b"1\n"})
    bad = repo.commit({"base/a": b"2\n"})
    with pytest.raises(RevertFailed, match=r"nothing differs below app.*--path"):
        reverted(repo, good, bad, folders=("app",))


def test_what_is_taken_back_already_is_said(repo: GitRepo) -> None:
    good = repo.commit({"a": b"1\n"})
    bad = repo.commit({"a": b"2\n"})
    repo.commit({"a": b"1\n"})
    with pytest.raises(RevertFailed, match="already"):
        reverted(repo, good, bad)


def test_deleted_files_come_back_with_their_mode(repo: GitRepo) -> None:
    good = repo.commit({"a": b"1\n", "link": "a"})
    bad = repo.commit({"b": b"2\n"}, keep=False)
    found = reverted(repo, good, bad)
    assert found.changes == {"a": b"1\n", "b": None, "link": Blob(b"a", 0o120000)}


def plain_git(repo: GitRepo, work: Path, script: str, add: str = "git add -A") -> str:
    """A commit that a shell makes in a work tree; returns it."""
    if not work.exists():
        subprocess.run(["git", "clone", "-q", str(repo.path), str(work)], check=True)
    commands = f"set -e; {script}; {add}; git commit -qm change; git push -q origin HEAD:main"
    subprocess.run(["bash", "-c", commands], cwd=work, check=True, env=IDENTITY)
    return repo.git("rev-parse", "main")


SHAPES = {
    "a file that became a folder": ("echo 1 > app/a", "rm app/a; mkdir app/a; echo 2 > app/a/b"),
    "a folder that became a file": ("mkdir app/a; echo 1 > app/a/b", "rm -r app/a; echo 2 > app/a"),
    "a program that lost its right to run": ("echo 1 > app/a; chmod +x app/a", "chmod -x app/a"),
    "a program that went": ("echo 1 > app/a; chmod +x app/a", "rm app/a"),
    "a link that became a file": ("ln -s keep app/a", "rm app/a; echo 2 > app/a"),
    "a link that leads elsewhere": ("ln -s keep app/a", "ln -sf ../keep app/a"),
    "a file that became a link": ("echo 1 > app/a", "ln -sf keep app/a"),
    "the only file of a folder that came": ("true", "mkdir app/new; echo 2 > app/new/a"),
}


@pytest.mark.parametrize("name", SHAPES)
def test_what_is_taken_back_is_as_it_was_in_kind_and_mode(repo: GitRepo, tmp_path: Path, name: str) -> None:
    before, after = SHAPES[name]
    repo.commit({"app/keep": b"1\n"})
    good = plain_git(repo, tmp_path / "work", f"{before}; touch app/one")
    bad = plain_git(repo, tmp_path / "work", after)
    found = reverted(repo, good, bad)
    ask = WantedCommit(branch="main", message=lambda _: "back")
    sha = commit(pygit2.Repository(str(repo.path)), bad, found.changes, ask, datetime(2026, 3, 1, tzinfo=UTC))
    assert repo.git("rev-parse", f"{sha}^{{tree}}") == repo.git("rev-parse", f"{good}^{{tree}}")


def test_a_submodule_is_named_with_a_way_out(repo: GitRepo, tmp_path: Path) -> None:
    repo.commit({"app/keep": b"1\n"})
    good, bad = (
        plain_git(repo, tmp_path / "work", "true", f"git update-index --add --cacheinfo 160000,{digit * 40},app/sub")
        for digit in "12"
    )
    with pytest.raises(RevertFailed, match="app/sub is a submodule") as caught:
        reverted(repo, good, bad)
    assert "--path" in caught.value.hint
