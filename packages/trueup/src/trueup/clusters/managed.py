"""A destination cluster as a pass uses it."""

from collections.abc import Callable

import msgspec

from trueup.apply.confirm import Confirmer
from trueup.kube.cache import WatchCache
from trueup.kube.client import Client
from trueup.kube.discovery import Discovery, ResourceType
from trueup.kube.schemas import Schemas
from trueup.model.annotations import GROUP
from trueup.model.application import IN_CLUSTER_NAME, IN_CLUSTER_SERVER
from trueup.model.live import LiveObject
from trueup.model.resource import GroupKind, ResourceKey, group_of, version_of
from trueup.model.tracking import owner_instance
from trueup.plan.kinds import NAMESPACE
from trueup.policy import ObjectChange


class ManagedCluster(msgspec.Struct, frozen=True, kw_only=True):
    """One cluster: its client, what it serves, what is on it, and its answers to dry runs.

    Attributes:
        excluded: whether a kind (group, kind) is left alone.
        server, name: as destinations and projects name it.
        secret: name of the Secret that it is known by; empty for the engine's own.
        cluster_resources: objects without a namespace are managed too.
    """

    client: Client
    discovery: Discovery
    cache: WatchCache
    schemas: Schemas
    excluded: Callable[[str, str], bool]
    server: str = IN_CLUSTER_SERVER
    name: str = IN_CLUSTER_NAME
    secret: str = ""
    cluster_resources: bool = True
    confirmer: Confirmer

    @property
    def confined(self) -> bool:
        """Only some namespaces of the cluster can be seen, by roles in them."""
        return self.cache.namespaced

    def serves(self, api_version: str, kind: str) -> bool:
        """Whether the cluster has this kind in this version."""
        return self.discovery.find(group_of(api_version), kind, version_of(api_version)) is not None

    def namespaced(self, group: str, kind: str) -> bool | None:
        """Scope of a kind; None when the cluster does not know it."""
        found = self.discovery.find(group, kind)
        return found.namespaced if found else None

    def unmanaged(self, key: ResourceKey) -> str:
        """Why an object is outside of what is managed on this cluster (Argo CD's words); empty where it is not."""
        if not key.namespace:
            told = f'Cluster level {key.kind} "{key.name}" can not be managed when in namespaced mode'
            return "" if self.cluster_resources else told
        if self.cache.covers(key.namespace):
            return ""
        return f'Namespace "{key.namespace}" for {key.kind} "{key.name}" is not managed'

    def change(self, key: ResourceKey) -> ObjectChange:
        """The effect of writing or deleting an object here."""
        scope = self.namespaced(key.group, key.kind)
        namespaced = bool(key.namespace) if scope is None else scope
        return ObjectChange(key=key, namespaced=namespaced, server=self.server, cluster=self.name)

    def unwatched(self) -> frozenset[GroupKind]:
        """Kinds whose absence from the cache says nothing."""
        return frozenset(kind for kind in self.cache.failed_kinds() if self.discovery.find(kind.group, kind.kind))


def instance_of(live: LiveObject) -> str | None:
    """The watch cache's group of an object: the application whose mark it bears, if any."""
    return owner_instance(live.annotations, live.key) or None


def kept(live: LiveObject) -> bool:
    """Whether the body of an object is kept that no application has marked or declared: a pass decides on our own
    objects, and on namespaces, whoever made them."""
    return live.key.group == GROUP or live.group_kind == NAMESPACE


def excluded_type(excluded: Callable[[str, str], bool]) -> Callable[[ResourceType], bool]:
    """The watch cache's question, from ours."""
    return lambda resource: excluded(resource.group, resource.kind)


class Parts(msgspec.Struct, frozen=True, kw_only=True):
    """What a confirmer needs of a cluster, before the cluster itself exists."""

    client: Client
    discovery: Discovery
    cache: WatchCache
    schemas: Schemas
