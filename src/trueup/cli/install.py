"""``trueup install``."""

import asyncio

import click

from trueup.cli.connect import Access, access_options, connected
from trueup.cli.screen import raw, say
from trueup.formats import yaml
from trueup.store.install import install as install_on
from trueup.store.install import install_objects, install_rights
from trueup.store.rights import Shape, rights


@click.command()
@click.option("--print", "printed", is_flag=True, help="Print the manifests instead of applying them.")
@click.option(
    "--rights",
    "shape",
    type=click.Choice([shape.value for shape in Shape]),
    help="Also give the engine a service account with the least rights that it needs; destination: those alone, on a "
    "cluster that an engine elsewhere deploys to.",
)
@click.option(
    "--managed-namespace",
    "managed",
    multiple=True,
    metavar="NAMESPACE",
    help="Namespace that the engine may manage (--rights namespaced), or whose service accounts it may act as "
    "(--impersonating). Repeatable.",
)
@click.option(
    "--impersonating",
    is_flag=True,
    help="The engine writes as service accounts of projects alone (application.sync.impersonation.enabled).",
)
@access_options
def install(access: Access, printed: bool, shape: str | None, managed: tuple[str, ...], impersonating: bool) -> None:
    """Put the CRDs, the control namespace, the default project and, if asked, the engine's rights on a cluster."""
    if shape is None and (managed or impersonating):
        raise click.UsageError("--managed-namespace and --impersonating go with --rights")
    if not managed and (impersonating or shape == Shape.NAMESPACED) and shape != Shape.MANY_CLUSTERS:
        raise click.UsageError("name the namespaces by --managed-namespace")
    roles = rights(Shape(shape), access.namespace, managed, impersonating=impersonating) if shape else []
    objects = [] if shape == Shape.DESTINATION else install_objects(access.namespace)
    if printed:
        raw("---\n".join(yaml.dump(item) for item in [*objects, *roles]), end=False)
        return

    async def apply() -> None:
        async with connected(access) as client:
            if objects:
                await install_on(client, access.namespace, say)
            await install_rights(client, roles, say)

    asyncio.run(apply())
