"""The Application object: Argo CD's ``argoproj.io/v1alpha1`` schema, read leniently and written sparsely.

Attribute names are Argo CD's JSON names in snake case. Fields Trueup does not act on are kept, so that a
round trip loses nothing a user wrote in them.
"""

from typing import Any

import msgspec

from trueup.model.resource import GroupKind


class Fields(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """Base of everything declared in YAML."""


class Metadata(Fields, frozen=True, kw_only=True):
    """``metadata`` of our own objects."""

    name: str = ""
    generate_name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: str | None = None
    deletion_timestamp: str | None = None
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}
    finalizers: list[str] = []
    owner_references: list[dict[str, Any]] = []


class NameValue(Fields, frozen=True, kw_only=True):
    """A name and a value."""

    name: str = ""
    value: str = ""


class HelmParameter(Fields, frozen=True, kw_only=True):
    name: str = ""
    value: str = ""
    force_string: bool = False


class HelmFileParameter(Fields, frozen=True, kw_only=True):
    name: str = ""
    path: str = ""


class HelmSource(Fields, frozen=True, kw_only=True):
    value_files: list[str] = []
    parameters: list[HelmParameter] = []
    release_name: str = ""
    values: str = ""
    values_object: dict[str, Any] | None = None
    file_parameters: list[HelmFileParameter] = []
    version: str = ""
    pass_credentials: bool = False
    ignore_missing_value_files: bool = False
    skip_crds: bool = False
    skip_tests: bool = False
    skip_schema_validation: bool = False
    namespace: str = ""
    kube_version: str = ""
    api_versions: list[str] = []


class KustomizeReplica(Fields, frozen=True, kw_only=True):
    name: str
    count: int | str


class KustomizePatchTarget(Fields, frozen=True, kw_only=True):
    group: str = ""
    version: str = ""
    kind: str = ""
    name: str = ""
    namespace: str = ""
    label_selector: str = ""
    annotation_selector: str = ""


class KustomizePatch(Fields, frozen=True, kw_only=True):
    path: str = ""
    patch: str = ""
    target: KustomizePatchTarget | None = None
    options: dict[str, bool] = {}


class KustomizeSource(Fields, frozen=True, kw_only=True):
    name_prefix: str = ""
    name_suffix: str = ""
    images: list[str] = []
    common_labels: dict[str, str] = {}
    version: str = ""
    common_annotations: dict[str, str] = {}
    force_common_labels: bool = False
    force_common_annotations: bool = False
    namespace: str = ""
    common_annotations_envsubst: bool = False
    replicas: list[KustomizeReplica] = []
    patches: list[KustomizePatch] = []
    components: list[str] = []
    ignore_missing_components: bool = False
    label_without_selector: bool = False
    label_include_templates: bool = False
    kube_version: str = ""
    api_versions: list[str] = []


class JsonnetVar(Fields, frozen=True, kw_only=True):
    name: str = ""
    value: str = ""
    code: bool = False


class JsonnetSource(Fields, frozen=True, kw_only=True):
    ext_vars: list[JsonnetVar] = []
    tlas: list[JsonnetVar] = []
    libs: list[str] = []


class DirectorySource(Fields, frozen=True, kw_only=True):
    recurse: bool = False
    jsonnet: JsonnetSource | None = None
    exclude: str = ""
    include: str = ""
    disable_extension_filter: bool = False


class PluginParameter(Fields, frozen=True, kw_only=True):
    name: str = ""
    string: str | None = None
    map: dict[str, str] | None = None
    array: list[str] | None = None


class PluginSource(Fields, frozen=True, kw_only=True):
    name: str = ""
    env: list[NameValue] = []
    parameters: list[PluginParameter] = []


class Source(Fields, frozen=True, kw_only=True):
    repo_url: str = msgspec.field(default="", name="repoURL")
    path: str = ""
    target_revision: str = ""
    helm: HelmSource | None = None
    kustomize: KustomizeSource | None = None
    directory: DirectorySource | None = None
    plugin: PluginSource | None = None
    chart: str = ""
    ref: str = ""
    name: str = ""
    tag_prefix: str = ""


