"""Passes over what goes to a cluster that answers when it likes."""

import asyncio
import statistics
from types import SimpleNamespace
from typing import Any, cast

import pytest
from tests.support.jumping import JumpingLoop
from tests.support.patience import stretched

from trueup.clusters.managed import ManagedCluster
from trueup.engine import sites
from trueup.engine.sites import CROWDED_SECONDS, Site, Sites
from trueup.engine.term import PASSES, PASSES_BESIDE
from trueup.model.share import Urgency
from trueup.runtime.fair import MOMENT
from trueup.runtime.outcome import Requeue
from trueup.runtime.queue import Queue


class Destination:
    """Its passes last until it answers."""

    def __init__(self, secret: str) -> None:
        self.secret = secret
        self.answers = asyncio.Event()
        self.under_way: list[str] = []
        self.site = Site(cast(ManagedCluster, self), cast(Any, None), cast(Any, self))

    async def reconcile(self, key: str) -> Requeue:
        self.under_way.append(key)
        await self.answers.wait()
        return Requeue.never()


async def test_clusters_that_answer_when_they_like_leave_the_passes_of_another_one_their_slots() -> None:
    slow, own = [Destination(f"cluster-{number}") for number in range(3)], Destination("")
    own.answers.set()

    async def reconcile(key: str) -> Requeue:
        where, _, number = key.partition(" ")
        return await (own if where == "own" else slow[int(number) % 3]).site.reconcile(key)

    queue = Queue("test", reconcile, workers=2, beside=2)
    for number in range(8):
        queue.add(f"slow {number}")
    queue.add("own 0")
    running = asyncio.create_task(queue.run())
    async with asyncio.timeout(stretched(60)):
        while not own.under_way or sum(len(each.under_way) for each in slow) < 8:
            await asyncio.sleep(0.01)
    for each in slow:
        each.answers.set()
    async with asyncio.timeout(stretched(60)):
        while not queue.idle():
            await asyncio.sleep(0.01)
    assert all(not each.site.passes for each in slow)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_no_more_passes_than_some_are_under_way_on_one_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sites, "PASSES_OF_A_CLUSTER", 2)
    slow = Destination("cluster-far")
    passes = [asyncio.create_task(slow.site.reconcile(f"a{number}")) for number in range(2)]
    await asyncio.sleep(0)
    assert await slow.site.reconcile("one more") == Requeue.after(CROWDED_SECONDS)
    slow.answers.set()
    await asyncio.gather(*passes)
    assert slow.under_way == ["a0", "a1"]
    await slow.site.reconcile("one more")
    assert slow.under_way[-1] == "one more"


class Shards:
    """Applications, and which of them are this engine's."""

    def __init__(self, mine: set[str], stored: set[str]) -> None:
        self._mine, self._stored = mine, stored
        self.looked: list[str] = []
        self.forgotten: list[str] = []
        self.own = cast(ManagedCluster, self)
        self.secret, self.name = "", "in-cluster"

    def get(self, key: str) -> Any:
        return SimpleNamespace(app=key, fault=None) if key in self._stored else None

    def mine(self, key: str) -> bool:
        return key in self._mine

    def skipped(self, key: str) -> bool:
        return False

    def of(self, key: str) -> ManagedCluster:
        return self.own

    def forget(self, key: str) -> None:
        self.forgotten.append(key)

    async def reconcile(self, key: str) -> Requeue:
        self.looked.append(key)
        return Requeue.after(1)

    def sites(self, *, shared: bool = True) -> Sites:
        return Sites(cast(Any, self), cast(Any, self), lambda _: (cast(Any, None), cast(Any, self)), shared=shared)


async def test_an_application_of_another_shard_is_left_alone_and_forgotten_when_it_goes_there() -> None:
    mine = {"a"}
    shards = Shards(mine, {"a", "b"})
    sites = shards.sites()
    assert await sites.reconcile("b") == Requeue.never()
    assert await sites.reconcile("a") == Requeue.after(1)
    mine.clear()
    assert await sites.reconcile("a") == Requeue.never()
    assert (shards.looked, shards.forgotten) == (["a"], ["a"])


async def test_an_application_that_is_gone_is_let_go_by_the_engine_that_had_it_alone() -> None:
    stored = {"a"}
    shards = Shards({"a", "b"}, stored)
    sites = shards.sites()
    await sites.reconcile("a")
    stored.clear()
    for key in ("a", "b", "a"):
        await sites.reconcile(key)
    assert shards.looked == ["a", "a"]
    alone = shards.sites(shared=False)
    await alone.reconcile("b")
    assert shards.looked == ["a", "a", "b"]


QUICK, SILENT = 0.2, 5.0
"""Seconds of a pass on a cluster that answers, and until one gives up that asks a cluster that does not."""


def _heals(silent: int) -> list[float]:
    """Seconds from a change to the end of its heal, of one after the other, on a cluster that answers, while passes
    over so many applications of one that does not are asked for again and again."""

    async def run() -> list[float]:
        took: list[float] = []
        done = asyncio.Event()
        well, cold = Destination("well"), Destination("cold")

        async def reconcile(key: str) -> Requeue:
            if key == "well":
                well.answers.set()
                await asyncio.sleep(QUICK)
                await well.site.reconcile(key)
                done.set()
                return Requeue.never()
            await cold.site.reconcile(key)
            return Requeue.after(1)

        async def gives_up(key: str) -> Requeue:
            await asyncio.sleep(SILENT)
            return Requeue.never()

        cold.reconcile = gives_up  # type: ignore[method-assign]
        queue = Queue("test", reconcile, workers=PASSES, beside=PASSES_BESIDE)
        running = asyncio.create_task(queue.run())
        loop = asyncio.get_running_loop()
        for number in range(41):
            if number % 5 == 0:  # a commit, which is everybody's
                for each in range(silent):
                    queue.add(f"cold {each}", urgency=Urgency.NEWS)
            began = loop.time()
            queue.add("well", urgency=Urgency.NEWS)
            await done.wait()
            done.clear()
            took.append(loop.time() - began)
            await asyncio.sleep(0.37)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return took

    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        return runner.run(run())


@pytest.mark.parametrize("silent", [1, 64])
def test_heals_take_no_tenth_longer_beside_a_cluster_that_does_not_answer(silent: int) -> None:
    alone, beside = _heals(0), _heals(silent)
    assert statistics.median(beside) <= statistics.median(alone) * 1.1
    # Who meets the very moment in which all of its applications are begun waits until they have given their slots up.
    assert max(beside) <= max(alone) + MOMENT / 2
