"""What is decided follows from what is stored: an engine that was started a moment ago decides the same."""

from pathlib import Path

import msgspec
import pytest
from tests.conftest import on_embedded
from tests.e2e.afresh import Standby, Wrote, agrees_afresh, look
from tests.e2e.conftest import POLLING
from tests.e2e.estate import AUTOMATED, EngineProcess, Estate
from tests.e2e.manifests import config, deployment
from tests.e2e.test_operations import healed, state_of

KUBECTL_FIELDS = "kubectl-client-side-apply"


@on_embedded
async def test_the_law_of_restarts_sees_what_a_fresh_engine_would_write(
    estate: Estate, engine: EngineProcess, standby: Standby, tmp_path: Path
) -> None:
    await estate.given({"app/a.yaml": config("a", "red")})
    await estate.app("app")
    await estate.settled()
    await agrees_afresh(estate, tmp_path / "before")
    await agrees_afresh(estate, tmp_path / "before", standby)
    await engine.stop()
    try:
        await estate.change("ConfigMap", "a", {"data": {"colour": "drifted"}})
        with pytest.raises(AssertionError, match="a fresh engine wants to write"):
            await agrees_afresh(estate, tmp_path / "after")
        with pytest.raises(Wrote):
            await look(estate, await standby.take_over(estate))
    finally:
        await engine.start()
    await healed(estate, "a", "red")


@on_embedded
async def test_after_a_manual_sync_to_an_older_revision_automation_returns_to_what_is_declared(estate: Estate) -> None:
    first = await estate.given({"app/a.yaml": config("a", "red")})
    await estate.app("app")
    await estate.settled(first)
    second = await estate.commit({"app/a.yaml": config("a", "blue")})
    await estate.settled(second)
    await estate.patch({"operation": {"sync": {"revision": first}, "initiatedBy": {"username": "tester"}}})
    view = await estate.until(
        lambda v: (
            len(v.status.history) >= 4 and v.status.history[-1].revision == second and state_of(v).phase.completed
        ),
        what="back at the head",
    )
    assert [entry.revision for entry in view.status.history[-2:]] == [first, second]
    await healed(estate, "a", "blue")


@on_embedded
async def test_a_failed_sync_is_left_alone_by_every_engine_until_the_manifests_change(
    estate: Estate, engine: EngineProcess
) -> None:
    await estate.given({"app/web.yaml": deployment("UPPER")})
    await estate.app("app", policy={"retry": {"limit": 0}})
    await estate.condition("SyncError")
    tried = state_of(await estate.until(lambda v: state_of(v).phase == "Failed", what="failed"))
    elsewhere = await estate.commit({"other/readme.txt": "a commit elsewhere\n"})
    await estate.until(lambda v: bool(v.status.sync and v.status.sync.revision == elsewhere), what="seen")
    await engine.stop()
    await engine.start()
    await estate.refresh()
    assert state_of(await estate.view()).started_at == tried.started_at
    revision = await estate.commit({"app/web.yaml": deployment("lower")})
    await estate.settled(revision)


async def test_an_option_that_changes_how_objects_are_written_changes_what_is_compared_at_once(estate: Estate) -> None:
    """``ClientSideApplyMigration``: whether the fields of ``kubectl apply`` are taken over, and so removed."""
    await estate.given({"app/a.yaml": config("a", "red")})
    await estate.app("app", automated=None)
    await estate.sync(syncOptions=["CreateNamespace=true"])
    await estate.settled()
    config_maps = estate.discovery.find("", "ConfigMap")
    assert config_maps is not None
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"size": "large"}}
    last = {"kubectl.kubernetes.io/last-applied-configuration": msgspec.json.encode(body).decode() + "\n"}
    await estate.client.patch(
        config_maps,
        estate.name,
        "a",
        msgspec.json.encode({"metadata": {"annotations": last}, "data": {"size": "large"}}),
        kind="merge",
        manager=KUBECTL_FIELDS,
    )
    out = await estate.until(lambda v: bool(v.status.sync and v.status.sync.status == "OutOfSync"), what="OutOfSync")
    assert [r.status for r in out.status.resources] == ["OutOfSync"], "what kubectl applied would be removed"
    off = ["CreateNamespace=true", "ClientSideApplyMigration=false"]
    await estate.patch({"spec": {"syncPolicy": {"syncOptions": off}}})
    await estate.until(lambda v: bool(v.status.sync and v.status.sync.status == "Synced"), what="Synced")
    await estate.patch({"spec": {"syncPolicy": {"syncOptions": off[:1]}}})
    await estate.until(lambda v: bool(v.status.sync and v.status.sync.status == "OutOfSync"), what="OutOfSync again")


async def test_a_kind_that_is_excluded_and_included_again_is_read_anew(estate: Estate) -> None:
    revision = await estate.given({"app/a.yaml": config("a"), "app/limits.yaml": limits("2")})
    await estate.app("app", automated={**AUTOMATED, "prune": True})
    await estate.settled(revision)
    excluded = '[{"apiGroups": [""], "kinds": ["LimitRange"], "clusters": ["*"]}]'
    try:
        await settings(estate, {"resource.exclusions": excluded})
        await estate.until(lambda v: "is excluded in the settings" in str(v.raw["status"]), what="excluded")
        live = await estate.live("LimitRange", "limits")
        assert live is not None, "what is excluded is left alone, not pruned"
        ranges = estate.discovery.find("", "LimitRange")
        assert ranges is not None
        change = {"spec": {"limits": [{"type": "Container", "default": {"cpu": "5"}}]}}
        await estate.client.patch(ranges, estate.name, "limits", msgspec.json.encode(change), kind="merge")
    finally:
        await settings(estate, {})

    async def put_back() -> bool:
        live = await estate.live("LimitRange", "limits")
        return live is not None and live.object()["spec"]["limits"][0]["default"] == {"cpu": "2"}

    await estate.eventually(put_back, what="healed")
    await estate.settled(revision)


def limits(cpu: str) -> str:
    return (
        "apiVersion: v1\nkind: LimitRange\nmetadata: {name: limits}\n"
        f'spec: {{limits: [{{type: Container, default: {{cpu: "{cpu}"}}, defaultRequest: {{cpu: "1"}}}}]}}\n'
    )


async def settings(estate: Estate, more: dict[str, str]) -> None:
    """Set ``argocd-cm`` to what the tests have and this."""
    config_maps = estate.discovery.find("", "ConfigMap")
    assert config_maps is not None
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "argocd-cm", "namespace": estate.engine.namespace},
        "data": {**POLLING, **more},
    }
    await estate.client.apply(
        config_maps, estate.engine.namespace, "argocd-cm", msgspec.json.encode(body), manager="tests"
    )
