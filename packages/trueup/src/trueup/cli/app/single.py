"""``trueup app get-resource|patch-resource|delete-resource``."""

import asyncio
from typing import Any

import click

from kubegrammar import json, yaml
from trueup.cli.app.meant import require
from trueup.cli.app.port import Body, applications_of
from trueup.cli.app.selecting_objects import meant_of, meant_options, only
from trueup.cli.asking import confirm
from trueup.cli.completing import applications
from trueup.cli.connect import ClusterAccess, reach_beside_namespaces
from trueup.cli.examples import examples
from trueup.cli.output import output_option, show
from trueup.cli.screen import say
from trueup.model.errors import TrueupError
from trueup.model.resource import ResourceKey, group_of

_TYPES = (
    "application/merge-patch+json",
    "application/json-patch+json",
    "application/strategic-merge-patch+json",
    "merge",
    "json",
    "strategic",
)
_app_namespace = click.option("-N", "--app-namespace", default="", help="Namespace of the application.")
_project = click.option("--project", default="", help="Taken, and without effect: an application knows its project.")


@click.command(
    "get-resource",
    epilog=examples(
        "trueup app get-resource web --kind Deployment", "trueup app get-resource web --kind Pod --resource-name web-0"
    ),
)
@click.argument("name", shell_complete=applications)
@meant_options
@click.option("--filter-fields", default="", metavar="A.B,C", help="Only these fields, by their dotted paths.")
@click.option("--show-managed-fields", is_flag=True, help="Who wrote which field, too.")
@_project
@_app_namespace
@output_option("yaml", "json")
@reach_beside_namespaces
def get_resource(
    access: ClusterAccess,
    name: str,
    filter_fields: str,
    show_managed_fields: bool,
    project: str,
    app_namespace: str,
    output: str,
    **flags: str | None,
) -> None:
    """Print objects of an application as they are; values of Secrets are masked."""

    async def run() -> list[Body]:
        async with applications_of(access) as apps:
            return await apps.of(name, app_namespace).objects(meant_of(flags))

    found = asyncio.run(run())
    for body in found:
        if not show_managed_fields:
            body.get("metadata", {}).pop("managedFields", None)
    if filter_fields:
        found = [_filtered(body, filter_fields.split(",")) for body in found]
    show(found[0] if len(found) == 1 else found, output)


@click.command(
    "patch-resource",
    epilog=examples(
        """trueup app patch-resource web --kind Deployment --resource-name web --patch '{"spec": {"paused": true}}'""",
    ),
)
@click.argument("name", shell_complete=applications)
@click.option("--patch", "text", required=True, metavar="PATCH", help="The patch, as JSON or YAML.")
@click.option("--patch-type", type=click.Choice(_TYPES), default=_TYPES[0], show_default=True, help="What it is.")
@meant_options
@click.option("--all", "several", is_flag=True, help="All objects that match, not one alone.")
@_project
@_app_namespace
@reach_beside_namespaces
def patch_resource(
    access: ClusterAccess,
    name: str,
    text: str,
    patch_type: str,
    several: bool,
    project: str,
    app_namespace: str,
    **flags: str | None,
) -> None:
    """Patch objects of an application on its cluster. What Git declares of them comes back with the next sync."""
    try:
        body = json.canonical(yaml.load(text.encode(), "--patch"))
    except yaml.YamlError as error:
        raise TrueupError(str(error), hint="write the patch as JSON or YAML") from error

    async def run() -> list[ResourceKey]:
        async with applications_of(access) as apps:
            app = apps.of(name, app_namespace)
            keys = only(_keys(await app.objects(meant_of(flags)), name), several=several)
            for key in keys:
                await app.patch_object(key, body, patch_type)
            return keys

    for key in asyncio.run(run()):
        say(f"Resource '{key.name}' patched")


@click.command(
    "delete-resource",
    epilog=examples("trueup app delete-resource web --kind Pod --resource-name web-0 -y"),
)
@click.argument("name", shell_complete=applications)
@meant_options
@click.option("--all", "several", is_flag=True, help="All objects that match, not one alone.")
@click.option("--force", is_flag=True, help="At once: what runs in it has no time to end.")
@click.option("--orphan", is_flag=True, help="What it owns stays.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@_project
@_app_namespace
@reach_beside_namespaces
def delete_resource(
    access: ClusterAccess,
    name: str,
    several: bool,
    force: bool,
    orphan: bool,
    yes: bool,
    project: str,
    app_namespace: str,
    **flags: str | None,
) -> None:
    """Delete objects of an application from its cluster. What Git declares comes back with the next sync."""
    if not flags["kind"] and not flags["resource_name"]:
        raise click.UsageError("say which: --kind and --resource-name")

    async def meant() -> list[ResourceKey]:
        async with applications_of(access) as apps:
            found = await apps.of(name, app_namespace).objects(meant_of(flags))
            return only(_keys(found, name), several=several)

    async def run(key: ResourceKey) -> None:
        async with applications_of(access) as apps:
            await apps.of(name, app_namespace).delete_object(key, orphan=orphan, force=force)

    for key in asyncio.run(meant()):
        if not yes:
            confirm(f"Delete {key.kind} {key.namespace}/{key.name}?", "it was not deleted")
        asyncio.run(run(key))
        say(f"Resource '{key.name}' deleted")


def _keys(bodies: list[Body], app: str) -> list[ResourceKey]:
    found = []
    for body in bodies:
        metadata = body.get("metadata") or {}
        group = group_of(str(body.get("apiVersion", "")))
        found.append(ResourceKey(group, body.get("kind", ""), metadata.get("namespace", ""), metadata.get("name", "")))
    return require(found, app)


def _filtered(body: Body, paths: list[str]) -> Body:
    """An object with some of its fields alone."""
    kept: Body = {}
    for path in paths:
        parts = path.strip().strip(".").split(".")
        value: Any = body
        for part in parts:
            value = value.get(part) if isinstance(value, dict) else None
        if value is None:
            continue
        place = kept
        for part in parts[:-1]:
            place = place.setdefault(part, {})
        place[parts[-1]] = value
    return kept
