"""``trueup simulate``."""

import asyncio

import click
import uvloop

from trueup.cli.connect import ClusterAccess, access_options
from trueup.cli.examples import examples
from trueup.demo.simulating import simulated


@click.command(epilog=examples("trueup simulate --controllers"))
@click.option("--controllers", is_flag=True, help="Play Kubernetes' own controllers too, where none run.")
@access_options
def simulate(access: ClusterAccess, controllers: bool) -> None:
    """Set the statuses of Pods that no node runs, on a control plane without nodes. Not for a cluster with any."""

    async def run() -> None:
        async with simulated(access.config(), controllers=controllers):
            await asyncio.get_running_loop().create_future()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())
