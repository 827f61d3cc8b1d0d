"""``trueup cluster rotate-auth``."""

import asyncio

import click

from trueup.cli.cluster.change import change
from trueup.cli.cluster.secret import config_json, kept, only
from trueup.cli.completing import clusters
from trueup.cli.connect import ClusterAccess, access_options, client_of, connected
from trueup.cli.examples import examples
from trueup.cli.logs import errors_alone
from trueup.cli.screen import say
from trueup.kube.config import ClusterConfig
from trueup.model.errors import TrueupError
from trueup.store.clusters.manager import ACCOUNT, SYSTEM_NAMESPACE
from trueup.store.clusters.rotation import rotate


@click.command("rotate-auth", epilog=examples("trueup cluster rotate-auth production"))
@click.argument("name", metavar="NAME|SERVER", shell_complete=clusters)
@click.option("--service-account", default=ACCOUNT, show_default=True, help="Whose token it is.")
@click.option("--system-namespace", default=SYSTEM_NAMESPACE, show_default=True, help="Namespace of the account.")
@access_options
def rotate_auth(access: ClusterAccess, name: str, service_account: str, system_namespace: str) -> None:
    """Give a cluster a new token of its service account, and make the old one useless."""
    errors_alone()
    expires = asyncio.run(_rotate(access, name, service_account, system_namespace))
    say(f"Cluster '{name}' has a new token")
    if expires:
        say(f"warning: it expires at {expires}", err=True)


async def _rotate(access: ClusterAccess, name: str, account: str, system: str) -> str:
    async with connected(access) as client:
        found = only(await kept(client, access.namespace), name)
        config = found.entry.config if found.entry else None
        if config is None or not config.token:
            raise TrueupError(
                f"cluster {name} has no token to renew", hint="it uses another credential, or none; see `cluster add`"
            )

        async def keep(renewed: ClusterConfig) -> None:
            await change(client, access, found, {"config": config_json(renewed)}, {})

        return await rotate(config, client_of, keep, account=account, system=system)
