"""``trueup cluster add``."""

import asyncio
from typing import Any

import click
import msgspec

from trueup.cli.asking import confirm
from trueup.cli.cluster.port import Body, clusters_of
from trueup.cli.cluster.words import pairs
from trueup.cli.completing import projects
from trueup.cli.connect import (
    ClusterAccess,
    client_of,
    contexts_of,
    kubeconfig_files,
    reach_for_contexts,
)
from trueup.cli.examples import examples
from trueup.cli.logs import errors_alone
from trueup.cli.screen import say
from trueup.kube.config import ClusterConfig, context_names, load_kubeconfig
from trueup.kube.plugin import ExecPlugin
from trueup.model.application import IN_CLUSTER_SERVER
from trueup.model.errors import TrueupError
from trueup.model.server import canonical_server
from trueup.store.clusters.manager import SYSTEM_NAMESPACE, TOKEN_SECRET, make_manager, token_of
from trueup.store.clusters.written import config_json


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
@reach_for_contexts
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
        if flags["project"]:
            raise TrueupError("--in-cluster: the engine's own cluster is for every project", hint="leave out --project")
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
    async with clusters_of(access) as known:
        await known.require_room(server, flags["project"], upsert=flags["upsert"])
        config = None if flags["in_cluster"] else msgspec.json.decode(config_json(await _shown(there, flags)))
        body: Body = {
            "name": flags["name"] or context,
            "server": server,
            "config": config or {},
            "namespaces": list(flags["namespaces"]),
            "clusterResources": bool(flags["cluster_resources"]),
            "project": flags["project"],
            "shard": flags["shard"],
            "labels": pairs(flags["label"], "--label"),
            "annotations": pairs(flags["annotation"], "--annotation"),
        }
        await known.add(
            {field: value for field, value in body.items() if value not in (None, "")}, upsert=flags["upsert"]
        )


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
    config = msgspec.structs.replace(bare, token=token)
    if not flags["proxy_url"]:
        await _try(config)
    return config


async def _try(config: ClusterConfig) -> None:
    """See that the cluster takes the credential, before anything of it is kept: in the place of one that works, one
    that does not would take the cluster away from its applications. A proxy of the engine's may be reached by it alone.

    Raises:
        TrueupError: it does not.
    """
    # Loaded where a cluster is asked.
    from trueup.cli.cluster.direct import look_at

    seen = await look_at(config)
    if seen.status == "Failed":
        raise TrueupError(
            f"cluster {config.server} does not take the token of the service account: {seen.message}",
            hint="nothing was kept; is the token that its Secret has still good?",
        )


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
