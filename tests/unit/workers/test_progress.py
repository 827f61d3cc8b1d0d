"""How long a run that writes a folder may last: it follows from what it gets done."""

import os
import time

import pytest
from tests.support.patience import stretched

from trueup.workers.process import Stopped, run
from trueup.workers.progress import overseen

MEBIBYTE = 1 << 20
ENVIRONMENT = {"PATH": os.environ["PATH"]}


class Folder:
    """Grows by so many bytes at each look."""

    def __init__(self, step: int, most: int = 1 << 60) -> None:
        self.size, self.step, self.most = 0, step, most

    def measure(self) -> int:
        self.size += self.step
        return self.size

    def refusal(self, size: int) -> str:
        return "too large" if size > self.most else ""


async def watched(folder: Folder, command: list[str], *, timeout: float, idle: float) -> float:
    began = time.monotonic()
    await run(
        command,
        env=ENVIRONMENT,
        timeout=0.0,
        max_output=0,
        watch=lambda pid: overseen(pid, folder, timeout=timeout, idle=idle),
    )
    return time.monotonic() - began


@pytest.mark.parametrize(
    ("folder", "timeout", "idle", "says"),
    [
        pytest.param(Folder(0), 60.0, 1.0, "nothing came for 1 s", id="without progress it is idle"),
        pytest.param(Folder(1), 1.0, 60.0, "not done after 1 s", id="a trickle does not count for long"),
        pytest.param(Folder(MEBIBYTE, MEBIBYTE), 60.0, 60.0, "too large", id="what has no room is ended"),
    ],
)
async def test_a_run_is_ended(folder: Folder, timeout: float, idle: float, says: str) -> None:
    with pytest.raises(Stopped, match=says):
        await watched(folder, ["sleep", "60"], timeout=timeout, idle=idle)


async def test_a_run_that_brings_much_has_longer() -> None:
    assert await watched(Folder(MEBIBYTE), ["sleep", "1.5"], timeout=0.5, idle=60.0) >= 1.5


async def test_a_run_that_only_works_is_not_idle() -> None:
    busy = ["sh", "-c", "i=0; while [ $i -lt 600000 ]; do i=$((i+1)); done"]
    await watched(Folder(0), busy, timeout=stretched(60.0), idle=stretched(10.0))
