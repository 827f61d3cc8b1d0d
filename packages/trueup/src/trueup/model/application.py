"""The Application object: Argo CD's ``argoproj.io/v1alpha1`` schema, read leniently and written sparsely.

Attribute names are Argo CD's JSON names in snake case. Fields Trueup does not act on are kept, so that a
round trip loses nothing a user wrote in them.
"""

import msgspec

from trueup.model.fields import Fields, Metadata, NameValue, written_text
from trueup.model.repository import RepositoryOf
from trueup.model.resource import GroupKind
from trueup.model.source import (
    DirectorySource,
    DrySource,
    HelmFileParameter,
    HelmParameter,
    HelmSource,
    HydrateTo,
    JsonnetSource,
    JsonnetVar,
    KustomizePatch,
    KustomizePatchTarget,
    KustomizeReplica,
    KustomizeSource,
    PluginParameter,
    PluginSource,
    Source,
    SourceHydrator,
    SyncSource,
)

__all__ = [
    "DEFAULT_PROJECT",
    "IN_CLUSTER_NAME",
    "IN_CLUSTER_SERVER",
    "Application",
    "ApplicationSpec",
    "Automated",
    "Backoff",
    "Destination",
    "DirectorySource",
    "DrySource",
    "Fields",
    "HelmFileParameter",
    "HelmParameter",
    "HelmSource",
    "HydrateTo",
    "IgnoreDifference",
    "JsonnetSource",
    "JsonnetVar",
    "KustomizePatch",
    "KustomizePatchTarget",
    "KustomizeReplica",
    "KustomizeSource",
    "Metadata",
    "NameValue",
    "NamespaceMetadata",
    "Operation",
    "OperationInitiator",
    "Place",
    "PluginParameter",
    "PluginSource",
    "ResourceRule",
    "Retry",
    "Source",
    "SourceHydrator",
    "SyncOperation",
    "SyncOperationResource",
    "SyncPolicy",
    "SyncSource",
    "SyncStrategy",
    "SyncStrategyApply",
    "SyncStrategyHook",
]

IN_CLUSTER_SERVER, IN_CLUSTER_NAME = "https://kubernetes.default.svc", "in-cluster"
"""The cluster that Trueup runs on, as a destination names it."""
DEFAULT_PROJECT = "default"
"""The project of applications that name none."""


class Destination(Fields, frozen=True, kw_only=True):
    """A cluster and a namespace. Name the cluster by server or by name, not by both.

    Attributes:
        server: URL of the cluster's API server; https://kubernetes.default.svc is the cluster Trueup runs on.
        namespace: Namespace for objects that name none.
        name: Name of the cluster, instead of server; in-cluster is the cluster Trueup runs on.
    """

    server: str = ""
    namespace: str = ""
    name: str = ""


class Place(Destination, frozen=True, kw_only=True):
    """A destination whose cluster is known, by server and name both.

    Attributes:
        owner: Project whose cluster it is; empty where it is everybody's.
    """

    owner: str = ""


class Automated(Fields, frozen=True, kw_only=True):
    """Syncing without being asked.

    Attributes:
        prune: Delete objects that left Git.
        self_heal: Put back what was changed in the cluster.
        allow_empty: Let pruning delete the application's last objects when Git declares none.
        enabled: false switches automated sync off and keeps the other settings.
    """

    prune: bool = False
    self_heal: bool = False
    allow_empty: bool = False
    enabled: bool | None = None


class Backoff(Fields, frozen=True, kw_only=True):
    """Waiting times between tries.

    Durations stay text here: a bad one is an error of its own application, found where it is used.

    Attributes:
        duration: Wait after the first failure, such as 5s or 1m.
        factor: What the wait is multiplied by after each further failure.
        max_duration: Longest wait, such as 3m.
    """

    duration: str = ""
    factor: int | None = None
    max_duration: str = ""


class Retry(Fields, frozen=True, kw_only=True):
    """What follows a failed sync.

    Attributes:
        limit: Tries after the first; negative for no limit, 0 for none.
        backoff: Waiting times between tries.
        refresh: Try again with the newest revision rather than with the one that failed.
    """

    limit: int = 0
    backoff: Backoff | None = None
    refresh: bool = False


class NamespaceMetadata(Fields, frozen=True, kw_only=True):
    """Labels and annotations for the namespace that CreateNamespace=true makes.

    Attributes:
        labels: Labels for the namespace.
        annotations: Annotations for the namespace.
    """

    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class SyncPolicy(Fields, frozen=True, kw_only=True):
    """When and how to sync.

    Attributes:
        automated: Sync without being asked. Absent: sync on demand only.
        sync_options: Options for every sync, each Name=value, such as CreateNamespace=true.
        retry: What follows a failed sync.
        managed_namespace_metadata: Labels and annotations for the namespace that CreateNamespace=true makes.
    """

    automated: Automated | None = None
    sync_options: list[str] = []
    retry: Retry | None = None
    managed_namespace_metadata: NamespaceMetadata | None = None


class IgnoreDifference(Fields, frozen=True, kw_only=True):
    """Fields that may differ from Git.

    Attributes:
        group: API group of the objects; a glob.
        kind: Kind of the objects; a glob.
        name: Name of one object; all when empty.
        namespace: Namespace of the objects; all when empty.
        json_pointers: Fields by JSON pointer (RFC 6901), such as /spec/replicas.
        jq_path_expressions: Fields by jq path, such as .spec.containers[].image.
        managed_fields_managers: Field managers whose fields may differ.
    """

    group: str = ""
    kind: str = written_text()
    name: str = ""
    namespace: str = ""
    json_pointers: list[str] = []
    jq_path_expressions: list[str] = []
    managed_fields_managers: list[str] = []


