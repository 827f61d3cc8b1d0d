"""A loop whose time jumps to when something is due: nothing waits, and what takes an hour takes it exactly."""

import asyncio
import selectors


class _Jumping(selectors.SelectSelector):
    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        found = super().select(0)
        if not found:
            assert timeout is not None, "nothing is due, and something is waited for"
            self.now += max(0.0, timeout)
        return found


class JumpingLoop(asyncio.SelectorEventLoop):
    """For :class:`asyncio.Runner`. Threads and sockets are for other loops: nobody would wait for them."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now
