"""``trueup app delete``."""

import asyncio
from typing import Literal

import click

from trueup.cli.app.port import applications_of
from trueup.cli.app.selecting import selected, selector_option
from trueup.cli.app.wait import gone
from trueup.cli.asking import confirm
from trueup.cli.completing import applications
from trueup.cli.connect import ClusterAccess, reach_options
from trueup.cli.duration import DURATION
from trueup.cli.examples import examples
from trueup.cli.screen import say
from trueup.policy.requests import Cascade


@click.command(
    epilog=examples(
        "trueup app delete web --wait", "trueup app delete -l team=web --yes", "trueup app delete web --cascade=false"
    )
)
@click.argument("names", nargs=-1, metavar="[NAME]...", shell_complete=applications)
@selector_option
@click.option("--cascade/--no-cascade", default=True, show_default=True, help="Delete the objects too.")
@click.option(
    "-p",
    "--propagation-policy",
    type=click.Choice(["foreground", "background"]),
    default="foreground",
    show_default=True,
    help="How the objects are deleted: foreground waits for what they own.",
)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@click.option("--wait", is_flag=True, help="Wait until it is gone.")
@click.option("--timeout", type=DURATION, default="5m", show_default=True, help="How long to wait.")
@click.option("-N", "--app-namespace", default="", help="Namespace of the application.")
@reach_options
def delete(
    access: ClusterAccess,
    names: tuple[str, ...],
    selector: str,
    cascade: bool,
    propagation_policy: Literal["foreground", "background"],
    yes: bool,
    wait: bool,
    timeout: float,
    app_namespace: str,
) -> None:
    """Delete applications and, unless --no-cascade, what they deployed."""
    what = "and everything it deployed" if cascade else "and leave what it deployed"
    for count, name in enumerate(selected(access, names, selector, app_namespace)):
        if not yes:
            otherwise = f"application '{name}' was not deleted" if count else "nothing was deleted"
            confirm(f"Delete application '{name}' {what}?", otherwise)
        objects: Cascade = propagation_policy if cascade else "none"
        asyncio.run(_delete(access, name, app_namespace, objects, wait, timeout))
        say(f"application '{name}' {'deleted' if wait or not cascade else 'is being deleted'}")


async def _delete(
    access: ClusterAccess, name: str, app_namespace: str, cascade: Cascade, wait: bool, timeout: float
) -> None:
    async with applications_of(access) as apps:
        app = apps.of(name, app_namespace)
        await app.delete(cascade)
        if wait:
            await gone(app, timeout)
