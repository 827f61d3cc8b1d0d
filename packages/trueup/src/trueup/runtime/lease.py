"""One acts, the others wait: an election over a record that only the quickest can write.

The rules are those of client-go's leader election. A holder acts for ``Terms.renew`` seconds after the *beginning* of
its last successful renewal; another takes the lease only after it has seen the record unchanged for ``Terms.lease``
seconds by its own clock. The first is the shorter, so nobody's wall clock is trusted and the two never overlap: an
engine that could not renew, or was stopped and goes on later, finds itself fenced before its next write.
"""

import asyncio
import os
import secrets
import socket
import time
from collections.abc import Callable
from typing import Protocol

import msgspec
import structlog

from trueup.model.errors import Stalled, TrueupError, Waiting

log = structlog.get_logger("trueup.lease")

LONGEST_LEASE = 60.0
"""Seconds that another holder is believed to be alive, whatever its record says."""


class Terms(msgspec.Struct, frozen=True):
    """Seconds.

    Attributes:
        lease: how long the others wait for a holder that is silent; whole seconds.
        renew: how long a holder acts after its last renewal; the difference is its time to end what it does.
        pause: between two renewals, and between two looks of one that waits.
    """

    lease: float = 9.0
    renew: float = 6.0
    pause: float = 1.5


class HeldLease(msgspec.Struct, frozen=True):
    """The record as stored.

    Attributes:
        holder: who has it; empty when it was given back.
        seconds: how long it holds without a sign of life.
        transitions: how often it has changed hands.
        version: another one after each write.
    """

    holder: str
    seconds: float
    transitions: int = 0
    version: str = ""


class Record(Protocol):
    """Where the lease lies. Errors are TrueupErrors; Stalled means that waiting cannot help."""

    async def read(self) -> HeldLease | None:
        """The record; None when there is none."""

    async def write(self, wanted: HeldLease, over: HeldLease | None) -> HeldLease | None:
        """Replace exactly the record ``over`` (None: there is none); None when somebody else was quicker."""


class NotHeld(Waiting):
    """A write of one that does not hold the lease, or may no longer hold it. Nothing was sent."""

    reason = "LeaseLost"


class Lease:
    """One contender.

    Args:
        identity: unique among all processes that ever contend.
        predecessor: an identity whose process is known to be gone: its lease need not run out.
        clock: seconds that go on while the process or its machine is stopped.
    """

    def __init__(
        self,
        record: Record,
        identity: str,
        *,
        predecessor: str = "",
        terms: Terms | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.identity = identity
        self._record, self._predecessor = record, predecessor
        self._terms = terms or Terms()
        self._clock = clock or elapsed
        self._stored: HeldLease | None = None
        self._seen: tuple[str, float] = ("", 0.0)
        self._until = float("-inf")

    @property
    def held(self) -> bool:
        """Whether its holder may act at this very moment."""
        return self._clock() < self._until

    def require(self) -> None:
        """Asked before every write.

        Raises:
            NotHeld: another may be acting.
        """
        if not self.held:
            raise NotHeld("another engine may be acting on this control namespace", after=self._terms.pause)

    async def acquire(self, waits: Callable[[str], None] = lambda _: None) -> None:
        """Wait until the lease is ours.

        Args:
            waits: told who has it, once for each holder.

        Raises:
            Stalled: the record can be neither read nor written, and waiting cannot help.
        """
        told: str | None = None
        while True:
            try:
                # A server that hangs must not hold up the take-over when it, or another, answers again.
                async with asyncio.timeout(self._terms.renew):
                    holder = await self.attempt()
            except Stalled:
                raise
            except TimeoutError:
                log.warning("lease not read", error="the API server does not answer in time")
            except TrueupError as error:
                log.warning("lease not read", error=str(error))
            else:
                if holder is None:
                    return
                if holder != told:
                    told = holder
                    waits(holder)
            await asyncio.sleep(self._terms.pause)

    async def attempt(self) -> str | None:
        """Take the lease if it is free: None, or who has it."""
        stored = await self._record.read()
        if stored is not None and not self._free(stored):
            return stored.holder
        began = self._clock()
        transitions = 0 if stored is None else stored.transitions + (stored.holder != self.identity)
        written = await self._record.write(HeldLease(self.identity, self._terms.lease, transitions), stored)
        if written is None:
            return stored.holder if stored else ""
        self._predecessor = ""
        self._renewed(written, began)
        return None

    async def keep(self) -> str:
        """Renew for as long as that succeeds in time; returns why it no longer does. From then on it is not held."""
        problem = "the process was stopped"
        while True:
            await asyncio.sleep(min(self._terms.pause, max(0.0, self._until - self._clock())))
            left = self._until - self._clock()
            if left <= 0:
                self._until = float("-inf")
                return problem
            try:
                async with asyncio.timeout(left):
                    other = await self.renew()
            except TimeoutError:
                problem = "the API server does not answer in time"
            except TrueupError as error:
                problem = str(error)
                log.warning("lease not renewed", error=problem)
            else:
                if other is not None:
                    self._until = float("-inf")
                    return f"{other or 'nobody'} has the lease"
                problem = "the process was stopped"

    async def renew(self) -> str | None:
        """One renewal: None when it succeeded, else who has the lease."""
        began = self._clock()
        wanted = HeldLease(self.identity, self._terms.lease, self._stored.transitions if self._stored else 0)
        written = await self._record.write(wanted, self._stored)
        if written is None:
            found = await self._record.read()
            if found is None or found.holder != self.identity:
                return found.holder if found else ""
            # Still ours: somebody has labelled it, or the answer to our last write was lost.
            written = await self._record.write(msgspec.structs.replace(wanted, transitions=found.transitions), found)
            if written is None:
                return found.holder
        self._renewed(written, began)
        return None

    async def release(self) -> None:
        """Give it back, so that the next one need not wait. Call it when nothing of ours acts any more."""
        stored, self._stored = self._stored, None
        self._until = float("-inf")
        if stored is None:
            return
        try:
            async with asyncio.timeout(self._terms.pause):
                await self._record.write(HeldLease("", 1.0, stored.transitions), stored)
        except (TrueupError, TimeoutError) as error:
            log.warning("lease not given back, it runs out", error=str(error))

    def _renewed(self, written: HeldLease, began: float) -> None:
        self._stored = written
        self._until = began + self._terms.renew

    def _free(self, stored: HeldLease) -> bool:
        if stored.holder in ("", self.identity, self._predecessor):
            return True
        now = self._clock()
        if self._seen[0] != stored.version:
            self._seen = (stored.version, now)
        patience = max(self._terms.lease, min(stored.seconds, LONGEST_LEASE))
        return now - self._seen[1] >= patience


def elapsed() -> float:
    """Seconds since some moment, those counted in which the machine slept."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def new_identity() -> str:
    """``HOST_PID_RANDOM`` of this process."""
    return f"{socket.gethostname()}_{os.getpid()}_{secrets.token_hex(4)}"
