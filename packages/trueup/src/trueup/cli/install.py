"""``trueup install``, ``trueup upgrade`` and ``trueup uninstall``."""

import asyncio

import click
import msgspec

from kubegrammar import semver, yaml
from trueup import __version__
from trueup.cli.asking import confirm
from trueup.cli.connect import ClusterAccess, access_options, connected
from trueup.cli.examples import examples
from trueup.cli.screen import raw, say
from trueup.kube.client import Client
from trueup.model.errors import TrueupError
from trueup.store.deployment import API_SERVICE, INSTALLATION, NAME, Installation
from trueup.store.install import apply_objects, existing, install_objects, install_rights, type_of
from trueup.store.install import install as install_on
from trueup.store.rights import Shape, rights
from trueup.store.uninstall import depart, departure

_VERSION = "app.kubernetes.io/version"
_NO_IMAGE = (
    "no image of Trueup is published: build one of the Containerfile and name it by --image, or leave the engine out "
    "by --crds-only, and run `trueup server` where you like"
)


@click.command(
    epilog=examples(
        "trueup install --image registry.example/trueup:0.1.0", "trueup install --crds-only", "trueup install --print"
    )
)
@click.option(
    "--api/--no-api",
    default=True,
    show_default=True,
    help="Serve the API and the web UI at the Service trueup-server; the engine writes what people change there.",
)
@click.option("--crds-only", is_flag=True, help="No engine: the CRDs, the control namespace and the default project.")
@click.option("--image", default="", metavar="IMAGE", help="The engine's image, with its tag or digest.")
@click.option("--ephemeral", is_flag=True, help="No volume for the audit trail: it goes with the engine's Pod.")
@click.option("--print", "printed", is_flag=True, help="Print the manifests instead of applying them.")
@click.option(
    "--rights",
    "shape",
    type=click.Choice([shape.value for shape in Shape]),
    help="Give the engine a service account with the least rights that it needs for this (single-cluster, where it is "
    "installed); destination: those alone, on a cluster that an engine elsewhere deploys to.",
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
def install(
    access: ClusterAccess,
    api: bool,
    crds_only: bool,
    image: str,
    ephemeral: bool,
    printed: bool,
    shape: str | None,
    managed: tuple[str, ...],
    impersonating: bool,
) -> None:
    """Put the CRDs, the control namespace, the default project and the engine with its rights on a cluster."""
    engine = not crds_only and shape != Shape.DESTINATION
    if engine and not image:
        raise click.UsageError(_NO_IMAGE)
    if not engine and (image or ephemeral):
        raise click.UsageError("--image and --ephemeral are of an engine, which is left out here")
    if shape is None and not engine and (managed or impersonating):
        raise click.UsageError("--managed-namespace and --impersonating go with --rights")
    if not managed and (impersonating or shape == Shape.NAMESPACED) and shape != Shape.MANY_CLUSTERS:
        raise click.UsageError("name the namespaces by --managed-namespace")
    chosen = Shape(shape) if shape else Shape.SINGLE_CLUSTER if engine else None
    objects = [] if shape == Shape.DESTINATION else install_objects(access.namespace)
    served = api and engine
    roles = rights(chosen, access.namespace, managed, impersonating=impersonating, api=served) if chosen else []
    parts = []
    if engine and chosen:
        installation = Installation(
            image=image, shape=chosen, managed=managed, impersonating=impersonating, ephemeral=ephemeral, api=served
        )
        parts = installation.objects(access.namespace, __version__)
    if printed:
        raw("---\n".join(yaml.dump(item) for item in [*objects, *roles, *parts]), end=False)
        return

    async def apply() -> None:
        async with connected(access) as client:
            if objects:
                await install_on(client, access.namespace, say)
            await install_rights(client, roles, say)
            await apply_objects(client, parts, say)
        if parts:
            say("")
            say(f"wait until it runs: kubectl -n {access.namespace} rollout status deployment {NAME}")
            if served:
                say(f"then see it: kubectl -n {access.namespace} port-forward service/{API_SERVICE} 8080:443")
                say("and sign in at https://localhost:8080 as admin: trueup admin initial-password")

    asyncio.run(apply())


@click.command(
    epilog=examples(
        "trueup upgrade --image registry.example/trueup:0.2.0",
        "trueup upgrade --image registry.example/trueup:0.2.0 --dry-run",
    )
)
@click.option("--image", default="", metavar="IMAGE", help="The new engine's image, with its tag or digest.")
@click.option("--dry-run", is_flag=True, help="Only ask the cluster what would change.")
@access_options
def upgrade(access: ClusterAccess, image: str, dry_run: bool) -> None:
    """Bring what `trueup install` made up to this version: the CRDs, and the engine as it was asked for then."""

    async def apply() -> None:
        async with connected(access) as client:
            installation = await _installed(client, access.namespace)
            if installation is None and image:
                raise TrueupError(f"no engine is installed in {access.namespace}", hint="`trueup install` makes one")
            if installation is not None and not image:
                raise click.UsageError(f"name this version's image by --image; {installation.image} is installed")
            await install_on(client, access.namespace, say, dry_run=dry_run)
            if installation is None:
                say(f"no engine in {access.namespace}: the definitions alone")
                return
            wanted = msgspec.structs.replace(installation, image=image)
            await install_rights(client, wanted.rights(access.namespace), say, dry_run=dry_run)
            await apply_objects(client, wanted.objects(access.namespace, __version__), say, dry_run=dry_run)

    asyncio.run(apply())


async def _installed(client: Client, namespace: str) -> Installation | None:
    """How the engine of this namespace was asked for; None where there is none of ours.

    Raises:
        TrueupError: it is newer than this command, or says nothing of how it was asked for.
    """
    resource = type_of({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": namespace}})
    live = await existing(client, resource, namespace, NAME)
    if live is None:
        return None
    there, here = (semver.parse_version(text) for text in (live.labels.get(_VERSION, ""), __version__))
    if there and here and semver.compare(there, here) > 0:
        raise TrueupError(
            f"the engine in {namespace} is of version {live.labels[_VERSION]}, this is {__version__}",
            hint="upgrade with the newer one; what it wrote may mean nothing to an older one",
        )
    try:
        return msgspec.json.decode(live.annotations.get(INSTALLATION, ""), type=Installation)
    except msgspec.DecodeError as error:
        raise TrueupError(
            f"deployment {namespace}/{NAME}: its annotation {INSTALLATION} does not say how it was installed",
            hint="run `trueup install` with the flags that it should have",
        ) from error


@click.command(epilog=examples("trueup uninstall --dry-run", "trueup uninstall --state"))
@click.option("--state", is_flag=True, help="Delete the volume with the audit trail too.")
@click.option("--crds", is_flag=True, help="Delete the CRDs too, and with them every Application and AppProject.")
@click.option("--dry-run", is_flag=True, help="Only say what would go and what would stay.")
@click.option("-y", "--yes", is_flag=True, help="Do not ask.")
@access_options
def uninstall(access: ClusterAccess, state: bool, crds: bool, dry_run: bool, yes: bool) -> None:
    """Take the engine and its rights off a cluster. What applications deployed stays.

    Applications and projects stay too, unless --crds deletes their definitions; that is refused while one of them has
    a finalizer, for nobody would be there to take it away.
    """

    async def apply() -> None:
        async with connected(access) as client:
            what = await departure(client, access.namespace, state=state, definitions=crds)
            for each in what.goes:
                say(f"goes   {each.name}")
            for line in what.stays:
                say(f"stays  {line}")
            if dry_run or not what.goes:
                return
            if not yes:
                confirm(f"Uninstall Trueup from {client.config.server}?", "nothing was deleted")
            await depart(client, what, say)

    asyncio.run(apply())
