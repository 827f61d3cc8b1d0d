"""What reading a source may cost: hostile trees end in an error that names the place, soon and in little memory."""

import resource
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.gitrepo import GitRepo
from tests.support.memtree import Link, MemTree
from tests.support.tiers import everywhere

from trueup.model.application import DirectorySource, HelmSource, KustomizeSource, Source
from trueup.model.errors import RenderFailed, SourceUnavailable
from trueup.model.tree import MAX_FILE, Entry, Mode
from trueup.render.budget import Budget, Metered, SourceAllowance, TooCostly
from trueup.render.continuity import Trees, check_whole
from trueup.render.job import Recipe
from trueup.render.recipe import RenderContext, make_recipe, read_inputs
from trueup.sources.tree import GitTree

CONTEXT = RenderContext(app_name="shop", namespace="prod")
CM = b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n"
CHART = b"apiVersion: v2\nname: web\nversion: 1.0.0\n"
MEBIBYTE = 1024 * 1024
SOURCES = {
    "a directory": Source(path="."),
    "a directory with all below": Source(path=".", directory=DirectorySource(recurse=True)),
    "a kustomization": Source(path=".", kustomize=KustomizeSource()),
    "a chart": Source(path=".", helm=HelmSource()),
    "a chart with a pattern": Source(path=".", helm=HelmSource(value_files=["**/*.yaml"])),
}


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    return GitRepo(tmp_path / "repo.git")


def tree_of(repo: GitRepo, revision: str) -> GitTree:
    return GitTree(repo.path, revision, "the repository", lambda: None)


def zeros(repo: GitRepo, size: int) -> str:
    """The object of a file of zeros, which packs to a thousandth."""
    blob = repo.path / "zeros"
    with blob.open("wb") as file:
        file.truncate(size)
    oid = repo.git("hash-object", "-w", str(blob))
    blob.unlink()
    return oid


def bomb(repo: GitRepo, levels: int = 10, wide: int = 10, *, leaf: bytes | None = CM) -> str:
    """A folder of ten folders of ten folders…, all the same few objects; the tree's id."""
    blob = repo.blob(leaf) if leaf is not None else ""
    below = repo.tree(("100644", blob, b"a.yaml")) if blob else repo.tree()
    for _ in range(levels):
        below = repo.tree(*(("40000", below, f"d{number:02}".encode()) for number in range(wide)))
    return below


def farm(levels: int, wide: int) -> dict[str, str | bytes]:
    """Folders each of which has links to the next one, under many names."""
    files: dict[str, str | bytes] = {f"z/{levels}/a.yaml": CM}
    for level in range(levels):
        for number in range(wide):
            files[f"z/{level}/l{number}"] = Link(f"../{level + 1}")
    return files


NAMES = ["a.yaml", "Chart.yaml", "kustomization.yaml", ".argocd-source.yaml", "templates", "link"]


@everywhere
@pytest.mark.parametrize("size", [4097, 200 * MEBIBYTE], ids=["4 KiB and a byte", "200 MiB"])
def test_a_link_with_a_huge_target_is_refused_unread(repo: GitRepo, size: int) -> None:
    target = zeros(repo, size)
    for name in NAMES:
        others = [("100644", repo.blob(CHART), b"Chart.yaml"), ("100644", repo.blob(b""), b"kustomization.yaml")]
        kept = [each for each in others if each[2] != name.encode()]
        entries = sorted([*kept, ("120000", target, name.encode())], key=lambda each: each[2])
        tree = tree_of(repo, repo.commit_tree(repo.tree(*entries)))
        before = peak()
        for source in SOURCES.values():
            try:
                read_inputs(make_recipe(source, tree, {}, CONTEXT), tree, {})
            except RenderFailed as error:
                assert name in error.message
        assert peak() - before < 32 * MEBIBYTE


def test_a_huge_file_is_refused_by_its_size(repo: GitRepo) -> None:
    entry = ("100644", zeros(repo, MAX_FILE + 1), b"a.yaml")
    tree = tree_of(repo, repo.commit_tree(repo.tree(entry)))
    found = tree.entry("a.yaml")
    assert found is not None
    before = peak()
    with pytest.raises(RenderFailed, match=r"a\.yaml has 64 MiB, more than the 64 MiB"):
        tree.read(found)
    with pytest.raises(RenderFailed, match=r"a\.yaml"):
        make_recipe(Source(path="."), tree, {}, CONTEXT)
    assert peak() - before < 16 * MEBIBYTE


@pytest.mark.parametrize(
    "leaf", [pytest.param(CM, id="files at its end"), pytest.param(None, id="folders alone", marks=everywhere)]
)
@pytest.mark.parametrize("source", list(SOURCES.values())[1:], ids=list(SOURCES)[1:])
def test_a_bomb_of_folders_ends_in_an_error(repo: GitRepo, source: Source, leaf: bytes | None) -> None:
    root = repo.tree(
        ("100644", repo.blob(CHART), b"Chart.yaml"),
        ("40000", bomb(repo, leaf=leaf), b"b"),
        ("100644", repo.blob(b"resources: [b/d00]\n"), b"kustomization.yaml"),
        ("40000", bomb(repo, leaf=leaf), b"templates"),
    )
    tree = tree_of(repo, repo.commit_tree(root))
    before, started = peak(), time.process_time()
    with pytest.raises(RenderFailed) as caught:
        make_recipe(source, tree, {}, CONTEXT, budget=Budget(SourceAllowance(looks=300_000)), whole_tree=True)
    assert caught.value.hint
    assert peak() - before < 200 * MEBIBYTE
    assert time.process_time() - started < 30


