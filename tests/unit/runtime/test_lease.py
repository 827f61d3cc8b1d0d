"""The lease: never two at once, whatever the delays; and how it passes on."""

import asyncio
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.patience import stretched

from trueup.model.errors import Stalled, TrueupError
from trueup.runtime.lease import HeldLease, Lease, NotHeld, Terms
from trueup.runtime.tenure import Jobs, serve

TERMS = Terms(lease=9.0, renew=6.0, pause=1.5)
QUICK = Terms(lease=0.2, renew=0.15, pause=0.01)


class Memory:
    """A record with compare-and-swap."""

    def __init__(self) -> None:
        self.stored: HeldLease | None = None
        self.versions = 0
        self.failure: TrueupError | None = None

    async def read(self) -> HeldLease | None:
        if self.failure:
            raise self.failure
        return self.stored

    async def write(self, wanted: HeldLease, over: HeldLease | None) -> HeldLease | None:
        if self.failure:
            raise self.failure
        if self.stored != over:
            return None
        self.versions += 1
        self.stored = msgspec.structs.replace(wanted, version=str(self.versions))
        return self.stored


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def contender(record: Memory, name: str, clock: Callable[[], float], *, predecessor: str = "") -> Lease:
    return Lease(record, name, terms=TERMS, clock=clock, predecessor=predecessor)


class Slow(Memory):
    """A record whose every request waits for the test before it takes effect, and again before it is answered."""

    def __init__(self) -> None:
        super().__init__()
        self.pending: dict[str, asyncio.Future[None]] = {}

    async def gate(self) -> None:
        task = asyncio.current_task()
        assert task is not None
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.pending[task.get_name()] = future
        await future

    async def read(self) -> HeldLease | None:
        await self.gate()
        found = await super().read()
        await self.gate()
        return found

    async def write(self, wanted: HeldLease, over: HeldLease | None) -> HeldLease | None:
        await self.gate()
        written = await super().write(wanted, over)
        await self.gate()
        return written


async def contend(record: Slow, lease: Lease) -> None:
    while True:
        if lease.held:
            await lease.renew()
        else:
            await lease.attempt()
        await record.gate()


@settings(max_examples=200, deadline=None)
@given(
    turns=st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(1, 12), st.sampled_from([0.5, 3.0, 5.0, 7.0, 10.0])),
        min_size=5,
        max_size=30,
    )
)
def test_no_two_hold_it_at_one_time_whatever_is_slow(turns: list[tuple[str, int, float]]) -> None:
    """In each turn time passes, and then one contender gets so many answers while the others' requests hang."""

    async def check() -> None:
        record, clock = Slow(), Clock()
        leases = {name: contender(record, name, clock) for name in "abc"}
        tasks = [asyncio.create_task(contend(record, lease), name=name) for name, lease in leases.items()]
        await asyncio.sleep(0)
        for name, answers, seconds in turns:
            clock.now += seconds
            for _ in range(answers):
                record.pending[name].set_result(None)
                for _ in range(3):
                    await asyncio.sleep(0)
                assert sum(lease.held for lease in leases.values()) <= 1
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(check())


async def test_a_free_lease_is_taken_at_once_and_a_held_one_is_not() -> None:
    record, clock = Memory(), Clock()
    first, second = contender(record, "first", clock), contender(record, "second", clock)
    assert await first.attempt() is None
    assert first.held
    assert await second.attempt() == "first"
    with pytest.raises(NotHeld):
        second.require()


async def test_a_silent_holder_is_replaced_after_its_term_and_fenced_before() -> None:
    record, clock = Memory(), Clock()
    first, second = contender(record, "first", clock), contender(record, "second", clock)
    await first.attempt()
    assert await second.attempt() == "first"
    clock.now += TERMS.renew
    assert not first.held, "fenced before anybody else may begin"
    assert await second.attempt() == "first"
    clock.now += TERMS.lease - TERMS.renew
    assert await second.attempt() is None
    assert record.stored == HeldLease("second", TERMS.lease, transitions=1, version="2")
    assert await first.renew() == "second"


async def test_a_lease_given_back_is_taken_at_once() -> None:
    record, clock = Memory(), Clock()
    first, second = contender(record, "first", clock), contender(record, "second", clock)
    await first.attempt()
    await first.release()
    assert not first.held
    assert await second.attempt() is None


async def test_the_lease_of_a_process_known_to_be_gone_is_taken_at_once_but_only_that_one() -> None:
    record, clock = Memory(), Clock()
    await contender(record, "killed", clock).attempt()
    assert await contender(record, "restarted", clock, predecessor="other").attempt() == "killed"
    assert await contender(record, "restarted", clock, predecessor="killed").attempt() is None


