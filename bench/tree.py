"""``python -m bench.tree``: MiB of memory that a large cluster takes in the engine's watch cache, above an empty one.

A process of its own, so that nothing else counts.
"""

import gc
import json
import os
import random
from collections.abc import Iterator
from typing import Any

from bench.usage import memory
from trueup.clusters.managed import instance_of, kept
from trueup.clusters.shown import shown
from trueup.kube.index import Index
from trueup.kube.object import read_object
from trueup.model.annotations import TRACKING_ID
from trueup.model.live import Seen
from trueup.model.resource import GroupKind

MANAGED = 4000
"""Deployments that applications declare; each has a ReplicaSet and two Pods, which nobody declares."""
_LISTED = 500


def tree(managed: int = MANAGED) -> Index:
    """The watch cache's index of a cluster with so many Deployments and what they have made."""
    index = Index(instance_of, keep=kept, brief=shown)
    for kind, objects in (
        (GroupKind("apps", "Deployment"), (_deployment(number) for number in range(managed))),
        (GroupKind("apps", "ReplicaSet"), (_replica_set(number) for number in range(managed))),
        (GroupKind("", "Pod"), (_pod(number) for number in range(2 * managed))),
    ):
        index.replaced(kind, list(_read(index, objects)), "1")
    return index


def _read(index: Index, objects: Iterator[dict[str, Any]]) -> Iterator[Seen]:
    for each in objects:
        yield index.reduced(read_object(json.dumps(each, separators=(",", ":")).encode()))


def _deployment(number: int) -> dict[str, Any]:
    name = f"service-{number}"
    mark = f"app-{number % 300}:apps/Deployment:space-{number % 50}/{name}"
    metadata = _metadata(name, number, annotations={TRACKING_ID: mark, "deployment.kubernetes.io/revision": "1"})
    status = {"observedGeneration": 1, "replicas": 2, "readyReplicas": 2, "updatedReplicas": 2, "availableReplicas": 2}
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": name}}, "template": _template(name)}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec, "status": status}


def _replica_set(number: int) -> dict[str, Any]:
    name = f"service-{number}"
    annotations = {"deployment.kubernetes.io/revision": "1", "deployment.kubernetes.io/desired-replicas": "2"}
    metadata = _metadata(f"{name}-5d9c7b8f6d", number, annotations=annotations)
    metadata["ownerReferences"] = [_owner("Deployment", name, f"{_uid('service-', number)}")]
    spec = {"replicas": 2, "selector": {"matchLabels": {"app": name}}, "template": _template(name)}
    status = {"replicas": 2, "readyReplicas": 2, "availableReplicas": 2, "observedGeneration": 1}
    return {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": metadata, "spec": spec, "status": status}


def _pod(number: int) -> dict[str, Any]:
    name = f"service-{number // 2}-5d9c7b8f6d"
    metadata = _metadata(f"{name}-{number:05d}", number, annotations={})
    metadata["ownerReferences"] = [_owner("ReplicaSet", name, _uid("service-", number // 2))]
    states = [
        {"name": each["name"], "image": each["image"], "imageID": "sha256:" + "0" * 64, "ready": True}
        | {"restartCount": 1, "started": True, "state": {"running": {"startedAt": "2026-01-01T00:00:00Z"}}}
        for each in _containers()
    ]
    conditions = [
        {"type": kind, "status": "True", "lastProbeTime": None, "lastTransitionTime": "2026-01-01T00:00:00Z"}
        for kind in ("Initialized", "Ready", "ContainersReady", "PodScheduled", "PodReadyToStartContainers")
    ]
    status = {"phase": "Running", "conditions": conditions, "containerStatuses": states, "podIP": "10.0.0.1"}
    spec = {**_template(name)["spec"], "nodeName": f"node-{number % 100}", "restartPolicy": "Always"}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status}


def _metadata(name: str, number: int, annotations: dict[str, str]) -> dict[str, Any]:
    # What each object says about its writers is about half of it.
    fields: dict[str, Any] = {f"f:field-{each}": {"f:value": {}, "f:name": {}, ".": {}} for each in range(40)}
    return {
        "name": name,
        "namespace": f"space-{number % 50}",
        "uid": _uid(name, number),
        "resourceVersion": str(number + 1),
        "generation": 1,
        "creationTimestamp": "2026-01-01T00:00:00Z",
        "labels": {"app": name, "app.kubernetes.io/part-of": "shop", "pod-template-hash": "5d9c7b8f6d"},
        "annotations": annotations,
        "managedFields": [{"manager": "argocd-controller", "operation": "Apply", "fieldsV1": {"f:spec": fields}}],
    }


def _owner(kind: str, name: str, uid: str) -> dict[str, Any]:
    return {"apiVersion": "apps/v1", "kind": kind, "name": name, "uid": uid, "controller": True}


def _template(name: str) -> dict[str, Any]:
    return {"metadata": {"labels": {"app": name}}, "spec": {"containers": _containers()}}


def _containers() -> list[dict[str, Any]]:
    env = [{"name": f"VARIABLE_{each}", "value": f"value of the variable {each}"} for each in range(12)]
    return [
        {
            "name": name,
            "image": f"registry.example.com/shop/{name}:1.2.3",
            "env": env,
            "imagePullPolicy": "IfNotPresent",
        }
        for name in ("web", "proxy")
    ]


def _uid(name: str, number: int) -> str:
    return f"{random.Random(f'{name}{number}').getrandbits(128):032x}"


def main() -> None:
    """Print it."""
    here = [os.getpid()]
    tree(1)
    before = memory(here)
    index = tree()
    gc.collect()
    print(f"{memory(here) - before:.1f} {sum(len(index.of_kind(kind)) for kind in index.kinds())}")


if __name__ == "__main__":
    main()
