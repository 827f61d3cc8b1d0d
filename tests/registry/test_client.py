"""The client reads and writes registries: Debian's docker-registry and the sandbox's own alike."""

import itertools
from datetime import UTC, datetime

import msgspec
import pytest
from tests.registry.conftest import RunningRegistry
from tests.registry.images import INDEX, push_image

from trueup.model.errors import SourceUnavailable
from trueup.sources.registry import Access, Platform, RegistryClient
from trueup.sources.registry.errors import AccessRefused, NoSuchImage

_numbers = itertools.count()


@pytest.fixture
def repository() -> str:
    return f"team/app-{next(_numbers)}"


async def test_what_was_pushed_is_listed_and_described(
    registry: RunningRegistry, client: RegistryClient, repository: str
) -> None:
    digest, _ = await push_image(client, registry, repository, "v1", "v2")
    assert sorted(await client.tags(registry.host, repository, registry.access)) == ["v1", "v2"]
    assert await client.digest(registry.host, repository, "v1", registry.access) == digest
    facts = await client.describe(registry.host, repository, "v2", registry.access)
    assert facts.digest == digest
    assert facts.created == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert facts.platforms == (Platform("linux", "amd64"),)
    assert facts.labels == {"a": "b"}


async def test_an_index_is_described_by_the_platform_asked_for(
    registry: RunningRegistry, client: RegistryClient, repository: str
) -> None:
    entries = []
    for platform, created in (("linux/amd64", "2026-01-01T00:00:00Z"), ("linux/arm64", "2026-02-01T00:00:00Z")):
        digest, size = await push_image(
            client, registry, repository, platform.replace("/", "-"), created=created, platform=platform
        )
        os, _, architecture = platform.partition("/")
        entries.append(
            {
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "digest": digest,
                "size": size,
                "platform": {"os": os, "architecture": architecture},
            }
        )
    body = msgspec.json.encode({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries})
    digest = await client.push_manifest(registry.host, repository, "multi", INDEX, body, registry.access)
    arm = await client.describe(registry.host, repository, "multi", registry.access, Platform.parse("linux/arm64"))
    assert (arm.digest, arm.created) == (digest, datetime(2026, 2, 1, tzinfo=UTC))
    assert set(arm.platforms) == {Platform("linux", "amd64"), Platform("linux", "arm64")}
    none = await client.describe(registry.host, repository, "multi", registry.access, Platform("windows", "amd64"))
    assert none.created is None


async def test_many_tags_come_whole(registry: RunningRegistry, client: RegistryClient, repository: str) -> None:
    tags = [f"v{number}" for number in range(150)]
    await push_image(client, registry, repository, *tags)
    assert sorted(await client.tags(registry.host, repository, registry.access)) == sorted(tags)


async def test_a_blob_is_pushed_once_and_read_back(
    registry: RunningRegistry, client: RegistryClient, repository: str
) -> None:
    data = bytes(range(256)) * 5000
    digest = await client.push_blob(registry.host, repository, data, registry.access)
    assert await client.push_blob(registry.host, repository, data, registry.access) == digest
    assert await client.pull_blob(registry.host, repository, digest, registry.access) == data


async def test_a_blob_larger_than_wanted_is_not_read(
    registry: RunningRegistry, client: RegistryClient, repository: str
) -> None:
    digest = await client.push_blob(registry.host, repository, b"x" * 5000, registry.access)
    with pytest.raises(SourceUnavailable, match="larger than"):
        await client.pull_blob(registry.host, repository, digest, registry.access, limit=1000)


@pytest.mark.parametrize(
    "access",
    [Access(), Access(username="ada", password="wrong"), Access(token="none")],
    ids=["nobody", "wrong password", "a token where a password is asked for"],
)
async def test_strangers_are_refused_with_a_remedy(
    registry: RunningRegistry, client: RegistryClient, repository: str, access: Access
) -> None:
    with pytest.raises(AccessRefused, match="pull secret") as caught:
        await client.tags(registry.host, repository, access)
    assert "wrong" not in str(caught.value)


async def test_an_image_that_is_not_there_is_named(registry: RunningRegistry, client: RegistryClient) -> None:
    with pytest.raises(NoSuchImage, match="no/such"):
        await client.tags(registry.host, "no/such", registry.access)


async def test_a_manifest_whose_layer_is_missing_is_refused(
    registry: RunningRegistry, client: RegistryClient, repository: str
) -> None:
    body = msgspec.json.encode(
        {
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "config": {
                "mediaType": "application/vnd.oci.image.config.v1+json",
                "digest": "sha256:" + "0" * 64,
                "size": 3,
            },
            "layers": [],
        }
    )
    with pytest.raises(SourceUnavailable, match="MANIFEST_BLOB_UNKNOWN"):
        await client.push_manifest(
            registry.host, repository, "v1", "application/vnd.oci.image.manifest.v1+json", body, registry.access
        )
