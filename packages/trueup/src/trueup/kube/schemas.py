"""OpenAPI v3 schemas of a cluster, fetched per group version when first asked for."""

import asyncio
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from kubegrammar.merge import DEDUCED, Merging, Type, Types
from trueup.kube.errors import ApiError, NotFound
from trueup.kube.transport import Transport
from trueup.model.resource import group_of, version_of

INDEX_SECONDS = 10.0
"""Age at which the index of documents is asked for again; the documents themselves are known by hash."""

Schema = dict[str, Any]
_GVK = "x-kubernetes-group-version-kind"
_PREFIX = "#/components/schemas/"
_STRATEGIC = "application/strategic-merge-patch+json"


class Schemas:
    """Schemas by kind. The server's URLs carry a hash: a document that did not change is never fetched twice."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._urls: dict[str, str] = {}
        self._asked_at = float("-inf")
        self._documents: dict[str, tuple[str, Schema]] = {}
        self._lock = asyncio.Lock()
        self._compiled: dict[str, tuple[str, Types, dict[str, Type | None]]] = {}

    async def learn(self, kinds: Iterable[tuple[str, str]]) -> None:
        """Fetches and compiles what :meth:`type_of` is going to be asked for. What cannot be had now is left out:
        a comparison without types asks the server more often, and is as right."""
        for api_version, kind in kinds:
            path = _path(api_version)
            try:
                document = await self._current(path)
            except ApiError:
                continue
            if document is not None:
                self._compile(path, document, api_version, kind)

    async def merging(self, api_version: str, kind: str) -> Merging:
        """How client-side apply merges objects of a kind. Without a schema, as a new custom resource is for half a
        second, maps merge and lists are atomic.

        Raises:
            ApiError: the server does not answer; what is not known is not guessed, or items of others would go.
        """
        path = _path(api_version)
        for _ in range(2):
            document = await self._current(path)
            if document is None:
                break
            self._compile(path, document, api_version, kind)
            if found := self.type_of(api_version, kind):
                return Merging(found, strategic=kind in document[_STRATEGIC])
            # The kind may have come after the document.
            self._asked_at = float("-inf")
        return Merging(DEDUCED, strategic=False)

    def type_of(self, api_version: str, kind: str) -> Type | None:
        """The compiled type of a kind that was learnt; None for any other."""
        known = self._compiled.get(_path(api_version))
        return known[2].get(kind) if known else None

    def _compile(self, path: str, document: Schema, api_version: str, kind: str) -> None:
        url = self._documents[path][0]
        schemas = (document.get("components") or {}).get("schemas") or {}
        known = self._compiled.get(path)
        if known is None or known[0] != url:
            known = self._compiled[path] = (url, Types(schemas), {})
        if kind not in known[2]:
            name = _named(schemas, api_version, kind)
            try:
                known[2][kind] = known[1].compile({"$ref": f"{_PREFIX}{name}"}) if name else None
            except ValueError:
                known[2][kind] = None

    async def schema_for(self, api_version: str, kind: str) -> Schema | None:
        """The schema of a kind, with the ``components`` of its document beside it, so that every
        ``#/components/schemas/…`` reference resolves within the value. Shared: do not change it.

        None while the server publishes none: a new custom resource is served half a second before its schema.

        Raises:
            ApiError: the server does not answer.
        """
        document = await self._current(_path(api_version))
        if document is None:
            return None
        components = document.get("components") or {}
        schemas = components.get("schemas") or {}
        if name := _named(schemas, api_version, kind):
            return {**schemas[name], "components": components}
        # The kind may have come after the document; the next call looks again.
        self._asked_at = float("-inf")
        return None

    async def _current(self, path: str) -> Schema | None:
        async with self._lock:
            await self._refresh_index(path)
            return await self._document(path)

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
        except ApiError as error:
            if not 300 <= error.code < 400:
                raise
            # The document has changed, and the index does not show it yet.
            url, answer = "", await self._transport.request("GET", parts.path)
        # Of all that describes a group version, the paths are most: of them only the types of patches are read.
        read = msgspec.json.decode(answer, type=_Document)
        document: Schema = {"components": read.components or {}, _STRATEGIC: read.strategic()}
        self._documents[path] = (url, document)
        return document


def _path(api_version: str) -> str:
    return f"apis/{api_version}" if group_of(api_version) else f"api/{api_version}"


def _named(schemas: Schema, api_version: str, kind: str) -> str:
    """The name of a kind's schema; empty where there is none."""
    wanted = {"group": group_of(api_version), "version": version_of(api_version), "kind": kind}
    return next((name for name, schema in schemas.items() if wanted in schema.get(_GVK, ())), "")


class _Kind(msgspec.Struct, gc=False):
    kind: str = ""


class _Body(msgspec.Struct, gc=False):
    content: dict[str, msgspec.Raw] = {}


class _Operation(msgspec.Struct, gc=False):
    kind: _Kind = msgspec.field(default_factory=_Kind, name=_GVK)
    body: _Body = msgspec.field(default_factory=_Body, name="requestBody")


class _Operations(msgspec.Struct, gc=False):
    patch: _Operation | None = None


class _Document(msgspec.Struct, gc=False):
    paths: dict[str, _Operations] = {}
    components: Schema | None = None

    def strategic(self) -> frozenset[str]:
        """The kinds whose objects take strategic merge patches: not custom ones."""
        patches = [operations.patch for path, operations in self.paths.items() if path.endswith("/{name}")]
        return frozenset(patch.kind.kind for patch in patches if patch and _STRATEGIC in patch.body.content)


class _Entry(msgspec.Struct, gc=False):
    server_relative_url: str = msgspec.field(default="", name="serverRelativeURL")


class _Index(msgspec.Struct, gc=False):
    paths: dict[str, _Entry] = {}
