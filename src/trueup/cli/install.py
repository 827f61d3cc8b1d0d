"""``trueup install``."""

import asyncio

import click

from trueup.cli.connect import Access, access_options, connected
from trueup.cli.screen import raw, say
from trueup.formats import yaml
from trueup.store.install import install as install_on
from trueup.store.install import install_objects


@click.command()
@click.option("--print", "printed", is_flag=True, help="Print the manifests instead of applying them.")
@access_options
def install(access: Access, printed: bool) -> None:
    """Put the CRDs, the control namespace and the default project on a cluster."""
    if printed:
        raw("---\n".join(yaml.dump(item) for item in install_objects(access.namespace)), end=False)
        return

    async def apply() -> None:
        async with connected(access) as (client, _):
            await install_on(client, access.namespace, say)

    asyncio.run(apply())
