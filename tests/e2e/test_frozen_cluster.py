"""A real cluster and two embedded ones, applications on each, one frozen in the middle: what it costs the others."""

import os
import signal
import statistics
import time
from collections.abc import Awaitable, Callable

import pytest
from tests.conftest import on_kubernetes
from tests.e2e.estate import Estate
from tests.e2e.manifests import config
from tests.e2e.test_clusters import Far, another
from tests.support.patience import stretched
from tests.support.tiers import everywhere

ROUNDS = 3
SHARE, MOMENT = 1.1, 1.0
"""What heals and commits may take beside a frozen cluster: a tenth more, and a moment that a busy machine is off by. A
slot or a request that waits for it costs five seconds."""
TRIES = 3
"""Neighbours of the test may press on one of both sides: then both are measured again."""
HEALED = [f"healed-{number}" for number in range(2 * ROUNDS * TRIES)]
"""An object for each heal: one that is changed back again and again is healed later and later."""


class Both:
    """The application here and the one far away, which declare the same."""

    def __init__(self, estate: Estate, far: Far) -> None:
        self._estate, self._far = estate, far
        self._commits = 0
        self._left = list(HEALED)
        self.colour = "red"

    async def heal(self) -> float:
        """Seconds until both are as declared that somebody has painted."""
        name, painted = self._left.pop(), {"data": {"colour": "by hand"}}
        await self._estate.change("ConfigMap", name, painted)
        await self._far.paint(self._estate.name, "by hand", name)
        return await self._until(name, "red")

    async def commit(self) -> float:
        """Seconds until both have what a commit brings. It is the frozen one's as well."""
        self._commits += 1
        self.colour = f"colour-{self._commits}"
        await self._estate.commit({"app/settings.yaml": config(value=self.colour)})
        await self._estate.refresh()
        await self._estate.refresh(self._far.name)
        return await self._until("settings", self.colour)

    async def _until(self, name: str, colour: str) -> float:
        began = time.monotonic()

        async def here() -> bool:
            live = await self._estate.live("ConfigMap", name)
            return live is not None and live.object()["data"]["colour"] == colour

        await self._estate.eventually(here, what=f"{name} {colour} here")
        await self._far.becomes(self._estate.name, colour, name)
        return time.monotonic() - began


async def median(measure: Callable[[], Awaitable[float]]) -> float:
    return statistics.median([await measure() for _ in range(ROUNDS)])


@everywhere
@pytest.mark.timeout(900)
@on_kubernetes
async def test_a_frozen_cluster_costs_the_others_nothing_and_is_caught_up_when_it_comes_back(estate: Estate) -> None:
    await estate.given({f"app/{name}.yaml": config(name) for name in ("settings", *HEALED)})
    async with another(estate, "well") as well, another(estate, "cold") as cold:
        await estate.app("app")
        for far in (well, cold):
            await estate.app("app", name=far.name, spec=far.destination(estate.name))
        for name in ("", well.name, cold.name):
            await estate.settled(name=name)
        both = Both(estate, well)
        for left in reversed(range(TRIES)):
            heal, commit = await median(both.heal), await median(both.commit)
            os.kill(cold.cluster.pids["cluster"], signal.SIGSTOP)
            try:
                # At once, while nobody knows, and then beside a cluster that is known to be out of reach.
                beside = await median(both.commit), await median(both.heal)
                message = await estate.condition("ComparisonError", cold.name)
            finally:
                os.kill(cold.cluster.pids["cluster"], signal.SIGCONT)
                back = time.monotonic()
            assert f"cluster {cold.name} cannot be used since" in message
            await cold.becomes(estate.name, both.colour)
            caught_up = time.monotonic() - back
            assert caught_up < stretched(10)
            view = await estate.settled(name=cold.name)
            assert view.status.conditions == []
            told = f"commits {commit:.2f} s, {beside[0]:.2f} beside it; heals {heal:.2f} s, {beside[1]:.2f} beside it"
            if beside[0] <= commit * SHARE + MOMENT and beside[1] <= heal * SHARE + MOMENT:
                return
            assert left, told
