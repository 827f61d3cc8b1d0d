"""``trueup repo rm`` and ``trueup repocreds rm``."""

import asyncio

import click

from trueup.cli.completing import projects
from trueup.cli.connect import ClusterAccess, reach_options
from trueup.cli.examples import examples
from trueup.cli.repo.port import repositories_of
from trueup.cli.screen import say
from trueup.store.credentials import REPOSITORY, TEMPLATE


@click.command("rm", epilog=examples("trueup repo rm https://git.example.com/team/web.git"))
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@click.option("--project", default=None, shell_complete=projects, help="Whose, where several projects have one.")
@reach_options
def remove(access: ClusterAccess, urls: tuple[str, ...], project: str | None) -> None:
    """Forget the credentials of repositories. Applications that need them say so at their next look."""
    for url in urls:
        asyncio.run(_remove(access, REPOSITORY, url, project))
        say(f"Repository '{url}' removed")


@click.command("rm", epilog=examples("trueup repocreds rm https://git.example.com/team"))
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@reach_options
def remove_template(access: ClusterAccess, urls: tuple[str, ...]) -> None:
    """Forget the credentials of all repositories below a URL."""
    for url in urls:
        asyncio.run(_remove(access, TEMPLATE, url, None))
        say(f"Credentials of '{url}' removed")


async def _remove(access: ClusterAccess, kind: str, url: str, project: str | None) -> None:
    async with repositories_of(access, kind) as there:
        await there.remove(url, project)
