"""Labels of images, asked of a registry (OCI distribution specification)."""

import base64
from collections.abc import Mapping
from typing import Final

import aiohttp
import msgspec

from kubegrammar.image import parse_image

LIMIT: Final = 4 * 1024 * 1024
"""Bytes of a manifest or configuration."""
SECONDS: Final = 10.0
ACCEPT: Final = ", ".join(
    (
        "application/vnd.oci.image.manifest.v1+json",
        "application/vnd.oci.image.index.v1+json",
        "application/vnd.docker.distribution.manifest.v2+json",
        "application/vnd.docker.distribution.manifest.list.v2+json",
    )
)


class RegistryFailed(Exception):
    """It does not answer, or not as a registry does."""


class UnknownImage(RegistryFailed):
    """It says that there is none."""


class _Descriptor(msgspec.Struct):
    digest: str


class _Manifest(msgspec.Struct):
    config: _Descriptor | None = None
    manifests: tuple[_Descriptor, ...] = ()


class _Inner(msgspec.Struct, rename={"labels": "Labels"}):
    labels: dict[str, str] | None = None


class _Configuration(msgspec.Struct):
    config: _Inner | None = None


class ImageRegistries:
    """Asks registries, by plain HTTP."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None

    async def labels(self, image: str, user: str, password: str) -> Mapping[str, str]:
        """The labels of an image.

        Raises:
            NoSuchImage: there is none.
            RegistryFailed: nobody knows.
        """
        try:
            named = parse_image(image)
            host = image.partition("/")[0]
            reference = named.digest or named.tag or "latest"
            manifest = await self._manifest(host, named.repository, reference, user, password)
            if manifest.manifests:
                manifest = await self._manifest(host, named.repository, manifest.manifests[0].digest, user, password)
            if manifest.config is None:
                return {}
            path = f"{named.repository}/blobs/{manifest.config.digest}"
            inner = msgspec.json.decode(await self._get(host, path, user, password), type=_Configuration).config
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise RegistryFailed(str(error) or type(error).__name__) from error
        return (inner.labels if inner else None) or {}

    async def close(self) -> None:
        """Let go of connections."""
        if self._session is not None:
            await self._session.close()

    async def _manifest(self, host: str, repository: str, reference: str, user: str, password: str) -> _Manifest:
        body = await self._get(host, f"{repository}/manifests/{reference}", user, password)
        return msgspec.json.decode(body, type=_Manifest)

    async def _get(self, host: str, path: str, user: str, password: str) -> bytes:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SECONDS))
        basic = base64.b64encode(f"{user}:{password}".encode()).decode()
        headers = {"Accept": ACCEPT, "Authorization": f"Basic {basic}"}
        async with self._session.get(f"http://{host}/v2/{path}", headers=headers, allow_redirects=False) as answer:
            if answer.status == 404:
                raise UnknownImage(path)
            if answer.status != 200:
                raise RegistryFailed(f"status {answer.status}")
            body = await answer.content.read(LIMIT)
            while len(body) < LIMIT and (more := await answer.content.read(LIMIT - len(body))):
                body += more
            return body
