"""The demo, from the command on."""

import asyncio
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE
from signal import SIGINT

from bench.result import Result, result
from trueup.demo.playground import Playground

PATIENCE = 60.0
MARKS = {
    "everything is up": "demo: command → everything is up",
    "the first application is Synced and Healthy": "demo: command → first Synced and Healthy",
    "every application is Synced and Healthy": "demo: command → all Synced and Healthy",
}


async def demo(_: Playground) -> list[Result]:
    """Milliseconds to what ``trueup demo`` reports, as somebody at the terminal sees it."""
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "trueup", "demo", stdin=DEVNULL, stdout=PIPE, stderr=asyncio.subprocess.STDOUT
    )
    assert process.stdout
    found: dict[str, float] = {}
    try:
        async with asyncio.timeout(PATIENCE):
            while len(found) < len(MARKS) and (line := await process.stdout.readline()):
                for mark in MARKS:
                    if mark in line.decode() and mark not in found:
                        found[mark] = (time.perf_counter() - began) * 1000
    finally:
        process.send_signal(SIGINT)
        await process.wait()
    return [result(name, found[mark], "ms") for mark, name in MARKS.items()]
