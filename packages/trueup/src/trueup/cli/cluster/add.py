"""``trueup cluster add``."""

import asyncio
from typing import Any

import click
import msgspec

from trueup.cli.asking import confirm
from trueup.cli.cluster.secret import ClusterSecret, config_json, kept, secret_name, secret_object
from trueup.cli.cluster.words import pairs
from trueup.cli.completing import projects
from trueup.cli.connect import (
    ClusterAccess,
    access_beside_namespaces,
    client_of,
    connected,
    contexts_of,
    kubeconfig_files,
)
from trueup.cli.examples import examples
from trueup.cli.logs import errors_alone
from trueup.cli.screen import say
from trueup.kube.client import Client
from trueup.kube.config import ClusterConfig, context_names, load_kubeconfig
from trueup.kube.plugin import ExecPlugin
from trueup.model.application import IN_CLUSTER_SERVER
from trueup.model.errors import TrueupError
from trueup.model.server import canonical_server
from trueup.store.clusters.manager import SYSTEM_NAMESPACE, TOKEN_SECRET, make_manager, token_of
from trueup.store.credentials import SECRET


@click.command(
    epilog=examples(
        "trueup cluster add production",
        "trueup cluster add production --name prod --label env=prod -y",
        "trueup cluster add production --namespace shop --namespace web",
        "trueup cluster add eks --exec-command aws --exec-command-args eks,get-token,--cluster-name,shop",
    )
)
@click.argument("context", shell_complete=contexts_of)
@click.option("--name", default="", help="Name of the cluster; the context's, unless another is given.")
@click.option("--project", default="", shell_complete=projects, help="Only for applications of this project.")
@click.option("--label", multiple=True, metavar="KEY=VALUE", help="Label of the Secret. May be repeated.")
@click.option("--annotation", multiple=True, metavar="KEY=VALUE", help="Annotation of the Secret. May be repeated.")
@click.option("--shard", type=click.IntRange(0), default=None, help="Of the engines that share work.")
@click.option("--namespace", "namespaces", multiple=True, help="Manage this namespace alone. May be repeated.")
@click.option("--cluster-resources", is_flag=True, help="Manage objects without a namespace even so.")
@click.option("--in-cluster", is_flag=True, help="It is the cluster that the engine runs on.")
@click.option("--service-account", default="", help="Use the token of this service account; make none.")
@click.option("--system-namespace", default=SYSTEM_NAMESPACE, show_default=True, help="Namespace of the account.")
@click.option("--exec-command", default="", help="Credential plug-in that the engine runs; the engine must allow it.")
@click.option("--exec-command-args", default="", metavar="A,B", help="Its arguments.")
@click.option("--exec-command-env", multiple=True, metavar="KEY=VALUE", help="Its environment. May be repeated.")
@click.option("--exec-command-api-version", default="client.authentication.k8s.io/v1beta1", help="Its protocol.")
@click.option("--exec-command-install-hint", default="", help="What to do where it is missing.")
@click.option("--proxy-url", default="", help="Proxy on the way there.")
@click.option("--upsert", is_flag=True, help="Replace a cluster that is there.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@access_beside_namespaces
def add(access: ClusterAccess, context: str, yes: bool, **flags: Any) -> None:
    """Make a cluster known, by a context of your kubeconfig.

    A service account argocd-manager is made on it, with rights over all of it, or over the namespaces that are named;
    its token goes into a Secret of the control namespace. Your own credentials go nowhere.
    """
    errors_alone()
    files = kubeconfig_files(access.kubeconfig)
    if context not in context_names(files):
        raise TrueupError(
            f"context {context} does not exist in kubeconfig {', '.join(map(str, files))}",
            hint=f"it has {', '.join(context_names(files)) or 'none'}",
        )
    there = load_kubeconfig(files, context)
    if flags["in_cluster"]:
        there = msgspec.structs.replace(there, server=IN_CLUSTER_SERVER)
    makes = not (flags["exec_command"] or flags["service_account"] or flags["in_cluster"])
    over = f"namespaces {', '.join(flags['namespaces'])}" if flags["namespaces"] else "the whole cluster"
    if makes and not yes:
        confirm(
            f"Make service account argocd-manager on '{context}', with every right over {over}?", "nothing was added"
        )
    asyncio.run(_add(access, context, there, flags))
    say(f"Cluster '{there.server}' added")


async def _add(access: ClusterAccess, context: str, there: ClusterConfig, flags: dict[str, Any]) -> None:
    server = canonical_server(there.server)
    async with connected(access) as client:
        same = [each for each in await kept(client, access.namespace) if each.secret and each.server == server]
        old = next((each for each in same if each.project == flags["project"]), None)
        if old is not None and not flags["upsert"]:
            raise TrueupError(
                f"cluster {server} is known by Secret {access.namespace}/{old.secret}", hint="--upsert replaces it"
            )
        config = there if flags["in_cluster"] else await _shown(there, flags)
        data = {
            "name": flags["name"] or context,
            "server": server,
            "config": config_json(config) if not flags["in_cluster"] else "{}",
            "namespaces": ",".join(flags["namespaces"]),
            "clusterResources": "true" if flags["cluster_resources"] else "",
            "project": flags["project"],
            "shard": "" if flags["shard"] is None else str(flags["shard"]),
        }
        await _write(client, access, old, data, flags)


async def _write(
    client: Client, access: ClusterAccess, old: ClusterSecret | None, data: dict[str, str], flags: dict[str, Any]
) -> None:
    metadata = {"labels": pairs(flags["label"], "--label"), "annotations": pairs(flags["annotation"], "--annotation")}
    name = old.secret if old else secret_name(data["server"])
    if old is None and flags["project"]:
        name += f"-{flags['project']}"
    made = secret_object(access.namespace, name, data, metadata)
    if old is None or old.live is None:
        await client.create(SECRET, access.namespace, msgspec.json.encode(made))
        return
    live = old.live.object()
    for field in ("labels", "annotations"):
        made["metadata"][field] = {**(live["metadata"].get(field) or {}), **made["metadata"][field]}
    made["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"]
    await client.replace(SECRET, access.namespace, name, msgspec.json.encode(made))


async def _shown(there: ClusterConfig, flags: dict[str, Any]) -> ClusterConfig:
    """The way to the cluster with the engine's own credential, not with that of whoever adds it."""
    bare = msgspec.structs.replace(
        there,
        token="",
        token_file=None,
        username="",
        password="",
        cert_data=b"",
        key_data=b"",
        plugin=_plugin(flags),
        proxy=flags["proxy_url"] or there.proxy,
    )
    if bare.plugin is not None:
        return bare
    account, system = flags["service_account"] or "argocd-manager", flags["system_namespace"]
    async with client_of(there) as client:
        if not flags["service_account"]:
            await make_manager(client, system, flags["namespaces"])
        name = TOKEN_SECRET if account == "argocd-manager" else f"{account}-long-lived-token"
        token, expires = await token_of(client, system, account, name)
    if expires:
        say(f"warning: the token expires at {expires}; `trueup cluster rotate-auth` gives a new one", err=True)
    return msgspec.structs.replace(bare, token=token)


def _plugin(flags: dict[str, Any]) -> ExecPlugin | None:
    if not flags["exec_command"]:
        return None
    return ExecPlugin(
        place="--exec-command",
        command=flags["exec_command"],
        args=tuple(filter(None, flags["exec_command_args"].split(","))),
        env=tuple(pairs(flags["exec_command_env"], "--exec-command-env").items()),
        api_version=flags["exec_command_api_version"],
        install_hint=flags["exec_command_install_hint"],
    )
