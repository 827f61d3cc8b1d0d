"""Laws of waiting: whatever numbers and times stand in an object, each wait is finite, and no longer than asked."""

import math
from datetime import UTC, datetime, timedelta

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.support.plans import START, facts, live_of, manifest, state

from kubegrammar.duration import grown
from kubegrammar.time import format_exact_time, past_time, rest_of
from trueup.model.application import Application, Backoff, Operation, Retry, SyncOperation
from trueup.model.comparison import ComparedResource, Comparison
from trueup.model.fields import NameValue
from trueup.model.health import HealthCode
from trueup.model.project import SyncWindow
from trueup.model.status import (
    OperationPhase,
    OperationState,
    ResultCode,
    RevisionHistory,
    Status,
    SyncCode,
    SyncOperationResult,
)
from trueup.plan.build import build
from trueup.plan.consent import consents
from trueup.plan.record import advance, failed
from trueup.plan.results import result_of
from trueup.plan.retry import UNCAPPED, pause, retry_in
from trueup.plan.step import next_step
from trueup.plan.task import ApplyTask, Wait
from trueup.policy import Drift, HealSettings, automatic_sync, hands_off, may_sync
from trueup.policy.heal import HEALS
from trueup.policy.windows import AssignedWindow
from trueup.store.status import history

