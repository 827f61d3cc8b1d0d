"""Fair shares: who goes next, who steps aside, and what is begun anew."""

import asyncio
import gc
from collections.abc import Callable

import pytest
from tests.support.patience import stretched

from trueup.model.share import Share, Urgency
from trueup.runtime.fair import Fair, lingering, resting
from trueup.runtime.line import Line
from trueup.runtime.outcome import Requeue
from trueup.runtime.queue import Queue
from trueup.runtime.turn import Turn

MOMENT = 0.05


def order(line: Line[str], held: bool = True) -> list[str]:
    """What is taken, one after the other; with ``held`` nothing of it ends."""
    found = []
    while taken := line.take():
        found.append(taken[1])
        if not held:
            line.release(taken[0])
    return found


def test_projects_take_turns_however_much_each_wants() -> None:
    line: Line[str] = Line()
    for number in range(3):
        line.put(Share("big", f"r{number}"), f"big {number}")
    line.put(Share("small", "r"), "small")
    assert order(line, held=False) == ["big 0", "small", "big 1", "big 2"]


def test_repositories_of_a_project_take_turns() -> None:
    line: Line[str] = Line()
    for number in range(3):
        line.put(Share("p", "busy"), f"busy {number}")
    line.put(Share("p", "quiet"), "quiet")
    assert order(line) == ["busy 0", "quiet", "busy 1", "busy 2"]


def test_a_person_goes_before_a_commit_and_that_before_a_poll() -> None:
    line: Line[str] = Line()
    for urgency in (Urgency.ROUTINE, Urgency.NEWS, Urgency.PERSON):
        line.put(Share("p", urgency.name, urgency), urgency.name)
    assert order(line, held=False) == ["PERSON", "NEWS", "ROUTINE"]


def test_a_project_whose_every_wish_is_a_persons_does_not_hold_up_the_others() -> None:
    line: Line[str] = Line()
    for number in range(4):
        line.put(Share("loud", f"r{number}", Urgency.PERSON), f"loud {number}")
    line.put(Share("meek", "r"), "meek")
    assert order(line).index("meek") <= 2


def test_what_was_removed_is_not_taken_and_leaves_nothing() -> None:
    line: Line[str] = Line()
    line.put(Share("p", "r"), "a")
    line.put(Share("p", "r"), "b")
    line.remove(Share("p", "r"), "a")
    line.remove(Share("p", "r"), "unknown")
    assert order(line) == ["b"] and len(line) == 0


async def until(check: Callable[[], bool]) -> None:
    async with asyncio.timeout(stretched(30)):
        while not check():
            await asyncio.sleep(0.001)


class Bench:
    """Work that lasts until it is told to end."""

    def __init__(self, slots: int, beside: int, moment: float = MOMENT) -> None:
        self.fair = Fair(slots, beside, moment=moment)
        self.lasts: dict[str, Callable[[], None]] = {}
        self.begun: dict[str, int] = {}
        self.ended: list[str] = []
        self.gates: dict[str, asyncio.Event] = {}
        self.aside: list[str] = []
        self.tasks: list[asyncio.Task[None]] = []

    def start(self, name: str, share: Share, *, lasts: bool = True, again: bool = True) -> None:
        gate = self.gates[name] = asyncio.Event()
        if not lasts:
            gate.set()

        async def work(turn: Turn) -> None:
            self.lasts[name] = turn.yielding(lambda: self.aside.append(name))
            self.begun[name] = self.begun.get(name, 0) + 1
            await gate.wait()
            self.ended.append(name)

        self.tasks.append(asyncio.create_task(self.fair.run(share, work, again=again)))

    async def finish(self) -> None:
        for gate in self.gates.values():
            gate.set()
        await asyncio.gather(*self.tasks)
        assert self.fair.idle()


async def test_what_lasts_steps_aside_for_others_and_goes_on() -> None:
    bench = Bench(slots=1, beside=1)
    bench.start("long", Share("a", "r"))
    await until(lambda: "long" in bench.begun)
    bench.start("short", Share("b", "r"), lasts=False)
    await until(lambda: "short" in bench.ended)
    assert bench.aside == ["long"] and bench.begun["long"] == 1
    await bench.finish()


async def test_what_lasts_keeps_its_slot_while_nobody_else_waits() -> None:
    bench = Bench(slots=1, beside=1)
    bench.start("long", Share("a", "r"))
    bench.start("more", Share("a", "r"))
    await asyncio.sleep(5 * MOMENT)
    assert bench.aside == [] and "more" not in bench.begun
    await bench.finish()


