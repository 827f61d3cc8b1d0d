"""The private folder: inputs laid out, nothing written elsewhere, no link of the repository's in it."""

from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.support.memtree import Link, MemTree

from trueup.model.errors import RenderFailed
from trueup.model.tree import Entry, Mode
from trueup.render.job import Input
from trueup.workers.folder import lay_out


def laid(root: Path, files: Mapping[str, str], **written: bytes) -> Path:
    tree = MemTree(files)
    inputs = [Input(entry.path, entry) for entry in tree.walk("")]
    lay_out(root / "root", inputs, {file.path: tree.read(file.entry) for file in inputs}, written)
    return root / "root"


@pytest.mark.parametrize("path", ["../x", "/etc/x", "a/../../x", "a//x", ".", "", "a\0b", "a/" * 200 + "x"])
def test_nothing_is_written_outside(tmp_path: Path, path: str) -> None:
    with pytest.raises(RenderFailed, match="no path a render may write"):
        lay_out(tmp_path / "root", [Input(path, Entry(path, Mode.FILE, "0"))], {path: b"x"})
    assert list(tmp_path.rglob("*")) == []


@pytest.mark.parametrize("target", ["/etc", "../../x", "..", "a/s/../../../x"])
def test_no_link_leads_out(tmp_path: Path, target: str) -> None:
    with pytest.raises(RenderFailed, match="the link l leads out of the repository"):
        laid(tmp_path, {"l": Link(target), "a/b/f": "", "a/s": Link("b")})
    assert not (tmp_path / "root" / "l").is_symlink()


def test_a_link_to_a_file_is_the_file(tmp_path: Path) -> None:
    root = laid(tmp_path, {"a/f": "x", "a/l": Link("f"), "b/c/l": Link("../../a/l")})
    for path in ("a/l", "b/c/l"):
        assert not (root / path).is_symlink() and (root / path).read_text() == "x"
    assert (root / "a/f").stat().st_nlink == 3


def test_a_link_to_a_folder_leads_straight_to_the_real_one(tmp_path: Path) -> None:
    root = laid(tmp_path, {"a/b/f": "x", "a/s": Link("b"), "c/l": Link("../a/s/../s/."), "up": Link("a/s/..")})
    assert str((root / "c/l").readlink()) == "../a/b"
    assert (root / "c/l/f").read_text() == "x"
    # Two dots lead from the real place.
    assert (root / "up").samefile(root / "a")


def test_links_to_folders_of_links_multiply_nothing(tmp_path: Path) -> None:
    files = {f"{level}/{name}": Link(f"../{level + 1}") for level in range(8) for name in "abcdefgh"}
    root = laid(tmp_path, {**files, "8/f": "x"})
    assert sum(1 for _ in root.rglob("*")) == 8 * 8 + 8 + 2


def test_a_link_that_leads_to_no_input_is_left_out(tmp_path: Path) -> None:
    assert list(laid(tmp_path, {"l": Link("gone"), "f": "x"}).iterdir()) == [tmp_path / "root" / "f"]


def test_a_file_that_is_written_stands_in_the_place_of_a_link(tmp_path: Path) -> None:
    root = laid(tmp_path, {"k": Link("shared"), "shared": "theirs"}, k=b"ours")
    assert (root / "k").read_text() == "ours" and (root / "shared").read_text() == "theirs"


def test_a_folder_that_somebody_replaced_by_a_link_is_not_written_through(tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "root" / "a").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RenderFailed, match="cannot be laid out"):
        laid(tmp_path, {"a/f": "x"})
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_name_that_no_file_system_takes_is_an_error_of_the_source(tmp_path: Path) -> None:
    with pytest.raises(RenderFailed, match="cannot be laid out: File name too long"):
        laid(tmp_path, {"n" * 300: "x"})
