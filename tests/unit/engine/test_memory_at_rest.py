"""What an engine takes of memory before it has anything to do."""

import subprocess
import sys

MOST = 110.0
"""MiB; 75 are measured. An engine at rest with 300 applications may take 150 with its children, and has none then."""
LOOK = """
import trueup.cli.server
pages = int(open("/proc/self/statm").read().split()[1])
import resource
print(pages * resource.getpagesize() / 2**20)
"""


def test_what_an_engine_loads_leaves_room_for_applications() -> None:
    told = subprocess.run([sys.executable, "-c", LOOK], capture_output=True, text=True, check=True)
    assert float(told.stdout) <= MOST
