"""``trueup cluster rotate-auth``."""

import asyncio

import click

from trueup.cli.cluster.port import clusters_of
from trueup.cli.completing import clusters
from trueup.cli.connect import ClusterAccess, reach_options
from trueup.cli.examples import examples
from trueup.cli.logs import errors_alone
from trueup.cli.screen import say
from trueup.store.clusters.manager import ACCOUNT, SYSTEM_NAMESPACE


@click.command("rotate-auth", epilog=examples("trueup cluster rotate-auth production"))
@click.argument("name", metavar="NAME|SERVER", shell_complete=clusters)
@click.option("--service-account", default=ACCOUNT, show_default=True, help="Whose token it is.")
@click.option("--system-namespace", default=SYSTEM_NAMESPACE, show_default=True, help="Namespace of the account.")
@reach_options
def rotate_auth(access: ClusterAccess, name: str, service_account: str, system_namespace: str) -> None:
    """Give a cluster a new token of its service account, and make the old one useless."""
    errors_alone()
    expires = asyncio.run(_rotate(access, name, service_account, system_namespace))
    say(f"Cluster '{name}' has a new token")
    if expires:
        say(f"warning: it expires at {expires}", err=True)


async def _rotate(access: ClusterAccess, name: str, account: str, system: str) -> str:
    async with clusters_of(access) as there:
        return await there.rotate(name, account, system)
