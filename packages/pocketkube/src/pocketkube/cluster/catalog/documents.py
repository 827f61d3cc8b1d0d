"""Discovery and OpenAPI documents for a set of resources."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec

from pocketkube.cluster.catalog.paths import paths_of
from pocketkube.cluster.catalog.resources import group_order
from pocketkube.cluster.catalog.schemas import (
    GROUP_VERSION_KIND,
    PREFIX,
    components,
    described,
    has_document,
    path_of,
    version_of,
)
from pocketkube.cluster.resource import Object, Resource

_ENCODE: Final = msgspec.json.Encoder(order="sorted").encode
_JSON: Final = "application/json"
_META: Final = "io.k8s.apimachinery.pkg.apis.meta.v1."
_SHARED: Final = ("ObjectMeta", "ListMeta", "DeleteOptions", "Status")
_INFO: Final = {"title": "Kubernetes", "version": "v1.37.2"}


class TaggedDocument(msgspec.Struct, frozen=True):
    """Something that clients keep by its tag."""

    body: bytes
    content_type: str
    etag: str


class ResourceDocuments:
    """The documents that describe some resources; made when they are first asked for.

    Args:
        resources: every one in every version.
        custom_schemas: ``openAPIV3Schema`` by (apiVersion, kind) of those that are custom.
    """

    def __init__(
        self, resources: Sequence[Resource], custom_schemas: Mapping[tuple[str, str], Mapping[str, Any]]
    ) -> None:
        self._schemas = custom_schemas
        self._groups: dict[str, dict[str, list[Resource]]] = {}
        for one in resources:
            self._groups.setdefault(one.group, {}).setdefault(one.version, []).append(one)
        built_in = group_order()
        order = {name: index for index, name in enumerate(built_in)}
        self._names = sorted(self._groups, key=lambda name: (order.get(name, len(order)), name))
        self._made: dict[str, TaggedDocument] = {}

    # Discovery

    def versions(self) -> Object:
        """``GET /api``."""
        return {
            "kind": "APIVersions",
            "versions": ["v1"],
            "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": ""}],
        }

    def groups(self) -> Object:
        """``GET /apis``."""
        listed = [self._group(name) for name in self._names if name]
        return {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}

    def group(self, name: str) -> Object | None:
        """``GET /apis/GROUP``; None where there is none."""
        if not name or name not in self._groups:
            return None
        return {"kind": "APIGroup", "apiVersion": "v1", **self._group(name)}

    def resources(self, group: str, version: str) -> Object | None:
        """``GET /apis/GROUP/VERSION`` and ``/api/v1``; None where there are none."""
        found = self._groups.get(group, {}).get(version)
        if not found:
            return None
        listed: list[Object] = []
        for one in sorted(found, key=lambda resource: resource.plural):
            listed.append(_resource(one))
            for sub in sorted(one.subresources.values(), key=lambda each: each.name):
                listed.append(_subresource(one, sub.name))
        api_version = f"{group}/{version}" if group else version
        return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version, "resources": listed}

    def aggregated(self, which: str, accept: str) -> TaggedDocument:
        """All of ``/api`` or ``/apis`` in one (``apidiscovery.k8s.io``), in the version that is asked for first."""
        version = _discovery_version(accept)
        key = f"{which} {version}"
        if key not in self._made:
            names = [""] if which == "api" else [name for name in self._names if name]
            items = [{"metadata": {"name": name} if name else {}, "versions": self._aggregated(name)} for name in names]
            body = _ENCODE(
                {
                    "kind": "APIGroupDiscoveryList",
                    "apiVersion": f"apidiscovery.k8s.io/{version}",
                    "metadata": {},
                    "items": items,
                }
            )
            media = f"{_JSON};g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
            self._made[key] = TaggedDocument(body, media, f'"{_hash(body)}"')
        return self._made[key]

    def _group(self, name: str) -> Object:
        versions = [
            {"groupVersion": f"{name}/{version}" if name else version, "version": version}
            for version in _ordered(self._groups[name])
        ]
        return {"name": name, "versions": versions, "preferredVersion": versions[0]}

    def _aggregated(self, group: str) -> list[Object]:
        found = []
        for version in _ordered(self._groups[group]):
            resources = sorted(self._groups[group][version], key=lambda resource: resource.plural)
            found.append(
                {"version": version, "resources": [_discovered(one) for one in resources], "freshness": "Current"}
            )
        return found

    # OpenAPI

    def openapi_index(self) -> Object:
        """``GET /openapi/v3``: where the documents are; the hash in a URL changes with its document."""
        urls = {}
        for group, versions in self._groups.items():
            for version, resources in versions.items():
                path = path_of(f"{group}/{version}" if group else version)
                tag = self._openapi_tag(path, resources)
                urls[path] = {"serverRelativeURL": f"/openapi/v3/{path}?hash={tag}"}
        return {"paths": dict(sorted(urls.items()))}

    def openapi(self, path: str) -> TaggedDocument | None:
        """``GET /openapi/v3/PATH``; None where there is no such group version."""
        known = self._made.get(path)
        if known is not None:
            return known
        group, _, version = path.partition("/")[2].rpartition("/")
        resources = self._groups.get(group, {}).get(version)
        if not resources or path_of(f"{group}/{version}" if group else version) != path:
            return None
        schemas = described(path) if has_document(path) else self._custom_components(resources)
        body = _ENCODE(
            {
                "openapi": "3.0.0",
                "info": _INFO,
                "paths": paths_of(resources),
                "components": {"schemas": schemas},
            }
        )
        made = self._made[path] = TaggedDocument(body, _JSON, f'"{self._openapi_tag(path, resources)}"')
        return made

    def _openapi_tag(self, path: str, resources: Sequence[Resource]) -> str:
        if has_document(path):
            return version_of(path)
        schemas = [self._schemas.get((one.api_version, one.kind)) or {} for one in resources]
        facts = [[one.plural, one.kind, sorted(one.subresources)] for one in resources]
        return _hash(_ENCODE([schemas, facts]))

    def _custom_components(self, resources: Iterable[Resource]) -> dict[str, Object]:
        found = _shared_components()
        for one in resources:
            name = custom_schema_name(one)
            found[name] = custom_schema(one, self._schemas.get((one.api_version, one.kind)) or {})
            found[f"{name}List"] = _list_schema(one, name)
        return found


def custom_schema_name(resource: Resource) -> str:
    """``com.example.v1.Widget``: the group backwards."""
    return ".".join((*reversed(resource.group.split(".")), resource.version, resource.kind))


def custom_schema(resource: Resource, schema: Mapping[str, Any]) -> Object:
    """The schema of a custom resource as it is published: what every object has is added."""
    made = {**schema, GROUP_VERSION_KIND: [_identity(resource, resource.kind)]}
    if schema.get("properties") or not schema.get("x-kubernetes-preserve-unknown-fields"):
        made["properties"] = {
            **(schema.get("properties") or {}),
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "metadata": {"allOf": [{"$ref": f"{PREFIX}{_META}ObjectMeta"}]},
        }
    made.setdefault("type", "object")
    return made


def _list_schema(resource: Resource, name: str) -> Object:
    return {
        "type": "object",
        "required": ["items"],
        "properties": {
            "apiVersion": {"type": "string"},
            "kind": {"type": "string"},
            "items": {"type": "array", "items": {"$ref": PREFIX + name}},
            "metadata": {"allOf": [{"$ref": f"{PREFIX}{_META}ListMeta"}]},
        },
        GROUP_VERSION_KIND: [_identity(resource, f"{resource.kind}List")],
    }


def _identity(resource: Resource, kind: str) -> dict[str, str]:
    return {"group": resource.group, "version": resource.version, "kind": kind}


def _shared_components() -> dict[str, Object]:
    """What all documents need of meta/v1."""
    every = components("api/v1")
    found: dict[str, Object] = {}
    wanted = [_META + name for name in _SHARED]
    while wanted:
        name = wanted.pop()
        if name not in found and name in every:
            found[name] = every[name]
            wanted.extend(_references(every[name]))
    return found


def _references(value: Any) -> Iterable[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "$ref":
                yield str(inner).removeprefix(PREFIX)
            else:
                yield from _references(inner)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def _ordered(versions: Mapping[str, Any]) -> list[str]:
    """Versions as served: stable before beta before alpha, the highest first (apimachinery ``version``)."""
    return sorted(versions, key=_priority)


def _priority(version: str) -> tuple[int, list[int], str]:
    digits = version.removeprefix("v")
    for rank, word in enumerate(("", "beta", "alpha")):
        parts = digits.split(word) if word else [digits]
        if version != digits and all(part.isdigit() for part in parts) and len(parts) == (2 if word else 1):
            return rank, [-int(part) for part in parts], version
    return 3, [], version


def _resource(one: Resource) -> Object:
    listed: Object = {
        "name": one.plural,
        "singularName": one.singular,
        "namespaced": one.namespaced,
        "kind": one.kind,
        "verbs": list(one.verbs),
    }
    if one.short_names:
        listed["shortNames"] = list(one.short_names)
    if one.categories:
        listed["categories"] = list(one.categories)
    if one.storage_version_hash:
        listed["storageVersionHash"] = one.storage_version_hash
    return listed


def _subresource(one: Resource, name: str) -> Object:
    sub = one.subresources[name]
    listed: Object = {"name": f"{one.plural}/{name}", "singularName": "", "namespaced": one.namespaced}
    if (sub.group, sub.version) != (one.group, one.version):
        listed |= {"group": sub.group, "version": sub.version}
    return listed | {"kind": sub.kind, "verbs": list(sub.verbs)}


def _discovered(one: Resource) -> Object:
    found: Object = {
        "resource": one.plural,
        "responseKind": _response_kind(one, one.group, one.version, one.kind),
        "scope": "Namespaced" if one.namespaced else "Cluster",
        "singularResource": one.singular,
        "verbs": list(one.verbs),
    }
    if one.short_names:
        found["shortNames"] = list(one.short_names)
    if one.categories:
        found["categories"] = list(one.categories)
    if one.subresources:
        found["subresources"] = [
            {
                "subresource": sub.name,
                "responseKind": _response_kind(one, sub.group, sub.version, sub.kind),
                "verbs": list(sub.verbs),
            }
            for sub in sorted(one.subresources.values(), key=lambda each: each.name)
        ]
    return found


def _response_kind(one: Resource, group: str, version: str, kind: str) -> dict[str, str]:
    """Group and version of built-in kinds stay empty where they are those of the resource."""
    if one.columns is None and (group, version) == (one.group, one.version):
        group = version = ""
    return {"group": group, "version": version, "kind": kind}


def _discovery_version(accept: str) -> str:
    for part in accept.split(","):
        words = {word.strip() for word in part.split(";")}
        if "g=apidiscovery.k8s.io" in words:
            return next((word[2:] for word in words if word in ("v=v2", "v=v2beta1")), "v2")
    return "v2"


def _hash(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest().upper()[:64]
