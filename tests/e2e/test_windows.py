"""Sync windows in a running engine: who waits, who passes, and what happens when a window opens."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
from tests.conftest import on_embedded
from tests.e2e.estate import Estate
from tests.e2e.manifests import config

from trueup.cli.app.windows import window_lines
from trueup.model.annotations import API_VERSION, GROUP
from trueup.model.status import OperationPhase, SyncCode
from trueup.runtime.clock import SystemClock

ALWAYS = {"kind": "deny", "schedule": "* * * * *", "duration": "24h"}
BLOCKED = "Sync operation blocked by sync window"


async def project(estate: Estate, *windows: dict[str, Any]) -> str:
    """Create or change the test's project."""
    kind = estate.discovery.find(GROUP, "AppProject")
    assert kind is not None
    body = {
        "apiVersion": API_VERSION,
        "kind": "AppProject",
        "metadata": {"name": estate.name, "namespace": estate.engine.namespace},
        "spec": {
            "sourceRepos": ["*"],
            "destinations": [{"server": "*", "namespace": "*"}],
            "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
            "syncWindows": [{"applications": ["*"], **window} for window in windows],
        },
    }
    text = msgspec.json.encode(body)
    await estate.client.apply(kind, estate.engine.namespace, estate.name, text, manager="tests")
    return estate.name


async def shown(estate: Estate) -> list[str]:
    """What ``app get`` says of windows."""
    view = await estate.view()
    lines = await window_lines(estate.client, estate.engine.namespace, view.app)
    return [f"{name}: {value}" for name, value in lines]


@on_embedded
async def test_a_manual_sync_in_a_deny_window_waits_until_manual_syncs_are_let_pass(estate: Estate) -> None:
    await estate.given({"app/a.yaml": config("a")})
    await estate.app("app", automated=None, spec={"project": await project(estate, ALWAYS)})
    await estate.until(lambda view: view.status.sync is not None, what="compared")
    await estate.patch({"operation": {"sync": {}, "initiatedBy": {"username": "tester"}}})
    view = await estate.until(
        lambda view: view.status.operation_state is not None and view.status.operation_state.message == BLOCKED,
        what="blocked",
    )
    assert view.status.operation_state is not None
    assert view.status.operation_state.phase is OperationPhase.RUNNING
    assert await estate.live("ConfigMap", "a") is None
    assert await shown(estate) == ["SyncWindow: Sync Denied", "Assigned Windows: deny:* * * * *:24h"]
    await project(estate, {**ALWAYS, "manualSync": True})
    await estate.settled()
    assert (await shown(estate))[0] == "SyncWindow: Manual Allowed"
    assert await estate.live("ConfigMap", "a") is not None


@on_embedded
async def test_automated_sync_and_self_heal_wait_for_the_window(estate: Estate) -> None:
    revision = await estate.given({"app/a.yaml": config("a")})
    await estate.app("app", spec={"project": await project(estate)})
    await estate.settled(revision)
    await project(estate, {**ALWAYS, "manualSync": True})
    await estate.change("ConfigMap", "a", {"data": {"colour": "changed"}})
    newer = await estate.commit({"app/b.yaml": config("b")})
    await estate.until(
        lambda view: (
            view.status.sync is not None
            and (view.status.sync.status, view.status.sync.revision) == (SyncCode.OUT_OF_SYNC, newer)
        ),
        what="out of sync",
    )
    await estate.refresh()
    view = await estate.view()
    assert view.status.operation_state is not None and view.app.operation is None
    assert view.status.operation_state.sync_result is not None
    assert view.status.operation_state.sync_result.revision == revision, "nothing was begun"
    assert await estate.live("ConfigMap", "b") is None
    await project(estate)
    await estate.settled(newer)
    healed = await estate.live("ConfigMap", "a")
    assert healed is not None and healed.object()["data"] == {"colour": "red"}


@on_embedded
async def test_the_next_opening_wakes_the_application(estate: Estate) -> None:
    revision = await estate.given({"app/a.yaml": config("a")})
    begun = SystemClock().now().replace(microsecond=0)
    local = begun + timedelta(hours=5, minutes=45)
    window = {
        "kind": "deny",
        "schedule": f"{local.minute} {local.hour} * * *",
        "duration": f"{local.second + 6}s",
        "timeZone": "Asia/Kathmandu",
    }
    await estate.app("app", spec={"project": await project(estate, window)})
    view = await estate.settled(revision)
    assert view.status.operation_state is not None
    assert datetime.fromisoformat(view.status.operation_state.started_at) >= begun + timedelta(seconds=6)


@on_embedded
async def test_a_window_that_cannot_be_read_is_a_condition_and_nothing_is_synced(estate: Estate) -> None:
    revision = await estate.given({"app/a.yaml": config("a")})
    await estate.app("app", spec={"project": await project(estate, {**ALWAYS, "timeZone": "Mars/Olympus"})})
    message = await estate.condition("SyncError")
    assert message.endswith('spec.syncWindows[0].timeZone: there is no time zone "Mars/Olympus"')
    assert await estate.live("ConfigMap", "a") is None
    await project(estate)
    await estate.settled(revision)