class ApplicationSpec(Fields, frozen=True, kw_only=True):
    """What should run where.

    Attributes:
        source: Where the manifests come from.
        destination: Cluster and namespace the objects go to.
        project: Project whose limits apply.
        sync_policy: When and how to sync.
        ignore_differences: Fields that may differ from Git.
        info: Links and notes shown with the application.
        revision_history_limit: Deployments kept in status.history; 10 when absent.
        sources: Several sources at once; source is ignored when this is set.
        source_hydrator: Commit rendered manifests to a branch and sync from there.
    """

    source: Source | None = None
    destination: Destination = msgspec.field(default_factory=Destination)
    project: str = written_text()
    sync_policy: SyncPolicy | None = None
    ignore_differences: list[IgnoreDifference] = []
    info: list[NameValue] = []
    revision_history_limit: int | None = None
    sources: list[Source] = []
    source_hydrator: SourceHydrator | None = None

    def all_sources(self) -> list[Source]:
        """``sources`` when given, which switches ``source`` off; else the one source."""
        if self.sources:
            return self.sources
        return [self.source] if self.source else []

    def repository(self, source: Source) -> RepositoryOf:
        """The repository of one of the sources, on behalf of the application's project."""
        return RepositoryOf(source.address, self.project or DEFAULT_PROJECT, source.chart)

    def repositories(self) -> list[RepositoryOf]:
        """The repositories of all sources."""
        return [self.repository(source) for source in self.all_sources()]


class SyncOperationResource(Fields, frozen=True, kw_only=True):
    """One object of a selective sync. An absent namespace matches any.

    Attributes:
        group: API group; empty for the core group.
        kind: Kind.
        name: Name.
        namespace: Namespace; any when empty.
    """

    group: str = ""
    kind: str = written_text()
    name: str = written_text()
    namespace: str = ""


class SyncStrategyApply(Fields, frozen=True, kw_only=True):
    """Apply everything and run no hooks.

    Attributes:
        force: Delete and create an object anew where an update is refused.
    """

    force: bool = False


class SyncStrategyHook(Fields, frozen=True, kw_only=True):
    """Apply everything and run hooks.

    Attributes:
        force: Delete and create an object anew where an update is refused.
    """

    force: bool = False


class SyncStrategy(Fields, frozen=True, kw_only=True):
    """Whether hooks run.

    Attributes:
        apply: Apply everything and run no hooks.
        hook: Apply everything and run hooks; the default.
    """

    apply: SyncStrategyApply | None = None
    hook: SyncStrategyHook | None = None


class SyncOperation(Fields, frozen=True, kw_only=True):
    """A sync that somebody asks for.

    Attributes:
        revision: Revision to sync to; spec.source.targetRevision when empty.
        prune: Delete objects that left Git.
        dry_run: Ask the cluster and change nothing.
        sync_strategy: Whether hooks run.
        resources: Sync these objects only, and run no hooks.
        source: Sync from this source instead of the declared one.
        manifests: Sync these manifests instead of the repository's.
        sync_options: Options for this sync, each Name=value.
        sources: Sync from these sources instead of the declared ones.
        revisions: Revisions to sync to, one for each source.
        auto_heal_attempts_count: Self-heal attempts in a row; set by the controller.
    """

    revision: str = ""
    prune: bool = False
    dry_run: bool = False
    sync_strategy: SyncStrategy | None = None
    resources: list[SyncOperationResource] = []
    source: Source | None = None
    manifests: list[str] = []
    sync_options: list[str] = []
    sources: list[Source] = []
    revisions: list[str] = []
    auto_heal_attempts_count: int = 0


class OperationInitiator(Fields, frozen=True, kw_only=True):
    """Who asked for an operation.

    Attributes:
        username: Name of the user.
        automated: The controller asked, by automated sync or self-heal.
    """

    username: str = ""
    automated: bool = False


class Operation(Fields, frozen=True, kw_only=True):
    """Asks for a sync: write it and the controller starts.

    Attributes:
        sync: The sync asked for.
        initiated_by: Who asks.
        info: Notes kept with the operation.
        retry: What follows a failure.
    """

    sync: SyncOperation | None = None
    initiated_by: OperationInitiator = OperationInitiator()
    info: list[NameValue] = []
    retry: Retry | None = None


class Application(Fields, frozen=True, kw_only=True):
    """Keeps objects of a cluster as a Git repository declares them.

    ``status`` is in :mod:`trueup.model.status`, decoded separately.

    Attributes:
        spec: What should run where.
        operation: Asks for a sync: write it and the controller starts.
    """

    api_version: str = ""
    kind: str = ""
    metadata: Metadata = msgspec.field(default_factory=Metadata)
    spec: ApplicationSpec = msgspec.field(default_factory=ApplicationSpec)
    operation: Operation | None = None

    @property
    def key(self) -> str:
        """``namespace/name``, unique in a control cluster."""
        return f"{self.metadata.namespace}/{self.metadata.name}"


class ResourceRule(Fields, frozen=True, kw_only=True):
    """An entry of a project's kind lists.

    Attributes:
        group: API group; a glob.
        kind: Kind; a glob.
        name: Name of the object; a glob; counts for cluster-scoped kinds only.
    """

    group: str = written_text()
    kind: str = written_text()
    name: str = ""

    def group_kind(self) -> GroupKind:
        return GroupKind(self.group, self.kind)
