"""``trueup app plan``."""

import asyncio
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import click

from trueup.cli.app.explain import ToldLine
from trueup.cli.app.inspect import local_option
from trueup.cli.app.port import applications_of
from trueup.cli.completing import applications
from trueup.cli.connect import ClusterAccess, reach_options
from trueup.cli.examples import examples
from trueup.cli.output import output_option, show
from trueup.cli.screen import say
from trueup.model.repository import short_revision

_COLOURS: Final = {"create": "green", "namespace": "green", "change": "yellow", "replace": "yellow", "prune": "red"}
_LONGEST: Final = 120
"""Letters of a value."""


@click.command(epilog=examples("trueup app plan web", "trueup app plan web --prune -o json"))
@click.argument("name", shell_complete=applications)
@click.option("--prune", is_flag=True, help="As a sync that deletes what is not declared any more.")
@click.option("--all", "everything", is_flag=True, help="Show what stays as it is too.")
@click.option("-N", "--app-namespace", default="", help="Namespace of the application.")
@local_option
@output_option("text", "json", "yaml")
@reach_options
def plan(
    access: ClusterAccess,
    name: str,
    prune: bool,
    everything: bool,
    app_namespace: str,
    local: tuple[Path, ...],
    output: str,
) -> None:
    """Show what a sync would do, step by step, before it does anything.

    Through a server it is of the commits that the application was compared with last, else of those that its sources
    mean now.
    """

    async def ask() -> dict[str, Any]:
        async with applications_of(access) as apps:
            return await apps.of(name, app_namespace).planned(prune=prune, local=local)

    found = asyncio.run(ask())
    if output != "text":
        show(found, output)
        return
    for line in told_steps(found, everything=everything):
        say(line.text, fg=line.colour)


def told_steps(found: Mapping[str, Any], *, everything: bool = False) -> Iterator[ToldLine]:
    """A plan as lines. Pure.

    Args:
        everything: also what stays as it is.
    """
    if found.get("revision"):
        yield ToldLine(f"of {short_revision(found['revision'])}")
    steps = [step for step in found.get("steps") or [] if everything or step["action"] != "unchanged"]
    for (phase, wave), group in groupby(steps, key=lambda step: (step.get("phase", ""), step.get("wave", 0))):
        yield ToldLine(f"{phase} wave {wave}")
        for step in group:
            yield from _told_step(step)
    if not steps:
        yield ToldLine("nothing to do")
    for each in found.get("leftAlone") or []:
        yield ToldLine(f"left alone: {each['kind']}/{each['name']}: {each.get('reason', '')}")
    for problem in found.get("problems") or []:
        yield ToldLine(f"not valid: {problem}", "red")


def _told_step(step: Mapping[str, Any]) -> Iterator[ToldLine]:
    place = f"{step['namespace']}/" if step.get("namespace") else ""
    origin = f"  ({step['origin']})" if step.get("origin") else ""
    action = step["action"]
    yield ToldLine(f"  {action:<9} {step['kind']} {place}{step['name']}{origin}", _COLOURS.get(action))
    for change in step.get("changes") or []:
        before, after = (str(change.get(side, "")) or "(nothing)" for side in ("before", "after"))
        yield ToldLine(f"              {change.get('path', '')}: {before[:_LONGEST]} → {after[:_LONGEST]}")
    if step.get("blocked"):
        yield ToldLine(f"              blocked: {step['blocked']}", "red")
