"""Processor time: how much of it a child has used, and that what used much lets others go first."""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

SHORT = 0.5
"""Seconds of processor time that a piece of work may use like anybody else; an ordinary render needs a tenth."""
_GENTLE = 10
"""How nice a process is that works beside those whose turn it is: it gets a tenth of their time where they want it."""
_CLOCK_TICKS = 100
_PAUSE = 0.2
"""Seconds between two looks."""


def used(pid: int) -> float:
    """Seconds of processor time of a process and those below it; 0 where the system does not tell."""
    ticks, below = 0, list[str]()
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks = sum(int(field) for field in fields[11:15])  # its own, and that of children that have ended
        for thread in Path(f"/proc/{pid}/task").iterdir():
            below += (thread / "children").read_text().split()
    except (OSError, ValueError, IndexError):
        pass
    return ticks / _CLOCK_TICKS + sum(used(int(child)) for child in below)


def let_others_first(leader: int) -> None:
    """Have a process that leads a session let others go first, with all of that session, from now on for good.

    Where the kernel shares the processors out among sessions, being nice counts inside of one alone: so the session
    is made as nice as its processes.
    """
    with suppress(OSError):
        os.setpriority(os.PRIO_PGRP, leader, _GENTLE)
    try:
        Path(f"/proc/{leader}/autogroup").write_text(str(_GENTLE))
    except BlockingIOError:  # it was asked for another session a moment ago, by somebody who is not root
        asyncio.get_running_loop().call_later(_PAUSE, let_others_first, leader)
    except OSError:  # this kernel does not group, or the process has gone
        return


@contextmanager
def short(leader: int, gentle: Callable[[], None], *, most: float = SHORT) -> Iterator[None]:
    """Work of a process, until the block ends; should it use more than a moment, it lets others go first.

    Args:
        gentle: called once, as soon as that is seen.
        most: seconds of processor time from now on.
    """
    loop = asyncio.get_running_loop()
    least = used(leader) + most

    def look() -> None:
        if used(leader) > least:
            gentle()
        else:
            timers.append(loop.call_later(_PAUSE, look))
            del timers[:-1]

    timers = [loop.call_later(_PAUSE, look)]
    try:
        yield
    finally:
        timers[0].cancel()
