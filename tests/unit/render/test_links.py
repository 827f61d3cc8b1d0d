"""Links are followed as the kernel follows them: component by component."""

import pytest
from tests.support.memtree import Link, MemTree, Submodule

from trueup.model.errors import RenderFailed
from trueup.render.closure import follow

FILES = {
    "a/b/c/f": "deep",
    "a/s": Link("b/c"),
    "a/f": "beside",
    "top": "top",
    "etc/passwd": "ours",
    "m": Submodule("0" * 40),
}


@pytest.mark.parametrize(
    ("target", "leads_to"),
    [
        pytest.param("a/s/f", "a/b/c/f", id="through a link to a folder"),
        pytest.param("a/s/../../f", "a/f", id="two dots lead from where a link leads to"),
        pytest.param("a/s/../c/./f", "a/b/c/f", id="there and back"),
        pytest.param("a/s/../../../top", "top", id="up to the root"),
        pytest.param("a//s///f", "a/b/c/f", id="slashes"),
        pytest.param("a/s/", "a/b/c", id="a slash behind a folder"),
        pytest.param("m/../top", "top", id="a submodule is a folder"),
        pytest.param("top/", None, id="a slash behind a file"),
        pytest.param("top/.", None, id="a dot behind a file"),
        pytest.param("top/../a/f", None, id="a file is no folder to leave"),
        pytest.param("gone/../top", None, id="what is not there cannot be left"),
        pytest.param("", None, id="nothing"),
        pytest.param("top\0x", None, id="a NUL"),
    ],
)
def test_a_link_leads_to(target: str, leads_to: str | None) -> None:
    located = follow(MemTree({**FILES, "x": Link(target)}), "x", "file")
    assert (located and located.path) == leads_to


@pytest.mark.parametrize(
    ("target", "says"),
    [
        pytest.param("/etc/passwd", "outside repository root", id="absolute"),
        pytest.param("../etc/passwd", "outside repository root", id="above"),
        pytest.param("a/s/../../../../etc/passwd", "outside repository root", id="above, seen from a link's end alone"),
        pytest.param("../repository/top", "outside repository root", id="out and in again"),
        pytest.param("x", "symlink nesting too deep: x", id="to itself"),
        pytest.param("y", "symlink nesting too deep: x", id="round and round"),
    ],
)
def test_a_link_is_refused(target: str, says: str) -> None:
    with pytest.raises(RenderFailed, match=says):
        follow(MemTree({**FILES, "x": Link(target), "y": Link("x")}), "x", "file")


@pytest.mark.parametrize(("count", "refused"), [(10, False), (11, True)])
def test_ten_links_are_followed_on_one_path(count: int, refused: bool) -> None:
    links = {f"l{number}": Link(f"l{number + 1}") for number in range(1, count)}
    tree = MemTree({**links, f"l{count}": Link("file"), "file": "x"})
    if refused:
        with pytest.raises(RenderFailed, match="symlink nesting too deep: l1"):
            follow(tree, "l1", "file")
    else:
        assert follow(tree, "l1", "file") is not None