NOW = START
INT64 = st.sampled_from([-(2**63), -1, 0, 1, 2, 63, 64, 2**31 - 1, 2**31, 2**63 - 1]) | st.integers(-(2**63), 2**63 - 1)
MOMENTS = st.datetimes(timezones=st.just(UTC))
TIMES = (
    st.sampled_from(
        ["", "0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "2030-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"]
    )
    | MOMENTS.map(format_exact_time)
    | st.floats(-600, 600).map(lambda seconds: format_exact_time(NOW + timedelta(seconds=seconds)))
    | st.text(max_size=30)
)
DURATIONS = (
    st.sampled_from(
        ["", "0", "0s", "-1s", "1ns", "5s", "3m", "2562047h47m16s", "9223372036s", "99999999999h", "NaN", "1e9s"]
    )
    | st.integers(0, 2**63).map(str)
    | st.text(max_size=10)
)
RETRIES = st.none() | st.builds(
    Retry,
    limit=INT64,
    backoff=st.none() | st.builds(Backoff, duration=DURATIONS, factor=st.none() | INT64, max_duration=DURATIONS),
)
PHASES = st.sampled_from(OperationPhase)
WEB = manifest("Deployment", "web")
LATER = manifest("ConfigMap", "later", wave=1)
[DONE] = [
    result_of(task, ResultCode.SYNCED, "") for task in build(state(), facts([WEB])).tasks if isinstance(task, ApplyTask)
]


def test_a_factor_of_64_bits_and_any_count_of_tries_give_the_longest_wait() -> None:
    block = Retry(limit=-1, backoff=Backoff(duration="5s", factor=2**63 - 1, max_duration="3m"))
    assert [pause(attempt, block) for attempt in (0, 1, 17, 2**63 - 1)] == [5.0, 180.0, 180.0, 180.0]


@given(st.floats(allow_nan=False), st.floats(allow_nan=False) | INT64, INT64, st.floats(0, 1e12))
def test_growth_ends_at_its_cap_and_never_turns_back(first: float, factor: float, times: int, longest: float) -> None:
    value = grown(first, factor, times, longest)
    assert 0 <= value <= longest
    assert grown(first, factor, times + 1, longest) >= value


@given(st.floats(0, 1e12), st.none() | MOMENTS, MOMENTS)
def test_what_is_left_of_a_wait_is_never_more_than_the_wait(wait: float, since: datetime | None, now: datetime) -> None:
    assert 0 <= rest_of(wait, since, now) <= wait


@given(TIMES, MOMENTS)
def test_no_time_of_the_future_is_a_fact(text: str, now: datetime) -> None:
    moment = past_time(text, now)
    assert moment is None or (moment - now).total_seconds() <= 1


@given(INT64, RETRIES)
def test_pauses_between_tries_are_a_second_at_least_and_no_longer_than_their_cap(
    attempt: int, block: Retry | None
) -> None:
    try:
        seconds = pause(attempt, block)
    except ValueError:
        return  # a duration that cannot be read ends the operation
    assert 1 <= seconds <= max(UNCAPPED, 2.0**63 / 1e9)
    assert block is None or block.backoff is None or block.backoff.max_duration or seconds <= 180


@given(TIMES, TIMES, INT64, RETRIES, RETRIES, PHASES, st.none() | MOMENTS, st.none() | MOMENTS, st.booleans())
def test_an_operation_takes_a_step_whatever_was_written_into_it(
    started: str,
    finished: str,
    count: int,
    own: Retry | None,
    spec: Retry | None,
    phase: OperationPhase,
    acted: datetime | None,
    approved: datetime | None,
    confirm: bool,
) -> None:
    if phase.completed:
        phase = OperationPhase.RUNNING
    running = msgspec.structs.replace(
        state(prune=True, retry=own, phase=phase, finished_at=finished or None, retry_count=count, results=[DONE]),
        started_at=started,
    )
    old = live_of(manifest("ConfigMap", "old", options="Prune=confirm" if confirm else ""))
    seen = facts(
        [WEB, LATER, manifest("Job", "", hook="PostSync", generate_name="smoke-")],
        [old],
        live=[live_of(WEB)],
        health={"web": HealthCode.HEALTHY},
        acted_at=acted,
        approved_at=approved,
        retry=spec,
        wave_delay=2.0,
    )
    step = next_step(running, seen, NOW)
    if isinstance(step, Wait):
        assert 0 <= step.after <= (2.0**63 / 1e9 if step.retrying else 10.0)
    written = [advance(running, step, [], NOW, spec), failed(running, "no manifests", NOW, spec)]
    for after in written:
        assert after is running or abs(after.retry_count) <= max(2**31, abs(count))
        if not after.phase.completed and after.finished_at and after.finished_at != running.finished_at:
            assert retry_in(after, spec, NOW) >= 1, "no hot loop"


@given(TIMES, TIMES, INT64, TIMES, st.integers(-3, 10**30), st.floats(0, 60), st.sampled_from(OperationPhase))
def test_self_heal_waits_no_longer_than_its_cap_whatever_was_written_into_the_last_operation(
    started: str, finished: str, heals: int, row: str, count: int, first: float, phase: OperationPhase
) -> None:
    app = msgspec.convert(
        {
            "metadata": {"name": "shop", "namespace": "argocd"},
            "spec": {
                "source": {"repoURL": "https://git.example/shop", "path": "app"},
                "syncPolicy": {"automated": {"selfHeal": True}},
            },
        },
        Application,
    )
    drifted = ComparedResource(key=WEB.key, target=WEB, live=live_of(WEB), status=SyncCode.OUT_OF_SYNC)
    seen = Comparison(status=SyncCode.OUT_OF_SYNC, resources=(drifted,), revisions=("a" * 40,))
    info = [NameValue(name=HEALS, value=f"{Drift(key=WEB.key).mark}:{count}:{row}")]
    last = OperationState(
        operation=Operation(
            sync=SyncOperation(revision="a" * 40, auto_heal_attempts_count=heals, source=app.spec.source), info=info
        ),
        phase=phase,
        started_at=started,
        finished_at=finished or None,
        sync_result=SyncOperationResult(revision="a" * 40, source=app.spec.source),
    )
    settings = HealSettings(first=first)
    decision = automatic_sync(app, Status(operation_state=last), seen, NOW, heal=settings)
    if decision.operation is None:
        waits = phase is OperationPhase.SUCCEEDED or math.isfinite(decision.again)
        assert not waits or 0 < decision.again <= max(settings.cap, settings.fixed)
    else:
        assert decision.operation.sync and 0 < decision.operation.sync.auto_heal_attempts_count < 2**31


@given(MOMENTS | st.none(), DURATIONS, st.sampled_from(["allow", "deny"]), st.booleans())
def test_windows_answer_whenever_an_operation_says_it_began(
    started: datetime | None, duration: str, kind: str, overrun: bool
) -> None:
    window = SyncWindow(kind=kind, schedule="0 3 * * *", duration=duration, applications=["*"], sync_overrun=overrun)
    verdict = may_sync([AssignedWindow("spec.syncWindows[0]", window)], manual=False, now=NOW, started_at=started)
    assert verdict.fault or verdict.again > 0


@given(st.none() | MOMENTS)
def test_another_engine_is_left_alone_only_near_the_time_at_which_it_wrote(wrote: datetime | None) -> None:
    alone = bool(hands_off({}, wrote, NOW))
    assert alone == (wrote is not None and abs(NOW - wrote) < timedelta(minutes=10))


@given(st.none() | MOMENTS, TIMES)
def test_consent_is_answered_and_nobody_consents_unasked(approved: datetime | None, since: str) -> None:
    assert not (consents(approved, since, NOW) and approved is None)


@given(st.lists(INT64, max_size=12), st.none() | INT64)
def test_history_goes_on_whatever_its_ids_and_its_limit_are(ids: list[int], limit: int | None) -> None:
    app = msgspec.convert({"metadata": {"name": "a"}, "spec": {"revisionHistoryLimit": limit}}, Application)
    entries = history(app, Status(history=[RevisionHistory(deployed_at="", id=number) for number in ids]), state())
    assert all(0 <= entry.id < 2**63 - 1 for entry in entries[-1:])
    assert not entries or entries[-1].id not in ids
