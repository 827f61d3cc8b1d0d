"""Image automation apart from the engine: the same answers as here, and a hostile repository costs its child alone."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.gitrepo import GitRepo

from kubegrammar.image import Image
from trueup.features.images.editing import Apart, Edited, Editing, ThreadEditing
from trueup.features.images.rule import ImageRule, TargetKind, Update, WriteBack
from trueup.features.images.work import ImageSubject, Work
from trueup.model.application import Application, Source
from trueup.model.errors import TrueupError
from trueup.sources.tree import GitTree

MARKED = b'image: acme/web:v1 # {"$imagepolicy": "flux:web"}\n'
KEY = ("flux", "web")
RULE = ImageRule(alias="flux:web", image=Image("acme/web"), origin="ImagePolicy flux/web")
OLD, NEW = Image("acme/web", "v1"), Image("acme/web", "v2")


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    return GitRepo(tmp_path / "mirrors" / "repo.git")


@pytest.fixture(params=["here", "apart"])
async def editing(request: pytest.FixtureRequest, tmp_path: Path, repo: GitRepo) -> AsyncIterator[Editing]:
    if request.param == "here":
        yield ThreadEditing()
        return
    made = Apart(tmp_path / "mirrors")
    yield made
    await made.close()


def tree_of(repo: GitRepo, revision: str) -> GitTree:
    return GitTree(repo.path, revision, "the repository", lambda: None)


def asked(target: TargetKind = TargetKind.MARKERS) -> list[tuple[Work, tuple[Update, ...]]]:
    subject = ImageSubject(key="argocd/web", instance="web", app=Application())
    back = WriteBack(target=target)
    work = Work(subject=subject, source=Source(path="app"), back=back, rules=(RULE,), policies={KEY: RULE})
    return [(work, (Update(rule=RULE, old=OLD, new=NEW),))]


async def test_markers_are_found_and_written(editing: Editing, repo: GitRepo) -> None:
    tree = tree_of(
        repo, repo.commit({"app/a.yaml": MARKED, "app/b.yaml": b"a: 1 # {$imagepolicy}\n", "c.yaml": MARKED})
    )
    found = await editing.find(tree, "app")
    assert found.keys == (KEY,)
    assert [problem.partition(":")[0] for problem in found.problems] == ["app/b.yaml"]
    tree = tree_of(repo, repo.commit({"app/a.yaml": MARKED}, keep=False))
    made = await editing.edit(tree, asked())
    assert made.files == {"app/a.yaml": MARKED.replace(b"v1", b"v2")}
    assert [(each.before, each.after) for each in made.changes] == [("acme/web:v1", "acme/web:v2")]
    assert made.done(asked()) == asked()


async def test_what_people_took_back_is_left_alone(editing: Editing, repo: GitRepo) -> None:
    repo.commit({"app/a.yaml": MARKED})
    bad = repo.commit({"app/a.yaml": MARKED.replace(b"v1", b"v2"), "new.yaml": b"x: 1\n"})
    revert = repo.commit({"app/a.yaml": MARKED}, message=f"Revert\n\nThis reverts commit {bad}.")
    made = await editing.edit(tree_of(repo, revert), asked())
    assert made == Edited({}, left=made.left)
    assert [revert[:8] in why for why in made.left.values()] == [True]


async def test_who_cannot_be_written_is_named_and_leaves_the_others_their_commit(
    editing: Editing, repo: GitRepo
) -> None:
    files = {"app/a.yaml": MARKED, "app/kustomization.yaml": b"images: {a: 1}\n"}
    both = [*asked(TargetKind.KUSTOMIZATION), *asked()]
    made = await editing.edit(tree_of(repo, repo.commit(files)), both)
    [(at, problem)] = made.refused
    assert at == 0 and "app/kustomization.yaml" in problem
    assert made.files == {"app/a.yaml": MARKED.replace(b"v1", b"v2")}
    assert made.done(both) == both[1:] and len(made.changes) == 1


async def test_a_hostile_repository_is_refused(editing: Editing, repo: GitRepo) -> None:
    below = repo.tree(("100644", repo.blob(MARKED), b"a.yaml"))
    for _ in range(8):
        below = repo.tree(*(("40000", below, b"d%d" % number) for number in range(10)))
    bomb = repo.commit_tree(repo.tree(("40000", below, b"app")))
    lines = b"".join(b"k%05d: %s" % (number, MARKED.partition(b" ")[2]) for number in range(5000))
    many = repo.commit({"app/a.yaml": lines}, keep=False)
    made = await editing.edit(tree_of(repo, many), asked())
    assert made.files["app/a.yaml"].count(b":v2") == 5000
    if isinstance(editing, Apart):
        # Which of its limits it meets first is for the machine to say.
        editing._readers.seconds = 3.0
        with pytest.raises(TrueupError, match=r"too large|took longer"):
            await editing.find(tree_of(repo, bomb), "app")
