"""OpenAPI v3 schemas of a cluster, fetched per group version when first asked for."""

import asyncio
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from trueup.kube.errors import NotFound
from trueup.kube.transport import Transport
from trueup.model.resource import group_of, version_of

INDEX_SECONDS = 10.0
"""Age at which the index of documents is asked for again; the documents themselves are known by hash."""

Schema = dict[str, Any]
_GVK = "x-kubernetes-group-version-kind"


class Schemas:
    """Schemas by kind. The server's URLs carry a hash: a document that did not change is never fetched twice."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._urls: dict[str, str] = {}
        self._asked_at = float("-inf")
        self._documents: dict[str, tuple[str, Schema]] = {}
        self._lock = asyncio.Lock()

    async def schema_for(self, api_version: str, kind: str) -> Schema | None:
        """The schema of a kind, with the ``components`` of its document beside it, so that every
        ``#/components/schemas/…`` reference resolves within the value. Shared: do not change it.

        None while the server publishes none: a new custom resource is served half a second before its schema.

        Raises:
            ApiError: the server does not answer.
        """
        async with self._lock:
            group = group_of(api_version)
            path = f"apis/{api_version}" if group else f"api/{api_version}"
            await self._refresh_index(path)
            document = await self._document(path)
        if document is None:
            return None
        wanted = {"group": group, "version": version_of(api_version), "kind": kind}
        components = document.get("components") or {}
        for component in (components.get("schemas") or {}).values():
            if wanted in component.get(_GVK, ()):
                return {**component, "components": components}
        # The kind may have come after the document; the next call looks again.
        self._asked_at = float("-inf")
        return None

    async def _refresh_index(self, path: str) -> None:
        now = asyncio.get_running_loop().time()
        if path in self._urls and now - self._asked_at < INDEX_SECONDS:
            return
        answer = await self._transport.request("GET", "/openapi/v3")
        listed = msgspec.json.decode(answer, type=_Index)
        self._urls = {name: entry.server_relative_url for name, entry in listed.paths.items()}
        self._asked_at = now

    async def _document(self, path: str) -> Schema | None:
        url = self._urls.get(path)
        if url is None:
            return None
        known = self._documents.get(path)
        if known and known[0] == url:
            return known[1]
        parts = urlsplit(url)
        try:
            answer = await self._transport.request("GET", parts.path, params=dict(parse_qsl(parts.query)))
        except NotFound:
            return None
        document: Schema = msgspec.json.decode(answer)
        self._documents[path] = (url, document)
        return document


class _Entry(msgspec.Struct, gc=False):
    server_relative_url: str = msgspec.field(default="", name="serverRelativeURL")


class _Index(msgspec.Struct, gc=False):
    paths: dict[str, _Entry] = {}
