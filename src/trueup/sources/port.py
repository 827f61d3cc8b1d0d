"""What this package asks of the outside."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec


class Git(Protocol):
    """The git command in a clean environment, killed with everything it started at its deadline or on cancellation."""

    async def __call__(
        self,
        args: Sequence[str],
        *,
        cwd: Path | None = None,
        timeout: float = 60.0,
        protocols: Sequence[str] = (),
        config: Mapping[str, str] | None = None,
        hold: Sequence[int] = (),
        ssh: Sequence[str] = (),
        no_proxy: str = "",
        answers: Sequence[int] = (0,),
    ) -> bytes:
        """Run ``git *args`` and give its standard output.

        ``protocols`` are the transports allowed, ``config`` further configuration, ``hold`` file descriptors kept open
        while it or a child of it lives, ``ssh`` the ssh command, ``no_proxy`` hosts that no proxy is asked for,
        ``answers`` the exit codes that are no failure.

        Raises:
            SourceUnavailable: it failed, with its reason.
        """


class Turns(Protocol):
    """Runs git when it is the repository's turn."""

    async def __call__(
        self, repository: str, work: Callable[[], Coroutine[Any, Any, bytes]], *, again: bool = True
    ) -> bytes:
        """What came of the work.

        Args:
            repository: its identity.
            again: the work may be cancelled and begun anew for the sake of other repositories.
        """


async def at_once(repository: str, work: Callable[[], Coroutine[Any, Any, bytes]], *, again: bool = True) -> bytes:
    """For a command, which has nobody to share with."""
    return await work()


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds until a git command is given up."""

    list_refs: float = 30.0
    fetch: float = 600.0
    local: float = 300.0
    """Work on the mirror itself: making, checking and repacking it."""