async def test_where_the_places_beside_are_taken_what_lasts_is_begun_anew_later() -> None:
    bench = Bench(slots=1, beside=1)
    bench.start("first", Share("a", "r"))
    bench.start("second", Share("a", "s"))
    await until(lambda: bench.begun.keys() >= {"first", "second"})
    bench.start("short", Share("a", "t"), lasts=False)
    await until(lambda: "short" in bench.ended)
    await bench.finish()
    assert sorted(bench.ended) == ["first", "second", "short"]
    assert bench.begun["first"] + bench.begun["second"] >= 3


async def test_what_is_slow_takes_turns_that_grow_so_that_everybody_gets_done() -> None:
    bench = Bench(slots=1, beside=1)
    for number in range(4):
        bench.start(f"slow {number}", Share("a", f"r{number}"))
    await until(lambda: len(bench.begun) == 4)
    await bench.finish()
    assert sorted(bench.ended) == [f"slow {number}" for number in range(4)]


async def test_what_is_seen_to_last_steps_aside_before_its_moment_has_passed() -> None:
    bench = Bench(slots=1, beside=1, moment=3600.0)
    bench.start("long", Share("a", "r"))
    await until(lambda: "long" in bench.begun)
    bench.lasts["long"]()
    assert bench.aside == [], "nobody waits"
    bench.start("short", Share("b", "r"), lasts=False)
    await until(lambda: "short" in bench.ended)
    assert bench.aside == ["long"] and bench.begun["long"] == 1
    await bench.finish()


async def test_what_waits_for_the_same_as_what_was_slow_does_not_try_one_by_one() -> None:
    bench = Bench(slots=1, beside=1, moment=3600.0)
    for number in range(10):
        bench.start(f"flapping {number}", Share("a", "flapping", about="chart"))
    await until(lambda: "flapping 0" in bench.begun)
    bench.start("other", Share("a", "other"), lasts=False)
    await asyncio.sleep(0)
    bench.lasts["flapping 0"]()
    await until(lambda: "other" in bench.ended)
    assert sum(bench.begun.values()) <= 3, "the first, the other, and one that has a slot which nobody wants"
    await bench.finish()


async def test_what_was_quick_waits_for_one_new_piece_of_work_at_most() -> None:
    bench = Bench(slots=1, beside=1, moment=3600.0)
    bench.start("before", Share("a", "good"), lasts=False)
    await until(lambda: "before" in bench.ended)
    for number in range(10):
        bench.start(f"new {number}", Share("a", f"r{number}"))
    await until(lambda: "new 0" in bench.begun)
    bench.start("after", Share("a", "good"), lasts=False)
    await asyncio.sleep(0)
    ended = 0
    while "after" not in bench.ended:
        last = next(name for name in bench.begun if name.startswith("new") and name not in bench.ended)
        bench.gates[last].set()
        ended += 1
        await until(lambda name=last: name in bench.ended)  # type: ignore[misc]
        await asyncio.sleep(0.01)
    assert ended <= 2
    await bench.finish()


async def test_the_last_slot_is_not_lent_to_what_is_slow() -> None:
    bench = Bench(slots=2, beside=1, moment=3600.0)
    slow = Share("a", "slow")
    bench.start("slow", slow)
    bench.start("new", Share("c", "new"))
    await until(lambda: len(bench.begun) == 2)
    bench.lasts["slow"]()
    bench.start("short", Share("b", "r"), lasts=False)
    await until(lambda: "short" in bench.ended)
    assert bench.aside == ["slow"]
    bench.start("slow again", slow)
    await until(lambda: "slow again" in bench.begun)
    bench.start("twice slow", Share("b", "r"), lasts=False)
    await until(lambda: "twice slow" in bench.ended and bench.begun["slow again"] == 2)
    bench.gates["new"].set()
    await until(lambda: "new" in bench.ended)
    for number in range(4):
        bench.start(f"slow {number}", slow)
    await until(lambda: bench.fair.load("a") == 2)
    begun = dict(bench.begun)
    bench.start("at once", Share("b", "r"), lasts=False)
    await until(lambda: "at once" in bench.ended)
    assert bench.begun == begun | {"at once": 1}, "nothing was stopped"
    await bench.finish()


