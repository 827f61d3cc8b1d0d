"""``trueup proj list|get``."""

import asyncio
from collections.abc import Sequence
from typing import Any

import click
import msgspec

from trueup.cli.connect import ClusterAccess, reach_options
from trueup.cli.examples import examples
from trueup.cli.output import output_option, show, table
from trueup.cli.proj.lists import name_argument
from trueup.cli.proj.port import projects_of
from trueup.cli.screen import plain, say, styled
from trueup.model.application import Destination, ResourceRule
from trueup.model.errors import TrueupError
from trueup.model.project import Project

_NONE = "<none>"


@click.command("list", epilog=examples("trueup proj list", "trueup proj list -o name"))
@output_option("wide", "name", "json", "yaml")
@reach_options
def list_(access: ClusterAccess, output: str) -> None:
    """List projects."""

    async def listed() -> list[dict[str, Any]]:
        async with projects_of(access) as projects:
            return await projects.list()

    found = asyncio.run(listed())
    if output == "name":
        for body in found:
            say(body["metadata"]["name"])
    elif output == "wide":
        header = (
            *("NAME", "DESCRIPTION", "DESTINATIONS", "SOURCES"),
            *("CLUSTER-RESOURCE-WHITELIST", "NAMESPACE-RESOURCE-BLACKLIST", "WINDOWS"),
        )
        table(header, [_row(_project(body)) for body in found], spare=(*header[4:], header[1]))
    else:
        show(found, output)


@click.command(epilog=examples("trueup proj get shop", "trueup proj get shop -o yaml"))
@name_argument
@output_option("wide", "json", "yaml")
@reach_options
def get(access: ClusterAccess, name: str, output: str) -> None:
    """Show one project: what it permits."""

    async def one() -> dict[str, Any]:
        async with projects_of(access) as projects:
            return await projects.read(name)

    body = asyncio.run(one())
    if output != "wide":
        show(body, output)
        return
    for head, values in lines(_project(body)):
        for index, value in enumerate(values or [_NONE]):
            styled(f"{f'{head}:' if index == 0 else '':<31}{plain(value.replace(chr(10), ' '), keep='')}".rstrip())


def lines(project: Project) -> list[tuple[str, Sequence[str]]]:
    """What a project permits: a heading with its values each. Pure."""
    spec = project.spec
    allowed = spec.namespace_resource_whitelist
    return [
        ("Name", [project.metadata.name]),
        ("Description", [spec.description] if spec.description else []),
        ("Destinations", list(map(_place, spec.destinations))),
        ("Repositories", spec.source_repos),
        ("Source Namespaces", spec.source_namespaces),
        ("Allowed Cluster Resources", list(map(_kind, spec.cluster_resource_whitelist))),
        ("Denied Cluster Resources", list(map(_kind, spec.cluster_resource_blacklist))),
        ("Allowed Namespaced Resources", ["*/*"] if allowed is None else list(map(_kind, allowed))),
        ("Denied Namespaced Resources", list(map(_kind, spec.namespace_resource_blacklist))),
        (
            "Destination Service Accounts",
            [f"{e.server},{e.namespace}: {e.default_service_account}" for e in spec.destination_service_accounts],
        ),
        ("Sync Windows", [f"{w.kind}:{w.schedule}:{w.duration}" for w in spec.sync_windows]),
    ]


def _project(body: dict[str, Any]) -> Project:
    try:
        return msgspec.convert(body, type=Project)
    except msgspec.ValidationError as error:
        name = body.get("metadata", {}).get("name")
        raise TrueupError(f"project {name} cannot be read: {error}", hint=f"`trueup proj edit {name}`") from error


def _row(project: Project) -> tuple[str, ...]:
    spec = project.spec
    return (
        project.metadata.name,
        spec.description,
        _short(list(map(_place, spec.destinations)), "destinations"),
        _short(spec.source_repos, "repos"),
        _short(list(map(_kind, spec.cluster_resource_whitelist)), "resources"),
        _short(list(map(_kind, spec.namespace_resource_blacklist)), "resources"),
        str(len(spec.sync_windows)),
    )


def _short(entries: Sequence[str], what: str) -> str:
    return entries[0] if len(entries) == 1 else f"{len(entries)} {what}" if entries else _NONE


def _place(destination: Destination) -> str:
    return f"{destination.server or destination.name},{destination.namespace}"


def _kind(rule: ResourceRule) -> str:
    return f"{rule.group}/{rule.kind}" + (f" {rule.name}" if rule.name else "")
