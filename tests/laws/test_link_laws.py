"""Laws of links: followed as the kernel follows them, laid out so that none of a repository's own is left."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.support.memtree import Link, MemTree

from trueup.model.errors import RenderFailed
from trueup.model.tree import Mode
from trueup.render.closure import MAX_LINKS, Located, follow
from trueup.render.job import Input
from trueup.workers.folder import lay_out

CANARY = "outside"
NAMES = st.sampled_from(["a", "b", "s", "x"])
STEPS = st.lists(st.sampled_from(["a", "b", "s", "x", "..", "..", ".", ""]), min_size=1, max_size=6)
TARGETS = st.one_of(STEPS.map("/".join), st.sampled_from(["/a", "/etc/passwd", "a/s/../../..", "../a", "s/../../a"]))
FILES = st.dictionaries(
    st.lists(NAMES, min_size=1, max_size=3).map("/".join),
    st.one_of(TARGETS.map(Link), st.sampled_from(["one", "two"])),
    min_size=1,
    max_size=8,
)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)


def consistent(files: dict[str, str]) -> dict[str, str]:
    """Without what lies below a file or a link, which no tree can hold."""
    return {path: text for path, text in files.items() if not any(path.startswith(f"{other}/") for other in files)}


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """Where checkouts lie, with files beside and above them that a link may find."""
    made = Path(tempfile.mkdtemp(prefix="trueup-links-")).resolve()
    for folder in (made, made / "beside"):
        folder.mkdir(exist_ok=True)
        for name in ("a", "b", "s"):
            (folder / name).write_text(CANARY)
    yield made
    shutil.rmtree(made)


def checkout(root: Path, files: dict[str, str]) -> Path:
    """The files as Git would write them."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    for path, text in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if not isinstance(text, Link):
            target.write_text(text)
        elif text:
            target.symlink_to(text)
    return root


def kernel(root: Path, path: str) -> str | None:
    """Where the kernel ends, absolute; None where it finds nothing."""
    try:
        handle = os.open(root / path, os.O_PATH)
    except OSError:
        return None
    try:
        return str(Path(f"/proc/self/fd/{handle}").readlink())
    finally:
        os.close(handle)


@given(files=FILES, path=PATHS)
def test_a_path_leads_where_the_kernel_says_or_is_refused(place: Path, files: dict[str, str], path: str) -> None:
    files = consistent(files)
    root = checkout(place / "root", files)
    there = kernel(root, path)
    located: Located | None
    try:
        located = follow(MemTree(files), path, "file")
    except RenderFailed as error:
        # On a detour through what lies above the root, or there for good.
        assert "outside repository root" in error.message or "nesting too deep" in error.message
        return
    if located is None:
        assert there is None
    else:
        assert there == str(root / located.path).rstrip("/")
        assert located.entry.mode is not Mode.LINK and len(located.links) <= MAX_LINKS


@given(files=FILES)
@example(files={"a": "one", "b/a": Link("s/../../a"), "b/s/a": Link("a")})
def test_what_is_laid_out_holds_no_byte_of_elsewhere(place: Path, files: dict[str, str]) -> None:
    files = consistent(files)
    tree = MemTree(files)
    inputs = [
        Input(entry.path, entry) for entry in tree.walk("") if entry.mode is not Mode.LINK or inward(tree, entry.path)
    ]
    root = place / "laid"
    shutil.rmtree(root, ignore_errors=True)
    lay_out(root, inputs, {file.path: tree.read(file.entry) for file in inputs})
    before = checkout(place / "root", files)
    for found in sorted(root.rglob("*")):
        assert found.resolve().is_relative_to(root)
        if found.is_symlink():
            # One step, to a real folder: whatever the repository's link went through.
            assert found.is_dir() and (found.parent / found.readlink()).resolve() == Path(
                os.path.normpath(found.parent / found.readlink())
            )
        elif found.is_file():
            assert found.read_text() == (before / found.relative_to(root)).read_text() != CANARY
    known = MemTree({file.path: files[file.path] for file in inputs})
    for file in inputs:
        # A link through a folder of which nothing is an input is left out: the narrow closure is then too narrow.
        if (located := follow(tree, file.path, "file")) and follow(known, file.path, "file"):
            assert (root / file.path).is_file() == (located.entry.mode is Mode.FILE)


def inward(tree: MemTree, path: str) -> bool:
    try:
        return follow(tree, path, "link") is not None
    except RenderFailed:
        return False
