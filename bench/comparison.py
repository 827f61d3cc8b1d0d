"""Comparisons a second on one core: by digest, and by the typed merge."""

import time
from collections.abc import Callable
from typing import Any

import msgspec

from bench.result import Result, result
from kubegrammar.merge import Type, Versions, apply, is_unchanged
from pocketkube.cluster import catalog
from trueup.demo.playground import Playground
from trueup.kube.object import read_object
from trueup.model.annotations import FIELD_MANAGER
from trueup.render.output import manifest_of

SECONDS = 1.0
_DEPLOYMENT: dict[str, Any] = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop", "labels": {"app": "web", "tier": "front"}},
    "spec": {
        "replicas": 3,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {
                "containers": [
                    {
                        "name": "web",
                        "image": "registry.example.com/web:1.2.3",
                        "ports": [{"containerPort": 8080, "name": "http"}],
                        "env": [{"name": "MODE", "value": "production"}, {"name": "LEVEL", "value": "info"}],
                        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}},
                    }
                ]
            },
        },
    },
}


class _Apps:
    """Deployments in apps/v1."""

    def type_of(self, api_version: str) -> Type:
        return catalog.type_of(api_version, "Deployment")

    def serves(self, api_version: str) -> bool:
        return True

    def convert(self, obj: dict[str, Any], api_version: str) -> dict[str, Any]:
        return obj


async def comparison(_: Playground) -> list[Result]:
    """How many Deployments, unchanged, are compared a second."""
    versions: Versions = _Apps()
    live = apply(None, _DEPLOYMENT, versions, manager=FIELD_MANAGER, force=True, now="2026-01-01T00:00:00Z")
    live["spec"]["revisionHistoryLimit"] = 10
    live["status"] = {"replicas": 3}
    body, manifest = msgspec.json.encode(live), msgspec.json.encode(_DEPLOYMENT)
    type_ = versions.type_of("apps/v1")
    live["metadata"] |= {"uid": "1", "resourceVersion": "1"}
    target, found = manifest_of(_DEPLOYMENT, "web.yaml"), read_object(msgspec.json.encode(live))
    remembered = {(target.digest, found.uid, found.resource_version): None}

    def by_digest() -> bool:
        return (target.digest, found.uid, found.resource_version) in remembered

    def merged() -> bool:
        return is_unchanged(live, _DEPLOYMENT, type_, FIELD_MANAGER)

    def decoded() -> bool:
        return is_unchanged(msgspec.json.decode(body), msgspec.json.decode(manifest), type_, FIELD_MANAGER)

    return [
        result("comparison: unchanged by digest", _rate(by_digest), "1/s"),
        result("comparison: typed merge", _rate(merged), "1/s"),
        result("comparison: decoded and merged", _rate(decoded), "1/s"),
    ]


def _rate(work: Callable[[], bool]) -> float:
    count, began = 0, time.perf_counter()
    while (span := time.perf_counter() - began) < SECONDS:
        for _ in range(100):
            assert work()
        count += 100
    return count / span
