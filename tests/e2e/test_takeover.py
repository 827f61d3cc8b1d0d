"""An operation whose every step is taken by another engine ends as one engine would have ended it.

No engine process runs here: passes are made one by one, by one engine in this process or each by one that knows nothing
but what is stored, in the middle of waves, hooks, retries and prunes.
"""

import asyncio
import contextlib
import itertools
import re
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from tests.conftest import Cluster, on_embedded
from tests.e2e.conftest import POLLING, prepare
from tests.e2e.estate import EngineProcess, Estate, play_repository
from tests.e2e.manifests import config, deployment, hook, job, wave
from tests.support.patience import stretched
from tests.support.tiers import everywhere

from trueup.engine import Engine, EngineOptions
from trueup.kube.client import Client
from trueup.kube.config import load_kubeconfig
from trueup.kube.discovery import Discovery
from trueup.model.errors import TrueupError

NAMESPACE = "relay"
NAMES = (f"relay{number}" for number in itertools.count(1))
WAVE_DELAY = 0.5
PATIENCE = 60.0
FAIL = "{trueup.dev/simulate: fail}"
Files = Mapping[str, str | None]

WHOLE: Files = {
    "app/before.yaml": job("migrate", annotations=hook("PreSync")),
    "app/a.yaml": config("a", "red", annotations=wave(-1)),
    "app/web.yaml": deployment(annotations=wave(1)),
    "app/old.yaml": config("old"),
    "app/after.yaml": job("smoke", annotations=hook("PostSync", "HookSucceeded")),
}
SCENARIOS: dict[str, tuple[list[Files], dict[str, Any]]] = {
    "waves and hooks": ([WHOLE], {}),
    "a second sync that prunes": ([WHOLE, {"app/old.yaml": None, "app/a.yaml": config("a", "blue")}], {}),
    "a hook that fails, and the hook for that": (
        [
            {
                "app/before.yaml": job("migrate", FAIL, annotations=hook("PreSync")),
                "app/alarm.yaml": config("alarm", annotations=hook("SyncFail")),
                "app/a.yaml": config("a"),
            }
        ],
        {"retry": {"limit": 0}},
    ),
    "a refusal that is tried again": (
        [{"app/a.yaml": config("a"), "app/web.yaml": deployment("UPPER")}],
        {"retry": {"limit": 1, "backoff": {"duration": "1s"}}},
    ),
}


class Relay:
    """Makes passes over the one application of an estate."""

    def __init__(self, estate: Estate, folder: Path, *, afresh: bool) -> None:
        self.estate, self._folder, self._afresh = estate, folder, afresh
        self._numbers = itertools.count(1)
        self.hooks: set[tuple[str, str]] = set()
        self._stack = contextlib.AsyncExitStack()
        self._engine: Engine | None = None

    async def until(self, ended: Callable[[], Any]) -> None:
        """Make passes until something holds and nothing is left to do."""
        deadline = time.monotonic() + stretched(PATIENCE)
        while time.monotonic() < deadline:
            seconds = await self.step()
            view = await self.estate.view()
            for each in ("migrate", "smoke"):
                if (found := await self.estate.live("Job", each, group="batch")) is not None:
                    self.hooks.add((each, found.uid))
            state = view.status.operation_state
            if seconds > 5 and state is not None and state.phase.completed and await ended():
                return
            await asyncio.sleep(min(seconds, 0.3))
        raise AssertionError(f"it does not end: {(await self.estate.view()).raw.get('status')}")

    async def close(self) -> None:
        await self._stack.aclose()
        self._engine = None

    async def step(self) -> float:
        """One pass; seconds until the next."""
        engine, estate = await self._another(), self.estate
        key = f"{estate.engine.namespace}/{estate.name}"
        stored = engine.control.applications.get(key)
        assert stored is not None
        for source in stored.app.spec.all_sources():
            await engine.repositories.look(source.repo_url, key)
        try:
            requeue = await engine.reconciler.reconcile(key)
        except TrueupError:
            return 0.0
        return 600.0 if requeue.seconds is None else requeue.seconds

    async def _another(self) -> Engine:
        if self._engine is None or self._afresh:
            await self.close()
            folder = self._folder / str(next(self._numbers))
            options = EngineOptions(
                config=load_kubeconfig(self.estate.engine.kubeconfig, None),
                control_namespace=NAMESPACE,
                data=folder / "data",
                state=self._folder / "state",
                local_repositories=(self.estate.engine.repositories,),
                render_workers=1,
                wave_delay=WAVE_DELAY,
            )
            self._engine = await self._stack.enter_async_context(Engine(options))
        return self._engine


