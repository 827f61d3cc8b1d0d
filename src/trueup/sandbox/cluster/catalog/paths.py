"""The ``paths`` of an OpenAPI document: as much of them as clients look at."""

from collections.abc import Iterable
from typing import Any, Final

from trueup.sandbox.cluster.resource import Object, Resource

_WRITES: Final = ("dryRun", "fieldManager", "fieldValidation")
_METHODS: Final = {
    "get": ("get", "get", ()),
    "update": ("put", "put", _WRITES),
    "patch": ("patch", "patch", (*_WRITES, "force")),
    "delete": ("delete", "delete", ("dryRun", "gracePeriodSeconds", "propagationPolicy")),
}
_COLLECTION_METHODS: Final = {
    "list": ("get", "list", ("labelSelector", "fieldSelector", "limit", "continue", "watch")),
    "create": ("post", "post", _WRITES),
    "deletecollection": ("delete", "deletecollection", ("labelSelector", "fieldSelector", "dryRun")),
}


def paths_of(resources: Iterable[Resource]) -> Object:
    """Operations with their kinds and query parameters: by them clients find what the server can do (kubectl looks
    for ``fieldValidation`` and ``dryRun`` of a patch)."""
    paths: Object = {}
    for one in resources:
        root = f"/apis/{one.group}/{one.version}" if one.group else f"/api/{one.version}"
        base = f"{root}/namespaces/{{namespace}}/{one.plural}" if one.namespaced else f"{root}/{one.plural}"
        identity = {"group": one.group, "version": one.version, "kind": one.kind}
        collection = _operations(one.verbs, _COLLECTION_METHODS, identity)
        if collection:
            paths[base] = collection
        if one.namespaced and "list" in one.verbs:
            paths[f"{root}/{one.plural}"] = _operations(("list",), _COLLECTION_METHODS, identity)
        item = _operations(one.verbs, _METHODS, identity)
        if item:
            paths[f"{base}/{{name}}"] = item
        for sub in one.subresources.values():
            spoken = {"group": sub.group, "version": sub.version, "kind": sub.kind}
            paths[f"{base}/{{name}}/{sub.name}"] = _operations(sub.verbs, _METHODS, spoken)
    return paths


def _operations(verbs: Iterable[str], methods: dict[str, tuple[str, str, tuple[str, ...]]], identity: Any) -> Object:
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
    return found
