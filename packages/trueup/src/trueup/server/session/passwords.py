"""Passwords: bcrypt, in threads, a few at a time."""

import asyncio
import math
from collections.abc import Callable
from typing import Final, TypeVar

import bcrypt

from trueup.runtime.threads import Threads

T = TypeVar("T")

COST: Final = 10
LONGEST: Final = 72
"""Bytes: what follows counts for nothing in bcrypt."""
_AT_A_TIME: Final = 2
_WAITING: Final = 32


class Busy(Exception):
    """More people try to sign in than can be looked at."""


class Passwords:
    """Looks at passwords; each look costs the same, whether there is a password to compare with or not."""

    def __init__(self, cost: int = COST) -> None:
        self._cost = cost
        self._threads = Threads(_AT_A_TIME, "passwords", patience=math.inf)
        self._waiting = 0
        self._nothing = bcrypt.hashpw(b"", bcrypt.gensalt(cost))

    async def match(self, password: str, hashed: str) -> bool:
        """Whether a password is the one of a hash; of an empty hash none is.

        Raises:
            Busy.
        """
        return await self._run(self._match, password, hashed)

    async def hash(self, password: str) -> str:
        """The hash of a password of 72 bytes at most.

        Raises:
            Busy.
        """
        return await self._run(self._hash, password)

    def close(self) -> None:
        """End the threads."""
        self._threads.shutdown()

    async def _run(self, what: Callable[..., T], *texts: str) -> T:
        if self._waiting >= _WAITING:
            raise Busy
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, what, *texts)
        finally:
            self._waiting -= 1

    def _match(self, password: str, hashed: str) -> bool:
        text = password.encode("utf-8", "surrogatepass")[:LONGEST]
        try:
            return bcrypt.checkpw(text, hashed.encode()) if hashed else self._never(text)
        except ValueError:
            # No hash of bcrypt: nobody's password is that.
            return self._never(text)

    def _never(self, text: bytes) -> bool:
        bcrypt.checkpw(text, self._nothing)
        return False

    def _hash(self, password: str) -> str:
        return bcrypt.hashpw(password.encode(), bcrypt.gensalt(self._cost, b"2a")).decode()
