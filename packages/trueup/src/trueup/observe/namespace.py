"""The destination namespace whose labels and annotations an application keeps (``managedNamespaceMetadata``)."""

from collections.abc import Callable, Sequence

import msgspec

from trueup import policy
from trueup.clusters.managed import ManagedCluster
from trueup.diff import Pair
from trueup.model.annotations import FIELD_MANAGER, NAMESPACE_OF
from trueup.model.application import DEFAULT_PROJECT, Application, Destination, NamespaceMetadata
from trueup.model.errors import InvalidSpec
from trueup.model.live import LiveObject
from trueup.model.manifest import Manifest
from trueup.model.project import Project
from trueup.model.tracking import owner_instance
from trueup.plan.kinds import NAMESPACE
from trueup.plan.namespace import namespace_key, namespace_manifest
from trueup.plan.options import CREATE_NAMESPACE
from trueup.store.applications import Applications, StoredApplication

Told = tuple[str, str]


class KeptNamespace(msgspec.Struct, frozen=True):
    """What becomes of the namespace's metadata.

    Attributes:
        metadata: what to apply; None where nothing is managed, or not by this application.
        mark: the application it says it was made for, once it is written.
        pair: for the comparison; None also where there is no namespace yet.
        warnings: (condition type, message).
    """

    metadata: NamespaceMetadata | None = None
    mark: str = ""
    pair: Pair | None = None
    warnings: tuple[Told, ...] = ()


class Namespaces:
    """Says whose a namespace is, and its metadata. Two that apply different metadata would undo each other for ever.

    Args:
        here: an application's destination, by server and name both, where it is this cluster.
    """

    def __init__(
        self, applications: Applications, cluster: ManagedCluster, here: Callable[[Application], Destination | None]
    ) -> None:
        self._applications, self._cluster, self._here = applications, cluster, here

    def of(self, stored: StoredApplication, project: Project, manifests: Sequence[Manifest]) -> KeptNamespace:
        """The namespace an application keeps.

        Of several applications the oldest one counts; a namespace that an application declares in Git is left to it,
        and so is one that somebody made by other means, unless the project permits everything.
        """
        app = stored.app
        metadata = _declared(app)
        key = namespace_key(app.spec.destination.namespace)
        live = self._cluster.cache.get(key)
        instance = self._applications.instance(stored.key)
        mark = instance if live is None or NAMESPACE_OF in live.annotations else ""
        if metadata is None or any(manifest.key == key for manifest in manifests):
            return KeptNamespace(mark=mark)
        owner = owner_instance(live.annotations, key) if live else ""
        if owner in ("", instance):
            owner = self._older(stored, metadata)
        if owner:
            told = f"Namespace/{key.name} is part of application {owner}: managedNamespaceMetadata is not applied to it"
            return KeptNamespace(mark=mark, warnings=(("SharedResourceWarning", told),))
        change = self._cluster.change(key)
        # What the project does not permit at all is refused by the sync, which names it.
        if not policy.refusal(project, app, change) and (
            reason := policy.refusal(project, app, policy.Label(change=change, own=self._own(stored, live)))
        ):
            return KeptNamespace(mark=mark, warnings=(("NamespaceMetadataWarning", reason),))
        if live is None or not _keeps(app):
            # Made by a sync, or kept by one that asks for it itself.
            return KeptNamespace(metadata, mark)
        target = namespace_manifest(key.name, metadata, mark)
        return KeptNamespace(metadata, mark, Pair(key=key, target=target, live=live))

    def _own(self, stored: StoredApplication, live: LiveObject | None) -> bool:
        """Whether a namespace is not there yet, or was made for an application of the same project.

        One that Argo CD made, or we did before we marked them, has no mark, and is known by who wrote it: it belongs to
        the project of the oldest application that would make it. So does one whose own application is gone.
        """
        if live is None:
            return NAMESPACE not in self._cluster.unwatched()
        applications, mark = self._applications, live.annotations.get(NAMESPACE_OF, "")
        made_for = applications.get(applications.key_of_instance(mark)) if mark else None
        if made_for is not None:
            return _wrote(live, NAMESPACE_OF) and _same_project(made_for, stored)
        makers = [
            other
            for key in applications.making(live.key.name)
            if (other := applications.get(key)) and self._here(other.app)
        ]
        older = [other for other in makers if _age(other) < _age(stored) and self._may(other.app)]
        return _wrote(live) and all(_same_project(other, stored) for other in older)

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
        key, place = namespace_key(app.spec.destination.namespace), self._here(app)
        if place is None:
            return False
        try:
            project = self._applications.project_of(app)
        except InvalidSpec:
            return False
        return not policy.problems(app, project, place) and not policy.refusal(project, app, self._cluster.change(key))


def _declared(app: Application) -> NamespaceMetadata | None:
    sync_policy = app.spec.sync_policy
    return sync_policy.managed_namespace_metadata if sync_policy and app.spec.destination.namespace else None


def _keeps(app: Application) -> bool:
    """Whether an application keeps its namespace's metadata from sync to sync."""
    options = app.spec.sync_policy.sync_options if app.spec.sync_policy else []
    return CREATE_NAMESPACE in options and _declared(app) is not None and not app.metadata.deletion_timestamp


def _wrote(live: LiveObject, annotation: str = "") -> bool:
    """Whether it was the engine that wrote an object, or an annotation of it. Who may write it under our name may write
    all of it."""
    for entry in (live.object().get("metadata") or {}).get("managedFields") or []:
        if entry.get("manager") == FIELD_MANAGER and not entry.get("subresource"):
            metadata = (entry.get("fieldsV1") or {}).get("f:metadata") or {}
            if not annotation or f"f:{annotation}" in (metadata.get("f:annotations") or {}):
                return True
    return False


def _same_project(one: StoredApplication, other: StoredApplication) -> bool:
    names = [stored.app.spec.project or DEFAULT_PROJECT for stored in (one, other)]
    return names[0] == names[1]


def _age(stored: StoredApplication) -> tuple[str, str]:
    return stored.app.metadata.creation_timestamp or "", stored.key
