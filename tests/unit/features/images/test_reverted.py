"""Which images people took back: what a commit does counts, not what its message says."""

from pathlib import Path

import pygit2
import pytest
from tests.support.gitrepo import GitRepo

from kubegrammar.image import parse_image
from trueup.features.images.reverted import taken_back

OLD, NEW = b"image: web:1.0\n", b"image: web:1.1\n"
IMAGE = parse_image("registry.example/web:1.1")


@pytest.mark.parametrize(
    ("after", "brought"),
    [
        pytest.param({"a.yaml": OLD}, True, id="a revert"),
        pytest.param({"a.yaml": NEW, "b.yaml": b"x"}, False, id="a message alone"),
        pytest.param({"a.yaml": NEW + b"# web:1.0\n"}, False, id="a message, and another change of the file"),
    ],
)
def test_a_revert_is_what_takes_the_lines_out(tmp_path: Path, after: dict[str, bytes], brought: bool) -> None:
    repo = GitRepo(tmp_path / "r")
    repo.commit({"a.yaml": OLD})
    update = repo.commit({"a.yaml": NEW})
    tip = repo.commit(after, message=f"Sorry\n\nThis reverts commit {update}.")
    (undone,) = taken_back(pygit2.Repository(str(repo.path)), tip)
    assert undone.by == tip
    assert undone.brought(IMAGE) is brought
