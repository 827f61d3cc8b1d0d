"""``trueup proj delete``."""

import asyncio

import click

from trueup.cli.app.access import list_applications, readable
from trueup.cli.completing import projects
from trueup.cli.connect import ClusterAccess, access_options, connected
from trueup.cli.examples import examples
from trueup.cli.proj.access import read
from trueup.cli.screen import say
from trueup.kube.errors import Forbidden
from trueup.model.errors import TrueupError
from trueup.store.kinds import PROJECT


@click.command(epilog=examples("trueup proj delete shop"))
@click.argument("names", nargs=-1, required=True, metavar="PROJECT...", shell_complete=projects)
@access_options
def delete(access: ClusterAccess, names: tuple[str, ...]) -> None:
    """Delete projects that no application uses."""

    async def run(name: str) -> None:
        async with connected(access) as client:
            await read(client, access.namespace, name)
            try:
                bodies = await list_applications(client, "")
            except Forbidden:
                bodies = await list_applications(client, access.namespace)
            views = map(readable, bodies)
            users = [v.app.metadata.name for v in views if (v.app.spec.project or "default") == name]
            if users:
                more = f" and {len(users) - 5} more" if len(users) > 5 else ""
                raise TrueupError(
                    f"project {name} is used by {', '.join(sorted(users)[:5])}{more}",
                    hint=f"`trueup app set APP --project OTHER` moves them, `trueup app list -p {name}` lists them",
                )
            await client.delete(PROJECT, access.namespace, name, propagation="Background")

    for name in names:
        asyncio.run(run(name))
        say(f"project '{name}' deleted")
