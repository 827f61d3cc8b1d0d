"""Threads of which some hang: others take their place, and the process ends without them."""

import asyncio
import subprocess
import sys
import threading
import time
from contextlib import ExitStack

import pytest
from tests.support.patience import stretched

from trueup.runtime.threads import Threads


def test_results_and_errors_come_back() -> None:
    threads = Threads(2, "test")
    assert [threads.submit(pow, 2, number).result(30) for number in range(20)] == [2**number for number in range(20)]
    with pytest.raises(ZeroDivisionError):
        threads.submit(lambda: 1 // 0).result(30)
    threads.shutdown()
    with pytest.raises(RuntimeError):
        threads.submit(int)


def test_no_more_than_so_many_at_a_time() -> None:
    threads, most, now, guard = Threads(3, "test"), 0, 0, threading.Lock()

    def work() -> None:
        nonlocal most, now
        with guard:
            now += 1
            most = max(most, now)
        time.sleep(0.01)
        with guard:
            now -= 1

    for future in [threads.submit(work) for _ in range(40)]:
        future.result(30)
    assert 1 < most <= 3
    threads.shutdown()


def test_who_hangs_is_replaced() -> None:
    threads, over = Threads(2, "test", patience=0.2), threading.Event()
    hanging = [threads.submit(over.wait) for _ in range(4)]
    assert threads.submit(pow, 2, 3).result(30) == 8
    over.set()
    assert all(future.result(30) for future in hanging)
    assert threads.submit(pow, 2, 4).result(30) == 16
    threads.shutdown()


def test_what_nobody_waits_for_any_more_is_not_begun() -> None:
    threads, over, begun = Threads(1, "test"), threading.Event(), threading.Event()
    first = threads.submit(over.wait)
    second = threads.submit(begun.set)
    assert second.cancel()
    over.set()
    assert first.result(30)
    assert threads.submit(pow, 2, 3).result(30) == 8
    assert not begun.is_set()
    threads.shutdown()


async def test_a_loop_takes_them() -> None:
    threads = Threads(2, "test")
    assert await asyncio.get_running_loop().run_in_executor(threads, pow, 2, 5) == 32
    threads.shutdown()


HANGING = {
    "a thread": "await asyncio.gather(asyncio.to_thread(time.sleep, 1000), stop.wait())",
    "every thread": "await asyncio.gather(*(asyncio.to_thread(time.sleep, 1000) for _ in range(100)))",
    "a thread after the end": "asyncio.get_running_loop().run_in_executor(None, time.sleep, 1000); await stop.wait()",
    "the loop": "while True: pass",
    "who does not hear": "\n    ".join(
        (
            "while True:",
            "    try:",
            "        await asyncio.sleep(1000)",
            "    except asyncio.CancelledError:",
            "        pass",
        )
    ),
    "a tool": "await (await asyncio.create_subprocess_exec('sleep', '1000', start_new_session=True)).wait()",
}
SCRIPT = """
import asyncio, signal, time
import uvloop
from trueup.runtime.ending import end_on
from trueup.runtime.threads import Threads

async def main():
    stop = asyncio.Event()
    end_on([signal.SIGTERM, signal.SIGINT], stop, lambda: print("late", flush=True))
    asyncio.get_running_loop().set_default_executor(Threads(4, "work"))
    print("ready", flush=True)
    {hanging}

with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
    runner.run(main())
"""


def test_processes_that_are_told_to_end_end_whatever_hangs() -> None:
    with ExitStack() as stack:
        processes = {
            what: stack.enter_context(
                subprocess.Popen([sys.executable, "-c", SCRIPT.format(hanging=code)], stdout=subprocess.PIPE)
            )
            for what, code in HANGING.items()
        }
        try:
            for process in processes.values():
                assert process.stdout is not None
                assert process.stdout.readline() == b"ready\n"
            time.sleep(0.3)  # what hangs begins after that line, and says no more
            for process in processes.values():
                process.terminate()
            # Five seconds, and what a busy machine adds.
            deadline = time.monotonic() + stretched(8)
            while time.monotonic() < deadline and any(process.poll() is None for process in processes.values()):
                time.sleep(0.05)
            ended = {what: process.poll() for what, process in processes.items()}
        finally:
            for process in processes.values():
                process.kill()
    assert {what: code for what, code in ended.items() if code not in (0, -14)} == {}
