"""Commands that are forked are as those that were started: arguments, folder, variables, streams, session, signals."""

import asyncio
import os
import select
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from tests.support import commands
from tests.support.patience import stretched

PRINTS = {
    "what it prints": ("version", "-o", "json"),
    "an error of its usage": ("app", "nope"),
    "an error that it foresees": ("app", "create", "-f", "nope.yaml"),
    "help, with the name of the program": ("app", "list", "--help"),
    "an argument that is no UTF-8": ("app", "get", os.fsdecode(b"a\xff"), "--kubeconfig", "nope"),
}


@pytest.fixture
def bare(tmp_path: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}


@pytest.mark.parametrize("case", PRINTS)
async def test_a_fork_says_and_ends_as_the_executable_does(case: str, bare: dict[str, str], tmp_path: Path) -> None:
    forked = await commands.start(*PRINTS[case], environment=bare, folder=tmp_path)
    out, err = await forked.communicate()
    real = subprocess.run([commands.EXECUTABLE, *PRINTS[case]], env=bare, cwd=tmp_path, capture_output=True)
    assert (forked.returncode, out, err) == (real.returncode, real.stdout, real.stderr)


async def test_variables_are_the_command_s_own(bare: dict[str, str]) -> None:
    asked = {**bare, "_TRUEUP_COMPLETE": "bash_complete", "COMP_WORDS": "trueup app s", "COMP_CWORD": "2"}
    assert (await (await commands.start(environment=asked)).communicate())[0] == b"plain,set\nplain,sync\n"
    assert (await (await commands.start("version", environment=bare)).communicate())[0].startswith(b"trueup ")


def test_variables_that_python_reads_are_refused(bare: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="PYTHON"):
        commands.run("version", environment={**bare, "PYTHONUNBUFFERED": "yes"})


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        commands.run("version", folder=tmp_path / "nope")


def test_the_folder_is_where_it_works(bare: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: mine}\n")
    ran = commands.run("render", ".", environment=bare, folder=tmp_path)
    assert (ran.returncode, "name: mine" in ran.stdout) == (0, True), ran.stderr


async def test_a_terminal_is_written_to_line_by_line(bare: dict[str, str]) -> None:
    ours, theirs = os.openpty()
    running = await commands.start("version", environment=bare, stdin=theirs, stdout=theirs, stderr=theirs)
    os.close(theirs)
    assert await running.wait() == 0
    assert os.read(ours, 1000).startswith(b"trueup ")
    os.close(ours)


async def test_errors_may_go_where_output_goes(bare: dict[str, str]) -> None:
    out, err = await (await commands.start("nope", environment=bare, stderr=commands.STDOUT)).communicate()
    assert (b"No such command" in out, err) == (True, b"")


@asynccontextmanager
async def waiting(bare: dict[str, str]) -> AsyncIterator[commands.Running]:
    """A command that runs until it is ended, and can be interrupted. It prints to a terminal."""
    ours, theirs = os.openpty()
    running = await commands.start("sandbox", "up", "--foreground", environment=bare, stdout=theirs)
    os.close(theirs)
    try:
        assert await asyncio.to_thread(os.read, ours, 1000)
        yield running
    finally:
        if running.returncode is None:
            running.kill()
        await running.communicate()
        os.close(ours)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_it(number: signal.Signals, bare: dict[str, str]) -> None:
    async with waiting(bare) as running:
        running.send_signal(number)
        await running.communicate()
        assert running.returncode == (-9 if number is signal.SIGKILL else 0)
        with pytest.raises(ProcessLookupError):
            running.kill()
        assert not Path(f"/proc/{running.pid}").exists()


async def test_a_session_of_its_own_is_there_when_it_has_begun(bare: dict[str, str]) -> None:
    running = await commands.start("version", environment=bare, session=True, stdout=commands.DEVNULL)
    assert os.getsid(running.pid) == running.pid
    await running.communicate()


async def test_nothing_is_open_in_it_but_its_streams(bare: dict[str, str]) -> None:
    async with waiting({**bare, "HOME": bare["HOME"] + "/other"}), waiting(bare) as running:
        ours, its = opened(os.getpid()), opened(running.pid)
        assert len({each for each in ours & its if each.startswith(("pipe:", "socket:"))}) == 1, "more than its errors"


def opened(pid: int) -> set[str]:
    found = set()
    for each in Path(f"/proc/{pid}/fd").iterdir():
        # The one of the listing itself is gone by now.
        with suppress(FileNotFoundError):
            found.add(os.readlink(each))  # noqa: PTH115 - "pipe:[1]" is no path
    return found


RUNS = """
import os, sys
from pathlib import Path
from tests.support import commands
null = os.open(os.devnull, os.O_RDWR)
words = ("trueup", "sandbox", "up", "--foreground")
bare = {"HOME": sys.argv[1], "PATH": os.environ["PATH"]}
pid, _, _ = commands.forks().fork(words, bare, Path.cwd(), [null] * 3, False)
print(pid, commands.forks()._process.pid, flush=True)
sys.stdin.read()
os._exit(0)
"""


@pytest.mark.parametrize("first", ["the run", "the one that forks"])
def test_a_command_ends_with_who_started_it(first: str, tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", RUNS, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=root) as run:
        assert run.stdout is not None
        pid, forking = map(int, run.stdout.readline().split())
        ended = os.pidfd_open(pid)
        try:
            os.kill(run.pid if first == "the run" else forking, signal.SIGKILL)
            assert select.select([ended], [], [], stretched(10))[0], "it is still there"
        finally:
            os.close(ended)
            if run.poll() is None:
                run.kill()
