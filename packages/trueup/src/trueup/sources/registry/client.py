"""Tags, digests and images of registries."""

import hashlib
import time
from collections.abc import Callable, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import msgspec
from yarl import URL

from kubegrammar import json
from kubegrammar.time import parse_time
from trueup.model.errors import SourceUnavailable, TrueupError
from trueup.sources.registry.access import Access
from trueup.sources.registry.answer import RegistryAnswer
from trueup.sources.registry.transport import RegistryTransport

MANIFESTS = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
_ACCEPT = {"Accept": ", ".join(MANIFESTS)}
_MANIFEST_LIMIT = 4 * 1024 * 1024
_CONFIG_LIMIT = 1024 * 1024
_PAGE_LIMIT = 8 * 1024 * 1024
_PAGES = 100
_MOST_TAGS = 100_000
_PAGE = 1000


class Platform(msgspec.Struct, frozen=True):
    """An operating system on an architecture."""

    os: str
    architecture: str
    variant: str = ""

    @classmethod
    def parse(cls, text: str) -> "Platform":
        """``linux/arm64`` or ``linux/arm/v7``."""
        os, _, rest = text.partition("/")
        architecture, _, variant = rest.partition("/")
        return cls(os, architecture, variant)

    def offers(self, wanted: "Platform") -> bool:
        """Whether an image of this platform is one of the wanted."""
        same = (self.os, self.architecture) == (wanted.os, wanted.architecture)
        return same and wanted.variant in ("", self.variant)


class ImageFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What a tag leads to.

    Attributes:
        digest: of what the tag names: the index where it is one.
        created: None where the image does not say.
        platforms: of an index its entries', of an image its own.
    """

    digest: str
    created: datetime | None = None
    platforms: tuple[Platform, ...] = ()
    annotations: dict[str, str] = {}
    labels: dict[str, str] = {}


class Descriptor(msgspec.Struct, rename="camel"):
    """What a manifest says of something that it leads to."""

    digest: str = ""
    media_type: str = ""
    platform: Platform | None = None


class Artifact(msgspec.Struct, frozen=True):
    """What a manifest is made of.

    Attributes:
        digest: of the manifest.
        is_index: it leads to others, and has no layers.
        annotations: what it says of itself.
    """

    digest: str
    layers: tuple[Descriptor, ...]
    is_index: bool = False
    annotations: dict[str, str] = {}


class RegistryClient:
    """Asks registries; one for an engine. A context manager.

    Args:
        timeout: seconds for one request.
        now: a monotonic clock.
    """

    def __init__(self, *, timeout: float = 20.0, now: Callable[[], float] = time.monotonic) -> None:
        self._transport = RegistryTransport(timeout=timeout, now=now)

    async def __aenter__(self) -> Self:
        await self._transport.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._transport.close()

    async def greet(self, registry: str, access: Access) -> None:
        """See that a registry answers, and lets us in.

        Raises:
            TrueupError: as :meth:`RegistryTransport.ask`.
        """
        await self._transport.ask("GET", registry, "/v2/", access, scope="", limit=_CONFIG_LIMIT)

    async def tags(self, registry: str, repository: str, access: Access) -> list[str]:
        """All tags of a repository, in the registry's order.

        Raises:
            TrueupError: as :meth:`RegistryTransport.ask`.
        """
        path = f"/v2/{quote(repository)}/tags/list?n={_PAGE}"
        found: list[str] = []
        for _ in range(_PAGES):
            answer = await self._pull(registry, repository, path, access, _PAGE_LIMIT)
            page = _decoded(answer.body, _Tags, registry, repository)
            found += page.tags or []
            following = _next(answer)
            if not following or len(found) > _MOST_TAGS:
                break
            path = following
        return found[:_MOST_TAGS]

    async def digest(self, registry: str, repository: str, reference: str, access: Access) -> str:
        """The digest that a tag leads to, by HEAD alone where the registry says it.

        Raises:
            TrueupError: as :meth:`RegistryTransport.ask`.
        """
        path = _manifest(repository, reference)
        scope = f"repository:{repository}:pull"
        answer = await self._transport.ask(
            "HEAD", registry, path, access, scope=scope, limit=0, headers=_ACCEPT, good=(200, 405)
        )
        digest = answer.headers.get("Docker-Content-Digest", "") if answer.status == 200 else ""
        if _is_sha256(digest):
            return digest
        return _sha256((await self._manifest(registry, repository, reference, access)).body)

    async def describe(
        self, registry: str, repository: str, reference: str, access: Access, platform: Platform | None = None
    ) -> ImageFacts:
        """What a tag leads to, and when that was made.

        Args:
            platform: whose image of an index is looked at; the first one's otherwise.

        Raises:
            TrueupError: as :meth:`RegistryTransport.ask`.
        """
        answer = await self._manifest(registry, repository, reference, access)
        digest = _sha256(answer.body)
        manifest = _decoded(answer.body, _Manifest, registry, repository)
        platforms = tuple(each.platform for each in manifest.manifests if each.platform is not None)
        if manifest.manifests:
            chosen = _chosen(manifest.manifests, platform)
            if chosen is None:
                return ImageFacts(digest=digest, platforms=platforms, annotations=manifest.annotations or {})
            answer = await self._manifest(registry, repository, chosen.digest, access)
            if _sha256(answer.body) != chosen.digest:
                raise _mismatch(registry, repository, chosen.digest)
            inner = _decoded(answer.body, _Manifest, registry, repository)
            config = inner.config
            annotations = {**(inner.annotations or {}), **(manifest.annotations or {})}
        else:
            config, annotations = manifest.config, manifest.annotations or {}
        facts = _Config()
        if config is not None and config.digest:
            body = await self.pull_blob(registry, repository, config.digest, access, limit=_CONFIG_LIMIT)
            try:
                facts = json.received(body, _Config)
            except ValueError:
                facts = _Config()  # an artifact's configuration may be anything
        own = (Platform(facts.os, facts.architecture, facts.variant),) if facts.os and not platforms else ()
        return ImageFacts(
            digest=digest,
            created=_time(annotations.get("org.opencontainers.image.created", "")) or _time(facts.created or ""),
            platforms=platforms or own,
            annotations=annotations,
            labels=(facts.config.labels if facts.config else None) or {},
        )

    async def artifact(self, registry: str, repository: str, reference: str, access: Access) -> Artifact:
        """What a tag or a digest leads to; of a digest the very manifest.

        Raises:
            TrueupError: as :meth:`RegistryTransport.ask`.
        """
        answer = await self._manifest(registry, repository, reference, access)
        digest = _sha256(answer.body)
        if _is_sha256(reference) and digest != reference:
            raise _mismatch(registry, repository, reference)
        manifest = _decoded(answer.body, _Manifest, registry, repository)
        if any(not _is_sha256(each.digest) for each in manifest.layers):
            raise SourceUnavailable(f"registry {registry}: a layer of {repository} has no digest of SHA-256")
        return Artifact(
            digest,
            tuple(manifest.layers),
            is_index=bool(manifest.manifests),
            annotations=manifest.annotations or {},
        )

    async def pull_blob(
        self, registry: str, repository: str, digest: str, access: Access, *, limit: int = 64 * 1024 * 1024
    ) -> bytes:
        """A blob; it is what its digest says.

        Raises:
            TrueupError: as :meth:`RegistryTransport.ask`.
        """
        path = f"/v2/{quote(repository)}/blobs/{quote(digest, safe=':')}"
        answer = await self._pull(registry, repository, path, access, limit)
        if _is_sha256(digest) and _sha256(answer.body) != digest:
            raise _mismatch(registry, repository, digest)
        return answer.body

    async def push_blob(self, registry: str, repository: str, data: bytes, access: Access) -> str:
        """Put a blob there, unless it is; returns its digest.

        Raises:
            TrueupError: as :meth:`RegistryTransport.ask`.
        """
        digest = _sha256(data)
        scope = f"repository:{repository}:pull,push"
        blobs = f"/v2/{quote(repository)}/blobs"
        known = await self._transport.ask(
            "HEAD", registry, f"{blobs}/{digest}", access, scope=scope, limit=0, good=(200, 404)
        )
        if known.status == 200:
            return digest
        begun = await self._transport.ask(
            "POST", registry, f"{blobs}/uploads/", access, scope=scope, limit=_CONFIG_LIMIT, body=b"", good=(202,)
        )
        place = begun.url.join(URL(begun.headers.get("Location", ""), encoded=True)).update_query(digest=digest)
        if place.origin() != begun.url.origin() and place.scheme != "https":
            raise SourceUnavailable(f"registry {registry}: it wants the upload where nobody may follow")
        await self._transport.ask(
            "PUT",
            registry,
            str(place),
            access,
            scope=scope,
            limit=_CONFIG_LIMIT,
            headers={"Content-Type": "application/octet-stream"},
            body=data,
            good=(201, 204),
        )
        return digest

    async def push_manifest(
        self, registry: str, repository: str, reference: str, media_type: str, body: bytes, access: Access
    ) -> str:
        """Put a manifest under a tag or its digest; returns the digest.

        Raises:
            TrueupError: as :meth:`RegistryTransport.ask`.
        """
        await self._transport.ask(
            "PUT",
            registry,
            _manifest(repository, reference),
            access,
            scope=f"repository:{repository}:pull,push",
            limit=_CONFIG_LIMIT,
            headers={"Content-Type": media_type},
            body=body,
            good=(201,),
        )
        return _sha256(body)

    async def retag(self, registry: str, repository: str, reference: str, tags: Sequence[str], access: Access) -> str:
        """Give what a tag or a digest leads to further tags; returns its digest.

        Raises:
            TrueupError: as :meth:`RegistryTransport.ask`.
        """
        answer = await self._manifest(registry, repository, reference, access)
        media_type = answer.headers.get("Content-Type", "")
        for tag in tags:
            await self.push_manifest(registry, repository, tag, media_type, answer.body, access)
        return _sha256(answer.body)

    async def _manifest(self, registry: str, repository: str, reference: str, access: Access) -> RegistryAnswer:
        path = _manifest(repository, reference)
        return await self._pull(registry, repository, path, access, _MANIFEST_LIMIT, _ACCEPT)

    async def _pull(
        self,
        registry: str,
        repository: str,
        path: str,
        access: Access,
        limit: int,
        headers: dict[str, str] | None = None,
    ) -> RegistryAnswer:
        scope = f"repository:{repository}:pull"
        return await self._transport.ask("GET", registry, path, access, scope=scope, limit=limit, headers=headers)


class _Tags(msgspec.Struct):
    tags: list[str] | None = None


class _Manifest(msgspec.Struct):
    manifests: list[Descriptor] = []
    layers: list[Descriptor] = []
    config: Descriptor | None = None
    annotations: dict[str, str] | None = None


class _Run(msgspec.Struct, rename="pascal"):
    labels: dict[str, str] | None = None


class _Config(msgspec.Struct):
    created: str | None = None
    os: str = ""
    architecture: str = ""
    variant: str = ""
    config: _Run | None = None


def _decoded(body: bytes, type_: Any, registry: str, repository: str) -> Any:
    try:
        return json.received(body, type_)
    except ValueError:
        raise SourceUnavailable(f"registry {registry}: nonsense about {repository}") from None


def _chosen(entries: list[Descriptor], platform: Platform | None) -> Descriptor | None:
    """The image of an index to look at; attestations, which name no system, are none."""
    images = [each for each in entries if each.platform is None or each.platform.os != "unknown"]
    if platform is not None:
        return next((each for each in images if each.platform and each.platform.offers(platform)), None)
    return images[0] if images else None


def _next(answer: RegistryAnswer) -> str:
    """Where the next page is; on the same host alone."""
    for part in answer.headers.get("Link", "").split(","):
        target, _, parameters = part.strip().partition(";")
        if 'rel="next"' in parameters.replace(" ", "") or "rel=next" in parameters.replace(" ", ""):
            try:
                url = answer.url.join(URL(target.strip().strip("<>"), encoded=True))
            except ValueError:
                return ""
            return url.raw_path_qs if url.origin() == answer.url.origin() else ""
    return ""


def _manifest(repository: str, reference: str) -> str:
    return f"/v2/{quote(repository)}/manifests/{quote(reference, safe=':')}"


def _sha256(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


def _is_sha256(text: str) -> bool:
    return text.startswith("sha256:") and len(text) == 71 and all(c in "0123456789abcdef" for c in text[7:])


def _mismatch(registry: str, repository: str, digest: str) -> TrueupError:
    return SourceUnavailable(f"registry {registry}: what it gives of {repository} is not {digest}")


def _time(text: str) -> datetime | None:
    try:
        return parse_time(text) if text else None
    except (ValueError, OverflowError):
        return None
