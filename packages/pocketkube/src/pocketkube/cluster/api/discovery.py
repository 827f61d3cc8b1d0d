"""What is served, and how it looks: discovery and OpenAPI documents, made anew when custom resources change."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from pocketkube.cluster.api.registry import ResourceRegistry
from pocketkube.cluster.api.request import TEXT, ApiRequest, Response, respond
from pocketkube.cluster.catalog import ResourceDocuments

VERSION: Final = {
    "major": "1",
    "minor": "37",
    "emulationMajor": "1",
    "emulationMinor": "37",
    "minCompatibilityMajor": "1",
    "minCompatibilityMinor": "36",
    "gitVersion": "v1.37.2",
    "gitCommit": "embedded",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": "go1.26.8",
    "compiler": "gc",
    "platform": "linux/amd64",
}
OPENAPI_V2: Final = "application/com.github.proto-openapi.spec.v2@v1.0+protobuf"
_PLAIN: Final = ("/healthz", "/livez", "/readyz")
_AGGREGATED: Final = "g=apidiscovery.k8s.io"

Schemas = Callable[[], Mapping[tuple[str, str], Mapping[str, Any]]]


class DiscoveryPages:
    """Answers the paths that name no resource.

    Args:
        schemas: OpenAPI v3 schemas of custom kinds by (apiVersion, kind).
    """

    def __init__(self, registry: ResourceRegistry, schemas: Schemas) -> None:
        self._registry, self._schemas = registry, schemas
        self._documents: ResourceDocuments | None = None
        self._generation = -1

    def answer(self, request: ApiRequest) -> Response | None:
        """The answer to a GET; None where the path is unknown."""
        path = request.path.rstrip("/") or "/"
        if path.startswith(_PLAIN):
            verbose = request.has("verbose")
            return Response(
                body=f"[+]ping ok\n{path[1:]} check passed\n".encode() if verbose else b"ok", content_type=TEXT
            )
        if path == "/version":
            return Response(body=json.dumps(VERSION, indent=2).encode())
        parts = path.split("/")[1:]
        if parts[0] == "openapi":
            return self._openapi(request, parts[1:])
        if parts[0] not in ("api", "apis") or len(parts) > 3:
            return self._root() if path == "/" else None
        return self._described(request, parts)

    def documents(self) -> ResourceDocuments:
        """Of what is served now."""
        if self._documents is None or self._generation != self._registry.generation:
            self._documents = ResourceDocuments(self._registry.all(), self._schemas())
            self._generation = self._registry.generation
        return self._documents

    def _described(self, request: ApiRequest, parts: list[str]) -> Response | None:
        documents = self.documents()
        if len(parts) == 1:
            accept = request.headers.get("accept", "")
            if _AGGREGATED in accept:
                return _document(request, documents.aggregated(parts[0], accept))
            return _json(documents.versions() if parts[0] == "api" else documents.groups())
        if parts[0] == "api":
            return _json(documents.resources("", parts[1])) if len(parts) == 2 else None
        if len(parts) == 2:
            return _json(documents.group(parts[1]))
        return _json(documents.resources(parts[1], parts[2]))

    def _openapi(self, request: ApiRequest, parts: list[str]) -> Response | None:
        if parts == ["v2"]:
            return _second(request)
        if not parts or parts[0] != "v3":
            return None
        if len(parts) == 1:
            return _json(self.documents().openapi_index())
        return _document(request, self.documents().openapi("/".join(parts[1:])))

    def _root(self) -> Response:
        versions = {one.api_version for one in self._registry.all()}
        groups = {one.group for one in self._registry.all() if one.group}
        paths = [f"/apis/{one}" for one in sorted({*groups, *(one for one in versions if "/" in one)})]
        return respond({"paths": ["/api", "/api/v1", "/apis", *paths, *_PLAIN, "/openapi/v3", "/version"]})


def _second(request: ApiRequest) -> Response:
    """OpenAPI v2, in which nothing is described: who asks for it would check manifests, which the server does."""
    if OPENAPI_V2 in request.headers.get("accept", ""):
        # The type is not a valid media type as it is asked for; the real server answers with dots.
        return Response(content_type=OPENAPI_V2.replace("@", "."))
    return respond({"swagger": "2.0", "info": {"title": "Kubernetes", "version": VERSION["gitVersion"]}, "paths": {}})


def _json(value: Any) -> Response | None:
    if value is None:
        return None
    return Response(body=value) if isinstance(value, bytes) else respond(value)


def _document(request: ApiRequest, found: Any) -> Response | None:
    """A document that clients keep by its tag."""
    if found is None:
        return None
    headers = [("ETag", found.etag), ("Vary", "Accept")]
    if found.etag and request.headers.get("if-none-match") == found.etag:
        return Response(code=304, headers=headers, content_type=found.content_type)
    return Response(body=found.body, content_type=found.content_type, headers=headers)
