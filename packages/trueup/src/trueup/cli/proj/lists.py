"""``trueup proj add-…|remove-…|allow-…|deny-…``."""

import asyncio
from collections.abc import Callable
from typing import Any

import click

from trueup.cli.completing import projects
from trueup.cli.connect import ClusterAccess, reach_options
from trueup.cli.examples import examples
from trueup.cli.proj.entries import (
    OrphanRule,
    add,
    destination,
    ignore_orphans,
    kinds_list,
    remove,
    report_orphans,
    signature_key,
)
from trueup.cli.proj.port import Spec, projects_of
from trueup.cli.screen import say

name_argument = click.argument("name", metavar="PROJECT", shell_complete=projects)


def apply(access: ClusterAccess, name: str, edit: Callable[[Spec], None]) -> None:
    """Change a project, and say so."""

    async def run() -> bool:
        async with projects_of(access) as there:
            return await there.change(name, edit)

    say(f"project '{name}' {'updated' if asyncio.run(run()) else 'unchanged'}")


def _listed(command: str, field: str, metavar: str, help_: str, example: str) -> tuple[Any, Any]:
    """The two commands of a list of texts."""

    def made(verb: str, edit: Callable[[Spec, str, Any], None]) -> Any:
        @click.command(f"{verb}-{command}", epilog=examples(f"trueup proj {verb}-{command} shop {example}"))
        @name_argument
        @click.argument("entry", metavar=metavar)
        @reach_options
        def run(access: ClusterAccess, name: str, entry: str) -> None:
            apply(access, name, lambda spec: edit(spec, field, entry))

        run.help = help_ if verb == "add" else f"Undo `add-{command}`."
        return run

    return made("add", add), made("remove", remove)


add_source, remove_source = _listed(
    "source", "sourceRepos", "URL", "Allow a repository; * and globs are taken, ! before one denies.",
    "https://git.example.com/team/web.git",
)  # fmt: skip
add_source_namespace, remove_source_namespace = _listed(
    "source-namespace", "sourceNamespaces", "NAMESPACE",
    "Let applications of a namespace, besides the control namespace, use the project.", "team-a",
)  # fmt: skip


def _signature_keys(verb: str, edit: Callable[[Spec, str, Any], None], help_: str) -> Any:
    @click.command(f"{verb}-signature-key", epilog=examples(f"trueup proj {verb}-signature-key shop 4AEE18F83AFDEB23"))
    @name_argument
    @click.argument("key", metavar="KEYID")
    @reach_options
    def run(access: ClusterAccess, name: str, key: str) -> None:
        apply(access, name, lambda spec: edit(spec, "signatureKeys", {"keyID": signature_key(key)}))

    run.help = help_
    return run


add_signature_key = _signature_keys(
    "add", add, "Let a key sign commits: from the first one on, those that are deployed have to be signed."
)
remove_signature_key = _signature_keys("remove", remove, "Take a key away; without any, nothing has to be signed.")


def _destinations(verb: str, edit: Callable[[Spec, str, Any], None], help_: str) -> Any:
    line = f"trueup proj {verb}-destination shop"
    epilog = examples(f"{line} https://kubernetes.default.svc web", f"{line} in-cluster 'team-*' --name")

    @click.command(f"{verb}-destination", epilog=epilog)
    @name_argument
    @click.argument("server")
    @click.argument("namespace")
    @click.option("--name", "by_name", is_flag=True, help="SERVER is the cluster's name.")
    @reach_options
    def run(access: ClusterAccess, name: str, server: str, namespace: str, by_name: bool) -> None:
        apply(access, name, lambda spec: edit(spec, "destinations", destination(server, namespace, by_name=by_name)))

    run.help = help_
    return run


add_destination = _destinations("add", add, "Allow a cluster and a namespace; both may be globs.")
remove_destination = _destinations("remove", remove, "Undo `add-destination`.")


@click.command(
    "add-destination-service-account",
    epilog=examples("trueup proj add-destination-service-account shop https://kubernetes.default.svc web web:deployer"),
)
@name_argument
@click.argument("server")
@click.argument("namespace")
@click.argument("account", metavar="[NAMESPACE:]NAME")
@reach_options
def add_account(access: ClusterAccess, name: str, server: str, namespace: str, account: str) -> None:
    """Let syncs to a destination act as a service account, where impersonation is on."""
    entry = {"server": server, "namespace": namespace, "defaultServiceAccount": account}
    apply(access, name, lambda spec: add(spec, "destinationServiceAccounts", entry))


@click.command(
    "remove-destination-service-account",
    epilog=examples("trueup proj remove-destination-service-account shop https://kubernetes.default.svc web"),
)
@name_argument
@click.argument("server")
@click.argument("namespace")
@reach_options
def remove_account(access: ClusterAccess, name: str, server: str, namespace: str) -> None:
    """Undo `add-destination-service-account`."""
    entry = {"server": server, "namespace": namespace}
    apply(access, name, lambda spec: remove(spec, "destinationServiceAccounts", entry))


def _orphans(verb: str, edit: Callable[[Spec, OrphanRule], None], help_: str) -> Any:
    @click.command(
        f"{verb}-orphaned-ignore", epilog=examples(f"trueup proj {verb}-orphaned-ignore shop batch Job --name 'test-*'")
    )
    @name_argument
    @click.argument("group")
    @click.argument("kind")
    @click.option("--name", "object_name", default="", help="Of this name alone; a glob.")
    @reach_options
    def run(access: ClusterAccess, name: str, group: str, kind: str, object_name: str) -> None:
        entry = {"group": group, "kind": kind} | ({"name": object_name} if object_name else {})
        apply(access, name, lambda spec: edit(spec, entry))

    run.help = help_
    return run


add_orphaned_ignore = _orphans(
    "add", ignore_orphans, "Do not report objects of a kind as orphaned, and watch the rest."
)
remove_orphaned_ignore = _orphans("remove", report_orphans, "Undo `add-orphaned-ignore`.")


def _kinds(verb: str, scope: str, help_: str) -> Any:
    command, namespaced = f"{verb}-{scope}-resource", scope == "namespace"
    group, kind = ("batch", "Job") if namespaced else ("rbac.authorization.k8s.io", "ClusterRole")

    @click.command(command, epilog=examples(f"trueup proj {command} shop {group} {kind}"))
    @name_argument
    @click.argument("group")
    @click.argument("kind")
    @click.option(
        "-l",
        "--list",
        "to",
        type=click.Choice(["allow", "deny"]),
        default="deny" if namespaced else "allow",
        show_default=True,
        help="The list that is changed.",
    )
    @reach_options
    def run(access: ClusterAccess, name: str, group: str, kind: str, to: str) -> None:
        entry = {"group": group, "kind": kind}
        apply(
            access,
            name,
            lambda spec: kinds_list(spec, namespaced=namespaced, allow=verb == "allow", to=to, entry=entry),
        )

    run.help = help_
    return run


allow_cluster_resource = _kinds("allow", "cluster", "Allow a cluster-scoped kind. The core group is written ''.")
deny_cluster_resource = _kinds("deny", "cluster", "Take a cluster-scoped kind off the allowed ones, or deny it.")
allow_namespace_resource = _kinds("allow", "namespace", "Take a namespaced kind off the denied ones, or allow it.")
deny_namespace_resource = _kinds("deny", "namespace", "Deny a namespaced kind. The core group is written ''.")
