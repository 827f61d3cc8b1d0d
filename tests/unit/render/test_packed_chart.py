"""Packed charts that strangers serve: unpacked as Helm does it, and refused before they cost much."""

import gzip
import io
import tarfile
from collections.abc import Callable

import pytest
from tests.support.helmrepo import packed

from trueup.model.errors import RenderFailed
from trueup.model.tree import Mode
from trueup.render.archive import MAX_FILE, MAX_FILES, MAX_UNPACKED
from trueup.render.packed_chart import PackedChart


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, target
    return entry


def sparse() -> bytes:
    """A file of a terabyte, in a hundred bytes."""
    entry = tarfile.TarInfo("c/big")
    entry.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": str(1 << 40)}
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w", format=tarfile.PAX_FORMAT) as archive:
        data = b"0\n".ljust(512, b"\0")
        entry.size = len(data)
        archive.addfile(entry, io.BytesIO(data))
    return gzip.compress(plain.getvalue())


def test_a_chart_is_a_tree_without_the_folder_that_holds_it() -> None:
    data = packed(
        {
            "web/Chart.yaml": b"\xef\xbb\xbfname: web",
            "web/a/b/c.yaml": "x",
            "web/a.yaml": "y",
            "web/link": link("web/link", "/etc/passwd"),
            "web/hard": link("web/hard", "web/a.yaml", tarfile.LNKTYPE),
            "web/folder": link("web/folder", "", tarfile.DIRTYPE),
            "other/a.yaml": "last",
        }
    )
    tree = PackedChart(data, "chart web")
    assert [entry.path for entry in tree.walk("")] == ["Chart.yaml", "a.yaml", "a/b/c.yaml", "hard", "link"]
    assert [entry.path for entry in tree.children("a")] == ["a/b"] and [e.path for e in tree.walk("a")] == [
        "a/b/c.yaml"
    ]
    folder, link_, first = tree.entry("a"), tree.entry("link"), tree.entry("Chart.yaml")
    assert folder and link_ and first and tree.entry("folder") is None
    assert (folder.mode, link_.mode, tree.size(link_)) == (Mode.DIRECTORY, Mode.FILE, 0)
    assert tree.read(first) == b"name: web"
    assert tree.revision == PackedChart(data, "").revision != PackedChart(packed({"c/x": "y"}), "").revision


HOSTILE: dict[str, tuple[Callable[[], bytes], str]] = {
    "no gzip": (lambda: b"<html>", "is no packed chart"),
    "nothing": (lambda: b"", "is no packed chart"),
    "no file": (lambda: packed({}), "is no packed chart"),
    "half an archive": (lambda: packed({"c/x": b"x" * 100_000})[:90], "is no packed chart"),
    "a path above": (lambda: packed({"c/../../x": "y"}), "leads out"),
    "a path from the root": (lambda: packed({"c//etc/x": "y"}), "leads out"),
    "a path of Windows": (lambda: packed({"c\\..\\..\\x": "y"}), "leads out"),
    "a drive": (lambda: packed({"c/C:/x": "y"}), "leads out"),
    "a file beside the folder": (lambda: packed({"x": "y"}), "leads out"),
    "a chart without a folder": (lambda: packed({"Chart.yaml": "y"}), "not in a folder"),
    "a file that is a folder": (lambda: packed({"c/a": "y", "c/a/b/c": "y"}), "a file and a folder"),
    "too deep": (lambda: packed({"c/" + "a/" * 200 + "x": "y"}), "too deep"),
    "too long": (lambda: packed({"c/" + "a" * 5000: "y"}), "too deep"),
    "too large a file": (lambda: packed({"c/x": b"\0" * (MAX_FILE + 1)}), "too large"),
    "a sparse file": (sparse, "too large"),
    "a bomb": (lambda: gzip.compress(b"\0" * (MAX_UNPACKED + 1), 1), "unpacks to more than 100 MiB"),
    "too many files": (lambda: packed({f"c/{n}": "" for n in range(MAX_FILES + 1)}), "one file too many"),
}


@pytest.mark.parametrize(("data", "says"), HOSTILE.values(), ids=HOSTILE.keys())
def test_what_is_no_chart_is_refused_by_its_name(data: Callable[[], bytes], says: str) -> None:
    with pytest.raises(RenderFailed, match=says) as caught:
        list(PackedChart(data(), "chart web 1 of https://h").walk(""))
    assert caught.value.message.startswith("chart web 1 of https://h") and caught.value.hint