@pytest.mark.parametrize("source", [SOURCES["a chart"], SOURCES["a chart with a pattern"]], ids=["chart", "pattern"])
def test_links_that_multiply_end_in_an_error(source: Source) -> None:
    tree = MemTree({"Chart.yaml": CHART, **{f"z{path[1:]}": each for path, each in farm(9, 12).items()}})
    with pytest.raises(TooCostly, match=r"leads to more than 50000 files and folders \(reached at z/"):
        make_recipe(source, tree, {}, CONTEXT, budget=Budget(SourceAllowance(looks=50_000)))


def test_a_link_to_a_folder_that_holds_it_is_told_at_once() -> None:
    tree = MemTree({"Chart.yaml": CHART, "x/y/loop": Link("../../x"), "x/a.yaml": CM})
    with pytest.raises(RenderFailed, match="the link x/y/loop leads to a folder that holds it"):
        make_recipe(SOURCES["a chart"], tree, {}, CONTEXT)


def test_time_is_spent_as_well() -> None:
    clock: Iterator[float] = iter(range(100))
    budget = Budget(SourceAllowance(seconds=3), meter=lambda: next(clock))
    with pytest.raises(TooCostly, match=r"took longer than 3 s \(reached at a\)"):
        for _ in range(5000):
            budget.look("a")


def test_what_is_read_again_is_paid_for_again() -> None:
    tree = Metered(MemTree({"a": b"x" * MEBIBYTE}), Budget(SourceAllowance(size=2 * MEBIBYTE)))
    entry = tree.entry("a")
    assert entry is not None
    assert [len(tree.read(entry)) for _ in range(2)] == [MEBIBYTE, MEBIBYTE]
    with pytest.raises(TooCostly, match="more than 2 MiB would be read"):
        tree.read(entry)


def test_looking_for_what_was_lost_costs_no_more(repo: GitRepo) -> None:
    former = tree_of(repo, repo.commit_tree(repo.tree(("40000", bomb(repo, leaf=b"x"), b"gone"))))
    recipe = Recipe(key="", tool="Directory", gaps=("gone",))
    now = MemTree({"gone": Link("nowhere")})
    with pytest.raises(TooCostly):
        check_whole(recipe, (), Trees(now), Trees(former), Budget(SourceAllowance(looks=100_000)))


def test_a_commit_that_is_one_huge_message_is_not_read(repo: GitRepo) -> None:
    head = f"tree {repo.tree()}\nauthor a <a> 1 +0000\ncommitter a <a> 1 +0000\n\n"
    text = head.encode() + b"x" * (5 * MEBIBYTE)
    sha = repo.git("hash-object", "-w", "-t", "commit", "--stdin", stdin=text)
    with pytest.raises(SourceUnavailable):
        tree_of(repo, sha)


def test_a_folder_with_millions_of_entries_is_refused_by_its_size(repo: GitRepo) -> None:
    blob = repo.blob(CM)
    entries = [("100644", blob, b"%09d.yaml" % number) for number in range(200_000)]
    tree = tree_of(repo, repo.commit_tree(repo.tree(*entries)))
    with pytest.raises(RenderFailed, match="too many entries"):
        make_recipe(Source(path="."), tree, {}, CONTEXT)


@everywhere
def test_memory_of_folders_is_bounded_however_many_paths_lead_to_them(
    repo: GitRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trueup.sources.tree._KEPT", 5000)
    tree = tree_of(repo, repo.commit_tree(bomb(repo, levels=4, wide=10)))
    tracemalloc.start()
    try:
        assert sum(1 for _ in Metered(tree, Budget()).walk("")) == 10**4
        assert tracemalloc.get_traced_memory()[1] < 5 * MEBIBYTE
    finally:
        tracemalloc.stop()


def test_entries_say_what_a_tree_says() -> None:
    files: dict[str, str | bytes] = {"a/b": b"1", "a/c/d": b"2", "e": Link("a"), "f": b"3"}
    plain, paid = MemTree(files), Metered(MemTree(files), Budget())
    asked: list[Callable[[str], object]] = [paid.entry, paid.children, lambda path: list(paid.walk(path))]
    known: list[Callable[[str], object]] = [plain.entry, plain.children, lambda path: list(plain.walk(path))]
    for path in ("", "a", "a/b", "a/c", "e", "nowhere"):
        for ours, theirs in zip(asked, known, strict=True):
            assert ours(path) == theirs(path)
    assert paid.size(Entry("f", Mode.FILE, "")) == 1


def peak() -> int:
    """Bytes of the most memory that this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
