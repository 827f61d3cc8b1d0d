"""Preparing in a child: the same answers, and whatever a repository does, it does to the child."""

import asyncio
import resource
import tarfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from tests.support.gitrepo import GitRepo
from tests.support.helmrepo import packed
from tests.support.pgp import PgpKey

from trueup.model.application import DirectorySource, HelmSource, KustomizeSource, Source
from trueup.model.errors import InvalidSpec, RenderFailed, RenderStopped, SourceUnavailable
from trueup.model.tree import MEBIBYTE, Tree
from trueup.render.continuity import Trees
from trueup.render.environment import RenderContext
from trueup.render.helm_index import ChartOf
from trueup.render.job import Recipe
from trueup.render.packed_chart import PackedChart
from trueup.render.recipe import make_recipe, read_inputs
from trueup.render.remote import RemotesNeeded
from trueup.sources.tree import GitTree
from trueup.store.preparing import Preparer
from trueup.workers.pool import Pool
from trueup.workers.preparing import Inline, Preparing
from trueup.workers.renders import Renders

CONTEXT = RenderContext(app_name="shop", namespace="prod")
CM = b"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n"
CHART = b"apiVersion: v2\nname: web\nversion: 1.0.0\n"


@pytest.fixture
def repo(tmp_path: Path) -> GitRepo:
    return GitRepo(tmp_path / "mirrors" / "repo.git")


@pytest.fixture
async def preparer(tmp_path: Path, repo: GitRepo) -> AsyncIterator[Preparer]:
    made = Preparer(tmp_path / "mirrors", 1)
    yield made
    await made.close()


@pytest.fixture
async def hasty(tmp_path: Path, repo: GitRepo) -> AsyncIterator[Preparer]:
    """One that gives up soon, for what costs whatever it may in the child."""
    made = Preparer(tmp_path / "mirrors", 1, seconds=2.0)
    yield made
    await made.close()


def opened(repo: GitRepo, revision: str, damaged: list[str] | None = None) -> Trees:
    told = damaged if damaged is not None else []
    return Trees(GitTree(repo.path, revision, "the repository", lambda: told.append(revision)))


async def ask(preparing: Preparing, source: Source, trees: Trees) -> Recipe:
    return await preparing.recipe(source, trees, CONTEXT, index=0, whole_tree=False)


INFLATING = RenderContext(app_name="shop", namespace="prod", inflates=True)


async def test_charts_of_a_helm_repository_are_found_and_unpacked_in_the_child(
    preparer: Preparer, repo: GitRepo
) -> None:
    chart, other = ChartOf("https://h/a", "web", "1.x"), ChartOf("https://h/a", "gone")
    index = b"apiVersion: v1\nentries: {web: [{name: web, version: 1.0.0, urls: [x.tgz]}]}\n"
    inline = await Inline().find_charts(index, [chart, other])
    assert list(await preparer.find_charts(index, [chart, other])) == list(inline)
    for hostile in (b"[" * 100_000, b"entries: {}", b"apiVersion: v1\nentries: &a {b: *a}"):
        with pytest.raises(RenderFailed, match="index of"):
            await preparer.find_charts(hostile, [chart])
    kustomization = b"helmCharts: [{name: web, repo: 'https://h/a', version: 1.x, releaseName: r}]\n"
    trees = opened(repo, repo.commit({"app/kustomization.yaml": kustomization}))
    source = Source(path="app")
    with pytest.raises(RemotesNeeded) as needed:
        await preparer.recipe(source, trees, INFLATING, index=0, whole_tree=False)
    assert [each.chart for each in needed.value.remotes] == [chart]
    files: dict[str, str | bytes | tarfile.TarInfo] = {"web/Chart.yaml": CHART, "web/values.yaml": "a: 1"}
    packed_chart = PackedChart(packed(files), chart.shown)
    found = Trees(trees.own, {chart.tree: packed_chart})
    recipe = await preparer.recipe(source, found, INFLATING, index=0, whole_tree=False)
    assert recipe == make_recipe(source, trees.own, found.refs, INFLATING)
    files_read = await preparer.inputs(recipe, found)
    assert files_read == read_inputs(recipe, trees.own, found.refs) and CHART in files_read.values()
    climbs = Trees(trees.own, {chart.tree: PackedChart(packed({"web/../../x": "y"}), chart.shown)})
    with pytest.raises(RenderFailed, match=r"^app/kustomization.yaml: helmCharts\[0\]: .* leads out of the chart"):
        await preparer.recipe(source, climbs, INFLATING, index=0, whole_tree=False)


