"""Whether the event loop turns: a callback that holds it is told with its stack, while it does.

Nothing else runs meanwhile: no other application, no answer to a probe, not even the lease is renewed.
"""

import sys
import threading
import traceback
from asyncio import AbstractEventLoop, get_running_loop
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

LIMIT = 2.0
"""Seconds for one callback."""
DEPTH = 12
"""Calls that are told, of the innermost ones."""

Tell = Callable[[Sequence[str]], None]
"""Called with ``FILE:LINE FUNCTION`` of each call, the innermost last, in a thread of its own."""


class LoopWatch:
    """Looks from a thread whether the running loop turns; each time that it is held is told once.

    Args:
        limit: seconds that a callback may take.
    """

    def __init__(self, tell: Tell, *, limit: float = LIMIT) -> None:
        self._tell = tell
        self._limit = limit
        self._turned = threading.Event()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        watch = (get_running_loop(), threading.get_ident())
        self._thread = threading.Thread(target=self._watch, args=watch, name="loop watch", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed.set()
        self._turned.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self, loop: AbstractEventLoop, thread: int) -> None:
        while not self._closed.wait(self._limit):
            self._turned.clear()
            if self._closed.is_set():
                return
            loop.call_soon_threadsafe(self._turned.set)
            if not self._turned.wait(self._limit):
                self._tell(stack_of(thread))
                self._turned.wait()


def stack_of(thread: int) -> list[str]:
    """Where a thread is; empty where it has ended."""
    frame = sys._current_frames().get(thread)
    if frame is None:
        return []
    calls = traceback.StackSummary.extract(traceback.walk_stack(frame), limit=DEPTH, lookup_lines=False)
    return [f"{call.filename}:{call.lineno} {call.name}" for call in reversed(calls)]