class Estates:
    """Makes an estate without an engine."""

    def __init__(self, cluster: Cluster, client: Client, discovery: Discovery, folder: Path) -> None:
        self._cluster, self._client, self._discovery, self._folder = cluster, client, discovery, folder
        self.made: list[Estate] = []

    def __call__(self) -> Estate:
        kubeconfig = self._cluster.kubeconfig_of("trueup")
        engine = EngineProcess(kubeconfig, self._folder, self._folder, NAMESPACE, WAVE_DELAY)
        engine.log.touch()
        name = next(NAMES)
        self.made.append(Estate(self._client, self._discovery, engine, play_repository(self._folder / name), name))
        return self.made[-1]


@pytest_asyncio.fixture
async def estates(cluster: Cluster, admin: Client, tmp_path: Path) -> AsyncIterator[Estates]:
    await prepare(admin, NAMESPACE, POLLING)
    discovery = Discovery(admin)
    await discovery.refresh()
    made = Estates(cluster, admin, discovery, tmp_path)
    yield made
    for estate in made.made:
        await estate.close()


async def ends(estate: Estate, folder: Path, scenario: str, *, afresh: bool) -> dict[str, Any]:
    """Where a scenario leads, without times and names."""
    commits, policy = SCENARIOS[scenario]
    relay = Relay(estate, folder, afresh=afresh)
    try:
        for number, files in enumerate(commits):
            revision = await (estate.commit(files) if number else estate.given({k: v for k, v in files.items() if v}))
            if not number:
                await estate.app("app", policy=policy)

            async def reached(revision: str = revision) -> bool:
                state = (await estate.view()).status.operation_state
                return bool(state and state.sync_result and state.sync_result.revision == revision)

            await relay.until(reached)
    finally:
        await relay.close()
    status = (await estate.view()).raw["status"]
    runs = {name: sum(1 for each, _ in relay.hooks if each == name) for name, _ in relay.hooks}
    return {**_told(status, estate.name), "hooks run": runs}


def _told(status: dict[str, Any], name: str) -> dict[str, Any]:
    operation = status["operationState"]
    told = {
        "sync": status["sync"]["status"],
        "health": status["health"]["status"],
        "resources": status["resources"],
        "conditions": [c["type"] for c in status.get("conditions") or []],
        "phase": operation["phase"],
        "message": operation["message"],
        "retries": operation.get("retryCount", 0),
        "results": sorted(operation["syncResult"]["resources"], key=lambda r: (r["kind"], r["name"], r["syncPhase"])),
        "history": len(status.get("history") or []),
    }
    text = msgspec.json.encode(told).decode().replace(name, "NAME")
    plain: dict[str, Any] = msgspec.json.decode(re.sub(r"\b[0-9a-f]{40}\b|\d\d:\d\d:\d\dZ", "X", text))
    return plain


@pytest.mark.timeout(240)
@pytest.mark.parametrize(
    "scenario",
    # Its second sync begins where "waves and hooks" ends.
    [pytest.param(name, marks=() if name == "a second sync that prunes" else everywhere) for name in SCENARIOS],
)
@on_embedded
async def test_an_engine_that_takes_over_after_every_step_ends_as_one_would_have(
    estates: Estates, tmp_path: Path, scenario: str
) -> None:
    alone = await ends(estates(), tmp_path / "alone", scenario, afresh=False)
    afresh = await ends(estates(), tmp_path / "afresh", scenario, afresh=True)
    assert afresh == alone
    assert max(alone["hooks run"].values(), default=1) == len(SCENARIOS[scenario][0])