async def test_a_lease_that_somebody_labelled_is_still_ours() -> None:
    record, clock = Memory(), Clock()
    lease = contender(record, "ours", clock)
    await lease.attempt()
    assert record.stored is not None
    record.stored = msgspec.structs.replace(record.stored, version="labelled")
    assert await lease.renew() is None
    assert lease.held


@pytest.mark.parametrize(
    ("seconds", "free_after"),
    [
        pytest.param(3600.0, 60.0, id="a record that claims an hour holds a minute"),
        pytest.param(15.0, 15.0, id="another's longer term is kept"),
        pytest.param(0.0, 9.0, id="a record without a term holds ours"),
        pytest.param(-5.0, 9.0, id="a negative term is none"),
    ],
)
async def test_what_a_record_claims(seconds: float, free_after: float) -> None:
    record, clock = Memory(), Clock()
    record.stored = HeldLease("other", seconds, version="x")
    lease = contender(record, "ours", clock)
    assert await lease.attempt() == "other"
    clock.now += free_after - 0.5
    assert await lease.attempt() == "other"
    clock.now += 0.5
    assert await lease.attempt() is None


async def test_keeping_ends_when_the_server_does_not_answer_in_time() -> None:
    record = Memory()
    lease = Lease(record, "ours", terms=QUICK)
    await lease.attempt()
    record.failure = TrueupError("the API server is away")
    assert await asyncio.wait_for(lease.keep(), stretched(5)) == "the API server is away"
    assert not lease.held


async def test_a_server_that_hangs_is_asked_again() -> None:
    class Hanging(Memory):
        asked = 0

        async def read(self) -> HeldLease | None:
            self.asked += 1
            if self.asked == 1:
                await asyncio.Event().wait()
            return await super().read()

    lease = Lease(Hanging(), "ours", terms=QUICK)
    await asyncio.wait_for(lease.acquire(), stretched(5))
    assert lease.held


async def test_waiting_cannot_help_who_may_not_have_a_lease() -> None:
    record = Memory()
    record.failure = Stalled("forbidden", hint="allow it")
    with pytest.raises(Stalled):
        await Lease(record, "ours", terms=QUICK).acquire()


async def test_one_acts_at_a_time_and_the_next_begins_when_the_first_has_ended() -> None:
    record = Memory()
    acting: list[str] = []
    ended: list[str] = []

    def jobs(name: str) -> Callable[[], Jobs]:
        async def act() -> None:
            assert not acting
            acting.append(name)
            try:
                await asyncio.Event().wait()
            finally:
                acting.remove(name)
                ended.append(name)

        return lambda: {"act": act()}

    async def until(check: Callable[[], bool]) -> None:
        async with asyncio.timeout(stretched(5)):
            while not check():
                await asyncio.sleep(0.005)

    stops = {name: asyncio.Event() for name in ("a", "b")}
    tasks = []
    for name, stop in stops.items():
        lease = Lease(record, name, terms=QUICK)
        tasks.append(asyncio.create_task(serve(lease, jobs(name), stop=stop)))
        await until(lambda: bool(acting))
    assert acting == ["a"]
    stops["a"].set()
    await until(lambda: acting == ["b"])
    record.failure = TrueupError("the API server is away")
    await until(lambda: ended == ["a", "b"])
    assert acting == []
    record.failure = None
    await until(lambda: acting == ["b"])
    stops["b"].set()
    await asyncio.gather(*tasks)
    assert acting == []
    assert record.stored is not None
    assert record.stored.holder == "", "given back at the end"


async def test_a_job_that_fails_ends_the_others_and_gives_the_lease_back() -> None:
    record = Memory()
    others: list[str] = []

    async def fails() -> None:
        await asyncio.sleep(0.01)
        raise RuntimeError("broken")

    async def lasts() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            others.append("ended")

    with pytest.raises(RuntimeError, match="broken"):
        await serve(Lease(record, "a", terms=QUICK), lambda: {"fails": fails(), "lasts": lasts()}, stop=asyncio.Event())
    assert others == ["ended"]
    assert record.stored is not None
    assert record.stored.holder == ""


async def test_a_write_that_comes_too_late_ends_the_term_and_not_the_engine() -> None:
    record, stop = Memory(), asyncio.Event()
    terms: list[str] = []

    async def act() -> None:
        terms.append("term")
        if len(terms) == 1:
            raise NotHeld("too late", after=0.0)
        stop.set()
        await asyncio.Event().wait()

    await asyncio.wait_for(serve(Lease(record, "a", terms=QUICK), lambda: {"act": act()}, stop=stop), stretched(5))
    assert len(terms) == 2
