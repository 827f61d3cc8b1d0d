"""``trueup proj delete``."""

import asyncio

import click

from trueup.cli.completing import projects
from trueup.cli.connect import ClusterAccess, reach_options
from trueup.cli.examples import examples
from trueup.cli.proj.port import projects_of
from trueup.cli.screen import say


@click.command(epilog=examples("trueup proj delete shop"))
@click.argument("names", nargs=-1, required=True, metavar="PROJECT...", shell_complete=projects)
@reach_options
def delete(access: ClusterAccess, names: tuple[str, ...]) -> None:
    """Delete projects that no application uses."""

    async def run(name: str) -> None:
        async with projects_of(access) as there:
            await there.delete(name)

    for name in names:
        asyncio.run(run(name))
        say(f"project '{name}' deleted")