async def test_the_last_slot_is_lent_to_what_was_slow_once_only() -> None:
    bench = Bench(slots=2, beside=1, moment=3600.0)
    bench.start("slow", Share("a", "slow"))
    bench.start("busy", Share("b", "busy"))
    await until(lambda: len(bench.begun) == 2)
    for name in ("slow", "busy"):
        bench.lasts[name]()
    bench.start("short", Share("c", "r"), lasts=False)
    await until(lambda: "short" in bench.ended)
    assert len(bench.aside) == 1
    (beside,) = bench.aside
    bench.start("once more", Share("a", "slow") if beside == "slow" else Share("b", "busy"))
    await until(lambda: "once more" in bench.begun)
    await bench.finish()


async def test_no_more_is_stopped_than_others_wait() -> None:
    bench = Bench(slots=2, beside=1, moment=3600.0)
    for name in ("first", "second", "third"):
        bench.start(name, Share(name))
    await until(lambda: len(bench.begun) == 2)
    for name in list(bench.begun):
        bench.lasts[name]()
    await until(lambda: len(bench.begun) == 3)
    assert sum(bench.begun.values()) == 3 and len(bench.aside) == 1
    await bench.finish()


async def test_work_that_cannot_be_begun_anew_is_never_stopped() -> None:
    bench = Bench(slots=1, beside=1)
    bench.start("first", Share("a", "r"), again=False)
    bench.start("second", Share("a", "s"), again=False)
    await until(lambda: bench.begun.keys() >= {"first", "second"})
    bench.start("short", Share("a", "t"), lasts=False)
    await asyncio.sleep(5 * MOMENT)
    await bench.finish()
    assert bench.begun == {"first": 1, "second": 1, "short": 1}


async def test_what_was_slow_begins_beside_the_next_time_until_it_is_quick() -> None:
    bench = Bench(slots=1, beside=1)
    share = Share("a", "r")
    bench.start("long", share)
    await until(lambda: "long" in bench.begun)
    bench.start("short", Share("b", "r"), lasts=False)
    await until(lambda: "short" in bench.ended)
    await bench.finish()
    bench.aside.clear()
    for number in range(200):
        bench.start(f"again {number}", share, lasts=False)
        await until(lambda name=f"again {number}": name in bench.ended)  # type: ignore[misc]
        if not number:
            assert bench.aside == ["again 0"]
        elif len(bench.aside) <= number:
            return  # one of those before was quick, which a busy machine does not grant each
    raise AssertionError("it never began at a slot again")


@pytest.mark.parametrize("projects", [1, 2], ids=["of the same project", "of another project"])
@pytest.mark.parametrize("again", [True, False], ids=["work that may be begun anew", "work that may not"])
async def test_a_flood_of_work_that_never_ends_leaves_a_way_for_others(projects: int, again: bool) -> None:
    bench = Bench(slots=4, beside=8)
    for number in range(16 if again else 3):
        bench.start(f"endless {number}", Share("p0", f"r{number}"), again=again)
    await asyncio.sleep(MOMENT)
    for number in range(10):
        bench.start(f"quick {number}", Share(f"p{projects - 1}", "mine"), lasts=False)
        await until(lambda name=f"quick {number}": name in bench.ended)  # type: ignore[misc]
    await bench.finish()


async def test_a_caller_that_gives_up_ends_its_work_and_frees_its_slot() -> None:
    bench = Bench(slots=1, beside=0)
    bench.start("given up", Share("a", "r"))
    bench.start("waits", Share("a", "s"))
    await until(lambda: "given up" in bench.begun)
    bench.tasks[1].cancel()
    bench.tasks[0].cancel()
    await asyncio.gather(*bench.tasks, return_exceptions=True)
    assert bench.fair.idle() and bench.ended == []


async def test_an_error_of_the_work_is_the_callers() -> None:
    fair = Fair(1)

    async def work(_: Turn) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fair.run(Share(), work)
    assert fair.idle()


async def test_who_rests_lets_others_go_on_and_comes_back() -> None:
    done: list[str] = []
    gate = asyncio.Event()

    async def waits() -> None:
        async with resting():
            await gate.wait()

    async def reconcile(key: str) -> Requeue:
        if key == "waits":
            await asyncio.gather(waits(), waits())
        done.append(key)
        return Requeue.never()

    queue = Queue("test", reconcile, workers=1)
    queue.add("waits")
    queue.add("goes on")
    running = asyncio.create_task(queue.run())
    await until(lambda: "goes on" in done)
    gate.set()
    await until(queue.idle)
    assert done == ["goes on", "waits"]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@pytest.mark.parametrize("rests", [False, True], ids=["and never rests", "and rests before and after"])
