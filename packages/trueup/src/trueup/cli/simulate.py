"""``trueup simulate``."""

import asyncio
from pathlib import Path

import click
import uvloop

from trueup.cli.connect import Access, access_options
from trueup.cli.examples import examples
from trueup.sandbox import simulator
from trueup.sandbox.lifecycle import read_lifecycles
from trueup.sandbox.services import read_place


@click.command(epilog=examples("trueup simulate --controllers"))
@click.option("--controllers", is_flag=True, help="Play Kubernetes' own controllers too, where none run.")
@click.option(
    "--services",
    type=click.Path(path_type=Path, file_okay=False),
    default=None,
    hidden=True,
    help="Folder of a sandbox's services: its registry is asked for the images that lie there.",
)
@access_options
def simulate(access: Access, controllers: bool, services: Path | None) -> None:
    """Set the statuses of Pods that no node runs, on a control plane without nodes. Not for a cluster with any."""
    lifecycles = read_lifecycles() if controllers else None
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(simulator.run(access.config(), lifecycles, read_place(services) if services else None))
