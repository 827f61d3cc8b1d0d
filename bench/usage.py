"""What a process costs, as Linux counts it; and what an API server was asked to write."""

import os
import re
from pathlib import Path

from trueup.demo.playground import Playground

TICKS = os.sysconf("SC_CLK_TCK")
_WRITES = re.compile(
    r'^apiserver_request_total\{[^}]*verb="(?:APPLY|DELETE|PATCH|POST|PUT)"[^}]*\} (\S+)$', re.MULTILINE
)
_DRY = 'dry_run="All"'


def family(pid: int) -> list[int]:
    """A process and its living descendants: the engine's render workers have sessions of their own."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return [pid]
    return [pid, *(member for child in children for member in family(int(child)))]


def cpu(pids: list[int]) -> float:
    """CPU seconds of processes and of the children they have waited for."""
    total = 0
    for pid in pids:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        total += sum(int(fields[i]) for i in (11, 12, 13, 14))
    return total / TICKS


def memory(pids: list[int]) -> float:
    """Resident memory of processes together, MiB."""
    total = 0
    for pid in pids:
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:"))
    return total / 1024


async def writes(ground: Playground) -> float:
    """Writes the API server has been asked for since it started, by anybody, dry runs left out."""
    text = (await ground.client.request("GET", "/metrics")).decode()
    return sum(float(match[1]) for match in _WRITES.finditer(text) if _DRY not in match[0])


def name_of(pid: int) -> str:
    """The module that a process was started as, such as ``trueup server``; what it is called where that is none."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_text(errors="replace").split("\0")
        if "-m" in words:
            first, second, *_ = [*words[words.index("-m") + 1 :], ""]
            return f"{first} {second}".strip() if second.isalpha() else first
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return "ended"
