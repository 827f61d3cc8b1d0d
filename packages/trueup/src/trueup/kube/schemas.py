"""OpenAPI v3 schemas of a cluster, fetched per group version when first asked for."""

import asyncio
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

import msgspec

from kubegrammar.merge import DEDUCED, Merging, Type, Types
from trueup.kube.errors import ApiError, NotFound
from trueup.kube.transport import Transport, decoded
from trueup.model.resource import group_of, version_of

INDEX_SECONDS = 10.0
"""Age at which the index of documents is asked for again; the documents themselves are known by hash."""

LIMIT = 32 * 1024 * 1024
"""Bytes of one document, most of which is never decoded."""
KIND_LIMIT = 4 * 1024 * 1024
"""Bytes of the schemas that one kind is made of. The definition of a custom one has a third of that at most."""
INDEX_LIMIT = 4 * 1024 * 1024
_GVK = "x-kubernetes-group-version-kind"
_PREFIX = "#/components/schemas/"
_STRATEGIC = "application/strategic-merge-patch+json"


class Schemas:
    """Schemas by kind. The server's URLs carry a hash: a document that did not change is never fetched twice."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
        self._urls: dict[str, str] = {}
        self._asked_at = float("-inf")
        self._documents: dict[str, tuple[str, _Schemas]] = {}
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
                begun = time.thread_time()
                self._compile(path, document, api_version, kind)
                await self._transport.pace.spent(time.thread_time() - begun)

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
                return Merging(found, strategic=kind in document.strategic)
            # The kind may have come after the document.
            self._asked_at = float("-inf")
        return Merging(DEDUCED, strategic=False)

    def type_of(self, api_version: str, kind: str) -> Type | None:
        """The compiled type of a kind that was learnt; None for any other."""
        known = self._compiled.get(_path(api_version))
        return known[2].get(kind) if known else None

    def _compile(self, path: str, document: "_Schemas", api_version: str, kind: str) -> None:
        url = self._documents[path][0]
        known = self._compiled.get(path)
        if known is None or known[0] != url:
            known = self._compiled[path] = (url, Types(document), {})
        _, types, found = known
        if kind in found:
            return
        document.left = KIND_LIMIT
        try:
            name = document.name_of(api_version, kind)
            found[kind] = types.compile({"$ref": f"{_PREFIX}{name}"}) if name else None
        except (ValueError, TypeError, AttributeError, LookupError, RecursionError):
            # Too large, or no schema at all: the kind has no type. What was half read of it is nobody else's.
            found[kind] = None
            self._compiled[path] = (url, Types(document), found)

    async def _current(self, path: str) -> "_Schemas | None":
        async with self._lock:
            await self._refresh_index(path)
            return await self._document(path)

    async def _refresh_index(self, path: str) -> None:
        now = asyncio.get_running_loop().time()
        if path in self._urls and now - self._asked_at < INDEX_SECONDS:
            return
        answer = await self._transport.request("GET", "/openapi/v3", limit=INDEX_LIMIT)
        listed = decoded(answer, _Index, "GET /openapi/v3")
        self._urls = {name: entry.server_relative_url for name, entry in listed.paths.items()}
        self._asked_at = now

    async def _document(self, path: str) -> "_Schemas | None":
        url = self._urls.get(path)
        if url is None:
            return None
        known = self._documents.get(path)
        if known and known[0] == url:
            return known[1]
        try:
            parts = urlsplit(url)
        except ValueError:
            raise ApiError(f"GET /openapi/v3: {path} is at no address") from None
        target = quote(parts.path, safe="/:@%")
        if not target.startswith("/"):
            raise ApiError(f"GET /openapi/v3: {path} is at no address")
        try:
            answer = await self._transport.request("GET", target, params=dict(parse_qsl(parts.query)), limit=LIMIT)
        except NotFound:
            return None
        except ApiError as error:
            if not 300 <= error.code < 400:
                raise
            # The document has changed, and the index does not show it yet.
            url, answer = "", await self._transport.request("GET", target, limit=LIMIT)
        begun = time.thread_time()
        # Of all that describes a group version, the paths are most: of them only the types of patches are read.
        document = decoded(answer, _Document, f"GET {target}").kept()
        await self._transport.pace.spent(time.thread_time() - begun)
        self._documents[path] = (url, document)
        return document


def _path(api_version: str) -> str:
    return f"apis/{api_version}" if group_of(api_version) else f"api/{api_version}"


class _Schemas(Mapping[str, Any]):
    """The schemas of a document by name, each decoded when it is asked for.

    Attributes:
        strategic: the kinds whose objects take strategic merge patches: not custom ones.
        left: bytes that may still be decoded for the kind at hand.
    """

    def __init__(self, schemas: Mapping[str, bytes], strategic: frozenset[str]) -> None:
        self._schemas, self.strategic, self.left = schemas, strategic, KIND_LIMIT

    def __getitem__(self, name: str) -> Any:
        raw = self._schemas[name]
        self.left -= len(raw)
        if self.left < 0:
            raise ValueError(f"its schemas have more than {KIND_LIMIT} bytes")
        try:
            return msgspec.json.decode(raw)
        except msgspec.DecodeError as error:
            raise ValueError(f"the schema {name} cannot be read") from error

    def __iter__(self) -> Iterator[str]:
        return iter(self._schemas)

    def __len__(self) -> int:
        return len(self._schemas)

    def name_of(self, api_version: str, kind: str) -> str:
        """The name of a kind's schema; empty where there is none."""
        wanted = _GroupVersionKind(group_of(api_version), version_of(api_version), kind)
        return next((name for name, raw in self._schemas.items() if wanted in _kinds(raw)), "")


def _kinds(raw: bytes) -> list["_GroupVersionKind"]:
    try:
        return msgspec.json.decode(raw, type=_Named).kinds
    except (msgspec.DecodeError, RecursionError):
        return []


class _GroupVersionKind(msgspec.Struct, frozen=True, gc=False):
    group: str = ""
    version: str = ""
    kind: str = ""


class _Named(msgspec.Struct, gc=False):
    kinds: list[_GroupVersionKind] = msgspec.field(default_factory=list, name=_GVK)


class _Kind(msgspec.Struct, gc=False):
    kind: str = ""


class _Body(msgspec.Struct, gc=False):
    content: dict[str, msgspec.Raw] = {}


class _Operation(msgspec.Struct, gc=False):
    kind: _Kind = msgspec.field(default_factory=_Kind, name=_GVK)
    body: _Body = msgspec.field(default_factory=_Body, name="requestBody")


class _Operations(msgspec.Struct, gc=False):
    patch: _Operation | None = None


class _Components(msgspec.Struct, gc=False):
    schemas: dict[str, msgspec.Raw] = {}


class _Document(msgspec.Struct, gc=False):
    paths: dict[str, _Operations] = {}
    components: _Components | None = None

    def kept(self) -> _Schemas:
        """What is kept of it: the answer itself is not."""
        schemas = self.components.schemas if self.components else {}
        return _Schemas({name: bytes(raw) for name, raw in schemas.items()}, self.strategic())

    def strategic(self) -> frozenset[str]:
        """The kinds whose objects take strategic merge patches: not custom ones."""
        patches = [operations.patch for path, operations in self.paths.items() if path.endswith("/{name}")]
        return frozenset(patch.kind.kind for patch in patches if patch and _STRATEGIC in patch.body.content)


class _Entry(msgspec.Struct, gc=False):
    server_relative_url: str = msgspec.field(default="", name="serverRelativeURL")


class _Index(msgspec.Struct, gc=False):
    paths: dict[str, _Entry] = {}
