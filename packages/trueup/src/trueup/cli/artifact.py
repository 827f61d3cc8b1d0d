"""``trueup artifact``: manifests to a registry and from it."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import TypeVar

import click
import msgspec

from kubegrammar.redact import redact_url
from trueup.cli.examples import examples
from trueup.cli.exits import DIFFERS
from trueup.cli.output import output_option, show
from trueup.cli.registries import registry_access
from trueup.cli.screen import say
from trueup.model.errors import InvalidSpec, TrueupError
from trueup.model.repository import registry_address
from trueup.model.repository_url import OCI, parse_repository_url
from trueup.model.tree import Mode
from trueup.render.archive import artifact_files
from trueup.runtime.clock import SystemClock
from trueup.sources.checkout import open_checkout
from trueup.sources.registry import Access, RegistryClient
from trueup.sources.registry.deliver import deliver, delivery, files_of, packed
from trueup.sources.registry.library import LAYERS

_FOLDER = click.Path(path_type=Path, exists=True, file_okay=False)
_LATEST = "latest"
_SECONDS = 120.0
_ZEROS = "0" * 40

T = TypeVar("T")
_Files = dict[str, tuple[Mode, bytes]]
"""Files and links by their paths."""


class ArtifactPlace(msgspec.Struct, frozen=True):
    """Where an artifact is.

    Attributes:
        registry: ``host[:port]``.
        reference: a tag, or a digest.
    """

    registry: str
    repository: str
    reference: str

    @property
    def shown(self) -> str:
        """For messages."""
        separator = "@" if ":" in self.reference else ":"
        return f"oci://{self.registry}/{self.repository}{separator}{self.reference}"


@click.group()
def artifact() -> None:
    """Manifests to a registry and from it: oci:// sources of applications."""


def _plain_option(command: Callable[..., None]) -> Callable[..., None]:
    return click.option("--plain-http", is_flag=True, help="The registry has no TLS.")(command)


@artifact.command(epilog=examples("trueup artifact push oci://registry.example/team/web:v2 --path deploy"))
@click.argument("place", metavar="oci://REGISTRY/REPOSITORY:TAG")
@click.option(
    "--path", "folder", type=_FOLDER, default=".", show_default=True, help="The folder; what Git ignores stays."
)
@click.option("--source", default="", help="URL of its Git repository; that of the checkout by default.")
@click.option("--revision", default="", help="Its revision, as main@sha1:…; the commit of the checkout by default.")
@click.option("--annotation", "annotations", multiple=True, metavar="NAME=VALUE", help="Of the manifest. Repeatable.")
@_plain_option
@output_option("wide", "json", "yaml")
def push(
    place: str,
    folder: Path,
    source: str,
    revision: str,
    annotations: tuple[str, ...],
    plain_http: bool,
    output: str,
) -> None:
    """Push a folder as one layer, with the commit that it is of. The same files have the same layer."""
    where, further = read_place(place), _pairs(annotations)
    checkout = open_checkout(folder)
    layer = packed(checkout.tree, checkout.path)
    if not source and checkout.urls:
        source = redact_url(checkout.urls[0])
    if not revision and checkout.tree.revision != _ZEROS:
        revision = f"sha1:{checkout.tree.revision}"
    made = delivery(layer, SystemClock().now(), source, revision, further)

    async def work(client: RegistryClient, access: Access) -> str:
        return await deliver(client, made, where.registry, where.repository, where.reference, access)

    digest = _run(where, work, plain_http=plain_http)
    if output == "wide":
        say(f"{where.shown} pushed: {digest} ({len(layer)} bytes)")
    else:
        show(
            {"repository": f"oci://{where.registry}/{where.repository}", "digest": digest, "revision": revision}, output
        )


@artifact.command(epilog=examples("trueup artifact pull oci://registry.example/team/web:v2 --path /tmp/web"))
@click.argument("place", metavar="oci://REGISTRY/REPOSITORY:TAG")
@click.option("--path", "folder", type=click.Path(path_type=Path, file_okay=False), required=True, help="A new folder.")
@_plain_option
def pull(place: str, folder: Path, plain_http: bool) -> None:
    """Unpack an artifact into a folder that is not there yet, or is empty."""
    where = read_place(place)
    if folder.exists() and any(folder.iterdir()):
        raise InvalidSpec(f"{folder} is not empty", hint="name a folder that is not there yet")
    digest, files = _run(where, lambda client, access: _files(client, where, access), plain_http=plain_http)
    # Links last: nothing is written through one.
    for path, (mode, data) in sorted(files.items(), key=lambda each: each[1][0] is Mode.LINK):
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        if mode is Mode.LINK:
            target = data.decode("utf-8", "surrogateescape")
            if not os.path.normpath(file.parent / target).startswith(f"{os.path.normpath(folder)}{os.sep}"):
                raise TrueupError(f"{where.shown}: the link {path} leads out of the folder", hint="push it without")
            file.symlink_to(target)
        else:
            file.write_bytes(data)
            file.chmod(0o755 if mode is Mode.EXECUTABLE else 0o644)
    say(f"{where.shown} ({digest}) is in {folder}: {len(files)} files")


