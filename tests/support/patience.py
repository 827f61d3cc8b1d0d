"""How long a test waits for what should come: it goes on at once when it has come, so only a failure takes longer."""

import os

MOST = 8.0


def stretched(seconds: float) -> float:
    """Seconds of an idle machine, on this one: longer by as much as more wants to run than there are cores."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return seconds * min(max(os.getloadavg()[0] / cores, 1.0), MOST)
