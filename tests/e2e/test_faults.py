"""Faults: the engine killed in the middle of a sync, the API server away, watches expired."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from tests.conftest import simulated
from tests.e2e.conftest import POLLING, prepare
from tests.e2e.estate import EngineProcess, Estate, engine_process, play_repository
from tests.e2e.manifests import config, deployment, hook, job, wave
from tests.support.patience import looks
from tests.support.tiers import everywhere

from pocketkube.controlplane import ControlPlane
from trueup.demo.audit import read_audit
from trueup.kube.client import Client
from trueup.kube.config import load_kubeconfig
from trueup.kube.discovery import Discovery

KILLS = 10
WAVE_DELAY = 0.3
"""Seconds: shorter than users have it, so that ten syncs fit into half a minute."""
NAMESPACE = "argocd"
NAMES = (f"f{number}" for number in itertools.count(1))


class Broken:
    """A cluster, with an engine of the test's own on it."""

    def __init__(self, plane: ControlPlane, estate: Estate) -> None:
        self.plane, self.estate = plane, estate


@pytest_asyncio.fixture(scope="module")
async def plane(spare: ControlPlane) -> AsyncIterator[ControlPlane]:
    """The cluster that these tests break, with Pods that come up. Each leaves it as it was."""
    async with simulated(spare):
        async with Client(load_kubeconfig(spare.kubeconfig, None)) as client:
            await prepare(client, NAMESPACE, POLLING)
        yield spare


@pytest.fixture
async def broken(plane: ControlPlane, tmp_path: Path) -> AsyncIterator[Broken]:
    """An engine that a test may break, on a cluster that it may break."""
    repositories = tmp_path / "repositories"
    repositories.mkdir()
    (tmp_path / "engine").mkdir()
    async with AsyncExitStack() as stack:
        client = await stack.enter_async_context(Client(load_kubeconfig(plane.kubeconfig, None)))
        discovery = Discovery(client)
        await discovery.refresh()
        engine = await stack.enter_async_context(
            engine_process(plane.kubeconfig_of("trueup"), tmp_path / "engine", repositories, NAMESPACE, WAVE_DELAY)
        )
        name = next(NAMES)
        made = Estate(client, discovery, engine, play_repository(repositories / name), name)
        yield Broken(plane, made)
        await made.close()


@everywhere
@pytest.mark.timeout(900)
async def test_an_engine_killed_in_mid_sync_resumes_the_operation_and_runs_no_hook_twice(broken: Broken) -> None:
    estate, plane = broken.estate, broken.plane
    dice = random.Random(20)
    files = {
        "app/before.yaml": job("migrate", annotations=hook("PreSync")),
        "app/a.yaml": config("a", "0", annotations=wave(-1)),
        "app/web.yaml": deployment(annotations=wave(1)),
        "app/after.yaml": job("smoke", annotations=hook("PostSync")),
    }
    await estate.given(files)
    await estate.app("app")
    await estate.settled()
    for kill in range(KILLS):
        offset = plane.audit_log.stat().st_size
        revision = await estate.commit({"app/a.yaml": config("a", str(kill + 1), annotations=wave(-1))})
        async with watching(estate, revision) as begun:
            await begun
            await asyncio.sleep(dice.uniform(0.5, 1.0) * 3.0 * kill / KILLS)
            await estate.engine.kill()
        await estate.engine.start()
        view = await estate.settled(revision)
        state = view.status.operation_state
        assert state is not None and state.phase == "Succeeded", state
        created = [
            entry.target
            for entry in read_audit(plane.audit_log, offset)
            if entry.written
            and entry.verb in ("create", "patch")
            and entry.code == 201
            and entry.target.startswith("jobs.")
        ]
        assert sorted(set(created)) == sorted(created), f"kill {kill}: a hook was created twice: {created}"
        assert len(created) == 2, f"kill {kill}: {created}"
    history = (await estate.view()).status.history
    assert len(history) == 10, "the limit of the history"


@asynccontextmanager
async def watching(estate: Estate, revision: str) -> AsyncIterator[Awaitable[None]]:
    """Resolves when an operation of this revision is on record."""

    async def begun() -> None:
        await estate.until(
            lambda view: (
                view.status.operation_state is not None
                and view.status.operation_state.sync_result is not None
                and view.status.operation_state.sync_result.revision == revision
            ),
            what=f"syncing {revision[:8]}",
        )

    yield begun()


@pytest.mark.timeout(400)
async def test_an_api_server_that_comes_back_finds_nothing_lost_and_is_caught_up_with(broken: Broken) -> None:
    estate, plane = broken.estate, broken.plane
    await estate.given({"app/a.yaml": config("a", "0"), "app/b.yaml": config("b", "0")})
    await estate.app("app")
    await estate.settled()
    offset = plane.audit_log.stat().st_size
    await plane.stop_apiserver()
    revision = await estate.commit({"app/a.yaml": config("a", "1")})
    await asyncio.sleep(20)
    await plane.start_apiserver()
    assert estate.engine.process is not None and estate.engine.process.returncode is None
    await estate.settled(revision, patience=10)
    deleted = [entry.target for entry in read_audit(plane.audit_log, offset, user="trueup") if entry.verb == "delete"]
    assert deleted == []


