"""``make bench``: a table, and ``build/bench.json``."""

import asyncio
import os
import sys
import tempfile
from pathlib import Path

import msgspec
import uvloop

from bench.fleet import fleet, idle
from bench.heal import heal
from bench.refresh import refresh
from bench.result import Result, write_table
from trueup.sandbox.controlplane import default_folders
from trueup.sandbox.playground import playground
from trueup.workers.git import run_git

OUTPUT = Path("build/bench.json")


async def suite() -> list[Result]:
    """Every measurement, in one run against one API server."""
    results: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="trueup-bench-") as folder:
        seed = Path(folder) / "seed"
        seed.mkdir()
        (seed / "README.md").write_text("The bench writes its applications here.\n")
        async with playground(
            folders=default_folders(os.environ, Path.home()), git=run_git, content=seed, url="", report=_say
        ) as ground:
            for title, measure in (("heal", heal), ("refresh", refresh), ("fleet", fleet), ("idle", idle)):
                _say(f"measuring: {title}")
                results += await measure(ground)
    return results


def _say(step: str) -> None:
    print(f"• {step}", file=sys.stderr, flush=True)


def main() -> None:
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        results = runner.run(suite())
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=2) + b"\n")
    write_table(results)
    print(f"\nwritten to {OUTPUT}")


if __name__ == "__main__":
    main()
