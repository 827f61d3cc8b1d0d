"""The README's first commands do what it says, in a fresh clone."""

import asyncio
import os
import signal
from pathlib import Path

import pytest
from tests.labs.conftest import ROOT, Newcomer
from tests.labs.console import Shell, blocks
from tests.support.patience import stretched
from tests.support.tiers import everywhere

SECONDS = 120.0
FIRST = blocks(ROOT / "README.md")[0]


class Live:
    """A command that goes on, and what it has said so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.said: list[str] = []

    async def until(self, *words: str) -> None:
        """Wait until a line has all of these words."""
        assert self._process.stdout
        async with asyncio.timeout(stretched(SECONDS)):
            while not any(all(word in line for word in words) for line in self.said):
                line = await self._process.stdout.readline()
                assert line, f"it ended before it said {words}: " + "".join(self.said)
                self.said.append(line.decode())

    @property
    def commands(self) -> list[str]:
        """What it printed to be pasted."""
        return [line.strip() for line in self.said if line.startswith("  ")]


@everywhere
@pytest.mark.timeout(400)
async def test_the_demo_of_the_readme_runs_and_its_commands_paste(newcomer: Newcomer) -> None:
    assert FIRST.run
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", FIRST.text),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=newcomer.checkout,
        env={**newcomer.environment, "PYTHONUNBUFFERED": "1"},
        start_new_session=True,
    )
    try:
        live = Live(process)
        await live.until("every application is Synced and Healthy")
        async with Shell(newcomer.checkout, newcomer.environment) as shell:
            assert len(live.commands) > 8
            for command in live.commands:
                status, output = await shell.run(command)
                assert status == 0, f"{command}\n{output}"
        await live.until("Deployment web was changed by kubectl")
        await live.until("Deployment web put back")
        await live.until("committed", "Revert")
        folder = next(Path(command.removeprefix("cd ")) for command in live.commands if command.startswith("cd "))
        os.killpg(process.pid, signal.SIGINT)
        await live.until("nothing is left behind")
        async with asyncio.timeout(stretched(SECONDS)):
            await process.wait()
        assert not folder.parent.exists()
    finally:
        if process.returncode is None:
            os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
