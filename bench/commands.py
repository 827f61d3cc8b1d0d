"""How long commands that read the cluster take, beside kubectl's of the same job: all of it, from exec to exit."""

import asyncio
import os
import resource
import sys
import time
from pathlib import Path

from bench.result import Result, median, result
from trueup.demo.playground import Playground, application

ROUNDS = 9
PROGRAMS = Path(sys.executable).parent
TRUEUP, KUBECTL = str(PROGRAMS / "trueup"), str(PROGRAMS / "kubectl")


async def commands(ground: Playground) -> list[Result]:
    """Commands and TAB, wall and processor time, to kubectl's; one round after the other, so that both meet the
    same machine."""
    await ground.create(application("commands", ground.repository_url, ".", namespace="commands"))
    # Compiled, as what is installed is: the first round does it.
    environment = {**os.environ, "KUBECONFIG": str(ground.kubeconfig), "PYTHONDONTWRITEBYTECODE": ""}
    completing = {"_TRUEUP_COMPLETE": "bash_complete", "COMP_WORDS": "trueup app get ", "COMP_CWORD": "3"}
    one = ["commands", "-n", ground.site.namespace]
    jobs = {
        "app list": ([TRUEUP, "app", "list"], environment),
        "app get": ([TRUEUP, "app", "get", "commands"], environment),
        "app history": ([TRUEUP, "app", "history", "commands"], environment),
        "TAB": ([TRUEUP], {**environment, **completing}),
        "kubectl get": ([KUBECTL, "get", "applications", "-n", ground.site.namespace], environment),
        "kubectl get one": ([KUBECTL, "get", "application", *one], environment),
        "kubectl TAB": ([KUBECTL, "__complete", "get", "applications", "-n", ground.site.namespace, ""], environment),
    }
    taken: dict[str, list[tuple[float, float]]] = {name: [] for name in jobs}
    for _ in range(ROUNDS):
        for name, (words, variables) in jobs.items():
            taken[name].append(await _take(words, variables))
    found = []
    pairs = {
        "app list": "kubectl get",
        "app get": "kubectl get one",
        "app history": "kubectl get one",
        "TAB": "kubectl TAB",
    }
    for ours, theirs in pairs.items():
        for what, index in (("wall", 0), ("CPU", 1)):
            value, floor = (median([each[index] for each in taken[name]]) * 1000 for name in (ours, theirs))
            found.append(result(f"command: {ours}, {what}, to {theirs}", value, "ms", floor))
    return found


async def _take(words: list[str], variables: dict[str, str]) -> tuple[float, float]:
    """Seconds of wall and of processor time that a command takes."""
    before, began = _spent(), time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *words, env=variables, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    assert b"commands" in output or b"REVISION" in output, output
    return time.monotonic() - began, _spent() - before


def _spent() -> float:
    """Processor time of children that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
