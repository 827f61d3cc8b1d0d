"""Ending when told to, whatever hangs."""

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from types import FrameType

SECONDS = 4.0
"""What an orderly end may take: leases are given back, what waits is written. Then the process just ends."""
_LAST_SECONDS = 0.8
"""After that the kernel ends it, though a call into a library holds the interpreter."""


def end_on(
    signals: Iterable[signal.Signals], stop: asyncio.Event, late: Callable[[], None], *, seconds: float = SECONDS
) -> None:
    """Let signals begin the end of this process, and see that it comes. Called in the main thread, in a loop.

    The first one sets ``stop``; a second one ends the process at once.

    Args:
        late: called before the process ends without having come to its own end.
        seconds: until then.
    """
    loop = asyncio.get_running_loop()
    begun = threading.Event()

    def leave() -> None:
        with contextlib.suppress(Exception):
            late()
        _kill_children()
        os._exit(0)

    def told(_number: int, _frame: FrameType | None) -> None:
        if begun.is_set():
            leave()
        begun.set()
        if hasattr(signal, "setitimer"):
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, seconds + _LAST_SECONDS)
        timer = threading.Timer(seconds, leave)
        timer.daemon = True
        timer.start()
        with contextlib.suppress(RuntimeError):  # the loop has ended already
            loop.call_soon_threadsafe(stop.set)

    # Not by the loop: it may be what hangs.
    for number in signals:
        signal.signal(number, told)


def _kill_children() -> None:
    """Tools that this process started would go on without it: a fetch holds its mirror's lock."""
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{os.getpid()}/task").iterdir():
            for child in (task / "children").read_text().split():
                with contextlib.suppress(OSError):
                    group = os.getpgid(int(child))
                    if group != os.getpgid(0):
                        os.killpg(group, signal.SIGKILL)
                    else:
                        os.kill(int(child), signal.SIGKILL)