@everywhere  # tests/cluster/test_kube_cache.py has it of the cache that all rests on
async def test_watches_expired_by_compaction_lose_nothing(broken: Broken) -> None:
    estate, plane = broken.estate, broken.plane
    revision = await estate.given({"app/a.yaml": config("a", "0")})
    await estate.app("app")
    await estate.settled(revision)
    await plane.stop_apiserver()
    await plane.start_apiserver()
    await plane.compact()
    await estate.change("ConfigMap", "a", {"data": {"colour": "drifted"}})
    async for _ in looks():
        live = await estate.live("ConfigMap", "a")
        if live is not None and live.object()["data"] == {"colour": "0"}:
            break
    else:
        raise AssertionError(estate.engine.tail())
    assert (await estate.settled(revision)).status.sync is not None


async def test_nothing_outside_the_plan_is_written(broken: Broken) -> None:
    estate, plane = broken.estate, broken.plane
    offset = plane.audit_log.stat().st_size
    revision = await estate.given({"app/a.yaml": config("a"), "app/web.yaml": deployment()})
    await estate.app("app")
    await estate.settled(revision)
    await estate.change("Deployment", "web", {"spec": {"replicas": 3}}, group="apps")
    await estate.eventually(lambda: _has_replicas(estate, 1), what="healed")
    await estate.settled(revision)
    written = {entry.target for entry in read_audit(plane.audit_log, offset, user="trueup") if entry.written}
    allowed = {
        f"applications.argoproj.io/{NAMESPACE}/{estate.name}",
        f"configmaps/{estate.name}/a",
        f"deployments.apps/{estate.name}/web",
        f"namespaces/{estate.name}/{estate.name}",
        f"leases.coordination.k8s.io/{NAMESPACE}/trueup-engine",
    }
    strange = [target for target in written - allowed if not target.startswith("events")]
    assert strange == []


async def _has_replicas(estate: Estate, number: int) -> bool:
    live = await estate.live("Deployment", "web", group="apps")
    return live is not None and live.object()["spec"]["replicas"] == number


async def test_a_malformed_application_disturbs_no_other(broken: Broken) -> None:
    estate = broken.estate
    broken_app = {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": "broken", "namespace": NAMESPACE},
        "spec": {
            "project": "default",
            "destination": {"server": "https://kubernetes.default.svc"},
            "source": {"repoURL": "https://git.invalid/x", "path": "."},
            "syncPolicy": {"retry": {"limit": 1, "backoff": {"duration": "5x"}}},
        },
    }
    await estate.client.create(estate.application, NAMESPACE, msgspec.json.encode(broken_app))
    estate.made.append("broken")
    revision = await estate.given({"app/a.yaml": config("a")})
    await estate.app("app")
    await estate.settled(revision)
    view = await estate.until(lambda v: bool(v.status.conditions), "broken", what="in a condition")
    assert "5x" in view.status.conditions[0].message


async def test_the_engine_stops_when_told_to(broken: Broken) -> None:
    engine: EngineProcess = broken.estate.engine
    await broken.estate.given({"app/a.yaml": config("a")})
    await broken.estate.app("app")
    await broken.estate.settled()
    assert await engine.stop() == 0


@pytest.mark.parametrize(
    "moments", [(0.5, 1.5), pytest.param((0.0, 1.0, 2.0), marks=everywhere)], ids=["in its hooks", "before and after"]
)
async def test_an_engine_killed_in_mid_deletion_goes_on_and_runs_no_hook_twice(
    broken: Broken, moments: tuple[float, ...]
) -> None:
    estate, plane = broken.estate, broken.plane
    slow = "{trueup.dev/simulate-delay: 0.5s}"
    files = {
        "app/before.yaml": job("backup", pod_annotations=slow, annotations=hook("PreDelete")),
        "app/a.yaml": config("a"),
        "app/after.yaml": job(
            "last", generate=True, pod_annotations=slow, annotations=hook("PostDelete", "HookSucceeded")
        ),
    }
    revision = await estate.given(files)
    for moment in moments:
        await estate.app("app")
        await estate.settled(revision)
        offset = plane.audit_log.stat().st_size
        await estate.remove_application()
        await asyncio.sleep(moment)
        await estate.engine.kill()
        await estate.engine.start()
        await estate.application_gone()
        created = [
            entry.target
            for entry in read_audit(plane.audit_log, offset)
            if entry.written and entry.verb == "create" and entry.code == 201 and entry.target.startswith("jobs.")
        ]
        assert len(created) == len(set(created)) == 2, f"after {moment} s: {created}"
        assert await estate.names("Job", group="batch") == [], f"after {moment} s"
