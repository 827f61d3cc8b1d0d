"""``trueup simulate``."""

import asyncio

import click
import uvloop

from trueup.cli.connect import Access, access_options
from trueup.sandbox import simulator


@click.command()
@access_options
def simulate(access: Access) -> None:
    """Set the statuses of Pods that no node runs, on a control plane without nodes. Not for a cluster with any."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(simulator.run(access.config()))
