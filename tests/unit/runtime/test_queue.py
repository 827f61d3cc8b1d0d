"""The work queue: de-duplication, exclusion, timers, and errors that become waits."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
import structlog
from tests.support.jumping import JumpingLoop
from tests.support.patience import stretched

from trueup.model.errors import Stalled, TrueupError, Waiting
from trueup.runtime.outcome import LONGEST_RETRY, STALLED_RETRY, Outcome, Requeue, Severity, backoff, outcome_of
from trueup.runtime.queue import Queue


@asynccontextmanager
async def working(queue: Queue) -> AsyncIterator[None]:
    task = asyncio.create_task(queue.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def until(check: Callable[[], bool]) -> None:
    async with asyncio.timeout(stretched(5)):
        while not check():
            await asyncio.sleep(0.001)


async def test_a_key_that_waits_is_worked_on_once_however_often_it_is_woken() -> None:
    seen: list[str] = []

    async def reconcile(key: str) -> Requeue:
        seen.append(key)
        return Requeue.never()

    queue = Queue("test", reconcile)
    for _ in range(5):
        queue.add("a")
    queue.add("b")
    async with working(queue):
        await until(queue.idle)
    assert seen == ["a", "b"]


async def test_a_key_woken_while_it_is_worked_on_is_worked_on_again_and_never_twice_at_a_time() -> None:
    gate, running, most = asyncio.Event(), 0, 0
    passes = 0

    async def reconcile(_: str) -> Requeue:
        nonlocal running, most, passes
        running, passes = running + 1, passes + 1
        most = max(most, running)
        await gate.wait()
        running -= 1
        return Requeue.never()

    queue = Queue("test", reconcile, workers=4)
    async with working(queue):
        queue.add("a")
        await until(lambda: running == 1)
        queue.add("a")
        queue.add("a")
        gate.set()
        await until(queue.idle)
    assert (passes, most) == (2, 1)


async def test_of_two_delays_the_earlier_wins_and_now_beats_both() -> None:
    times: list[float] = []
    loop = asyncio.get_running_loop()

    async def reconcile(_: str) -> Requeue:
        times.append(loop.time())
        return Requeue.never()

    queue = Queue("test", reconcile)
    async with working(queue):
        began = loop.time()
        queue.add("a", after=60)
        queue.add("a", after=0.02)
        queue.add("a", after=60)
        await until(lambda: bool(times))
        assert times[0] - began < 1
        queue.add("b", after=60)
        queue.add("b")
        await until(lambda: len(times) == 2)


async def test_one_poisoned_key_does_not_stop_the_others_and_is_told() -> None:
    told: list[tuple[str, str]] = []
    done: list[str] = []

    async def reconcile(key: str) -> Requeue:
        if key == "poison":
            raise ZeroDivisionError
        done.append(key)
        return Requeue.never()

    def failed(key: str, error: Exception, outcome: Outcome) -> None:
        told.append((key, outcome.reason))

    queue = Queue("test", reconcile, failed=failed, workers=1)
    for key in ("a", "poison", "b"):
        queue.add(key)
    async with working(queue):
        await until(queue.idle)
    assert done == ["a", "b"]
    assert told == [("poison", "InternalError")]


def test_a_forgotten_key_has_no_timer_left() -> None:
    worked: list[str] = []

    async def counted(key: str) -> Requeue:
        worked.append(key)
        return Requeue.never()

    async def run() -> None:
        queue = Queue("test", counted)
        async with working(queue):
            queue.add("a", after=60)
            queue.add("b", after=60)
            queue.forget("a")
            await asyncio.sleep(3600)

    with asyncio.Runner(loop_factory=JumpingLoop) as runner:
        runner.run(run())
    assert worked == ["b"]


@pytest.mark.parametrize(
    ("error", "seconds", "reason", "severity"),
    [
        pytest.param(
            Stalled("x"), STALLED_RETRY, "Stalled", Severity.WARNING, id="what only an edit can mend is seen to seldom"
        ),
        pytest.param(Waiting("x", after=7.0), 7.0, "Waiting", Severity.NORMAL, id="what time mends waits its time"),
    ],
)
def test_an_error_types_outcome(error: Exception, seconds: float | None, reason: str, severity: Severity) -> None:
    assert outcome_of(error, 1) == Outcome(Requeue(seconds), reason, severity)


def test_any_other_error_backs_off() -> None:
    first, tenth = outcome_of(TrueupError("x"), 1), outcome_of(TrueupError("x"), 50)
    assert first.requeue.seconds is not None and first.requeue.seconds < 2
    assert tenth.requeue.seconds is not None and tenth.requeue.seconds >= LONGEST_RETRY * 0.75


def test_backoff_grows_within_its_bounds() -> None:
    for failures in range(1, 60):
        assert 0.75 <= backoff(failures) <= LONGEST_RETRY * 1.25


async def test_what_a_pass_logs_has_its_key_and_an_id_of_its_own() -> None:
    bound: list[dict[str, Any]] = []
    done = asyncio.Event()

    async def reconcile(key: str) -> Requeue:
        bound.append(structlog.contextvars.get_contextvars())
        if len(bound) == 2:
            done.set()
        return Requeue.after(0.0)

    queue = Queue("things", reconcile, subject="thing")
    queue.add("a")
    async with working(queue), asyncio.timeout(stretched(5)):
        await done.wait()
    first, second = bound[:2]
    assert first["thing"] == second["thing"] == "a" and first["reconcile"] != second["reconcile"]
