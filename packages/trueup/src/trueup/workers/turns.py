"""Whose turn it is to have a worker: the ports of those who wait for one."""

from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, Protocol, TypeVar

from trueup.model.share import Share

T = TypeVar("T")


class RenderTurn(Protocol):
    """A piece of work that has its turn."""

    @property
    def patient(self) -> bool:
        """Whether it was slow before: what costs time to make ready is left to others."""

    def yielding(self, gentle: Callable[[], None]) -> Callable[[], None]:
        """Takes what is to be called when the work has to step aside, such as to lower its priority; gives what to call
        when the work is seen to last."""


class RenderTurns(Protocol):
    """Runs work when it is its owner's turn."""

    async def run(self, share: Share, work: Callable[[RenderTurn], Coroutine[Any, Any, T]]) -> T:
        """What came of the work, which may be cancelled and begun anew for the sake of others."""

    def resting(self) -> AbstractAsyncContextManager[None]:
        """Gives the turn that this is part of to others for as long as the block lasts: it only waits."""


def nobody() -> None:
    """Nobody has to be told."""


class AtOnce:
    """The :class:`RenderTurns` of a command, which has nobody to share with."""

    patient = False

    async def run(self, share: Share, work: Callable[[RenderTurn], Coroutine[Any, Any, T]]) -> T:
        return await work(self)

    def yielding(self, gentle: Callable[[], None]) -> Callable[[], None]:
        """Nobody else waits."""
        return nobody

    @asynccontextmanager
    async def resting(self) -> AsyncIterator[None]:
        yield
