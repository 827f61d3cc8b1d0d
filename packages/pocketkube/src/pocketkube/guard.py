"""Ties processes and a folder to the life of the one who started them. Run by path as a script, never imported.

``guard.py exec PARENT COMMAND…`` becomes COMMAND, which the kernel kills when its parent ends (Linux).
``guard.py sweep FOLDER`` reads process ids from stdin (``+PID``, ``-PID``); when stdin ends, because its writer did, it
kills those that remain and removes the folder. That covers ``kill -9`` too, and systems without a parent-death signal.
"""

import os
import shutil
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

PR_SET_PDEATHSIG = 1
"""``prctl(2)``."""


def become(parent: int, command: list[str]) -> None:
    """Replaces this process by a command that dies with its parent."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        # The parent may have gone before the call; then nobody would ever send the signal.
        if os.getppid() != parent:
            sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 - no shell is the point


def sweep(folder: str) -> None:
    """Waits for the end of stdin, then ends what is registered and removes the folder."""
    registered: set[int] = set()
    for line in sys.stdin:
        pid = int(line[1:])
        registered.add(pid) if line[0] == "+" else registered.discard(pid)
    for pid in registered:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    # A process that is just dying may still write a file into a folder being removed.
    for _ in range(50):
        shutil.rmtree(folder, ignore_errors=True)
        if not Path(folder).exists():
            return
        time.sleep(0.1)


if __name__ == "__main__":
    # A terminal's Ctrl-C and hang-up are for the one who is guarded.
    if sys.argv[1] == "exec":
        become(int(sys.argv[2]), sys.argv[3:])
    else:
        for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(ignored, signal.SIG_IGN)
        sweep(sys.argv[2])
