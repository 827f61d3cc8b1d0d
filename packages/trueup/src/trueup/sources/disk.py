"""Work on the disk, which may hang: in a thread, with a deadline."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from trueup.model.errors import SourceUnavailable

SECONDS = 120.0
"""Reading the refs of a large mirror, or removing one, takes seconds at the most."""

_P = ParamSpec("_P")
_T = TypeVar("_T")


async def on_disk(work: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """What the work gives. It goes on in its thread when nobody waits for it any more.

    Raises:
        SourceUnavailable: it did not end in time.
    """
    try:
        async with asyncio.timeout(SECONDS):
            return await asyncio.to_thread(work, *args, **kwargs)
    except TimeoutError:
        raise SourceUnavailable(
            f"the local copy of the repository cannot be read or written: the disk did not answer in {SECONDS:g} s",
            hint="look at the disk of the data folder (--data)",
        ) from None
