"""Passes over what goes to a cluster that answers when it likes."""

import asyncio
from typing import Any, cast

import pytest
from tests.support.patience import stretched

from trueup.clusters.managed import ManagedCluster
from trueup.engine import sites
from trueup.engine.sites import CROWDED_SECONDS, Site
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
