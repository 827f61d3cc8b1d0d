"""What kustomizations name elsewhere is paid for while it arrives, and asked for once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

import pytest
from aiohttp import web
from tests.support.helmrepo import HelmRepo, helm_repo
from tests.support.httpserver import serving

from trueup.model.errors import InvalidSpec, RenderFailed, SourceUnavailable
from trueup.model.tree import MEBIBYTE
from trueup.observe.fetching import Fetching
from trueup.observe.remotes import HOLDING, Remotes, are_permitted
from trueup.render.helm_index import ChartOf
from trueup.render.packed_chart import PackedChart
from trueup.render.remote import RemoteReference, remote_of
from trueup.sources.download import downloading
from trueup.sources.helm_repository import HelmRepositories
from trueup.workers.preparing import Inline


class Bench:
    """A web server of large files, and what asks it.

    Attributes:
        asked: the paths that were asked for.
        permitted: whether the project permits what is asked for.
    """

    def __init__(self, address: str) -> None:
        self.url = f"http://{address}"
        self.asked: list[str] = []
        self.permitted = True
        self.remotes = self.another()

    def another(self, *, seconds: float = 20.0) -> Remotes:
        download = downloading(guarded=False, seconds=seconds)
        charts = HelmRepositories(download, Inline().find_charts)
        return Remotes(cast(Any, None), download, charts, guarded=False)

    def admit(self, url: str) -> None:
        if not self.permitted:
            raise InvalidSpec(f"{url} is not permitted")

    def build(self, instance: str = "app", revision: str = "1", *, fresh: bool = False) -> Fetching:
        return Fetching(self.remotes, instance, instance, "default", (revision,), self.admit, fresh=fresh)

    def named(self, *sizes: int, first: int = 0) -> list[RemoteReference]:
        """Files of so many MiB."""
        return [self.remote(f"size/{size}?i={first + index}", first + index) for index, size in enumerate(sizes)]

    def remote(self, path: str, index: int = 0) -> RemoteReference:
        found = remote_of(f"{self.url}/{path}", f"app/kustomization.yaml: resources[{index}]", directory=False)
        assert found is not None
        return found

    async def answer(self, request: web.BaseRequest) -> web.StreamResponse:
        self.asked.append(request.path_qs)
        if request.path == "/slow":
            await asyncio.Event().wait()
        if request.path == "/packed":
            return web.Response(body=b"x", headers={"Content-Encoding": "gzip"})
        return web.Response(body=b"x" * int(request.path.rpartition("/")[2]) * MEBIBYTE)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    made: list[Bench] = []

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        return await made[0].answer(request)

    async with serving(answer) as address:
        made.append(Bench(address))
        yield made[0]


@pytest.mark.parametrize(
    ("sizes", "downloads", "says"),
    [((7, 7, 7, 7, 7), 3, r"resources\[2\]: the files elsewhere have more than 16 MiB"), ((9,), 1, r"\[0\].*8 MiB")],
)
async def test_files_are_paid_for_while_they_arrive_and_too_many_bytes_are_not_asked_for_again(
    bench: Bench, sizes: Sequence[int], downloads: int, says: str
) -> None:
    for _ in range(3):
        build = bench.build()
        with pytest.raises(RenderFailed, match=says):
            await build(bench.named(*sizes))
        build.close()
    assert len(bench.asked) == downloads
    for build in (bench.build(revision="2"), bench.build(fresh=True)):
        before = len(bench.asked)
        with pytest.raises(RenderFailed, match=says):
            await build(bench.named(*sizes))
        build.close()
        assert len(bench.asked) == before + downloads


async def test_rounds_and_sources_of_one_build_share_what_files_may_have_and_a_file_counts_once(bench: Bench) -> None:
    build = bench.build()
    await asyncio.gather(build(bench.named(7)), build(bench.named(7)), build(bench.named(7, first=1)))
    with pytest.raises(RenderFailed, match="more than 16 MiB together"):
        await build(bench.named(7, first=2))
    assert len(bench.asked) == 3
    build.close()


async def test_few_builds_hold_files_at_a_time(bench: Bench) -> None:
    builds = [bench.build(f"app-{index}") for index in range(HOLDING + 1)]
    *first, last = [asyncio.create_task(build(bench.named(1))) for build in builds]
    await asyncio.wait_for(asyncio.gather(*first), 20)
    assert len(bench.asked) == HOLDING and not last.done()
    gone = asyncio.create_task(bench.build("gone")(bench.named(1)))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    late = bench.build("late")
    ended = asyncio.create_task(late(bench.named(1)))
    await asyncio.sleep(0)
    late.close()
    builds[0].close()
    await asyncio.wait_for(last, 20)
    builds[1].close()
    with pytest.raises(SourceUnavailable, match="has ended"):
        await asyncio.wait_for(ended, 20)
    for build in builds:
        build.close()
    assert bench.remotes.holding.idle()


async def test_a_file_that_does_not_come_is_named_by_its_field(bench: Bench) -> None:
    bench.remotes = bench.another(seconds=0.2)
    with pytest.raises(SourceUnavailable, match=r"^app/kustomization\.yaml: resources\[3\]: .* no whole answer"):
        await bench.build()([bench.remote("slow", 3)])


async def test_what_is_packed_is_not_unpacked(bench: Bench) -> None:
    with pytest.raises(RenderFailed, match="packs what was asked for"):
        await bench.build()([bench.remote("packed")])


async def test_what_a_build_was_permitted_is_asked_again(bench: Bench) -> None:
    build = bench.build()
    await build(bench.named(1))
    build.close()
    assert build.asked == {f"{bench.url}/size/1"} and are_permitted(build.asked, bench.admit)
    bench.permitted = False
    assert not are_permitted(build.asked, bench.admit)


def charts(repo: HelmRepo, *names: str) -> list[RemoteReference]:
    found = (ChartOf(repo.url, name) for name in names)
    return [
        RemoteReference(f"app/kustomization.yaml: helmCharts[{index}]", chart.tree, file=False, base=None, chart=chart)
        for index, chart in enumerate(found)
    ]


async def test_charts_are_found_by_one_look_and_an_archive_that_is_here_is_not_fetched_again(bench: Bench) -> None:
    async with helm_repo() as repo:
        data = {name: repo.add(name, "1.0.0") for name in ("web", "job")}
        needed = charts(repo, "web", "job")
        build = bench.build()
        trees = await build(needed)
        build.close()
        assert {each.text: data[each.chart.name] for each in needed if each.chart} == {
            name: cast(PackedChart, tree).content for name, tree in trees.items()
        }
        index, web, job = (f"/charts/stable/{name}" for name in ("index.yaml", "web-1.0.0.tgz", "job-1.0.0.tgz"))
        assert repo.asked == [index, web, job] and build.asked == {repo.url}

        async def again(**how: Any) -> list[str]:
            repo.asked.clear()
            build = bench.build(**how)
            await build(needed)
            build.close()
            return repo.asked

        assert await again() == []
        assert await again(revision="2") == await again(revision="2", fresh=True) == [index]
        repo.add("web", "1.1.0")
        assert await again(revision="2") == []
        assert await again(revision="3") == [index, web.replace("1.0.0", "1.1.0")]
        assert await again(instance="other") == [index, web.replace("1.0.0", "1.1.0"), job]


async def test_charts_and_files_share_what_an_application_may_have(bench: Bench) -> None:
    async with helm_repo() as repo:
        for name in ("web", "job"):
            repo.add(name, "1.0.0")
            repo.files[f"/charts/stable/{name}-1.0.0.tgz"] = b"x" * 5 * MEBIBYTE
            repo.index[name][0].pop("digest")
        build = bench.build()
        await build([*bench.named(7), *charts(repo, "web")])
        with pytest.raises(RenderFailed, match=r"helmCharts\[0\]: the files elsewhere have more than 16 MiB together"):
            await build(charts(repo, "job"))
        build.close()
        asked = len(repo.asked)
        with pytest.raises(RenderFailed, match="more than 16 MiB together"):
            await bench.build()(charts(repo, "job"))
        assert len(repo.asked) == asked


async def test_what_is_wrong_with_a_chart_is_told_by_its_field(bench: Bench) -> None:
    async with helm_repo() as repo:
        repo.add("web", "1.0.0")
        with pytest.raises(RenderFailed, match=r"^app/kustomization.yaml: helmCharts\[1\]: chart gone of http"):
            await bench.build()(charts(repo, "web", "gone"))
        bench.permitted = False
        asked = len(repo.asked)
        with pytest.raises(InvalidSpec, match=r"helmCharts\[0\]: .* is not permitted"):
            await bench.build("other")(charts(repo, "web"))
        assert len(repo.asked) == asked
