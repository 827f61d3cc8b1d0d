"""Manifests and live objects, as their YAML would read."""

from typing import Any

import msgspec

from kubegrammar.json import canonical, digest
from trueup.diff import DryRunAnswer, Pair, Pairs, compare
from trueup.model.comparison import ComparedResource, Comparison
from trueup.model.live import LiveObject, Owner
from trueup.model.manifest import Manifest
from trueup.model.resource import ResourceKey, group_of

INSTANCE = "shop"


def key_of(obj: dict[str, Any]) -> ResourceKey:
    metadata = obj["metadata"]
    return ResourceKey(
        group_of(obj["apiVersion"]), obj["kind"], metadata.get("namespace", ""), metadata.get("name", "")
    )


def manifest(obj: dict[str, Any]) -> Manifest:
    body = canonical(obj)
    annotations = obj["metadata"].get("annotations", {})
    return Manifest(
        key=key_of(obj), api_version=obj["apiVersion"], body=body, digest=digest(body), annotations=annotations
    )


def live(obj: dict[str, Any]) -> LiveObject:
    metadata = obj["metadata"]
    return LiveObject(
        key=key_of(obj),
        api_version=obj["apiVersion"],
        uid=metadata.get("uid", "uid"),
        resource_version=metadata.get("resourceVersion", "1"),
        body=msgspec.json.encode(obj),
        annotations=metadata.get("annotations", {}),
        owners=tuple(msgspec.convert(metadata.get("ownerReferences", []), list[Owner])),
    )


def config_map(name: str = "web", *, data: dict[str, Any] | None = None, **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "shop"} | metadata,
        "data": data if data is not None else {"a": "1"},
    }


def tracked(name: str, described: str = "", instance: str = INSTANCE) -> dict[str, str]:
    return {"argocd.argoproj.io/tracking-id": f"{instance}:/ConfigMap:shop/{described or name}"}


def answer(obj: dict[str, Any]) -> DryRunAnswer:
    return DryRunAnswer(body=msgspec.json.encode(obj))


def both(wanted: dict[str, Any], found: dict[str, Any]) -> Pair:
    return Pair(key=key_of(wanted), target=manifest(wanted), live=live(found))


def judged(pair: Pair, said: DryRunAnswer | None = None, **rules: Any) -> Comparison:
    answers = {pair.key: said} if said else {}
    return compare(Pairs((pair,)), answers, asked=[pair.key], **rules)


def only(comparison: Comparison) -> ComparedResource:
    (resource,) = comparison.resources
    return resource
