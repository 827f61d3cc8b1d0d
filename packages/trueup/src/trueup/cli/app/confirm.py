"""``trueup app confirm-deletion``."""

import asyncio
from datetime import datetime

import click

from kubegrammar.time import format_time
from trueup.cli.app.port import applications_of
from trueup.cli.completing import applications
from trueup.cli.connect import ClusterAccess, reach_options
from trueup.cli.examples import examples
from trueup.cli.screen import say


@click.command("confirm-deletion", epilog=examples("trueup app confirm-deletion web"))
@click.argument("name", shell_complete=applications)
@click.option("-N", "--app-namespace", default="", help="Namespace of the application.")
@reach_options
def confirm_deletion(access: ClusterAccess, name: str, app_namespace: str) -> None:
    """Let objects go that ask to be confirmed: Prune=confirm in a sync, Delete=confirm in a deletion.

    It counts for what waits now: a later sync or deletion asks again.
    """

    async def run() -> datetime:
        async with applications_of(access) as apps:
            return await apps.of(name, app_namespace).confirm_deletion()

    say(f"application '{name}': deletion confirmed at {format_time(asyncio.run(run()))}")
