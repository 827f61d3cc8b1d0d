"""What this package asks of the outside."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

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


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds until a git command is given up."""

    list_refs: float = 30.0
    fetch: float = 600.0
    local: float = 300.0
    """Work on the mirror itself: making, checking and repacking it."""
