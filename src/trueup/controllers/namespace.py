"""The destination namespace whose labels and annotations an application keeps (``managedNamespaceMetadata``)."""

from collections.abc import Sequence

import msgspec

from trueup import policy
from trueup.controllers.cluster import ManagedCluster
from trueup.diff import Pair
from trueup.model.application import Application, NamespaceMetadata
from trueup.model.errors import InvalidSpec
from trueup.model.manifest import Manifest
from trueup.model.tracking import owner_instance
from trueup.plan.namespace import namespace_key, namespace_manifest
from trueup.plan.options import CREATE_NAMESPACE
from trueup.store.applications import Applications, StoredApplication

Told = tuple[str, str]


class KeptNamespace(msgspec.Struct, frozen=True):
    """What becomes of the namespace's metadata.

    Attributes:
        metadata: what to apply; None where nothing is managed, or not by this application.
        pair: for the comparison; None also where there is no namespace yet.
        warnings: (condition type, message).
    """

    metadata: NamespaceMetadata | None = None
    pair: Pair | None = None
    warnings: tuple[Told, ...] = ()


class Namespaces:
    """Says whose a namespace's metadata is. Two that apply different metadata would undo each other for ever."""

    def __init__(self, applications: Applications, cluster: ManagedCluster) -> None:
        self._applications, self._cluster = applications, cluster

    def of(self, stored: StoredApplication, manifests: Sequence[Manifest]) -> KeptNamespace:
        """The namespace an application keeps.

        Of several applications the oldest one counts; a namespace that an application declares in Git is left to it.
        """
        app = stored.app
        metadata = _declared(app)
        key = namespace_key(app.spec.destination.namespace)
        if metadata is None or any(manifest.key == key for manifest in manifests):
            return KeptNamespace()
        live = self._cluster.cache.get(key)
        owner = owner_instance(live.annotations, key) if live else ""
        if owner in ("", self._applications.instance(stored.key)):
            owner = self._older(stored, metadata)
        if owner:
            told = f"Namespace/{key.name} is part of application {owner}: managedNamespaceMetadata is not applied to it"
            return KeptNamespace(warnings=(("SharedResourceWarning", told),))
        if live is None or not _keeps(app):
            # Made by a sync, or kept by one that asks for it itself.
            return KeptNamespace(metadata)
        return KeptNamespace(metadata, Pair(key=key, target=namespace_manifest(key.name, metadata), live=live))

    def _older(self, stored: StoredApplication, metadata: NamespaceMetadata) -> str:
        """The oldest application that keeps other metadata on the same namespace and may; empty where it is ours."""
        oldest, name = _age(stored), ""
        for key in self._applications.keeping(stored.app.spec.destination.namespace):
            other = self._applications.get(key)
            if other is None or other.key == stored.key or not _keeps(other.app):
                continue
            if _declared(other.app) != metadata and _age(other) < oldest and self._may(other.app):
                oldest, name = _age(other), self._applications.instance(other.key)
        return name

    def _may(self, app: Application) -> bool:
        key = namespace_key(app.spec.destination.namespace)
        try:
            self._cluster.require_destination(app.spec.destination)
            project = self._applications.project_of(app)
        except InvalidSpec:
            return False
        cluster = self._cluster
        return not policy.problems(app, project) and not policy.permits(
            project, server=cluster.server, cluster_name=cluster.name, key=key, namespaced=False
        )


def _declared(app: Application) -> NamespaceMetadata | None:
    sync_policy = app.spec.sync_policy
    return sync_policy.managed_namespace_metadata if sync_policy and app.spec.destination.namespace else None


def _keeps(app: Application) -> bool:
    """Whether an application keeps its namespace's metadata from sync to sync."""
    options = app.spec.sync_policy.sync_options if app.spec.sync_policy else []
    return CREATE_NAMESPACE in options and _declared(app) is not None and not app.metadata.deletion_timestamp


def _age(stored: StoredApplication) -> tuple[str, str]:
    return stored.app.metadata.creation_timestamp or "", stored.key
