"""A folder of this disk in the place of an application's."""

from pathlib import Path

import pytest

from trueup.cli.app.local import local_changes
from trueup.sources.worktree import WorkTree
from trueup.sources.writer import Blob


@pytest.mark.parametrize("path", ["app", "/app/", "./app"])
def test_a_folder_takes_the_place_of_another_and_what_lies_beside_stays(tmp_path: Path, path: str) -> None:
    for name in ("repo/app/gone.yaml", "repo/app/kept.yaml", "repo/base/beside.yaml", "here/kept.yaml"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "here/link").symlink_to("kept.yaml")
    assert local_changes(WorkTree(tmp_path / "repo"), path, tmp_path / "here") == {
        "app/gone.yaml": None,
        "app/kept.yaml": b"here/kept.yaml",
        "app/link": Blob(b"kept.yaml", 0o120000),
    }


@pytest.mark.parametrize("path", [".", "", "/"])
def test_the_whole_of_a_repository_is_replaced(tmp_path: Path, path: str) -> None:
    for name in ("repo/a.yaml", "here/b.yaml"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    assert local_changes(WorkTree(tmp_path / "repo"), path, tmp_path / "here") == {"a.yaml": None, "b.yaml": b""}
