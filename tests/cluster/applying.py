"""The language of the tests of writes: a target cluster, manifests, steps."""

from typing import Any

import msgspec

from kubegrammar.json import canonical, digest
from trueup.apply.confirm import Confirmer, Question
from trueup.apply.perform import Performed, perform
from trueup.kube.cache import WatchCache
from trueup.kube.client import Client
from trueup.kube.discovery import Discovery, ResourceType
from trueup.kube.schemas import Schemas
from trueup.model.annotations import LAST_APPLIED
from trueup.model.live import LiveObject
from trueup.model.manifest import Manifest
from trueup.model.resource import GroupKind, ResourceKey, group_of
from trueup.model.status import SyncPhase
from trueup.plan.kinds import kind_rank
from trueup.plan.task import Act, AnyTask, ApplyTask, Writing

KINDS = [GroupKind("", "ConfigMap"), GroupKind("", "Secret"), GroupKind("", "Service"), GroupKind("apps", "Deployment")]
KINDS += [
    GroupKind("", "Pod"),
    GroupKind("batch", "Job"),
    GroupKind("apps", "StatefulSet"),
    GroupKind("apps", "DaemonSet"),
]

DEFAULT = Writing()


class Target:
    """The shared cluster as ``apply`` sees it."""

    def __init__(self, client: Client, discovery: Discovery, cache: WatchCache) -> None:
        self.client, self.discovery, self.cache = client, discovery, cache
        self.schemas = Schemas(client)

    def type(self, wanted: Manifest) -> ResourceType:
        group, _, version = wanted.api_version.rpartition("/")
        found = self.discovery.find(group, wanted.key.kind, version)
        assert found is not None
        return found

    async def read(self, wanted: Manifest) -> dict[str, Any]:
        return (await self.client.get(self.type(wanted), wanted.key.namespace, wanted.key.name)).object()


def declared(namespace: str, api_version: str, kind: str, name: str, **content: Any) -> Manifest:
    metadata: dict[str, Any] = {"name": name, **content.pop("metadata", {})}
    if namespace:
        metadata["namespace"] = namespace
    body = canonical({"apiVersion": api_version, "kind": kind, "metadata": metadata, **content})
    key = ResourceKey(group_of(api_version), kind, namespace, name)
    annotations = metadata.get("annotations", {})
    return Manifest(key=key, api_version=api_version, body=body, digest=digest(body), annotations=annotations)


def config(namespace: str, **data: str) -> Manifest:
    return declared(namespace, "v1", "ConfigMap", "web", data=data)


def deployment(namespace: str, *, container: dict[str, Any] | None = None, **spec: Any) -> Manifest:
    labels = {"app": "web"}
    containers = [{"name": "web", "image": "nginx", **(container or {})}]
    template = {"metadata": {"labels": labels}, "spec": {"containers": containers}}
    wanted = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template, **spec}
    return declared(namespace, "apps/v1", "Deployment", "web", spec=wanted)


def task_of(wanted: Manifest, writing: Writing = DEFAULT) -> ApplyTask:
    key = wanted.key
    rank = kind_rank(key.group, key.kind)
    return ApplyTask(key=key, phase=SyncPhase.SYNC, wave=0, rank=rank, manifest=wanted, writing=writing)


def act(*tasks: AnyTask, dry_run: bool = False) -> Act:
    return Act(phase=SyncPhase.SYNC, wave=0, tasks=tasks, results=(), message="", dry_run=dry_run)


async def applied(target: Target, *wanted: Manifest, writing: Writing = DEFAULT) -> Performed:
    return await perform(act(*(task_of(item, writing) for item in wanted)), target)


def said(performed: Performed) -> list[tuple[str, str]]:
    return [(result.status, result.message) for result in performed.results]


async def client_side(target: Target, wanted: Manifest, manager: str) -> LiveObject:
    """The object as another tool's client-side apply leaves it."""
    content = wanted.object()
    memory = msgspec.json.encode(content).decode()
    content["metadata"]["annotations"] = {LAST_APPLIED: memory}
    body = msgspec.json.encode(content)
    live = await target.client.create(target.type(wanted), wanted.key.namespace, body, field_manager=manager)
    target.cache.stored(live)
    return live


async def asked(target: Target, wanted: Manifest, confirmer: Confirmer) -> tuple[dict[str, Any], str]:
    live = await target.client.get(target.type(wanted), wanted.key.namespace, wanted.key.name)
    answer = (await confirmer.confirm([Question(wanted, live)]))[wanted.key]
    return (msgspec.json.decode(answer.body) if answer.body else {}), answer.refused
