"""Small images for tests, pushed as a build would."""

import msgspec
from tests.registry.conftest import RunningRegistry

from trueup.sources.registry import RegistryClient

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar"


async def push_image(
    client: RegistryClient,
    registry: RunningRegistry,
    repository: str,
    *tags: str,
    created: str = "2026-01-02T03:04:05Z",
    platform: str = "linux/amd64",
    content: bytes = b"layer",
) -> tuple[str, int]:
    """Push one; gives the manifest's digest and size."""
    os, _, architecture = platform.partition("/")
    body = msgspec.json.encode(
        {
            "created": created,
            "os": os,
            "architecture": architecture,
            "config": {"Labels": {"a": "b"}},
            "rootfs": {"type": "layers", "diff_ids": []},
        }
    )
    config = await client.push_blob(registry.host, repository, body, registry.access)
    layer = await client.push_blob(registry.host, repository, content, registry.access)
    manifest = msgspec.json.encode(
        {
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "digest": config, "size": len(body)},
            "layers": [{"mediaType": LAYER, "digest": layer, "size": len(content)}],
        }
    )
    digest = ""
    for tag in tags or ("latest",):
        digest = await client.push_manifest(registry.host, repository, tag, MANIFEST, manifest, registry.access)
    return digest, len(manifest)
