"""What is told of applications as numbers: syncs, how long commits take to be healthy, how long drift lasts."""

import msgspec
from tests.support.world import CONTROL, KEY, application

from trueup.controllers.telling.metrics import MetricsReader
from trueup.kube.object import read_object
from trueup.model.application import Operation
from trueup.model.progress import Change, CommitSeen, Drifted, Finished, Healed, HealthChanged, SyncOf, Told
from trueup.model.resource import ResourceKey
from trueup.model.status import OperationPhase, OperationState
from trueup.runtime.metrics import Metrics
from trueup.store.applications import decode

BODY = application()
BODY["metadata"] = {"name": "web", "namespace": CONTROL, "resourceVersion": "1", "uid": "1"}
LIVE = read_object(msgspec.json.encode(BODY))
WEB = ResourceKey("apps", "Deployment", "shop", "web")
OF = 'namespace="argocd",name="web",project="default",dest_server="https://kubernetes.default.svc"'


def at(second: int) -> str:
    return f"2026-01-01T00:{second // 60:02}:{second % 60:02}.000000Z"


def ended(revision: str, phase: str, begun: int, finished: int, health: str = "") -> Finished:
    state = OperationState(
        operation=Operation(),
        phase=OperationPhase(phase),
        message="",
        started_at=at(begun)[:19] + "Z",
        finished_at=at(finished)[:19] + "Z",
    )
    return Finished(state=state, sync=SyncOf(started_at="", revision=revision), message="", health=health)


def numbers(*told: tuple[int, Change]) -> dict[str, str]:
    metrics = Metrics()
    reader = MetricsReader(metrics)
    for second, change in told:
        reader.recorded(decode(KEY, LIVE), LIVE, [Told(KEY, at(second), change)])
    lines = [line for line in metrics.text().decode().splitlines() if not line.startswith("#")]
    return {name: value for name, _, value in (line.rpartition(" ") for line in lines)}


def test_a_commit_is_healthy_when_its_sync_leaves_the_application_so() -> None:
    found = numbers(
        (5, CommitSeen(repository="r", revision="a", committed_at=at(0))),
        (10, ended("a", "Succeeded", 6, 10, "Healthy")),
        (20, HealthChanged(before="Progressing", after="Healthy")),
    )
    assert found['trueup_commit_to_healthy_seconds_sum{project="default"}'] == "10"
    assert found['trueup_commit_to_healthy_seconds_count{project="default"}'] == "1"
    assert found[f'argocd_app_sync_total{{{OF},phase="Succeeded",dry_run="false"}}'] == "1"
    assert found[f"argocd_app_sync_duration_seconds_total{{{OF}}}"] == "4"


def test_a_commit_is_healthy_when_the_application_is_so_later() -> None:
    found = numbers(
        (5, CommitSeen(repository="r", revision="a", committed_at=at(0))),
        (10, ended("a", "Succeeded", 6, 10, "Progressing")),
        (50, HealthChanged(before="Progressing", after="Healthy")),
    )
    assert found['trueup_commit_to_healthy_seconds_sum{project="default"}'] == "50"


def test_a_sync_that_fails_makes_no_commit_healthy() -> None:
    found = numbers(
        (5, CommitSeen(repository="r", revision="a", committed_at=at(0))),
        (10, ended("a", "Failed", 6, 10)),
        (50, HealthChanged(before="Degraded", after="Healthy")),
    )
    assert not any(name.startswith("trueup_commit_to_healthy") for name in found)


def test_drift_lasts_until_it_is_undone() -> None:
    healed = Healed(key=WEB, sync=SyncOf(started_at=""), result="Synced")
    found = numbers((1, Drifted(key=WEB)), (4, healed), (9, healed))
    assert found['trueup_heal_seconds_sum{project="default"}'] == "3"
    assert found['trueup_heal_seconds_count{project="default"}'] == "1"