async def test_who_lingers_lets_any_number_of_others_go_on_and_ends_without_a_slot(rests: bool) -> None:
    done: list[str] = []
    gate = asyncio.Event()

    async def reconcile(key: str) -> Requeue:
        if key.startswith("lingers"):
            with lingering(MOMENT):
                if rests:
                    async with resting():
                        await asyncio.sleep(2 * MOMENT)
                await gate.wait()
                if rests:
                    async with resting():
                        await asyncio.sleep(0)
        done.append(key)
        return Requeue.never()

    queue = Queue("test", reconcile, workers=2, beside=4)
    lingering_ones = [f"lingers {number}" for number in range(40)]
    for key in [*lingering_ones, "goes on"]:
        queue.add(key)
    running = asyncio.create_task(queue.run())
    await until(lambda: done == ["goes on"])
    gate.set()
    await until(lambda: sorted(done) == sorted([*lingering_ones, "goes on"]))
    await until(queue.idle)
    queue.add("once more")
    await until(lambda: done[-1] == "once more")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_who_waits_for_a_slot_when_it_has_lingered_long_enough_goes_on_without() -> None:
    fair, gate, done = Fair(1), asyncio.Event(), list[str]()

    async def lingers(_: Turn) -> None:
        with lingering(MOMENT):
            async with resting():
                await asyncio.sleep(0)
        done.append("lingers")

    async def holds(_: Turn) -> None:
        await gate.wait()

    tasks = [asyncio.create_task(fair.run(Share(name), work)) for name, work in (("a", lingers), ("b", holds))]
    await until(lambda: bool(done))
    gate.set()
    await asyncio.gather(*tasks)
    assert fair.idle()


async def test_who_rests_without_a_slot_just_waits() -> None:
    async with resting():
        pass


async def test_a_key_that_becomes_urgent_is_taken_earlier() -> None:
    done: list[str] = []

    async def reconcile(key: str) -> Requeue:
        done.append(key)
        return Requeue.never()

    queue = Queue("test", reconcile, workers=1)
    for key in ("a", "b", "c"):
        queue.add(key)
    queue.add("c", urgency=Urgency.PERSON)
    queue.add("c")
    running = asyncio.create_task(queue.run())
    await until(queue.idle)
    assert done == ["c", "a", "b"]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_who_is_ended_while_it_rests_ends_at_once() -> None:
    begun = asyncio.Event()

    async def reconcile(_: str) -> Requeue:
        async with resting():
            begun.set()
            await asyncio.Event().wait()
        return Requeue.never()

    queue = Queue("test", reconcile, workers=1)
    queue.add("waits for ever")
    running = asyncio.create_task(queue.run())
    await begun.wait()
    running.cancel()
    async with asyncio.timeout(stretched(10)):
        await asyncio.gather(running, return_exceptions=True)


async def test_what_fails_after_its_waiter_went_away_is_heard() -> None:
    loop, unheard = asyncio.get_running_loop(), list[str]()
    loop.set_exception_handler(lambda _, context: unheard.append(context["message"]))
    begun = asyncio.Event()

    async def work(_: Turn) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            raise ValueError("a stranger's path")

    waiter = asyncio.create_task(Fair(1).run(Share("p", "r"), work))
    await begun.wait()
    waiter.cancel()
    await asyncio.wait([waiter])
    assert waiter.cancelled()
    del waiter
    gc.collect()
    await asyncio.sleep(0)
    assert unheard == []


async def test_what_fails_after_its_waiter_was_cancelled_twice_is_heard() -> None:
    told: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
    begun, stopped, ends = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work(_: Turn) -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            stopped.set()
            await ends.wait()
            raise ValueError("too late") from None

    waiter = asyncio.create_task(Fair(1, 1).run(Share("p", "r"), work))
    await begun.wait()
    waiter.cancel()
    await stopped.wait()
    waiter.cancel()  # it does not even wait for the end of what it has stopped
    await asyncio.wait([waiter])
    del waiter
    ends.set()
    for _ in range(5):
        await asyncio.sleep(0)
    gc.collect()
    assert not told
