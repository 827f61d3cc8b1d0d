"""``trueup cluster list|get``."""

import asyncio

import click

from trueup.cli.cluster.port import ClusterView, clusters_of
from trueup.cli.completing import clusters
from trueup.cli.connect import ClusterAccess, reach_options
from trueup.cli.examples import examples
from trueup.cli.exits import FAILED
from trueup.cli.logs import errors_alone
from trueup.cli.output import output_option, show, table
from trueup.cli.screen import say

_HEADER = ("SERVER", "NAME", "VERSION", "STATUS", "MESSAGE", "PROJECT")


@click.command("list", epilog=examples("trueup cluster list", "trueup cluster list -o server"))
@output_option("wide", "server", "json", "yaml")
@reach_options
def list_(access: ClusterAccess, output: str) -> None:
    """List the clusters that applications can go to, and whether they answer here. Nothing that is secret is shown."""
    errors_alone()

    async def read() -> list[ClusterView]:
        async with clusters_of(access) as there:
            return await there.all(looks=output != "server")

    found = asyncio.run(read())
    if output == "server":
        for each in found:
            say(each.server)
    elif output != "wide":
        show([each.body for each in found], output)
    else:
        table(_HEADER, list(map(_row, found)))


@click.command(epilog=examples("trueup cluster get production", "trueup cluster get in-cluster -o yaml"))
@click.argument("name", metavar="NAME|SERVER", shell_complete=clusters)
@output_option("wide", "server", "json", "yaml")
@reach_options
def get(access: ClusterAccess, name: str, output: str) -> None:
    """Show one cluster, and look whether it answers here. Exits 20 when it does not."""
    errors_alone()

    async def read() -> ClusterView:
        async with clusters_of(access) as there:
            return await there.get(name)

    found = asyncio.run(read())
    if output == "server":
        say(found.server)
    elif output != "wide":
        show(found.body, output)
    else:
        table(_HEADER, [_row(found)])
    if found.status == "Failed":
        raise SystemExit(FAILED)


def _row(found: ClusterView) -> tuple[str, ...]:
    server = f"{found.server} ({found.namespaces} namespaces)" if found.namespaces else found.server
    return (server, found.name, found.version, found.status, found.message, found.project)
