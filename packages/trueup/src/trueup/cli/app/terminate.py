"""``trueup app terminate-op``."""

import asyncio

import click

from trueup.cli.app.port import applications_of
from trueup.cli.completing import applications
from trueup.cli.connect import ClusterAccess, reach_options
from trueup.cli.examples import examples
from trueup.cli.screen import say
from trueup.policy.requests import Ending

_TOLD = {Ending.TERMINATED: "operation terminating", Ending.TAKEN_BACK: "operation taken back before it began"}


@click.command("terminate-op", epilog=examples("trueup app terminate-op web"))
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=applications)
@click.option("-N", "--app-namespace", default="", help="Namespace of the application.")
@reach_options
def terminate_op(access: ClusterAccess, names: tuple[str, ...], app_namespace: str) -> None:
    """Stop the operation that runs. What it has applied stays; hooks that run are deleted."""

    async def run(name: str) -> str:
        async with applications_of(access) as apps:
            return _TOLD[await apps.of(name, app_namespace).terminate()]

    for name in names:
        say(f"application '{name}': {asyncio.run(run(name))}")
