"""A run ends by itself or is killed, and leaves nothing running."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest
import uvloop
from tests.support.patience import stretched

from trueup.workers.process import (
    DeadlinePassed,
    Ended,
    Limits,
    OutputTooLarge,
    StartFailed,
    limited,
    run,
    write_all,
)

ENV = {"PATH": os.environ["PATH"]}


async def shell(script: str, *, timeout: float = 10.0, max_output: int = 1000, stdin: bytes = b"") -> Ended:
    return await run(["/bin/sh", "-c", script], env=ENV, timeout=timeout, max_output=max_output, stdin=stdin)


def writer(held: int, other: int) -> list[str]:
    """A tool that writes ``x`` to one descriptor and prints ``closed`` when it has not the other."""
    script = f"import os\nos.write({held}, b'x')\ntry: os.fstat({other})\nexcept OSError: os.write(1, b'closed')"
    return [sys.executable, "-c", script]


def gone(pid: int) -> bool:
    """Whether a process has ended (a zombie has)."""
    deadline = time.monotonic() + stretched(30)
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if sys.platform == "linux" and ") Z " in Path(f"/proc/{pid}/stat").read_text():
            return True
        time.sleep(0.01)
    return False


async def test_output_errors_and_code_come_back() -> None:
    ended = await shell("echo out; echo err >&2; exit 3")
    assert ended == Ended(3, b"out\n", b"err\n")


async def test_standard_input_is_written_and_closed() -> None:
    data = b"x" * 3_000_000
    ended = await run(["wc", "-c"], env=ENV, timeout=10, max_output=100, stdin=data)
    assert ended.output.strip() == b"3000000"


async def test_standard_input_a_tool_does_not_read_is_no_failure() -> None:
    assert (await shell("exit 0", stdin=b"x" * 3_000_000)).returncode == 0


@pytest.mark.parametrize("size", [1, 3_000_000])
@pytest.mark.parametrize("script", ["exit 0", "exec <&-; sleep 0.05"], ids=["it ends", "it closes it"])
async def test_standard_input_closed_before_it_is_written_is_no_failure(script: str, size: int) -> None:
    running = True

    async def lag() -> None:
        """The tool gets ahead of the loop at every turn, as on a busy machine."""
        while running:
            time.sleep(0.02)
            await asyncio.sleep(0)

    lagging = asyncio.create_task(lag())
    try:
        assert (await shell(script, stdin=b"x" * size)).returncode == 0
    finally:
        running = False
        await lagging


async def test_a_process_that_reads_no_more_is_a_connection_error_to_who_writes() -> None:
    process = await asyncio.create_subprocess_exec("true", stdin=asyncio.subprocess.PIPE)
    assert process.stdin is not None
    await process.wait()
    with pytest.raises(ConnectionError):
        while True:
            await write_all(process.stdin, b"x" * 100_000)
            await asyncio.sleep(0)


async def test_no_standard_input_is_an_empty_one() -> None:
    assert (await shell("cat; echo end")).output == b"end\n"


async def test_the_environment_is_the_given_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANARY", "1")
    ended = await run(["/usr/bin/env"], env={"A": "b"}, timeout=10, max_output=1000)
    assert ended.output == b"A=b\n"


async def test_a_signal_is_a_negative_code() -> None:
    assert (await shell("kill -TERM $$")).returncode == -signal.SIGTERM


async def test_a_missing_program_is_named() -> None:
    with pytest.raises(StartFailed, match="no-such-program"):
        await run(["no-such-program"], env=ENV, timeout=1, max_output=1)


async def test_a_group_that_passes_its_deadline_is_killed(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    began = time.monotonic()
    with pytest.raises(DeadlinePassed, match=r"2 s") as caught:
        await shell(f"echo why >&2; sleep 60 & echo $! $$ > {pids}; wait", timeout=2)
    assert time.monotonic() - began < 30
    assert caught.value.errors == b"why\n"
    assert all(gone(int(pid)) for pid in pids.read_text().split())


async def test_a_group_that_prints_too_much_is_killed() -> None:
    began = time.monotonic()
    with pytest.raises(OutputTooLarge):
        await shell("yes", max_output=10_000)
    assert time.monotonic() - began < 30


async def test_only_the_tail_of_errors_is_kept_and_the_run_goes_on() -> None:
    ended = await shell("yes | head -c 5000000 >&2; echo last >&2")
    assert ended.errors.endswith(b"last\n")
    assert len(ended.errors) <= 64 * 1024


async def test_a_cancelled_run_is_killed(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    task = asyncio.create_task(shell(f"sleep 60 & echo $! $$ > {pids}; wait"))
    while not pids.exists() or not pids.read_text().strip():
        await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert all(gone(int(pid)) for pid in pids.read_text().split())


@pytest.mark.parametrize("turns", range(12))
async def test_a_run_cancelled_while_it_starts_leaves_nothing(tmp_path: Path, turns: int) -> None:
    pids = tmp_path / "pids"
    task = asyncio.create_task(shell(f"sleep 60 & echo $! $$ > {pids}; wait"))
    for _ in range(turns):
        await asyncio.sleep(0)
    time.sleep(0.03)  # the process gets ahead of the loop that started it
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not pids.exists() or all(gone(int(pid)) for pid in pids.read_text().split())


@pytest.mark.parametrize("where", ["", ">/dev/null 2>&1"], ids=["with our pipes open", "with our pipes closed"])
async def test_what_a_tool_left_in_the_background_is_killed_when_the_tool_ends(tmp_path: Path, where: str) -> None:
    pid = tmp_path / "pid"
    ended = await shell(f"sleep 60 {where} & echo $! > {pid}; echo out", timeout=5)
    assert ended == Ended(0, b"out\n", b"")
    assert gone(int(pid.read_text()))


async def test_a_held_descriptor_is_open_in_the_tool_and_others_are_not(tmp_path: Path) -> None:
    held = os.open(tmp_path / "held", os.O_RDWR | os.O_CREAT)
    other = os.open(tmp_path / "other", os.O_RDWR | os.O_CREAT)
    try:
        ended = await run(writer(held, other), env=ENV, timeout=5, max_output=100, limits=Limits(cpu=9), hold=[held])
    finally:
        os.close(held)
        os.close(other)
    assert ended.output == b"closed"
    assert (tmp_path / "held").read_text() == "x"


class TestLimits:
    async def test_arguments_are_not_read_by_the_shell_that_sets_the_limits(self) -> None:
        words = ["$(id)", "`id`", "; exit 9", "-c", "a b", ""]
        command = limited([sys.executable, "-c", "import sys; print(sys.argv[1:])", *words], Limits(cpu=60))
        ended = await run(command, env=ENV, timeout=10, max_output=1000)
        assert ended.output.decode().strip() == repr(words)

    async def test_a_file_may_not_grow_past_its_limit(self, tmp_path: Path) -> None:
        command = ["/bin/sh", "-c", f"head -c 5000000 /dev/zero > {tmp_path}/big"]
        ended = await run(command, env=ENV, timeout=10, max_output=100, limits=Limits(file_size=1 << 20))
        assert ended.returncode != 0
        assert (tmp_path / "big").stat().st_size <= 1 << 20

    async def test_processor_time_is_limited(self) -> None:
        ended = await run(
            ["/bin/sh", "-c", "while :; do :; done"], env=ENV, timeout=20, max_output=100, limits=Limits(cpu=1)
        )
        assert ended.returncode in (-signal.SIGKILL, -signal.SIGXCPU)

    async def test_open_files_are_limited(self) -> None:
        ended = await run(
            ["/bin/sh", "-c", "ulimit -n"], env=ENV, timeout=5, max_output=100, limits=Limits(open_files=32)
        )
        assert ended.output == b"32\n"

    @pytest.mark.skipif(sys.platform != "linux", reason="other kernels do not enforce RLIMIT_AS")
    async def test_memory_is_limited(self) -> None:
        command = [sys.executable, "-c", "x = bytearray(600 * 1024 * 1024)"]
        ended = await run(command, env=ENV, timeout=10, max_output=100, limits=Limits(memory=300 << 20))
        assert b"MemoryError" in ended.errors


def test_all_of_it_holds_on_uvloop_too(tmp_path: Path) -> None:
    async def all_ways() -> None:
        assert await shell("cat; exit 3", stdin=b"in") == Ended(3, b"in", b"")
        assert await shell("sleep 60 & echo out", timeout=5) == Ended(0, b"out\n", b"")
        with pytest.raises(DeadlinePassed):
            await shell("sleep 60", timeout=0.2)
        with pytest.raises(OutputTooLarge):
            await shell("yes", max_output=10_000)
        with pytest.raises(StartFailed):
            await run(["no-such-program"], env=ENV, timeout=1, max_output=1)
        held = os.open(tmp_path / "held", os.O_RDWR | os.O_CREAT)
        await run(writer(held, 99), env=ENV, timeout=5, max_output=100, limits=Limits(cpu=9), hold=[held])
        os.close(held)
        assert (tmp_path / "held").read_text() == "x"

    uvloop.run(all_ways())