@artifact.command(epilog=examples("trueup artifact tag oci://registry.example/team/web:v2 --tag prod"))
@click.argument("place", metavar="oci://REGISTRY/REPOSITORY:TAG")
@click.option("--tag", "tags", multiple=True, required=True, help="A further tag. Repeatable.")
@_plain_option
def tag(place: str, tags: tuple[str, ...], plain_http: bool) -> None:
    """Give an artifact further tags."""
    where = read_place(place)
    for each in tags:
        read_place(f"oci://{where.registry}/{where.repository}:{each}")

    async def work(client: RegistryClient, access: Access) -> str:
        return await client.retag(where.registry, where.repository, where.reference, tags, access)

    digest = _run(where, work, plain_http=plain_http)
    say(f"{where.shown} ({digest}) is {', '.join(tags)} too")


@artifact.command("list", epilog=examples("trueup artifact list oci://registry.example/team/web"))
@click.argument("place", metavar="oci://REGISTRY/REPOSITORY")
@_plain_option
@output_option("name", "json", "yaml")
def list_(place: str, plain_http: bool, output: str) -> None:
    """List the tags of a repository."""
    where = read_place(place)
    tags = _run(
        where, lambda client, access: client.tags(where.registry, where.repository, access), plain_http=plain_http
    )
    if output == "name":
        for each in sorted(tags):
            say(each)
    else:
        show(sorted(tags), output)


@artifact.command(epilog=examples("trueup artifact diff oci://registry.example/team/web:v2 --path deploy"))
@click.argument("place", metavar="oci://REGISTRY/REPOSITORY:TAG")
@click.option("--path", "folder", type=_FOLDER, default=".", show_default=True, help="The folder.")
@_plain_option
def diff(place: str, folder: Path, plain_http: bool) -> None:
    """Say which files of a folder are others than an artifact's. Exits 1 when there are some."""
    where, checkout = read_place(place), open_checkout(folder)
    ours = {path: (mode, data) for path, mode, data in files_of(checkout.tree, checkout.path)}
    _, theirs = _run(where, lambda client, access: _files(client, where, access), plain_http=plain_http)
    changes = [
        ("+" if path not in theirs else "-" if path not in ours else "~", path)
        for path in sorted({*ours, *theirs})
        if ours.get(path) != theirs.get(path)
    ]
    for mark, path in changes:
        say(f"{mark} {path}")
    if changes:
        sys.exit(DIFFERS)


def read_place(text: str) -> ArtifactPlace:
    """Where an artifact is.

    Raises:
        InvalidSpec: it is no such place.
    """
    url, at, digest = text.partition("@")
    head, colon, tag = url.rpartition(":")
    if not colon or "/" in tag:
        head, tag = url, ""
    read = parse_repository_url(registry_address(head))
    if read.scheme != OCI or not read.path:
        raise InvalidSpec(f"{text[:200]!r} is no artifact", hint="write oci://REGISTRY/REPOSITORY:TAG")
    reference = digest if at else tag or _LATEST
    if not reference or not reference.replace(":", "").replace("_", "").replace("-", "").replace(".", "").isalnum():
        raise InvalidSpec(f"{reference[:100]!r} is neither a tag nor a digest", hint="write NAME:TAG or NAME@sha256:…")
    return ArtifactPlace(read.place, read.path, reference)


async def _files(
    client: RegistryClient, where: ArtifactPlace, access: Access
) -> tuple[str, dict[str, tuple[Mode, bytes]]]:
    found = await client.artifact(where.registry, where.repository, where.reference, access)
    layers = [each for each in found.layers if each.media_type in LAYERS]
    if len(found.layers) != 1 or not layers:
        raise TrueupError(
            f"{where.shown} has not one layer of files", hint="push it by trueup artifact push, flux or oras"
        )
    content = await client.pull_blob(where.registry, where.repository, layers[0].digest, access)
    return found.digest, artifact_files(content, where.shown)


def _run(where: ArtifactPlace, work: Callable[[RegistryClient, Access], Awaitable[T]], *, plain_http: bool) -> T:
    access = registry_access(where.registry, where.repository)
    access = msgspec.structs.replace(access, plain_http=plain_http or access.plain_http)

    async def run() -> T:
        async with RegistryClient(timeout=_SECONDS) as client:
            return await work(client, access)

    return asyncio.run(run())


def _pairs(texts: tuple[str, ...]) -> Mapping[str, str]:
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise click.UsageError(f"--annotation {text!r} is not NAME=VALUE")
        found[name] = value
    return found