async def test_what_a_repository_offers_is_read_in_the_child(preparer: Preparer, repo: GitRepo) -> None:
    files = {"chart/Chart.yaml": CHART, "chart/values.yaml": b"a: 1", "app/kustomization.yaml": b""}
    tree = opened(repo, repo.commit(files)).own
    offer = await preparer.offer(Source(path="chart"), tree)
    assert (offer.type, offer.chart.parameters) == ("Helm", (("a", "1"),))
    assert await preparer.applications(tree) == {"app": "Kustomize", "chart": "Helm"}
    index = b"apiVersion: v1\nentries: {web: [{name: web, version: 1.0.0}]}\n"
    assert await preparer.charts(index, "https://h/a") == {"web": ("1.0.0",)}
    ada = PgpKey()
    (key,) = await preparer.keys([ada.public, "no key", ""])
    assert (key.id, key.secret) == (ada.id, False)
    with pytest.raises(RenderFailed, match="app path does not exist"):
        await preparer.offer(Source(path="none"), tree)
    with pytest.raises(RenderFailed, match="index of"):
        await preparer.charts(b"[" * 100_000, "https://h/a")


async def test_a_child_says_what_this_process_would(preparer: Preparer, repo: GitRepo) -> None:
    files: dict[str, bytes | str] = {
        "plain/a.yaml": CM,
        "plain/b.yaml": "a.yaml",
        "kustomize/kustomization.yaml": b"resources: [../plain/a.yaml]\n",
        "chart/Chart.yaml": CHART,
        "chart/templates/a.yaml": b"{{ .Capabilities.KubeVersion }}",
        "chart/values.yaml": b"",
    }
    trees = opened(repo, repo.commit(files))
    refs = Trees(trees.own, {"values": trees.own})
    for source, used in (
        (Source(path="plain"), trees),
        (Source(path="plain", directory=DirectorySource(recurse=True)), trees),
        (Source(path="kustomize"), trees),
        (Source(path="chart", helm=HelmSource(value_files=["values.yaml"])), trees),
        (Source(path="chart", helm=HelmSource(value_files=["$values/chart/values.yaml"])), refs),
        (Source(path="", ref="values"), trees),
    ):
        recipe = await preparer.recipe(source, used, CONTEXT, index=2, whole_tree=False)
        assert recipe == make_recipe(source, used.own, used.refs, CONTEXT, source_index=2)
        assert await preparer.inputs(recipe, used) == read_inputs(recipe, used.own, used.refs)


async def test_what_is_refused_is_refused_in_the_same_words(preparer: Preparer, repo: GitRepo) -> None:
    trees = opened(repo, repo.commit({"k/kustomization.yaml": b"resources: [nothing.yaml]\n", "c/Chart.yaml": b"\xff"}))
    for source in (
        Source(path="nowhere"),
        Source(path="k"),
        Source(path="c"),
        Source(path="k", kustomize=KustomizeSource(), helm=HelmSource()),
    ):
        answers = []
        for preparing in (Inline(), preparer):
            with pytest.raises((RenderFailed, InvalidSpec)) as caught:
                await ask(preparing, source, trees)
            answers.append((isinstance(caught.value, InvalidSpec), caught.value.message, caught.value.hint))
        assert answers[0] == answers[1]


async def test_what_was_lost_is_told(preparer: Preparer, repo: GitRepo) -> None:
    before, now = opened(repo, repo.commit({"a.yaml": CM})), opened(repo, repo.commit({"a.yaml": b""}))
    recipe = await preparer.recipe(Source(path="."), now, CONTEXT, index=0, whole_tree=False)
    await preparer.check_whole(recipe, ["a.yaml"], now, [now])
    with pytest.raises(RenderFailed, match=r"a\.yaml: it is empty, and was not at the last sync"):
        await preparer.check_whole(recipe, ["a.yaml"], now, [before])


