"""What every child does at its start."""

import ctypes
import os
import signal
import sys
from typing import BinaryIO

_PR_SET_PDEATHSIG = 1


def die_with(parent: int) -> None:
    """End as soon as the process that started this one does."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(0)


def answers_channel() -> BinaryIO:
    """Standard output, kept for answers alone: whatever else prints goes to the errors."""
    channel = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return channel
