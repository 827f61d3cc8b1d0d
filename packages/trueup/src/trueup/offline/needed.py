"""What Pods need that somebody has to make: ConfigMaps, Secrets, claims, accounts and classes that they name."""

from collections.abc import Iterator
from typing import Any

from trueup.model.manifest import Manifest
from trueup.model.resource import GroupKind, ResourceKey

_ACCOUNTS = GroupKind("", "ServiceAccount")
_TEMPLATED = {
    ("apps", "Deployment"): ("spec", "template", "spec"),
    ("apps", "StatefulSet"): ("spec", "template", "spec"),
    ("apps", "DaemonSet"): ("spec", "template", "spec"),
    ("apps", "ReplicaSet"): ("spec", "template", "spec"),
    ("batch", "Job"): ("spec", "template", "spec"),
    ("batch", "CronJob"): ("spec", "jobTemplate", "spec", "template", "spec"),
    ("", "Pod"): ("spec",),
}
ALWAYS = frozenset((("ServiceAccount", "default"), ("ConfigMap", "kube-root-ca.crt")))
"""In each namespace, made by nobody."""
CLASSES = frozenset(("system-cluster-critical", "system-node-critical"))
"""PriorityClasses of each cluster."""


def needs(manifest: Manifest) -> Iterator[tuple[str, ResourceKey]]:
    """The objects without which its Pods do not start, each by the field that names it. What may be missing is left
    out, and so is what each cluster has."""
    way = _TEMPLATED.get((manifest.key.group, manifest.key.kind))
    if way is None:
        return
    pod: Any = manifest.object()
    for name in way:
        pod = pod.get(name) if isinstance(pod, dict) else None
    if not isinstance(pod, dict):
        return
    place = ".".join(way)
    for field, kind, name in _named(pod):
        if not isinstance(name, str) or not name or (kind, name) in ALWAYS:
            continue
        if kind == "PriorityClass":
            if name not in CLASSES:
                yield f"{place}.{field}", ResourceKey("scheduling.k8s.io", kind, "", name)
        else:
            yield f"{place}.{field}", ResourceKey("", kind, manifest.key.namespace, name)


def _named(pod: dict[str, Any]) -> Iterator[tuple[str, str, Any]]:
    yield "serviceAccountName", _ACCOUNTS.kind, pod.get("serviceAccountName")
    yield "priorityClassName", "PriorityClass", pod.get("priorityClassName")
    for index, each in _items(pod, "imagePullSecrets"):
        yield f"imagePullSecrets[{index}].name", "Secret", each.get("name")
    for index, volume in _items(pod, "volumes"):
        place = f"volumes[{index}]"
        yield from _source(volume, "secret", "secretName", "Secret", place)
        yield from _source(volume, "configMap", "name", "ConfigMap", place)
        yield from _source(volume, "persistentVolumeClaim", "claimName", "PersistentVolumeClaim", place)
        for inner, source in _items(volume.get("projected"), "sources"):
            yield from _source(source, "secret", "name", "Secret", f"{place}.projected.sources[{inner}]")
            yield from _source(source, "configMap", "name", "ConfigMap", f"{place}.projected.sources[{inner}]")
    for containers in ("initContainers", "containers"):
        for index, container in _items(pod, containers):
            yield from _of_container(container, f"{containers}[{index}]")


def _of_container(container: dict[str, Any], place: str) -> Iterator[tuple[str, str, Any]]:
    for index, variable in _items(container, "env"):
        source, where = variable.get("valueFrom"), f"{place}.env[{index}].valueFrom"
        yield from _source(source, "secretKeyRef", "name", "Secret", where)
        yield from _source(source, "configMapKeyRef", "name", "ConfigMap", where)
    for index, source in _items(container, "envFrom"):
        yield from _source(source, "secretRef", "name", "Secret", f"{place}.envFrom[{index}]")
        yield from _source(source, "configMapRef", "name", "ConfigMap", f"{place}.envFrom[{index}]")


def _source(holder: Any, field: str, name: str, kind: str, place: str) -> Iterator[tuple[str, str, Any]]:
    found = holder.get(field) if isinstance(holder, dict) else None
    if isinstance(found, dict) and found.get("optional") is not True:
        yield f"{place}.{field}.{name}", kind, found.get(name)


def _items(holder: Any, field: str) -> Iterator[tuple[int, dict[str, Any]]]:
    values = holder.get(field) if isinstance(holder, dict) else None
    for index, each in enumerate(values if isinstance(values, list) else ()):
        if isinstance(each, dict):
            yield index, each
