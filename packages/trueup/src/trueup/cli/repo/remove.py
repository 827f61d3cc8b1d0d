"""``trueup repo rm`` and ``trueup repocreds rm``."""

import asyncio

import click

from trueup.cli.completing import projects
from trueup.cli.connect import ClusterAccess, access_options, connected
from trueup.cli.examples import examples
from trueup.cli.screen import say
from trueup.store.credentials import REPOSITORY, SECRET, TEMPLATE
from trueup.store.repository_secrets import only


@click.command("rm", epilog=examples("trueup repo rm https://git.example.com/team/web.git"))
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@click.option("--project", default=None, shell_complete=projects, help="Whose, where several projects have one.")
@access_options
def remove(access: ClusterAccess, urls: tuple[str, ...], project: str | None) -> None:
    """Forget the credentials of repositories. Applications that need them say so at their next look."""
    for url in urls:
        asyncio.run(_remove(access, REPOSITORY, url, project))
        say(f"Repository '{url}' removed")


@click.command("rm", epilog=examples("trueup repocreds rm https://git.example.com/team"))
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@access_options
def remove_template(access: ClusterAccess, urls: tuple[str, ...]) -> None:
    """Forget the credentials of all repositories below a URL."""
    for url in urls:
        asyncio.run(_remove(access, TEMPLATE, url, None))
        say(f"Credentials of '{url}' removed")


async def _remove(access: ClusterAccess, kind: str, url: str, project: str | None) -> None:
    async with connected(access) as client:
        found = await only(client, access.namespace, kind, url, project)
        await client.delete(SECRET, access.namespace, found.secret, propagation="Background")
