"""The distribution API over HTTP."""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import unquote

from aiohttp import web
from msgspec import json

from trueup.workshop.registry.failure import RegistryRefused
from trueup.workshop.registry.store import MANIFEST_LIMIT, Store, repository_name

_CHUNK = 1024 * 1024
_LARGEST_BLOB = 4 * 1024 * 1024 * 1024
_INDEX = "application/vnd.oci.image.index.v1+json"
_CHUNK_RANGE = re.compile(r"(?:bytes[ =])?([0-9]+)-([0-9]+)(?:/.*)?")
_READ_RANGE = re.compile(r"bytes=([0-9]*)-([0-9]*)")
_ROUTES = tuple(
    (re.compile(pattern), name)
    for pattern, name in (
        (r"_catalog", "catalog"),
        (r"(?P<repository>.+)/tags/list", "tags"),
        (r"(?P<repository>.+)/blobs/uploads/?", "uploads"),
        (r"(?P<repository>.+)/blobs/uploads/(?P<upload>[^/]+)", "upload"),
        (r"(?P<repository>.+)/blobs/(?P<digest>[^/]+)", "blob"),
        (r"(?P<repository>.+)/manifests/(?P<reference>[^/]+)", "manifest"),
        (r"(?P<repository>.+)/referrers/(?P<digest>[^/]+)", "referrers"),
    )
)


