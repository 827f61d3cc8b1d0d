"""``trueup doctor``."""

import asyncio
import sys
from pathlib import Path

import click
import uvloop

from trueup.cli.connect import ClusterAccess, access_options
from trueup.cli.data import state_option
from trueup.cli.examples import examples
from trueup.cli.isolation import isolation_option
from trueup.cli.logs import configure_logs
from trueup.cli.output import output_option, show
from trueup.cli.preflight import PreflightFinding, PreflightRequest, examine
from trueup.cli.screen import say

PROBLEMS = 1
_COLOURS = {"ok": "green", "warning": "yellow", "missing": "red", "skipped": "blue"}


@click.command(epilog=examples("trueup doctor", "trueup doctor --managed-namespace team-a -o json"))
@click.option(
    "--data",
    type=click.Path(path_type=Path, file_okay=False, resolve_path=True),
    default=None,
    help="Data folder of the engine that is to run.",
)
@click.option(
    "--managed-namespace",
    "namespaces",
    multiple=True,
    metavar="NAMESPACE",
    help="Namespace that the engine is to manage, as for `trueup server`. Repeatable; all by default.",
)
@state_option
@isolation_option
@output_option("text", "json", "yaml")
@access_options
def doctor(
    access: ClusterAccess,
    data: Path | None,
    namespaces: tuple[str, ...],
    state: Path | None,
    require_isolation: bool,
    output: str,
) -> None:
    """Look at all that an engine needs here, from its tools to the repositories. Nothing is changed.

    Exits 0 when nothing needed is missing, 1 when something is.
    """
    configure_logs("text", "error")
    asked = PreflightRequest(access=access, data=data, state=state, isolated=require_isolation, namespaces=namespaces)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        findings = runner.run(examine(asked))
    if output != "text":
        show(findings, output)
    else:
        _print(findings)
    sys.exit(PROBLEMS if any(finding.state == "missing" for finding in findings) else 0)


def _print(findings: list[PreflightFinding]) -> None:
    names, states = (max(len(text) for text in column) for column in zip(*map(_head, findings), strict=True))
    for finding in findings:
        head, further = f"{finding.name:{names}}  {finding.state:{states}}  ", " " * (names + states + 4)
        say(f"{head}{finding.found}", fg=_COLOURS[finding.state], further=further)
        if finding.hint and finding.state != "ok":
            say(f"{'':{names}}  {'':{states}}  hint: {finding.hint}")


def _head(finding: PreflightFinding) -> tuple[str, str]:
    return finding.name, finding.state
