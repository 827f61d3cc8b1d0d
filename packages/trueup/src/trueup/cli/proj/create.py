"""``trueup proj create|set|edit``."""

import asyncio
from collections.abc import Callable
from typing import Any

import click

from kubegrammar.patch import merge_patch
from trueup.cli.connect import ClusterAccess, reach_options
from trueup.cli.editor import edit_until_taken
from trueup.cli.examples import examples
from trueup.cli.proj.entries import parse_destination, parse_kind
from trueup.cli.proj.lists import apply, name_argument
from trueup.cli.proj.port import Spec, projects_of
from trueup.cli.proj.valid import require_valid
from trueup.cli.screen import say
from trueup.cli.strict import documents, require_known_fields
from trueup.model.annotations import API_VERSION
from trueup.model.errors import TrueupError
from trueup.model.project import Project

_TEXTS = {"src": "sourceRepos", "source_namespaces": "sourceNamespaces"}
_KINDS = {
    "allow_cluster_resource": "clusterResourceWhitelist",
    "deny_cluster_resource": "clusterResourceBlacklist",
    "allow_namespaced_resource": "namespaceResourceWhitelist",
    "deny_namespaced_resource": "namespaceResourceBlacklist",
}


def _flags(command: Callable[..., Any]) -> Callable[..., Any]:
    kind: dict[str, Any] = {"multiple": True, "metavar": "GROUP/KIND"}
    for option in reversed(
        (
            click.option("--description", default=None, help="What the project is for."),
            click.option(
                "-d", "--dest", multiple=True, metavar="SERVER,NAMESPACE", help="Cluster and namespace. Repeatable."
            ),
            click.option("-s", "--src", multiple=True, metavar="URL", help="Repository. Repeatable."),
            click.option("--source-namespaces", multiple=True, help="Namespace of applications. Repeatable."),
            click.option("--allow-cluster-resource", help="Cluster-scoped kind. Repeatable.", **kind),
            click.option("--deny-cluster-resource", help="Cluster-scoped kind that is denied. Repeatable.", **kind),
            click.option("--allow-namespaced-resource", help="Namespaced kind, and no others. Repeatable.", **kind),
            click.option("--deny-namespaced-resource", help="Namespaced kind that is denied. Repeatable.", **kind),
        )
    ):
        command = option(command)
    return command


@click.command(
    epilog=examples(
        "trueup proj create shop -d https://kubernetes.default.svc,shop -s 'https://git.example.com/shop/*'",
        "trueup proj create -f project.yaml --upsert",
    )
)
@click.argument("name", metavar="[PROJECT]", required=False, default="")
@click.option(
    "-f", "--file", "manifest", default="", type=click.Path(allow_dash=True), help="Manifest of an AppProject, or -."
)
@_flags
@click.option("--upsert", is_flag=True, help="Replace the specification of a project of that name.")
@reach_options
def create(access: ClusterAccess, name: str, manifest: str, upsert: bool, **flags: Any) -> None:
    """Create a project. It permits what is named, and nothing else."""
    bodies: list[dict[str, Any]] = [{"metadata": {}, "spec": {}}]
    if manifest:
        found = documents(manifest, "AppProject")
        for document in found:
            document.body.pop("status", None)
            require_known_fields(document, Project)
        bodies = [document.body for document in found]
    if name and len(bodies) > 1:
        raise click.UsageError(f"{manifest} holds {len(bodies)} projects: leave the name out")
    for body in bodies:
        body |= {"apiVersion": API_VERSION, "kind": "AppProject"}
        metadata = body["metadata"]
        metadata["name"] = name or metadata.get("name", "")
        if not metadata["name"]:
            raise click.UsageError("name the project: trueup proj create PROJECT …")
        if access.served is None and metadata.setdefault("namespace", access.namespace) != access.namespace:
            raise TrueupError(
                f"project {metadata['name']} is of namespace {metadata['namespace']}",
                hint=f"projects count in the control namespace alone: {access.namespace}, or that of --namespace",
            )
        write_flags(body["spec"], flags)
        require_valid(body)
    for body in bodies:
        done = asyncio.run(_write(access, body, upsert=upsert))
        say(f"project '{body['metadata']['name']}' {done}")


async def _write(access: ClusterAccess, body: dict[str, Any], *, upsert: bool) -> str:
    async with projects_of(access) as projects:
        return await projects.create(body, upsert=upsert)


@click.command(
    "set",
    epilog=examples(
        "trueup proj set shop --description 'The shop'", "trueup proj set shop --deny-namespaced-resource batch/Job"
    ),
)
@name_argument
@_flags
@reach_options
def set_(access: ClusterAccess, name: str, **flags: Any) -> None:
    """Change what a project permits: a list that is named is replaced, the others stay."""
    if not any(value not in (None, ()) for value in flags.values()):
        raise click.UsageError("say what to set: `trueup proj set --help` lists it")
    apply(access, name, lambda spec: write_flags(spec, flags))


@click.command("edit", epilog=examples("trueup proj edit shop", "KUBE_EDITOR=nano trueup proj edit shop"))
@name_argument
@reach_options
def edit(access: ClusterAccess, name: str) -> None:
    """Edit a project's specification in your editor: KUBE_EDITOR, VISUAL or EDITOR."""

    async def now() -> dict[str, Any]:
        async with projects_of(access) as projects:
            return await projects.read(name)

    async def write(patch: dict[str, Any]) -> bool:
        def edited(spec: Spec) -> None:
            after = merge_patch(dict(spec), patch)
            spec.clear()
            spec.update(after)

        async with projects_of(access) as projects:
            return await projects.change(name, edited)

    before = asyncio.run(now()).get("spec") or {}
    edit_until_taken(f"project '{name}'", before, lambda patch: asyncio.run(write(patch)))


def write_flags(spec: Spec, flags: dict[str, Any]) -> None:
    """Put what was given into a specification. Pure.

    Raises:
        TrueupError: a destination is of another form.
    """
    if flags["description"] is not None:
        spec["description"] = flags["description"]
    if flags["dest"]:
        spec["destinations"] = list(map(parse_destination, flags["dest"]))
    for flag, field in _TEXTS.items():
        if flags[flag]:
            spec[field] = list(flags[flag])
    for flag, field in _KINDS.items():
        if flags[flag]:
            spec[field] = list(map(parse_kind, flags[flag]))
