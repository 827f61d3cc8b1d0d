"""Act while the lease is held, and only then."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from typing import Any

import structlog

from trueup.runtime.lease import Lease, NotHeld

log = structlog.get_logger("trueup.lease")

Jobs = Mapping[str, Coroutine[Any, Any, None]]
"""What runs side by side for a term, by a name for each; none of them ends by itself."""


async def serve(lease: Lease, begin: Callable[[], Jobs], *, stop: asyncio.Event) -> None:
    """Wait for the lease, act, and wait again when it is lost, until told to stop; then give it back.

    Args:
        begin: what a term runs. Called once for each: nothing that an earlier term remembered may be decided by.

    Raises:
        TrueupError: the lease may not be had.
        Exception: what ended a job.
    """
    ending = asyncio.create_task(_until(stop), name="stop")
    try:
        while not stop.is_set():
            acquired = asyncio.create_task(lease.acquire(_waits), name="lease")
            async with _ended(acquired):
                await asyncio.wait([acquired, ending], return_when=asyncio.FIRST_COMPLETED)
                if stop.is_set():
                    return
                acquired.result()
            log.info("lease acquired", holder=lease.identity)
            lost = await _term(lease, begin(), ending)
            if lost:
                log.warning("lease lost, nothing is written any more", reason=lost)
    finally:
        async with _ended(ending):
            await lease.release()


def _waits(holder: str) -> None:
    log.info("another engine acts, this one waits", holder=holder)


async def _term(lease: Lease, jobs: Jobs, ending: asyncio.Task[None]) -> str:
    """Run the jobs; returns why the lease was lost, or nothing when it is time to stop. No job runs on afterwards."""
    keeping = asyncio.create_task(lease.keep(), name="lease")
    running = [asyncio.create_task(job, name=name) for name, job in jobs.items()]
    async with _ended(keeping, *running):
        await asyncio.wait([keeping, ending, *running], return_when=asyncio.FIRST_COMPLETED)
        for task in running:
            if task.done():
                # A write may notice before the keeper does, when both were stopped and go on.
                with contextlib.suppress(NotHeld):
                    task.result()
                return "a write came too late for it"
        return keeping.result() if keeping.done() and not ending.done() else ""


@contextlib.asynccontextmanager
async def _ended(*tasks: asyncio.Task[Any]) -> AsyncIterator[None]:
    """Whatever happens in the block, the tasks are over after it."""
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _until(stop: asyncio.Event) -> None:
    await stop.wait()
