"""Two engines under commits and kills: each commit is applied once, no hook runs twice, the audit trail has no gap.

A minute; ``make soak`` lasts ten (``TRUEUP_SOAK_SECONDS``).
"""

import asyncio
import os
import random
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import pytest
from tests.conftest import on_kubernetes
from tests.e2e.estate import Estate
from tests.e2e.manifests import config, hook, job, wave
from tests.e2e.test_two_engines import LEASE_RUNS_OUT, Pair, pair
from tests.support.patience import looks
from tests.support.tiers import everywhere

from trueup.kube.discovery import ResourceType
from trueup.model.audit import Action, AuditRecord
from trueup.store.audit import Filter, query

pytestmark = everywhere

__all__ = ["pair"]

SECONDS = float(os.environ.get("TRUEUP_SOAK_SECONDS", "60"))
FAULTS = ("kill", "kill", "kill", "stop", "stop", "none", "suspend")


@asynccontextmanager
async def seen(estate: Estate, type_: ResourceType, name: str, *events: str) -> AsyncIterator[list[dict[str, Any]]]:
    """What an object of the test's namespace is stored as at each event of these types, while the block lasts."""
    found: list[dict[str, Any]] = []
    selector = f"metadata.name={name}"
    listing = await estate.client.list(type_, estate.name)

    async def follow() -> None:
        stream = estate.client.watch(
            type_, listing.resource_version, namespace=estate.name, field_selector=selector, timeout=3600
        )
        async with aclosing(stream):
            async for event in stream:
                if event.type in events:
                    found.append(event.object.object())

    following = asyncio.create_task(follow())
    try:
        yield found
    finally:
        failed = following.done()
        following.cancel()
        results = await asyncio.gather(following, return_exceptions=True)
    assert not failed, results


async def trouble(pair: Pair, fault: str) -> None:
    """What happens to the engine that acts; both run afterwards."""
    engine = await pair.acting(30)
    assert engine.process is not None
    match fault:
        case "kill":
            await engine.kill()
            await engine.start()
        case "stop":
            assert await engine.stop() == 0
            await engine.start()
        case "suspend":
            engine.process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(LEASE_RUNS_OUT)
            engine.process.send_signal(signal.SIGCONT)


@on_kubernetes
@pytest.mark.timeout(int(SECONDS * 3) + 180)
async def test_every_commit_is_applied_once_no_hook_runs_twice_and_the_trail_has_no_gap(pair: Pair) -> None:
    estate, dice = pair.estate, random.Random(9)
    config_maps, jobs = estate.discovery.find("", "ConfigMap"), estate.discovery.find("batch", "Job")
    assert config_maps is not None and jobs is not None
    migrate = job("migrate", annotations=hook("PreSync"))

    def files(number: int) -> dict[str, str | None]:
        """One object that each commit changes, one that comes and goes, and a hook."""
        comes = {f"app/extra{number}.yaml": config(f"extra{number}", annotations=wave(1))}
        return {"app/a.yaml": config("a", str(number)), "app/migrate.yaml": migrate, **comes}

    revisions = [await estate.given({k: v for k, v in files(0).items() if v is not None})]
    await estate.app("app")
    await estate.settled(revisions[0])
    deadline = time.monotonic() + SECONDS
    async with seen(estate, config_maps, "a", "MODIFIED") as states, seen(estate, jobs, "migrate", "ADDED") as runs:
        while time.monotonic() < deadline:
            number = len(revisions)
            revision = await estate.commit({**files(number), f"app/extra{number - 1}.yaml": None})
            revisions.append(revision)
            await asyncio.sleep(dice.uniform(0.0, 3.0))
            await trouble(pair, dice.choice(FAULTS))
            await estate.settled(revision)
        async for _ in looks():
            if len(states) >= len(revisions) - 1 and len(runs) >= len(revisions) - 1:
                break
    colours = [state["data"]["colour"] for state in states]
    assert colours == [str(number) for number in range(1, len(revisions))], "each commit once, in order"
    assert len(runs) == len(revisions) - 1, "one run of the hook a commit"
    (trail,) = pair.engines[0].state.rglob("audit.db")
    told(list(query(trail, Filter())), revisions, estate.name)


def told(entries: list[AuditRecord], revisions: list[str], name: str) -> None:
    """One trail, whichever engine wrote it, with each commit from its first sight to its end."""
    assert [entry.id for entry in entries] == list(range(1, len(entries) + 1))
    for number, revision in enumerate(revisions):
        own = Counter((entry.action, entry.object, entry.result) for entry in entries if entry.revision == revision)
        for action, thing, result in (
            (Action.COMMIT, "", ""),
            (Action.STARTED, "", ""),
            (Action.FINISHED, "", "Succeeded"),
        ):
            assert own[(action, thing, result)] >= 1, f"commit {number}: {action} is missing of {own}"
        once = [
            (Action.HOOK, f"batch/Job/{name}/migrate", "Running"),
            (Action.APPLIED, f"/ConfigMap/{name}/a", "Synced"),
            (Action.APPLIED, f"/ConfigMap/{name}/extra{number}", "Synced"),
        ]
        if number:
            once.append((Action.PRUNED, f"/ConfigMap/{name}/extra{number - 1}", "Pruned"))
        for key in once:
            assert own[key] == 1, f"commit {number}: {key} is on record {own[key]} times: {own}"
