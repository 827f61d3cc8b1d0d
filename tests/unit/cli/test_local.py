"""A folder of this disk in the place of an application's."""

from pathlib import Path

import click
import pygit2
import pytest

from trueup.cli.app.local import local_changes
from trueup.cli.app.sources import Here, here_of
from trueup.sources.worktree import WorkTree
from trueup.sources.writer import Blob


@pytest.mark.parametrize("path", ["app", "/app/", "./app"])
def test_a_folder_takes_the_place_of_another_and_what_lies_beside_stays(tmp_path: Path, path: str) -> None:
    for name in ("repo/app/gone.yaml", "repo/app/kept.yaml", "repo/base/beside.yaml", "here/kept.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "here/link").symlink_to("kept.yaml")
    assert local_changes(WorkTree(tmp_path / "repo"), path, Here(tmp_path / "here")) == {
        "app/gone.yaml": None,
        "app/kept.yaml": b"here/kept.yaml",
        "app/link": Blob(b"kept.yaml", 0o120000),
    }


@pytest.mark.parametrize("path", [".", "", "/"])
def test_the_whole_of_a_repository_is_replaced(tmp_path: Path, path: str) -> None:
    for name in ("repo/a.yaml", "here/b.yaml"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    assert local_changes(WorkTree(tmp_path / "repo"), path, Here(tmp_path / "here")) == {"a.yaml": None, "b.yaml": b""}


@pytest.mark.parametrize("checkout", [True, False], ids=["as Git would commit it", "as it is, where it is no checkout"])
def test_a_folder_takes_the_place_of_the_repository(tmp_path: Path, checkout: bool) -> None:
    texts = {
        "repo/app/gone.yaml": "", "repo/base/old.yaml": "", "repo/other.yaml": "old",
        "disk/app/new.yaml": "1", "disk/base/new.yaml": "2", "disk/build/out": "", "disk/.gitignore": "build",
    }  # fmt: skip
    for name, text in texts.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    if checkout:
        pygit2.init_repository(str(tmp_path / "disk"))
    here = Here(tmp_path / "disk" / "app", tmp_path / "disk")
    assert local_changes(WorkTree(tmp_path / "repo"), "app", here) == {
        "app/gone.yaml": None,
        "app/new.yaml": b"1",
        "base/old.yaml": None,
        "base/new.yaml": b"2",
        "other.yaml": None,
        ".gitignore": b"build",
    } | ({} if checkout else {"build/out": b""})


def test_the_folder_named_is_what_is_where_the_application_s_was(tmp_path: Path) -> None:
    for name in ("repo/app/a.yaml", "disk/app/wrong.yaml", "disk/prod/right.yaml"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).touch()
    changes = local_changes(WorkTree(tmp_path / "repo"), "app", Here(tmp_path / "disk" / "prod", tmp_path / "disk"))
    assert changes == {"app/a.yaml": None, "app/right.yaml": b"", "prod/right.yaml": b""}


def test_a_root_alone_names_no_folder(tmp_path: Path) -> None:
    assert here_of(None, None) is None
    with pytest.raises(click.UsageError, match="--local-repo-root goes with --local"):
        here_of(None, tmp_path)
