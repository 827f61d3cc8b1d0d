"""Which URLs mean one repository."""

from pathlib import Path

import pytest
from tests.support.helmrepo import helm_repo

from trueup.cli.charts import charts
from trueup.model.application import Source
from trueup.offline.repositories import NotHere, OfflineRepositories, described, place_of
from trueup.sources.checkout import Checkout
from trueup.sources.mirrors import Mirrors
from trueup.sources.revision import UnknownRevision
from trueup.sources.worktree import WorkTree
from trueup.workers.git import run_git

ONE = [
    "https://git.example.com/team/repo",
    "https://git.example.com/Team/repo.git",
    "https://user:token@git.example.com/team/repo/",
    "git@git.example.com:team/repo.git",
    "ssh://git@git.example.com:2222/team/repo",
]


@pytest.mark.parametrize("url", ONE)
def test_every_way_to_a_repository_is_the_same_place(url: str) -> None:
    assert place_of(url) == "git.example.com/team/repo"


@pytest.mark.parametrize(
    "url", ["https://git.example.com/team/repo2", "https://git.example.org/team/repo", "https://git.example.com/repo"]
)
def test_another_repository_is_another_place(url: str) -> None:
    assert place_of(url) != place_of(ONE[0])


async def test_the_checkout_stands_for_its_repository_and_for_no_other(tmp_path: Path) -> None:
    tree = WorkTree(tmp_path)
    repositories = OfflineRepositories(Checkout(tree, tmp_path, "", (ONE[3],)), ["https://mirror.example.com/x"])
    for url in (*ONE, "https://mirror.example.com/x.git", tmp_path.as_uri()):
        assert await repositories.tree(Source(repo_url=url, path="a", target_revision="v1")) is tree
    with pytest.raises(NotHere, match="--remote"):
        await repositories.tree(Source(repo_url="https://git.example.com/team/other", path="a"))
    for source in (Source(repo_url=ONE[0], chart="redis"), Source(repo_url="oci://registry.example/a", path=".")):
        with pytest.raises(NotHere, match="charts, or a registry; --remote reads it"):
            await repositories.tree(source)


async def test_a_chart_is_read_where_it_is_asked_for(tmp_path: Path) -> None:
    asked: list[str] = []

    async def ask(url: str) -> None:
        asked.append(url)

    async with helm_repo() as repo, charts() as of_charts:
        repo.add("redis", "1.0.0")
        mirrors = Mirrors(tmp_path / "mirrors", run_git, charts=of_charts)
        repositories = OfflineRepositories(Checkout(WorkTree(tmp_path), tmp_path, "", ()), mirrors=mirrors, ask=ask)
        tree = await repositories.tree(Source(repo_url=repo.url, chart="redis", target_revision="1.x"))
        assert (tree.revision, asked) == ("1.0.0", [repo.url]) and tree.entry("Chart.yaml") is not None
        with pytest.raises(UnknownRevision, match=r"chart redis 2\.x .*no such version"):
            await repositories.tree(Source(repo_url=repo.url, chart="redis", target_revision="2.x"))


def test_a_source_is_described_without_its_credentials() -> None:
    assert described(Source(repo_url="https://u:secret@git.example.com/a", path="web")) == (
        "web of https://u:******@git.example.com/a"
    )
    chart = Source(repo_url="https://charts.example.com", chart="redis", target_revision="1.x")
    assert described(chart) == "chart redis 1.x of https://charts.example.com"
