"""Two engines on one control namespace: one acts, the other takes over. Two on one data folder: one is refused."""

import asyncio
import itertools
import signal
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from tests.conftest import Cluster, on_kubernetes
from tests.e2e.conftest import POLLING, prepare
from tests.e2e.estate import EngineProcess, Estate, engine_process, play_repository
from tests.e2e.manifests import config
from tests.support.patience import stretched
from tests.support.tiers import everywhere

from trueup.kube.client import Client
from trueup.kube.discovery import Discovery
from trueup.store.kinds import LEASE, LEASE_NAME

NAMES = (f"two{number}" for number in itertools.count(1))
LEASE_RUNS_OUT = 12.0
"""Seconds: the term of the lease, and a look."""


class Pair:
    """Two engines with folders of their own, in a control namespace of the test's."""

    def __init__(self, estate: Estate, engines: list[EngineProcess]) -> None:
        self.estate, self.engines = estate, engines

    async def holder(self) -> EngineProcess | None:
        """The engine that has the lease."""
        live = await self.estate.client.get(LEASE, self.estate.engine.namespace, LEASE_NAME)
        holder = live.object()["spec"].get("holderIdentity") or ""
        return next((e for e in self.engines if e.process and f"_{e.process.pid}_" in holder), None)

    async def acting(self, patience: float) -> EngineProcess:
        """Wait until one has it that runs."""
        deadline = time.monotonic() + stretched(patience)
        while time.monotonic() < deadline:
            found = await self.holder()
            if found is not None and found.process is not None and found.process.returncode is None:
                return found
            await asyncio.sleep(0.05)
        raise AssertionError(f"nobody took the lease\n{self.engines[0].tail()}\n{self.engines[1].tail()}")

    def other(self, engine: EngineProcess) -> EngineProcess:
        return next(e for e in self.engines if e is not engine)


@pytest.fixture
async def pair(cluster: Cluster, admin: Client, tmp_path: Path) -> AsyncIterator[Pair]:
    """The first acts, the second waits."""
    name = next(NAMES)
    control = f"{name}-control"
    await prepare(admin, control, POLLING)
    discovery = Discovery(admin)
    await discovery.refresh()
    repositories = tmp_path / "repositories"
    repositories.mkdir()
    async with AsyncExitStack() as stack:
        engines = []
        for each in ("first", "second"):
            (tmp_path / each).mkdir()
            kubeconfig = cluster.kubeconfig_of("trueup")
            engine = await stack.enter_async_context(
                engine_process(kubeconfig, tmp_path / each, repositories, control, 0.2, tmp_path / "state")
            )
            engines.append(engine)
            await said(engine, "lease acquired" if each == "first" else "this one waits")
        estate = Estate(admin, discovery, engines[0], play_repository(repositories / name), name)
        yield Pair(estate, engines)
        await estate.close()


async def said(engine: EngineProcess, words: str, patience: float = 30.0) -> str:
    """Wait for a line of an engine's log."""
    deadline = time.monotonic() + stretched(patience)
    while time.monotonic() < deadline:
        if engine.log.exists():
            for line in engine.log.read_text(errors="replace").splitlines():
                if words in line:
                    return line
        await asyncio.sleep(0.05)
    raise AssertionError(f"it never said {words!r}\n{engine.tail()}")


@on_kubernetes
async def test_the_second_on_a_data_folder_is_refused_in_one_sentence_and_the_first_goes_on(pair: Pair) -> None:
    first = pair.engines[0]
    assert first.process is not None
    third = EngineProcess(first.kubeconfig, first.folder, first.repositories, first.namespace, 0.2)
    third.log = first.folder / "third.log"
    await third.start()
    assert third.process is not None
    assert await asyncio.wait_for(third.process.wait(), stretched(30)) == 20
    error, hint = third.log.read_text().splitlines()
    assert f"belongs to an engine that runs: process {first.process.pid} on " in error
    assert str(first.folder / "data") in error
    assert "--data" in hint
    revision = await pair.estate.given({"app/a.yaml": config("a")})
    await pair.estate.app("app")
    await pair.estate.settled(revision)


def _stops(engine: EngineProcess) -> None:
    assert engine.process is not None
    engine.process.terminate()


def _is_killed(engine: EngineProcess) -> None:
    assert engine.process is not None
    engine.process.kill()


@pytest.mark.parametrize(
    ("end", "within"),
    [
        pytest.param(_stops, 8.0, id="an engine that stops hands over at once"),
        pytest.param(_is_killed, 3 * LEASE_RUNS_OUT, id="a killed engine is replaced when its lease runs out"),
    ],
)
@on_kubernetes
async def test_the_other_takes_over(pair: Pair, end: Callable[[EngineProcess], None], within: float) -> None:
    estate = pair.estate
    first = await estate.given({"app/a.yaml": config("a", "1")})
    await estate.app("app")
    await estate.settled(first)
    acting = await pair.acting(5)
    assert acting is pair.engines[0]
    end(acting)
    assert acting.process is not None
    await acting.process.wait()
    began = time.monotonic()
    assert await pair.acting(60) is pair.engines[1]
    assert time.monotonic() - began < stretched(within)
    second = await estate.commit({"app/a.yaml": config("a", "2")})
    await estate.settled(second)


@on_kubernetes
async def test_a_killed_engine_that_is_started_again_need_not_wait_for_its_own_lease(pair: Pair) -> None:
    first, second = pair.engines
    await second.stop()
    await first.kill()
    await first.start()
    await pair.acting(30)
    assert "this one waits" not in first.tail(1000)
    revision = await pair.estate.given({"app/a.yaml": config("a")})
    await pair.estate.app("app")
    await pair.estate.settled(revision)


@everywhere
@on_kubernetes
async def test_an_engine_that_was_stopped_and_goes_on_writes_nothing_and_waits(pair: Pair) -> None:
    estate = pair.estate
    await estate.given({"app/a.yaml": config("a", "1")})
    await estate.app("app")
    await estate.settled()
    acting = await pair.acting(5)
    assert acting.process is not None
    acting.process.send_signal(signal.SIGSTOP)
    revision = await estate.commit({"app/a.yaml": config("a", "2")})
    assert await pair.acting(5) is acting, "its lease has not run out"
    other = pair.other(acting)
    deadline = time.monotonic() + stretched(LEASE_RUNS_OUT)
    while await pair.holder() is not other and time.monotonic() < deadline:
        await asyncio.sleep(0.1)
    await estate.settled(revision)
    acting.process.send_signal(signal.SIGCONT)
    await said(acting, "lease lost, nothing is written any more")
    await said(acting, "another engine acts, this one waits")
    assert await pair.holder() is other
    await estate.settled(await estate.commit({"app/a.yaml": config("a", "3")}))
    assert acting.process.returncode is None


@on_kubernetes
async def test_a_control_namespace_that_is_not_there_is_named(cluster: Cluster, client: Client, tmp_path: Path) -> None:
    engine = EngineProcess(cluster.kubeconfig_of("trueup"), tmp_path, tmp_path, "not-installed", 0.2)
    await engine.start()
    assert engine.process is not None
    assert await asyncio.wait_for(engine.process.wait(), stretched(30)) == 20
    assert "there is no control namespace not-installed" in engine.tail()
    assert "run `trueup install` first" in engine.tail()
    assert "Traceback" not in engine.tail()
