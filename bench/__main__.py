"""``make bench``: a table, and ``build/bench.json``. Names of parts (``ARGS='heal idle'``) measure only those."""

import asyncio
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec
import uvloop

from bench.commands import commands
from bench.comparison import comparison
from bench.demo import demo
from bench.fleet import fleet, idle
from bench.heal import heal
from bench.memory import idle_memory
from bench.monorepo import monorepo
from bench.refresh import refresh
from bench.renders import renders
from bench.result import Result, write_table
from bench.sandbox import sandbox
from bench.workflow import workflow
from pocketkube.controlplane import default_folders
from trueup.demo.playground import playground
from trueup.demo.sites import real
from trueup.workers.git import run_git

OUTPUT = Path("build/bench.json")
PARTS = {
    "heal": heal,
    "refresh": refresh,
    "fleet": fleet,
    "idle": idle,
    "memory": idle_memory,
    "monorepo": monorepo,
    "renders": renders,
    "sandbox": sandbox,
    "comparison": comparison,
    "commands": commands,
    "demo": demo,
    "workflow": workflow,
}


async def suite(parts: Sequence[str]) -> list[Result]:
    """These measurements, in one run against one API server."""
    results: list[Result] = []
    with tempfile.TemporaryDirectory(prefix="trueup-bench-") as folder:
        seed = Path(folder) / "seed"
        seed.mkdir()
        (seed / "README.md").write_text("The bench writes its applications here.\n")
        async with (
            real(_say, default_folders(os.environ, Path.home())) as site,
            playground(site, git=run_git, content=seed, url="", report=_say) as ground,
        ):
            for part in parts:
                _say(f"measuring: {part}")
                results += await PARTS[part](ground)
    return results


def _say(step: str) -> None:
    print(f"• {step}", file=sys.stderr, flush=True)


def main() -> None:
    parts = sys.argv[1:] or list(PARTS)
    if unknown := set(parts) - set(PARTS):
        sys.exit(f"bench: no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        results = runner.run(suite(parts))
    OUTPUT.parent.mkdir(exist_ok=True)
    OUTPUT.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=2) + b"\n")
    write_table(results)
    print(f"\nwritten to {OUTPUT}")


if __name__ == "__main__":
    main()