async def test_the_folder_of_the_mirrors_may_be_named_from_here(
    tmp_path: Path, repo: GitRepo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    made = Preparer(Path("mirrors"), 1)
    try:
        assert (await ask(made, Source(path="."), opened(repo, repo.commit({"a.yaml": CM})))).inputs
    finally:
        await made.close()


async def test_a_child_that_takes_too_long_is_replaced(tmp_path: Path, repo: GitRepo) -> None:
    made = Preparer(tmp_path / "mirrors", 1, seconds=0.0001)
    trees = opened(repo, repo.commit({"a.yaml": CM}))
    try:
        with pytest.raises(RenderStopped, match=r"reading the source took longer than 0\.0001 s \(path \.\)"):
            await ask(made, Source(path="."), trees)
        made._readers.seconds = 60.0
        assert await ask(made, Source(path="."), trees)
    finally:
        await made.close()


async def test_a_mirror_made_anew_is_opened_anew(preparer: Preparer, repo: GitRepo, tmp_path: Path) -> None:
    first = repo.commit({"a.yaml": CM})
    await ask(preparer, Source(path="."), opened(repo, first))
    repo.path.rename(tmp_path / "old")
    other = GitRepo(repo.path)
    second = other.commit({"b.yaml": CM})
    recipe = await preparer.recipe(Source(path="."), opened(other, second), CONTEXT, index=0, whole_tree=False)
    assert [file.path for file in recipe.inputs] == ["b.yaml"]


async def test_an_object_that_is_gone_is_the_mirror_s_fault(preparer: Preparer, repo: GitRepo) -> None:
    damaged: list[str] = []
    trees = opened(repo, repo.commit({"kustomization.yaml": b"resources: []\n"}), damaged)
    blob = repo.git("hash-object", "--stdin", stdin=b"resources: []\n")
    (repo.path / "objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(SourceUnavailable, match="damaged"):
        await ask(preparer, Source(path="."), trees)
    assert damaged


async def test_a_name_that_is_no_text_is_told(preparer: Preparer, repo: GitRepo) -> None:
    link = repo.blob(b"\xff\xfe")
    tree = repo.tree(("120000", link, b"a\xff.yaml"), ("120000", link, b"kustomization.yaml"))
    with pytest.raises(RenderFailed):
        await ask(preparer, Source(path="."), opened(repo, repo.commit_tree(tree)))


async def test_hostile_repositories_cost_this_process_nothing(hasty: Preparer, repo: GitRepo) -> None:
    """A bomb of folders, links that multiply, and 100 MB of zeros as a link and as a file."""
    await hasty.warm()
    blob, below = repo.blob(CM), repo.tree(("100644", repo.blob(CM), b"a.yaml"))
    for _ in range(10):
        below = repo.tree(*(("40000", below, b"d%d" % number) for number in range(10)))
    with (repo.path / "zeros").open("wb") as file:
        file.truncate(100 * MEBIBYTE)
    zeros = repo.git("hash-object", "-w", "zeros")
    chart = ("100644", repo.blob(CHART), b"Chart.yaml")
    folders = [("40000", repo.tree(("100644", blob, b"a.yaml")), b"9")]
    for level in range(9):
        link = repo.blob(b"../%d" % (level + 1))
        folders.append(
            ("40000", repo.tree(*(("120000", link, b"l%02d" % number) for number in range(12))), b"%d" % level)
        )
    everything, charted = Source(directory=DirectorySource(recurse=True)), Source(helm=HelmSource())
    hostile = [
        (everything, repo.commit_tree(repo.tree(("40000", below, b"bomb")))),
        (charted, repo.commit_tree(repo.tree(*sorted([chart, *folders], key=lambda each: each[2])))),
        (charted, repo.commit_tree(repo.tree(chart, ("120000", zeros, b"a.yaml")))),
        (everything, repo.commit_tree(repo.tree(("100644", zeros, b"a.yaml")))),
        (charted, repo.commit_tree(repo.tree(("120000", zeros, b"Chart.yaml"), ("100644", blob, b"a.yaml")))),
        (charted, repo.commit_tree(repo.tree(("100644", zeros, b"Chart.yaml")))),
    ]
    used = resource.getrusage(resource.RUSAGE_SELF)
    started = time.process_time()
    for source, revision in hostile:
        trees = opened(repo, revision)
        with pytest.raises(RenderFailed):
            await hasty.inputs(await ask(hasty, source, trees), trees)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - used.ru_maxrss < 20 * 1024
    assert time.process_time() - started < 3


async def test_fifty_commits_of_a_large_folder_take_no_more_than_two(tmp_path: Path, repo: GitRepo) -> None:
    """And nothing is left of it when the application has gone."""
    preparer, pool = Preparer(tmp_path / "mirrors", 1), Pool(1)
    renders = Renders(pool, preparer, room=2 * MEBIBYTE)
    lines = b"".join(b"  k%06d: %s\n" % (number, b"x" * 60) for number in range(4_000))
    try:
        sizes = []
        for number in range(50):
            text = CM + b"data:\n  commit: c%d\n" % number + lines
            tree: Tree = opened(repo, repo.commit({"a.yaml": text}, keep=False)).own
            rendering = await renders.manifests(Source(path="."), tree, {}, CONTEXT)
            assert b'"c%d"' % number in rendering.manifests[0].body
            sizes.append(renders.size)
        largest = len(rendering.manifests[0].body)
        assert max(sizes) <= 2 * MEBIBYTE
        assert sizes[-1] < 2 * largest + 0.3 * MEBIBYTE
        renders.forget("shop")
        assert renders.size <= 0.25 * MEBIBYTE
    finally:
        await asyncio.gather(preparer.close(), pool.close())


async def test_a_source_that_has_not_changed_is_not_read_again(repo: GitRepo) -> None:
    asked: list[str] = []

    class Counting(Inline):
        async def recipe(self, source: Source, *args: object, **options: object):  # type: ignore[no-untyped-def]
            asked.append(source.path)
            return await super().recipe(source, *args, **options)  # type: ignore[arg-type]

    pool = Pool(1)
    renders = Renders(pool, Counting())
    revision = repo.commit({"a.yaml": CM})
    try:
        for _ in range(3):
            await renders.manifests(Source(path="."), opened(repo, revision).own, {}, CONTEXT)
        assert asked == ["."]
        await renders.manifests(Source(path="./"), opened(repo, revision).own, {}, CONTEXT)
        await renders.manifests(Source(path="."), opened(repo, repo.commit({"b.yaml": CM})).own, {}, CONTEXT)
        assert asked == [".", "./", "."]
    finally:
        await pool.close()
