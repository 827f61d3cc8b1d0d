"""That something has changed, for those who look themselves what it was."""

import asyncio


class Pulse:
    """Wakes all who wait."""

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []

    def beat(self) -> None:
        """Something has changed."""
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            if not each.done():
                each.set_result(None)

    async def wait(self) -> None:
        """Until something changes."""
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        await waiting
