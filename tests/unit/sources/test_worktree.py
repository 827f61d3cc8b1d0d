"""A folder is read as a commit of it would be."""

import os
import subprocess
from pathlib import Path

import pytest

from trueup.model.errors import RenderFailed, SourceUnavailable
from trueup.model.tree import Mode, Tree
from trueup.sources.checkout import open_checkout
from trueup.sources.worktree import WorkTree


def lay(root: Path, *paths: str) -> None:
    for path in paths:
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{path}\n")


def git(folder: Path, *args: str) -> None:
    identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *args], cwd=folder, check=True, capture_output=True)


def walked(tree: Tree, path: str = "") -> list[str]:
    return [entry.path for entry in tree.walk(path)]


def test_files_links_and_folders(tmp_path: Path) -> None:
    lay(tmp_path, "a/b/c.yaml", "run.sh")
    (tmp_path / "run.sh").chmod(0o755)
    (tmp_path / "a/link").symlink_to("../../../etc/passwd")
    (tmp_path / "empty").mkdir()
    os.mkfifo(tmp_path / "pipe")
    tree = WorkTree(tmp_path)
    assert {path: entry.mode for path in ("", "a", "a/b", "a/b/c.yaml", "a/link", "run.sh", "empty", "pipe")
            if (entry := tree.entry(path))} == {
        "": Mode.DIRECTORY,
        "a": Mode.DIRECTORY,
        "a/b": Mode.DIRECTORY,
        "a/b/c.yaml": Mode.FILE,
        "a/link": Mode.LINK,
        "run.sh": Mode.EXECUTABLE,
        "empty": Mode.DIRECTORY,
    }  # fmt: skip
    file, link = tree.entry("a/b/c.yaml"), tree.entry("a/link")
    assert file is not None and link is not None
    assert (tree.read(file), tree.size(file)) == (b"a/b/c.yaml\n", 11)
    assert tree.read(link) == b"../../../etc/passwd"
    assert walked(tree) == ["a/b/c.yaml", "a/link", "run.sh"]
    assert [entry.path for entry in tree.children("a")] == ["a/b", "a/link"]
    assert tree.children("run.sh") == []


@pytest.mark.parametrize("path", ["../outside", "/etc/passwd", "a/../b", "a/./b", "a/link/x", "nope", "b/x"])
def test_no_path_leads_anywhere_but_to_an_entry_of_the_tree(tmp_path: Path, path: str) -> None:
    root = tmp_path / "root"
    lay(root, "a/b", "b")
    lay(tmp_path, "outside", "other/x")
    (root / "a/link").symlink_to(tmp_path / "other")
    assert WorkTree(root).entry(path) is None


def test_the_folder_of_git_and_repositories_inside_are_not_read(tmp_path: Path) -> None:
    lay(tmp_path, ".git/config", "sub/.git/config", "sub/file", "file", ".GIT/x")
    tree = WorkTree(tmp_path)
    assert walked(tree) == ["file"]
    entry = tree.entry("sub")
    assert entry is not None and entry.mode is Mode.SUBMODULE


