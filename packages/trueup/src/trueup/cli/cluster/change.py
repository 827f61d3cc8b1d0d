"""``trueup cluster set|rm``."""

import asyncio
from typing import Any

import click

from trueup.cli.asking import confirm
from trueup.cli.cluster.port import Body, clusters_of
from trueup.cli.cluster.words import pairs
from trueup.cli.completing import clusters
from trueup.cli.connect import ClusterAccess, reach_beside_namespaces, reach_options
from trueup.cli.examples import examples
from trueup.cli.screen import say


@click.command(
    "set",
    epilog=examples(
        "trueup cluster set production --name prod",
        "trueup cluster set prod --label env=prod --namespace shop --namespace web",
        "trueup cluster set prod --namespace '*'",
    ),
)
@click.argument("cluster", metavar="NAME|SERVER", shell_complete=clusters)
@click.option("--name", default="", help="Another name.")
@click.option("--namespace", "namespaces", multiple=True, help="Manage these alone; '*' is all. May be repeated.")
@click.option("--label", multiple=True, metavar="KEY=VALUE", help="Label of the Secret. May be repeated.")
@click.option("--annotation", multiple=True, metavar="KEY=VALUE", help="Annotation of the Secret. May be repeated.")
@reach_beside_namespaces
def set_(access: ClusterAccess, cluster: str, **flags: Any) -> None:
    """Change a cluster's name, labels, annotations or namespaces."""
    labels, annotations = pairs(flags["label"], "--label"), pairs(flags["annotation"], "--annotation")
    if not any(flags.values()):
        raise click.UsageError("nothing to change: give --name, --namespace, --label or --annotation")
    body: Body = {"name": flags["name"], "labels": labels, "annotations": annotations}
    body = {field: value for field, value in body.items() if value}
    if flags["namespaces"]:
        body["namespaces"] = [] if "*" in flags["namespaces"] else list(flags["namespaces"])

    async def run() -> None:
        async with clusters_of(access) as there:
            await there.set(cluster, body)

    asyncio.run(run())
    say(f"Cluster '{cluster}' updated")


@click.command("rm", epilog=examples("trueup cluster rm production"))
@click.argument("names", nargs=-1, required=True, metavar="NAME|SERVER...", shell_complete=clusters)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@reach_options
def remove(access: ClusterAccess, names: tuple[str, ...], yes: bool) -> None:
    """Forget clusters. Nothing that runs there is touched; applications that go there say that it is gone."""
    for name in names:
        asyncio.run(_remove(access, name, yes))
        say(f"Cluster '{name}' removed")


async def _remove(access: ClusterAccess, name: str, yes: bool) -> None:
    def ask(going: list[str]) -> None:
        told = f", where {len(going)} applications go ({', '.join(going[:3])}{', …' if len(going) > 3 else ''})"
        if not yes:
            confirm(f"Forget cluster '{name}'{told if going else ''}?", "nothing was removed")

    async with clusters_of(access) as there:
        await there.remove(name, ask)
