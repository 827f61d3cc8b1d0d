"""What kustomizations name elsewhere is paid for while it arrives, and asked for once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

import pytest
from aiohttp import web
from tests.support.httpserver import serving

from trueup.controllers.remotes import HOLDING, Fetching, Remotes, are_permitted
from trueup.model.errors import InvalidSpec, RenderFailed, SourceUnavailable
from trueup.model.tree import MEBIBYTE
from trueup.render.remote import Remote, remote_of
from trueup.sources.download import downloading


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
        return Remotes(cast(Any, None), downloading(guarded=False, seconds=seconds), guarded=False)

    def admit(self, url: str) -> None:
        if not self.permitted:
            raise InvalidSpec(f"{url} is not permitted")

    def build(self, instance: str = "app", revision: str = "1", *, fresh: bool = False) -> Fetching:
        return self.remotes.fetching(instance, instance, "default", (revision,), self.admit, fresh=fresh)

    def named(self, *sizes: int, first: int = 0) -> list[Remote]:
        """Files of so many MiB."""
        return [self.remote(f"size/{size}?i={first + index}", first + index) for index, size in enumerate(sizes)]

    def remote(self, path: str, index: int = 0) -> Remote:
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
