"""``trueup app confirm-deletion``."""

import asyncio
from datetime import datetime

import click

from kubegrammar.time import format_time
from trueup.cli.app.access import Handle
from trueup.cli.app.requests import asked
from trueup.cli.completing import applications
from trueup.cli.connect import ClusterAccess, access_options, connected
from trueup.cli.examples import examples
from trueup.cli.screen import say


@click.command("confirm-deletion", epilog=examples("trueup app confirm-deletion web"))
@click.argument("name", shell_complete=applications)
@click.option("-N", "--app-namespace", default="", help="Namespace of the application.")
@access_options
def confirm_deletion(access: ClusterAccess, name: str, app_namespace: str) -> None:
    """Let objects go that ask to be confirmed: Prune=confirm in a sync, Delete=confirm in a deletion.

    It counts for what waits now: a later sync or deletion asks again.
    """

    async def run() -> datetime:
        async with connected(access) as client:
            handle = Handle(client, access, name, app_namespace)
            with asked(handle) as requests:
                return await requests.confirm_deletion(handle.key)

    say(f"application '{name}': deletion confirmed at {format_time(asyncio.run(run()))}")
