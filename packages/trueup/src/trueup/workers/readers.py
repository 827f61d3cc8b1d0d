"""Children that read what strangers wrote: the mirrors of repositories, and nothing else."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import msgspec

from trueup.model.errors import RenderFailed, RenderStopped
from trueup.workers.childprocess import ChildEnded, Children
from trueup.workers.frame import framed
from trueup.workers.process import MEBIBYTE, Limits

SECONDS = 30.0
"""Wall-clock time of one task. Its budget of processor time is smaller."""
_MEMORY = 1024 * MEBIBYTE
_LIMITS = Limits(memory=_MEMORY, file_size=MEBIBYTE, open_files=256)

T = TypeVar("T")


class Readers:
    """Up to ``size`` processes of one module; further tasks wait.

    Args:
        module: run with ``-m``; ends in :func:`trueup.workers.worker.serve`.
        jobs: tasks after which a child is replaced by a fresh one.
        mirrors: the folder of all mirrors.
        root: where the private folders are made; the system's temporary folder by default.
        isolated: refuse to read without a whole wall around it.
        seconds: wall-clock time of one task.
    """

    def __init__(
        self,
        module: str,
        size: int,
        *,
        jobs: int,
        mirrors: Path,
        root: Path | None = None,
        isolated: bool = False,
        seconds: float = SECONDS,
    ) -> None:
        self.seconds = seconds
        self._children = Children(
            module, size, limits=_LIMITS, jobs=jobs, root=root, reads=(mirrors,), isolated=isolated
        )

    async def ask(self, task: bytes, decode: Callable[[bytes], T], *, what: str, hint: str, at: str = "") -> T:
        """The answer to one task; whatever ends its child is told as the limit that it met.

        Args:
            what: named in messages, which ``at`` ends.

        Raises:
            RenderStopped: the child took too long, or ended.
            RenderFailed: its answer is none.
        """
        try:
            return decode(await self._children.ask(framed(task), self.seconds))
        except TimeoutError:
            raise RenderStopped(f"reading {what} took longer than {self.seconds:g} s{at}", hint=hint) from None
        except ChildEnded as ended:
            failure = RenderStopped(
                f"reading {what} stopped: it crashed or reached the limit of {_MEMORY // MEBIBYTE} MiB{at}", hint=hint
            )
            failure.add_note(ended.errors)
            raise failure from None
        except msgspec.DecodeError as error:
            raise RenderFailed(f"reading {what} gave no answer that can be read{at}", hint=hint) from error

    async def warm(self) -> None:
        """Start one child now, so that the first task does not wait for it."""
        await self._children.warm()

    async def close(self) -> None:
        """Kill all children and remove their folders. Tasks under way fail."""
        await self._children.close()
