"""``trueup cluster set|rm``."""

import asyncio
from collections.abc import Mapping
from typing import Any

import click
import msgspec

from trueup.cli.asking import confirm
from trueup.cli.cluster.secret import ClusterSecret, kept, only, secret_object
from trueup.cli.cluster.words import pairs
from trueup.cli.completing import clusters
from trueup.cli.connect import ClusterAccess, access_beside_namespaces, access_options, connected
from trueup.cli.examples import examples
from trueup.cli.screen import say
from trueup.kube.client import Client
from trueup.model.application import IN_CLUSTER_SERVER
from trueup.model.errors import TrueupError
from trueup.store.credentials import SECRET
from trueup.store.kinds import APPLICATION


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
@access_beside_namespaces
def set_(access: ClusterAccess, cluster: str, **flags: Any) -> None:
    """Change a cluster's name, labels, annotations or namespaces."""
    labels, annotations = pairs(flags["label"], "--label"), pairs(flags["annotation"], "--annotation")
    if not any(flags.values()):
        raise click.UsageError("nothing to change: give --name, --namespace, --label or --annotation")
    data = {"name": flags["name"]} if flags["name"] else {}
    if flags["namespaces"]:
        data["namespaces"] = "" if "*" in flags["namespaces"] else ",".join(flags["namespaces"])

    async def run() -> None:
        async with connected(access) as client:
            found = only(await kept(client, access.namespace), cluster)
            await change(client, access, found, data, {"labels": labels, "annotations": annotations})

    asyncio.run(run())
    say(f"Cluster '{cluster}' updated")


async def change(
    client: Client,
    access: ClusterAccess,
    found: ClusterSecret,
    data: Mapping[str, str],
    metadata: Mapping[str, Mapping[str, str]],
) -> None:
    """Write other values and labels into a cluster's Secret; the engine's own cluster gets one.

    Raises:
        TrueupError: it cannot be written.
    """
    if found.live is None:
        values = {"name": found.name, "server": found.server, "config": "{}", **data}
        made = secret_object(access.namespace, "cluster-in-cluster", values, metadata)
        await client.create(SECRET, access.namespace, msgspec.json.encode(made))
        return
    made = secret_object(access.namespace, found.secret, data, metadata)
    removed = {field: None for field, value in data.items() if not value}
    patch = {
        "metadata": {
            "labels": made["metadata"]["labels"],
            "annotations": dict(metadata.get("annotations") or {}),
            "resourceVersion": found.live.resource_version,
        },
        "data": {**made["data"], **removed},
    }
    await client.patch(SECRET, access.namespace, found.secret, msgspec.json.encode(patch), kind="merge")


class _Named(msgspec.Struct, frozen=True):
    server: str = ""
    name: str = ""


class _Spec(msgspec.Struct, frozen=True):
    destination: _Named = _Named()


class _App(msgspec.Struct, frozen=True):
    spec: _Spec = _Spec()


@click.command("rm", epilog=examples("trueup cluster rm production"))
@click.argument("names", nargs=-1, required=True, metavar="NAME|SERVER...", shell_complete=clusters)
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@access_options
def remove(access: ClusterAccess, names: tuple[str, ...], yes: bool) -> None:
    """Forget clusters. Nothing that runs there is touched; applications that go there say that it is gone."""
    for name in names:
        asyncio.run(_remove(access, name, yes))
        say(f"Cluster '{name}' removed")


async def _remove(access: ClusterAccess, name: str, yes: bool) -> None:
    async with connected(access) as client:
        found = only(await kept(client, access.namespace), name)
        if not found.secret:
            raise TrueupError(
                "the cluster that the engine runs on has no Secret to remove",
                hint="cluster.inClusterEnabled: 'false' in argocd-cm keeps applications off it",
            )
        going = await _going_there(client, access.namespace, found)
        if not yes:
            told = f", where {len(going)} applications go ({', '.join(going[:3])}{', …' if len(going) > 3 else ''})"
            confirm(f"Forget cluster '{name}'{told if going else ''}?", "nothing was removed")
        await client.delete(SECRET, access.namespace, found.secret, propagation="Background")


async def _going_there(client: Client, namespace: str, found: ClusterSecret) -> list[str]:
    names = []
    for live in (await client.list(APPLICATION, namespace)).objects:
        try:
            said = msgspec.json.decode(live.body, type=_App).spec.destination
        except msgspec.DecodeError:
            continue
        if said.name == found.name or (said.server and said.server.rstrip("/") == found.server):
            names.append(live.key.name)
    return sorted(names) if found.server != IN_CLUSTER_SERVER else []
