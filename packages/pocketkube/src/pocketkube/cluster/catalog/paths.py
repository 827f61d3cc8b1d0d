"""The ``paths`` of an OpenAPI document: as much of them as clients look at."""

from collections.abc import Iterable
from typing import Any, Final

from pocketkube.cluster.catalog.schemas import has_document, path_of
from pocketkube.cluster.resource import Object, Resource

_WRITES: Final = ("dryRun", "fieldManager", "fieldValidation")
_METHODS: Final = {
    "get": ("get", "get", ()),
    "update": ("put", "put", _WRITES),
    "patch": ("patch", "patch", (*_WRITES, "force")),
    "delete": ("delete", "delete", ("dryRun", "gracePeriodSeconds", "propagationPolicy")),
}
_PATCHES: Final = (
    "application/apply-patch+yaml",
    "application/json-patch+json",
    "application/merge-patch+json",
    "application/strategic-merge-patch+json",
)
"""The last is for built-in kinds alone."""
_COLLECTION_METHODS: Final = {
    "list": ("get", "list", ("labelSelector", "fieldSelector", "limit", "continue", "watch")),
    "create": ("post", "post", _WRITES),
    "deletecollection": ("delete", "deletecollection", ("labelSelector", "fieldSelector", "dryRun")),
}


def paths_of(resources: Iterable[Resource]) -> Object:
    """Operations with their kinds, query parameters and types of patches: by them clients find what the server can do
    (kubectl looks for ``fieldValidation`` and ``dryRun`` of a patch, and whether it may be a strategic one)."""
    paths: Object = {}
    for one in resources:
        root = f"/apis/{one.group}/{one.version}" if one.group else f"/api/{one.version}"
        base = f"{root}/namespaces/{{namespace}}/{one.plural}" if one.namespaced else f"{root}/{one.plural}"
        identity = {"group": one.group, "version": one.version, "kind": one.kind}
        patches = _PATCHES if has_document(path_of(one.api_version)) else _PATCHES[:-1]
        collection = _operations(one.verbs, _COLLECTION_METHODS, identity)
        if collection:
            paths[base] = collection
        if one.namespaced and "list" in one.verbs:
            paths[f"{root}/{one.plural}"] = _operations(("list",), _COLLECTION_METHODS, identity)
        item = _operations(one.verbs, _METHODS, identity, patches)
        if item:
            paths[f"{base}/{{name}}"] = item
        for sub in one.subresources.values():
            spoken = {"group": sub.group, "version": sub.version, "kind": sub.kind}
            paths[f"{base}/{{name}}/{sub.name}"] = _operations(sub.verbs, _METHODS, spoken, patches)
    return paths


def _operations(
    verbs: Iterable[str],
    methods: dict[str, tuple[str, str, tuple[str, ...]]],
    identity: Any,
    patches: Iterable[str] = (),
) -> Object:
    found: Object = {}
    for verb in verbs:
        if verb in methods:
            method, action, parameters = methods[verb]
            found[method] = {
                "x-kubernetes-action": action,
                "x-kubernetes-group-version-kind": identity,
                "parameters": [{"name": name, "in": "query", "schema": {"type": "string"}} for name in parameters],
                "responses": {"200": {"description": "OK"}},
            }
            if method == "patch":
                found[method]["requestBody"] = {"content": {media: {"schema": {}} for media in patches}}
    return found