def test_a_name_that_is_no_utf_8_is_shown_and_read(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.yaml")).write_text("x")
    tree = WorkTree(tmp_path)
    (entry,) = tree.walk("")
    assert (entry.path, tree.read(entry)) == ("\\xff.yaml", b"x")


def test_a_change_of_a_file_changes_what_stands_for_its_content(tmp_path: Path) -> None:
    lay(tmp_path, "a", "b")
    before = {entry.path: entry.oid for entry in WorkTree(tmp_path).walk("")}
    (tmp_path / "a").write_text("another text")
    after = {entry.path: entry.oid for entry in WorkTree(tmp_path).walk("")}
    assert after["a"] != before["a"]
    assert after["b"] == before["b"]


def test_a_file_that_is_gone_meanwhile_is_named(tmp_path: Path) -> None:
    lay(tmp_path, "a.yaml")
    tree = WorkTree(tmp_path)
    (entry,) = tree.walk("")
    (tmp_path / "a.yaml").unlink()
    with pytest.raises(RenderFailed, match=r"a\.yaml: No such file"):
        tree.read(entry)


def test_a_checkout_is_what_git_would_add(tmp_path: Path) -> None:
    lay(tmp_path, "kept.yaml", "new.yaml", "local.yaml", "build/out.yaml", "deep/build/out.yaml", "forced.yaml")
    (tmp_path / ".gitignore").write_text("local.yaml\nbuild/\nforced.yaml\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "remote", "add", "upstream", "https://git.example.com/up/stream.git")
    git(tmp_path, "remote", "add", "origin", "git@git.example.com:team/repo.git")
    git(tmp_path, "add", "--force", "forced.yaml", "kept.yaml", ".gitignore")
    git(tmp_path, "commit", "--quiet", "--message", "first")
    found = open_checkout(tmp_path / "deep")
    assert (found.root, found.path) == (tmp_path, "deep")
    assert found.urls == ("git@git.example.com:team/repo.git", "https://git.example.com/up/stream.git")
    assert walked(found.tree) == [".gitignore", "forced.yaml", "kept.yaml", "new.yaml"]
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert found.tree.revision == head.stdout.strip()


def test_before_the_first_commit_the_revision_is_zero(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    assert open_checkout(tmp_path).tree.revision == "0" * 40


def test_a_folder_that_git_ignores_stands_for_itself(tmp_path: Path) -> None:
    lay(tmp_path, "build/out.yaml")
    (tmp_path / ".gitignore").write_text("build/\n")
    git(tmp_path, "init", "--quiet")
    found = open_checkout(tmp_path / "build")
    assert (found.root, found.path, walked(found.tree)) == (tmp_path / "build", "", ["out.yaml"])


def test_outside_of_git_a_folder_stands_for_itself_unless_a_root_is_named(tmp_path: Path) -> None:
    lay(tmp_path, "base/a", "overlay/b")
    alone = open_checkout(tmp_path / "overlay")
    assert (alone.root, alone.path, walked(alone.tree), alone.urls) == (tmp_path / "overlay", "", ["b"], ())
    within = open_checkout(tmp_path / "overlay", root=tmp_path)
    assert (within.root, within.path, walked(within.tree)) == (tmp_path, "overlay", ["base/a", "overlay/b"])


def test_a_repository_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    (tmp_path / ".git/config").write_text("[core\n")
    with pytest.raises(SourceUnavailable, match="cannot be read"):
        open_checkout(tmp_path)


def test_a_submodule_is_read_where_it_is_checked_out_and_named_by_its_commit_where_it_is_not(tmp_path: Path) -> None:
    other, root = tmp_path / "other", tmp_path / "root"
    for folder in (other, root):
        lay(folder, "a.yaml")
        git(folder, "init", "--quiet")
        git(folder, "add", ".")
        git(folder, "commit", "--quiet", "-m", "x")
    local = ("-c", "protocol.file.allow=always")
    git(root, *local, "submodule", "--quiet", "add", f"file://{other}", "app/here")
    git(root, *local, "submodule", "--quiet", "add", f"file://{other}", "app/gone")
    git(root, "commit", "--quiet", "-m", "submodules")
    git(root, "submodule", "--quiet", "deinit", "app/gone")
    git(root, "remote", "add", "origin", "https://h/org/app.git")
    (root / "app" / "stray").mkdir()
    git(root / "app" / "stray", "init", "--quiet")
    checkout = open_checkout(root / "app")
    tree = checkout.tree
    assert (tree.url, walked(tree, "app")) == ("https://h/org/app.git", ["app/here/a.yaml"])
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=other, capture_output=True, text=True).stdout.strip()
    gone, stray = tree.entry("app/gone"), tree.entry("app/stray")
    assert gone is not None and (gone.mode, gone.oid) == (Mode.SUBMODULE, head)
    assert stray is not None and (stray.mode, stray.oid) == (Mode.SUBMODULE, "")
