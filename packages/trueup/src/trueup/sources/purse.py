"""What files elsewhere may cost together, paid while they arrive."""

import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from kubegrammar.redact import redact_url
from trueup.model.errors import SourceUnavailable
from trueup.sources.download import TooLarge

TOGETHER = 16 * 1024 * 1024
"""Bytes of the files and charts elsewhere of one application."""
SECONDS_TOGETHER = 60.0
"""For all of them."""

T = TypeVar("T")


class TooMuch(TooLarge):
    """All files together have more bytes than they may."""


class Purse:
    """What is left for some files.

    Args:
        size: bytes of all of them.
        seconds: spent on fetching them.
        now: a monotonic clock.
    """

    def __init__(
        self, size: int = TOGETHER, seconds: float = SECONDS_TOGETHER, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._size, self._left, self._seconds, self._spent, self._now = size, size, seconds, 0.0, now

    def keep(self, size: int) -> None:
        """So many bytes that have come are held from now on."""
        self._left -= size

    async def pay(self, url: str, most: int, fetch: Callable[[int], Awaitable[T]]) -> T:
        """What is fetched, of so many bytes at most, for what is left.

        Args:
            url: for messages.
            fetch: gets the bytes that it may have, and raises TooLarge for more.

        Raises:
            TooMuch: it is not too large itself, but with those before it.
            SourceUnavailable: there is no time left.
        """
        if self._spent >= self._seconds:
            raise SourceUnavailable(f"the files before it have taken longer than {self._seconds:g} s")
        began = self._now()
        try:
            return await fetch(min(self._left, most))
        except TooMuch:
            raise
        except TooLarge as error:
            if self._left >= most:
                raise
            raise TooMuch(
                f"the files elsewhere have more than {self._size >> 20} MiB together "
                f"(reached at {redact_url(url)[:300]})",
                hint="copy what is needed of them into the repository",
            ) from error
        finally:
            self._spent += self._now() - began
