"""Threads for work that waits for the disk: one that hangs is left behind and replaced, and keeps no process alive.

The threads of :class:`concurrent.futures.ThreadPoolExecutor` are waited for when the process ends, and when all of them
hang (a disk that has gone), nothing runs any more.
"""

import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

PATIENCE = 60.0
"""Seconds after which a thread that is still at one task counts as hanging, and another takes its place."""
MOST_LEFT = 64
"""Threads that are left behind before new tasks have to wait for them."""
_CLOSING_SECONDS = 1.0

_P = ParamSpec("_P")
_T = TypeVar("_T")
_Task = tuple["Future[Any]", Callable[[], Any]]


class Threads(ThreadPoolExecutor):
    """An executor of up to ``size`` threads, and those that hang beside them. A loop takes it for its default one.

    Args:
        size: tasks at a time.
        name: of the threads.
        patience: seconds after which a thread counts as hanging.
    """

    def __init__(self, size: int, name: str, *, patience: float = PATIENCE) -> None:
        super().__init__(max_workers=size, thread_name_prefix=name)
        self._size, self._name, self._patience = size, name, patience
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._guard = threading.Lock()
        self._began: dict[threading.Thread, float] = {}
        self._idle = 0
        self._closing = threading.Event()
        self._watching = False

    def submit(self, fn: Callable[_P, _T], /, *args: _P.args, **kwargs: _P.kwargs) -> "Future[_T]":
        """Run a call in a thread.

        Raises:
            RuntimeError: it has been shut down.
        """
        if self._closing.is_set():
            raise RuntimeError(f"the threads {self._name!r} have been shut down")
        future: Future[_T] = Future()
        self._tasks.put((future, lambda: fn(*args, **kwargs)))
        self._grow()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more tasks. Those under way have a second to end; what hangs is left behind."""
        self._closing.set()
        while cancel_futures:
            try:
                task = self._tasks.get_nowait()
            except queue.Empty:
                break
            if task is not None:
                task[0].cancel()
        with self._guard:
            threads = list(self._began)
        for _ in threads:
            self._tasks.put(None)
        deadline = time.monotonic() + _CLOSING_SECONDS
        for thread in threads if wait else ():
            thread.join(max(0.0, deadline - time.monotonic()))

    def _grow(self) -> None:
        """Start a thread where tasks wait and none is free."""
        with self._guard:
            now = time.monotonic()
            working = sum(now - began < self._patience for began in self._began.values())
            if self._idle >= self._tasks.qsize() or working >= self._size:
                watch = not self._watching and not self._idle
            elif len(self._began) < self._size + MOST_LEFT:
                self._start(self._work)
                watch = False
            else:
                watch = False
            self._watching = self._watching or watch
        if watch:
            threading.Thread(target=self._watch, name=f"{self._name}-watch", daemon=True).start()

    def _start(self, target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target, name=self._name, daemon=True)
        self._began[thread] = time.monotonic()
        thread.start()

    def _watch(self) -> None:
        """While all threads are at work: replace those that hang."""
        while not self._closing.wait(min(1.0, self._patience / 4)):
            with self._guard:
                if not self._tasks.qsize():
                    self._watching = False
                    return
            self._grow()

    def _work(self) -> None:
        me = threading.current_thread()
        while True:
            with self._guard:
                began = self._began.get(me, 0.0)
                if time.monotonic() - began > self._patience and len(self._began) > self._size:
                    del self._began[me]  # it was replaced
                    return
                self._idle += 1
                self._began[me] = float("inf")
            task = self._tasks.get()
            with self._guard:
                self._idle -= 1
                self._began[me] = time.monotonic()
            if task is None:
                with self._guard:
                    del self._began[me]
                return
            _run(*task)
            del task


def _run(future: "Future[Any]", call: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        result = call()
    except BaseException as error:
        future.set_exception(error)
    else:
        future.set_result(result)
