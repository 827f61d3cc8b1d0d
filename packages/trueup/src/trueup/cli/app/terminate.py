"""``trueup app terminate-op``."""

import asyncio

import click

from trueup.cli.app.access import Handle
from trueup.cli.app.requests import asked
from trueup.cli.completing import applications
from trueup.cli.connect import ClusterAccess, access_options, connected
from trueup.cli.examples import examples
from trueup.cli.screen import say
from trueup.policy.requests import Ending

_TOLD = {Ending.TERMINATED: "operation terminating", Ending.TAKEN_BACK: "operation taken back before it began"}


@click.command("terminate-op", epilog=examples("trueup app terminate-op web"))
@click.argument("names", nargs=-1, required=True, metavar="NAME...", shell_complete=applications)
@click.option("-N", "--app-namespace", default="", help="Namespace of the application.")
@access_options
def terminate_op(access: ClusterAccess, names: tuple[str, ...], app_namespace: str) -> None:
    """Stop the operation that runs. What it has applied stays; hooks that run are deleted."""

    async def run(name: str) -> str:
        async with connected(access) as client:
            return await terminate(Handle(client, access, name, app_namespace))

    for name in names:
        say(f"application '{name}': {asyncio.run(run(name))}")


async def terminate(handle: Handle) -> str:
    """Ask for the end of an operation, or take back one that no engine has taken up yet; returns which.

    Raises:
        TrueupError: there is no operation, or it changes too fast.
    """
    with asked(handle) as requests:
        return _TOLD[await requests.terminate(handle.key)]
