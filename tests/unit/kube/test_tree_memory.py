"""What a large cluster takes of the engine's memory."""

import subprocess
import sys
from pathlib import Path

from tests.support.tiers import everywhere

MOST = 200.0
"""MiB; 40 are measured. Whole bodies of all would take more."""
_ROOT = Path(__file__).parents[3]


@everywhere
def test_a_tree_of_sixteen_thousand_objects_fits() -> None:
    command = [sys.executable, "-m", "bench.tree"]
    told = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=True)
    taken, objects = told.stdout.split()
    assert int(objects) == 16_000
    assert float(taken) <= MOST