class Destination(Fields, frozen=True, kw_only=True):
    server: str = ""
    namespace: str = ""
    name: str = ""


class Automated(Fields, frozen=True, kw_only=True):
    prune: bool = False
    self_heal: bool = False
    allow_empty: bool = False
    enabled: bool | None = None


class Backoff(Fields, frozen=True, kw_only=True):
    """Durations stay text here: a bad one is an error of its own application, found where it is used."""

    duration: str = ""
    factor: int | None = None
    max_duration: str = ""


class Retry(Fields, frozen=True, kw_only=True):
    limit: int = 0
    backoff: Backoff | None = None
    refresh: bool = False


class NamespaceMetadata(Fields, frozen=True, kw_only=True):
    labels: dict[str, str] = {}
    annotations: dict[str, str] = {}


class SyncPolicy(Fields, frozen=True, kw_only=True):
    automated: Automated | None = None
    sync_options: list[str] = []
    retry: Retry | None = None
    managed_namespace_metadata: NamespaceMetadata | None = None


class IgnoreDifference(Fields, frozen=True, kw_only=True):
    group: str = ""
    kind: str = ""
    name: str = ""
    namespace: str = ""
    json_pointers: list[str] = []
    jq_path_expressions: list[str] = []
    managed_fields_managers: list[str] = []


class DrySource(Fields, frozen=True, kw_only=True):
    repo_url: str = msgspec.field(default="", name="repoURL")
    target_revision: str = ""
    path: str = ""
    helm: HelmSource | None = None
    kustomize: KustomizeSource | None = None
    directory: DirectorySource | None = None
    plugin: PluginSource | None = None


class HydrateTo(Fields, frozen=True, kw_only=True):
    target_branch: str = ""


class SyncSource(Fields, frozen=True, kw_only=True):
    repo_url: str = msgspec.field(default="", name="repoURL")
    target_branch: str = ""
    path: str = ""


class SourceHydrator(Fields, frozen=True, kw_only=True):
    dry_source: DrySource | None = None
    sync_source: SyncSource | None = None
    hydrate_to: HydrateTo | None = None


class ApplicationSpec(Fields, frozen=True, kw_only=True):
    source: Source | None = None
    destination: Destination = Destination()
    project: str = ""
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


class SyncOperationResource(Fields, frozen=True, kw_only=True):
    """One entry of a selective sync. An absent namespace matches any."""

    group: str = ""
    kind: str = ""
    name: str = ""
    namespace: str = ""


class SyncStrategyApply(Fields, frozen=True, kw_only=True):
    force: bool = False


class SyncStrategyHook(Fields, frozen=True, kw_only=True):
    force: bool = False


class SyncStrategy(Fields, frozen=True, kw_only=True):
    apply: SyncStrategyApply | None = None
    hook: SyncStrategyHook | None = None


class SyncOperation(Fields, frozen=True, kw_only=True):
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
    username: str = ""
    automated: bool = False


class Operation(Fields, frozen=True, kw_only=True):
    """``.operation``: somebody asks for a sync."""

    sync: SyncOperation | None = None
    initiated_by: OperationInitiator = OperationInitiator()
    info: list[NameValue] = []
    retry: Retry | None = None


class Application(Fields, frozen=True, kw_only=True):
    """An Application as stored. ``status`` is in :mod:`trueup.model.status`, decoded separately."""

    api_version: str = ""
    kind: str = ""
    metadata: Metadata = Metadata()
    spec: ApplicationSpec = ApplicationSpec()
    operation: Operation | None = None

    @property
    def key(self) -> str:
        """``namespace/name``, unique in a control cluster."""
        return f"{self.metadata.namespace}/{self.metadata.name}"


class ResourceRule(Fields, frozen=True, kw_only=True):
    """An entry of a project's kind lists. ``name`` counts for cluster-scoped kinds only."""

    group: str = ""
    kind: str = ""
    name: str = ""

    def group_kind(self) -> GroupKind:
        return GroupKind(self.group, self.kind)