class SandboxRegistry:
    """Answers requests below ``/v2/``.

    Args:
        folder: keeps everything; a registry that is killed goes on from there.
        admit: whether a request shows the token.
        changed: told of a repository and a tag that was put.
        now: seconds since 1970.
    """

    def __init__(
        self,
        folder: Path,
        *,
        admit: Callable[[web.BaseRequest], bool],
        changed: Callable[[str, str], None] = lambda _repository, _tag: None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._store = Store(folder, now)
        self._admit, self._changed = admit, changed
        self._busy: set[str] = set()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        try:
            if not self._admit(request):
                raise RegistryRefused("UNAUTHORIZED", headers={"WWW-Authenticate": 'Basic realm="trueup sandbox"'})
            answer = await self._route(request)
        except RegistryRefused as refused:
            answer = refused.answer()
        if not answer.prepared:
            answer.headers["Docker-Distribution-Api-Version"] = "registry/2.0"
        return answer

    async def _route(self, request: web.BaseRequest) -> web.StreamResponse:
        path = unquote(request.raw_path.partition("?")[0]).removeprefix("/v2")
        if path in ("", "/"):
            return web.json_response({})
        for pattern, name in _ROUTES:
            match = pattern.fullmatch(path[1:])
            if match:
                parts = match.groupdict()
                if "repository" in parts:
                    repository_name(parts["repository"])
                handlers: dict[str, Callable[..., Awaitable[web.StreamResponse]]] = {
                    "catalog": self._catalog,
                    "tags": self._tags,
                    "uploads": self._uploads,
                    "upload": self._upload,
                    "blob": self._blob,
                    "manifest": self._manifest,
                    "referrers": self._referrers,
                }
                return await handlers[name](request, **parts)
        raise RegistryRefused("NAME_UNKNOWN", path[:100])

    # --- lists ---------------------------------------------------------------------------------------------------

    async def _catalog(self, request: web.BaseRequest) -> web.StreamResponse:
        _only(request, "GET")
        names = await asyncio.to_thread(self._store.repositories)
        return _page(request, names, "repositories", {})

    async def _tags(self, request: web.BaseRequest, repository: str) -> web.StreamResponse:
        _only(request, "GET")
        names = await asyncio.to_thread(self._store.tags, repository)
        return _page(request, names, "tags", {"name": repository})

    async def _referrers(self, request: web.BaseRequest, repository: str, digest: str) -> web.StreamResponse:
        _only(request, "GET")
        wanted = request.query.get("artifactType", "")
        found = await asyncio.to_thread(lambda: list(self._store.referrers(repository, digest)))
        entries = [
            {
                "mediaType": kept.media_type,
                "digest": name,
                "size": kept.size,
                "artifactType": kept.artifact_type,
                "annotations": kept.annotations,
            }
            for name, kept in found
            if not wanted or kept.artifact_type == wanted
        ]
        headers = {"OCI-Filters-Applied": "artifactType"} if wanted else {}
        body = json.encode({"schemaVersion": 2, "mediaType": _INDEX, "manifests": entries})
        return web.Response(body=body, content_type=_INDEX, headers=headers)

    # --- manifests -----------------------------------------------------------------------------------------------

    async def _manifest(self, request: web.BaseRequest, repository: str, reference: str) -> web.StreamResponse:
        _only(request, "GET", "HEAD", "PUT", "DELETE")
        if request.method == "PUT":
            body = await _body(request, MANIFEST_LIMIT)
            media_type = request.headers.get("Content-Type", "").partition(";")[0].strip()
            digest, subject = await asyncio.to_thread(self._store.put, repository, reference, media_type, body)
            headers = {"Location": f"/v2/{repository}/manifests/{digest}", "Docker-Content-Digest": digest}
            if subject:
                headers["OCI-Subject"] = subject
            if ":" not in reference:
                self._changed(repository, reference)
            return web.Response(status=201, headers=headers)
        if request.method == "DELETE":
            await asyncio.to_thread(self._store.remove, repository, reference)
            return web.Response(status=202)
        digest, kept, body = await asyncio.to_thread(self._store.manifest, repository, reference)
        headers = {"Docker-Content-Digest": digest, "ETag": f'"{digest}"', "Content-Type": kept.media_type}
        return web.Response(body=body, headers=headers)

    # --- blobs ---------------------------------------------------------------------------------------------------

    async def _blob(self, request: web.BaseRequest, repository: str, digest: str) -> web.StreamResponse:
        _only(request, "GET", "HEAD", "DELETE")
        if request.method == "DELETE":
            await asyncio.to_thread(self._store.forget_blob, repository, digest)
            return web.Response(status=202)
        if not await asyncio.to_thread(self._store.has, repository, digest):
            raise RegistryRefused("BLOB_UNKNOWN", digest)
        path = self._store.blob(digest)
        size = (await asyncio.to_thread(path.stat)).st_size
        first, last = _wanted(request, size)
        partial = (first, last) != (0, size - 1) or "Range" in request.headers
        response = web.StreamResponse(status=206 if partial else 200)
        response.headers["Docker-Content-Digest"] = digest
        response.headers["Accept-Ranges"] = "bytes"
        response.headers["Docker-Distribution-Api-Version"] = "registry/2.0"
        if partial:
            response.headers["Content-Range"] = f"bytes {first}-{last}/{size}"
        response.content_type = "application/octet-stream"
        response.content_length = last - first + 1
        await response.prepare(request)
        if request.method == "GET":
            with path.open("rb") as file:
                file.seek(first)
                left = last - first + 1
                while left > 0 and (chunk := await asyncio.to_thread(file.read, min(_CHUNK, left))):
                    await response.write(chunk)
                    left -= len(chunk)
        await response.write_eof()
        return response

    async def _uploads(self, request: web.BaseRequest, repository: str) -> web.StreamResponse:
        _only(request, "POST")
        query = request.query
        mounted = query.get("mount", "")
        if mounted and query.get("from"):
            other = repository_name(query["from"])
            if await asyncio.to_thread(self._store.has, other, mounted):
                await asyncio.to_thread(self._store.mount, repository, mounted)
                return _created(repository, mounted)
        name = await asyncio.to_thread(self._store.begin, repository)
        if "digest" in query:
            await self._append(request, name)
            await asyncio.to_thread(self._store.finish, repository, name, query["digest"])
            return _created(repository, query["digest"])
        return _accepted(repository, name, 0)

    async def _upload(self, request: web.BaseRequest, repository: str, upload: str) -> web.StreamResponse:
        _only(request, "GET", "PATCH", "PUT", "DELETE")
        path = self._store.upload(upload)
        if request.method == "DELETE":
            await asyncio.to_thread(path.unlink, missing_ok=True)
            return web.Response(status=204)
        if request.method == "GET":
            return _accepted(repository, upload, path.stat().st_size, status=204)
        if upload in self._busy:
            raise RegistryRefused("RANGE_INVALID", "another chunk is under way")
        self._busy.add(upload)
        try:
            size = await self._append(request, upload)
            if request.method == "PATCH":
                return _accepted(repository, upload, size)
            digest = request.query.get("digest", "")
            await asyncio.to_thread(self._store.finish, repository, upload, digest)
        finally:
            self._busy.discard(upload)
        return _created(repository, digest)

    async def _append(self, request: web.BaseRequest, upload: str) -> int:
        """Add a request's body to an upload; gives its size. A chunk that does not follow is refused."""
        path = self._store.upload(upload)
        size = path.stat().st_size
        given = request.headers.get("Content-Range", "")
        if given:
            match = _CHUNK_RANGE.fullmatch(given)
            if match is None or int(match[1]) != size:
                raise RegistryRefused("RANGE_INVALID", given[:100], headers={"Range": f"0-{max(size - 1, 0)}"})
        with path.open("ab") as file:
            async for chunk in request.content.iter_chunked(_CHUNK):
                size += len(chunk)
                if size > _LARGEST_BLOB:
                    raise RegistryRefused("SIZE_INVALID")
                await asyncio.to_thread(file.write, chunk)
        return size


def _only(request: web.BaseRequest, *methods: str) -> None:
    if request.method not in methods:
        raise RegistryRefused("UNSUPPORTED", headers={"Allow": ", ".join(methods)})


def _accepted(repository: str, upload: str, size: int, *, status: int = 202) -> web.Response:
    headers = {
        "Location": f"/v2/{repository}/blobs/uploads/{upload}",
        "Docker-Upload-UUID": upload,
        "Range": f"0-{max(size - 1, 0)}",
    }
    return web.Response(status=status, headers=headers)


def _created(repository: str, digest: str) -> web.Response:
    headers = {"Location": f"/v2/{repository}/blobs/{digest}", "Docker-Content-Digest": digest}
    return web.Response(status=201, headers=headers)


def _wanted(request: web.BaseRequest, size: int) -> tuple[int, int]:
    match = _READ_RANGE.fullmatch(request.headers.get("Range", ""))
    if match is None or not (match[1] or match[2]):
        return 0, size - 1
    first = int(match[1]) if match[1] else max(size - int(match[2]), 0)
    last = min(int(match[2]), size - 1) if match[1] and match[2] else size - 1
    if first > last:
        raise RegistryRefused("RANGE_INVALID", headers={"Content-Range": f"bytes */{size}"})
    return first, last


def _page(request: web.BaseRequest, names: list[str], field: str, beside: dict[str, str]) -> web.Response:
    """A page of a sorted list, by ``n`` and ``last``."""
    last, wanted = request.query.get("last", ""), request.query.get("n", "")
    if wanted and not wanted.isdigit():
        raise RegistryRefused("PAGINATION_NUMBER_INVALID", wanted[:20])
    rest = [name for name in names if name > last] if last else names
    shown = rest[: int(wanted[:9])] if wanted else rest
    headers = {}
    if len(shown) < len(rest) and shown:
        path = request.raw_path.partition("?")[0]
        headers["Link"] = f'<{path}?n={wanted}&last={shown[-1]}>; rel="next"'
    return web.json_response({**beside, field: shown}, headers=headers)


async def _body(request: web.BaseRequest, limit: int) -> bytes:
    data = bytearray()
    async for chunk in request.content.iter_chunked(64 * 1024):
        data += chunk
        if len(data) > limit:
            raise RegistryRefused("SIZE_INVALID")
    return bytes(data)
