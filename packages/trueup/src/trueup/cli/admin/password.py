"""``trueup admin initial-password``."""

import asyncio

import click

from trueup.cli.connect import ClusterAccess, access_options, connected
from trueup.cli.examples import examples
from trueup.cli.screen import say
from trueup.kube.errors import NotFound
from trueup.model.errors import TrueupError
from trueup.store.accounts import INITIAL_PASSWORD, INITIAL_SECRET
from trueup.store.credentials import SECRET, decoded


@click.command("initial-password", epilog=examples("trueup admin initial-password --namespace argocd"))
@access_options
def initial_password(access: ClusterAccess) -> None:
    """Print the password that the account admin was given at first."""

    async def read() -> str:
        async with connected(access) as client:
            live = await client.get(SECRET, access.namespace, INITIAL_SECRET)
            return decoded(live.object()).get(INITIAL_PASSWORD, "")

    try:
        password = asyncio.run(read())
    except NotFound as error:
        raise TrueupError(
            f"there is no Secret {access.namespace}/{INITIAL_SECRET}",
            hint="somebody has changed the password and deleted it, or no API server has run yet",
        ) from error
    say(password)
    say()
    say(
        "This password must be only used for first time login. We strongly recommend you update the password using "
        "`trueup account update-password`."
    )
