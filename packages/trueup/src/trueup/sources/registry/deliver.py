"""Folders as artifacts of a registry: packed so that the same files are the same layer, and pushed with where they come
from."""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterator, Mapping
from datetime import datetime

import msgspec

from kubegrammar.time import format_time
from trueup.model.tree import Mode, Tree
from trueup.sources.registry.access import Access
from trueup.sources.registry.client import RegistryClient

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
EMPTY = "application/vnd.oci.empty.v1+json"
_NOTHING = b"{}"
CREATED, SOURCE, REVISION = (f"org.opencontainers.image.{name}" for name in ("created", "source", "revision"))


class PackedArtifact(msgspec.Struct, frozen=True):
    """An artifact, ready to be pushed."""

    layer: bytes
    manifest: bytes


def packed(tree: Tree, path: str) -> bytes:
    """The files and links below a folder as one layer; of the same files the same bytes. Owners and times are left
    out."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, mode, data in files_of(tree, path):
            entry = tarfile.TarInfo(name)
            entry.mode = 0o755 if mode is Mode.EXECUTABLE else 0o644
            if mode is Mode.LINK:
                entry.type, entry.linkname = tarfile.SYMTYPE, data.decode("utf-8", "surrogateescape")
                tar.addfile(entry)
            else:
                entry.size = len(data)
                tar.addfile(entry, io.BytesIO(data))
    return gzip.compress(archive.getvalue(), mtime=0)


def files_of(tree: Tree, path: str) -> Iterator[tuple[str, Mode, bytes]]:
    """The files and links below a folder by their paths there, in their order."""
    above = f"{path}/" if path else ""
    for entry in sorted(tree.walk(path), key=lambda each: each.path):
        yield entry.path.removeprefix(above), entry.mode, tree.read(entry)


def delivery(layer: bytes, created: datetime, source: str, revision: str, further: Mapping[str, str]) -> PackedArtifact:
    """An artifact of one layer.

    Args:
        source: URL of the repository that the files are of; empty for none.
        revision: of the same, as ``main@sha1:…``.
        further: annotations.
    """
    annotations = {CREATED: format_time(created), SOURCE: source, REVISION: revision, **further}
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": "application/vnd.trueup.content.v1",
        "config": {"mediaType": EMPTY, "digest": _digest(_NOTHING), "size": len(_NOTHING)},
        "layers": [{"mediaType": LAYER, "digest": _digest(layer), "size": len(layer)}],
        "annotations": {name: value for name, value in annotations.items() if value},
    }
    return PackedArtifact(layer, msgspec.json.encode(manifest))


async def deliver(
    client: RegistryClient, what: PackedArtifact, registry: str, repository: str, tag: str, access: Access
) -> str:
    """Push an artifact under a tag; returns its digest.

    Raises:
        TrueupError: the registry does not take it.
    """
    await client.push_blob(registry, repository, what.layer, access)
    await client.push_blob(registry, repository, _NOTHING, access)
    return await client.push_manifest(registry, repository, tag, MANIFEST, what.manifest, access)


def _digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()
