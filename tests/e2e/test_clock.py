"""Times and numbers that somebody, or a clock that was set back since, has written: nobody waits for them for years."""

import itertools
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest
import pytest_asyncio
from tests.conftest import Cluster, on_embedded
from tests.e2e.conftest import POLLING, prepare
from tests.e2e.estate import Estate
from tests.e2e.manifests import config, deployment
from tests.e2e.test_operations import healed, state_of
from tests.e2e.test_takeover import Estates, Relay
from tests.support.tiers import everywhere

from kubegrammar.time import parse_time
from trueup.controllers.application import MOST_FAULTS
from trueup.kube.client import Client
from trueup.kube.discovery import Discovery
from trueup.model.status import OperationPhase, OperationState
from trueup.plan.facts import Facts
from trueup.plan.step import next_step
from trueup.plan.task import Step

AHEAD = ["2040-01-01T00:00:00Z", "9999-12-31T23:59:59Z"]
UPPER = {"app/a.yaml": config("a", "red"), "app/web.yaml": deployment("UPPER")}
"""What no API server takes."""


@pytest.mark.parametrize("time", [AHEAD[0], pytest.param(AHEAD[1], marks=everywhere)])
@on_embedded
async def test_self_heal_does_not_wait_for_an_operation_that_ended_in_the_future(estate: Estate, time: str) -> None:
    await estate.given({"app/a.yaml": config("a", "red")})
    await estate.app("app")
    await estate.settled()
    await estate.patch({"status": {"operationState": {"startedAt": time, "finishedAt": time}}})
    await estate.change("ConfigMap", "a", {"data": {"colour": "drifted"}})
    await healed(estate, "a", "red")


@pytest.mark.parametrize("time", [AHEAD[0], pytest.param(AHEAD[1], marks=everywhere)])
@on_embedded
async def test_a_retry_does_not_wait_for_an_attempt_that_ended_in_the_future(estate: Estate, time: str) -> None:
    await estate.given(UPPER)
    backoff = {"duration": "20m", "factor": 2**63 - 1, "maxDuration": "1h"}
    await estate.app("app", policy={"retry": {"limit": -1, "backoff": backoff}})
    await estate.until(
        lambda view: (s := view.status.operation_state) is not None and bool(s.finished_at), what="to be retried"
    )
    await estate.patch({"status": {"operationState": {"finishedAt": time, "retryCount": 40}}})
    await estate.refresh()  # nobody is woken by a status
    await estate.until(lambda view: state_of(view).retry_count > 40, what="tried again")
    assert state_of(await estate.view()).finished_at != time


@on_embedded
async def test_tries_without_a_pause_are_a_second_apart(estate: Estate) -> None:
    await estate.given(UPPER)
    backoff = {"duration": "0s", "factor": 1, "maxDuration": "0s"}
    await estate.app("app", policy={"retry": {"limit": 3, "backoff": backoff}})
    view = await estate.until(
        lambda view: (s := view.status.operation_state) is not None and s.phase.completed, what="given up"
    )
    state = state_of(view)
    assert (state.phase, state.retry_count) == (OperationPhase.FAILED, 3)
    assert state.finished_at
    assert (parse_time(state.finished_at) - parse_time(state.started_at)).total_seconds() >= 3


@pytest_asyncio.fixture
async def estates(cluster: Cluster, admin: Client, tmp_path: Path) -> AsyncIterator[Estates]:
    await prepare(admin, "relay", POLLING)
    discovery = Discovery(admin)
    await discovery.refresh()
    made = Estates(cluster, admin, discovery, tmp_path)
    yield made
    for estate in made.made:
        await estate.close()


@everywhere
@on_embedded
async def test_an_operation_that_no_pass_can_work_on_ends_and_the_commit_after_it_is_synced(
    estates: Estates, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    estate = estates()
    broken = await estate.given({"app/a.yaml": config("a", "red")})
    await estate.app("app")

    def overflows(state: OperationState, facts: Facts, now: datetime) -> Step:
        if state.sync_result and state.sync_result.revision == broken:
            raise OverflowError("int too large to convert to float")
        return next_step(state, facts, now)

    monkeypatch.setattr("trueup.controllers.operation.next_step", overflows)
    relay = Relay(estate, tmp_path / "relay", afresh=False)
    try:
        for number in itertools.count(1):
            await relay.step()
            view = await estate.view()
            if number > 1 and view.status.operation_state and not view.status.operation_state.phase.completed:
                assert any(c.type == "UnknownError" for c in view.status.conditions)
            if view.status.operation_state is not None and view.status.operation_state.phase.completed:
                break
            assert number < MOST_FAULTS + 5
        state = state_of(view)
        assert state.phase is OperationPhase.ERROR and "OverflowError" in state.message
        assert view.app.operation is None
        fixed = await estate.commit({"app/a.yaml": config("a", "blue")})

        async def synced() -> bool:
            sync = (await estate.view()).status.sync
            return sync is not None and (sync.status, sync.revision) == ("Synced", fixed)

        await relay.until(synced)
    finally:
        await relay.close()
