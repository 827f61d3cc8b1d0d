"""What this package asks of the outside."""

from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from trueup.model.tree import Tree


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
        max_output: int = 64 * 1024 * 1024,
        memory: int = 0,
        growth: "Growing | None" = None,
        idle: float = 0.0,
    ) -> bytes:
        """Run ``git *args`` and give its standard output.

        ``protocols`` are the transports allowed, ``config`` further configuration, ``hold`` file descriptors kept open
        while it or a child of it lives, ``ssh`` the ssh command, ``no_proxy`` hosts that no proxy is asked for,
        ``answers`` the exit codes that are no failure. ``max_output`` and ``memory`` are limits in bytes. ``growth`` is
        what it writes to: ``timeout`` grows with it, and without progress for ``idle`` seconds git is ended.

        Raises:
            SourceUnavailable: it failed, with its reason.
        """


class Pin(msgspec.Struct, frozen=True):
    """What a revision means at one look.

    Attributes:
        revision: as status and history have it: the full SHA of a commit, or a chart's version.
        moves: it may be another one tomorrow.
        tag: full name and SHA of the annotated tag that it was found by; empty where there is none.
    """

    revision: str
    moves: bool = False
    tag: tuple[str, str] = ("", "")


class Origin(Protocol):
    """Where the files of a source come from, as it was when it was last looked at: a Git repository, or a chart of a
    repository of those."""

    def pin(self, revision: str, tag_prefix: str = "") -> Pin:
        """What a revision means.

        Raises:
            InvalidSpec: it cannot be a revision.
            RenderFailed: there is none of this name, or several.
            SourceUnavailable: it was never looked at.
        """

    def answered(self, revision: str) -> bool:
        """Whether the last look would have found this revision."""

    async def locate(self, revision: str) -> object:
        """Have a revision here that is not followed.

        Raises:
            TrueupError: it is not to be had.
        """

    def tree(self, revision: str) -> Tree:
        """The files at a pinned revision.

        Raises:
            SourceUnavailable: they are not there.
        """


class Growing(Protocol):
    """A folder that git writes to. Its methods are called in a thread."""

    def room(self) -> int:
        """Bytes that may be added."""

    def measure(self) -> int:
        """Bytes that are there now."""

    def refusal(self, size: int) -> str:
        """Why there may not be so many bytes; empty where there may."""

    def disk_is_full(self) -> bool:
        """Whether nothing more can be written."""


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
    """Seconds until a git command is given up.

    Attributes:
        fetch: of a fetch that brings nothing; one that brings something has longer.
        idle: of a fetch without any progress.
    """

    list_refs: float = 30.0
    fetch: float = 600.0
    idle: float = 120.0
    local: float = 300.0
    """Work on the mirror itself: making, checking and repacking it."""
