"""Run an engine until the standard input ends, close it, and print what is left of it: lines that begin with ``left:``.

Usage: ``python -X dev -m tests.support.leaving KUBECONFIG NAMESPACE FOLDER REPOSITORIES``
"""

import asyncio
import gc
import sys
import threading
from pathlib import Path

import uvloop

from trueup.engine import Engine, EngineOptions
from trueup.kube.config import load_kubeconfig


async def main(kubeconfig: Path, namespace: str, folder: Path, repositories: Path) -> None:
    before = set(threading.enumerate())
    options = EngineOptions(
        config=load_kubeconfig(kubeconfig, None),
        control_namespace=namespace,
        data=folder / "data",
        state=folder / "state",
        local_repositories=(repositories,),
        render_workers=1,
    )
    stop = asyncio.Event()
    async with Engine(options) as engine:
        running = asyncio.create_task(engine.run(stop))
        await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        stop.set()
        await running
    del engine, running
    # What is lost without being closed says so when it is collected.
    gc.collect()
    await asyncio.sleep(0)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        print("left:", task)
    await asyncio.get_running_loop().shutdown_default_executor()
    for thread in set(threading.enumerate()) - before:
        print("left:", thread)


if __name__ == "__main__":
    uvloop.run(main(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4])))
    gc.collect()
