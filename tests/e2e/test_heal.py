"""Self-heal in a running engine: separate drifts at once, a loop ever more seldom and told as such."""

import asyncio
import contextlib
import time

from tests.conftest import on_embedded
from tests.e2e.estate import Estate
from tests.e2e.manifests import config
from tests.e2e.test_operations import healed, state_of

AT_ONCE = 30.0
"""Seconds, on a machine that has other things to do: less than the minute that five heals in a row wait by count."""


@on_embedded
async def test_separate_edits_are_healed_at_once_however_many_there_were(estate: Estate) -> None:
    names = [f"c{number}" for number in range(7)]
    await estate.given({f"app/{name}.yaml": config(name, "red") for name in names})
    await estate.app("app")
    await estate.settled()
    for name in names:
        begun = time.monotonic()
        await estate.change("ConfigMap", name, {"data": {"colour": "drifted"}})
        await healed(estate, name, "red")
        assert time.monotonic() - begun < AT_ONCE, name
    sync = state_of(await estate.view()).operation.sync
    assert sync is not None
    assert [(r.group, r.kind, r.name, r.namespace) for r in sync.resources] == [("", "ConfigMap", names[-1], "")]


@on_embedded
async def test_who_changes_a_field_back_after_each_heal_is_named_and_waited_for_and_nobody_else_waits(
    estate: Estate,
) -> None:
    await estate.given({"app/a.yaml": config("a", "red"), "app/b.yaml": config("b", "red")})
    await estate.app("app")
    await estate.settled()
    heals = 0

    async def fights() -> None:
        nonlocal heals
        while True:
            live = await estate.live("ConfigMap", "a")
            if live is not None and live.object()["data"] == {"colour": "red"}:
                heals += 1
                await estate.change("ConfigMap", "a", {"data": {"colour": "blue"}})
            await asyncio.sleep(0.05)

    fight = asyncio.create_task(fights())
    try:
        told = await estate.condition("SelfHealLoopWarning")
        assert "ConfigMap/a" in told and "kubectl-edit" in told and "data.colour" in told
        await asyncio.sleep(4)
        assert heals <= 4, "0, 2, 6 seconds"
        begun = time.monotonic()
        await estate.change("ConfigMap", "b", {"data": {"colour": "drifted"}})
        await healed(estate, "b", "red")
        assert time.monotonic() - begun < AT_ONCE
    finally:
        fight.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await fight
