"""Building an image out of a folder, without a container engine: one layer of its files, and what to run."""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from kubegrammar.time import format_time
from trueup.sources.registry.access import Access
from trueup.sources.registry.client import Platform, RegistryClient

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


class ImageSpec(msgspec.Struct, frozen=True, kw_only=True):
    """What an image is made of.

    Attributes:
        folder: its files; links stay links.
        root: where they lie in the image.
    """

    folder: Path
    root: str = "/"
    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    env: Mapping[str, str] = {}
    labels: Mapping[str, str] = {}
    workdir: str = ""
    user: str = ""
    platform: Platform = Platform("linux", "amd64")


class Built(msgspec.Struct, frozen=True):
    """An image, ready to be pushed. The same files give the same layer, byte by byte."""

    layer: bytes
    config: bytes
    manifest: bytes

    @property
    def digest(self) -> str:
        """Of the manifest."""
        return _digest(self.manifest)


def build(spec: ImageSpec, created: datetime) -> Built:
    """Make an image. Owners and times of files are left out."""
    archive = io.BytesIO()
    prefix = spec.root.strip("/")
    with tarfile.open(fileobj=archive, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path in sorted(spec.folder.rglob("*")):
            name = "/".join(filter(None, (prefix, path.relative_to(spec.folder).as_posix())))
            entry = tar.gettarinfo(path, name)
            if entry.isdir() or entry.isreg() or entry.issym():
                entry.uid = entry.gid = 0
                entry.uname = entry.gname = ""
                entry.mtime = 0
                entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
                if entry.isreg():
                    with path.open("rb") as file:
                        tar.addfile(entry, file)
                else:
                    tar.addfile(entry)
    plain = archive.getvalue()
    layer = gzip.compress(plain, mtime=0)
    when = format_time(created)
    run = {
        "Entrypoint": list(spec.entrypoint) or None,
        "Cmd": list(spec.command) or None,
        "Env": [f"{name}={value}" for name, value in sorted(spec.env.items())],
        "Labels": dict(sorted(spec.labels.items())),
        "WorkingDir": spec.workdir,
        "User": spec.user,
    }
    config = msgspec.json.encode(
        {
            "created": when,
            "architecture": spec.platform.architecture,
            "os": spec.platform.os,
            "config": {name: value for name, value in run.items() if value},
            "rootfs": {"type": "layers", "diff_ids": [_digest(plain)]},
            "history": [{"created": when, "created_by": "trueup ci build"}],
        }
    )
    manifest = msgspec.json.encode(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "digest": _digest(config), "size": len(config)},
            "layers": [{"mediaType": LAYER, "digest": _digest(layer), "size": len(layer)}],
            "annotations": {"org.opencontainers.image.created": when},
        }
    )
    return Built(layer, config, manifest)


async def push(client: RegistryClient, built: Built, registry: str, repository: str, tag: str, access: Access) -> str:
    """Push an image under a tag; returns its digest.

    Raises:
        TrueupError: the registry does not take it.
    """
    await client.push_blob(registry, repository, built.layer, access)
    await client.push_blob(registry, repository, built.config, access)
    return await client.push_manifest(registry, repository, tag, MANIFEST, built.manifest, access)


def _digest(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()
