"""The status of an Application as Argo CD writes it."""

from enum import StrEnum
from typing import Any

import msgspec

from trueup.model.application import Destination, IgnoreDifference, NamespaceMetadata, Operation, OperationInitiator
from trueup.model.fields import Fields, written_text
from trueup.model.source import Source


class SyncCode(StrEnum):
    """Whether the cluster is as Git declares."""

    SYNCED = "Synced"
    OUT_OF_SYNC = "OutOfSync"
    UNKNOWN = "Unknown"


class OperationPhase(StrEnum):
    """Phase of an operation. Waiting for a retry is Running with ``finishedAt`` set."""

    RUNNING = "Running"
    TERMINATING = "Terminating"
    FAILED = "Failed"
    ERROR = "Error"
    SUCCEEDED = "Succeeded"

    @property
    def completed(self) -> bool:
        return self in (OperationPhase.FAILED, OperationPhase.ERROR, OperationPhase.SUCCEEDED)


class SyncPhase(StrEnum):
    """Phases of a sync, in the order of their ranks."""

    PRE_SYNC = "PreSync"
    SYNC = "Sync"
    POST_SYNC = "PostSync"
    SYNC_FAIL = "SyncFail"

    @property
    def rank(self) -> int:
        """PreSync −1, Sync 0, PostSync 1, SyncFail 2, as Argo CD orders them."""
        return list(SyncPhase).index(self) - 1


class ResultCode(StrEnum):
    """``status`` of a resource result."""

    SYNCED = "Synced"
    SYNC_FAILED = "SyncFailed"
    PRUNED = "Pruned"
    PRUNE_SKIPPED = "PruneSkipped"


class ResourceResult(Fields, frozen=True, kw_only=True):
    """What an operation did to one object.

    Attributes:
        group: API group.
        version: API version.
        kind: Kind.
        namespace: Namespace.
        name: Name.
        status: Synced, SyncFailed, Pruned or PruneSkipped.
        message: What happened, for people.
        hook_type: For a hook, the phase it ran in.
        hook_phase: State of a hook, or of a plain object at its wave gate: Running, Succeeded, Failed, Error.
        sync_phase: Phase of the sync: PreSync, Sync, PostSync or SyncFail.
        images: Container images of the object.
    """

    group: str = written_text()
    version: str = written_text()
    kind: str = written_text()
    namespace: str = written_text()
    name: str = written_text()
    status: str = ""
    message: str = ""
    hook_type: str = ""
    hook_phase: str = ""
    sync_phase: str = ""
    images: list[str] = []


class SyncOperationResult(Fields, frozen=True, kw_only=True):
    """What a sync has done so far.

    Attributes:
        resources: What was done to each object.
        revision: Revision synced to.
        source: Source synced from.
        sources: Sources synced from.
        revisions: Revisions synced to, one for each source.
        managed_namespace_metadata: Labels and annotations put on the namespace.
    """

    resources: list[ResourceResult] = []
    revision: str = written_text()
    source: Source | None = None
    sources: list[Source] = []
    revisions: list[str] = []
    managed_namespace_metadata: NamespaceMetadata | None = None


class OperationState(Fields, frozen=True, kw_only=True):
    """A running or ended operation. Times are RFC 3339 UTC to the second.

    Attributes:
        operation: The operation asked for.
        phase: Running, Terminating, Failed, Error or Succeeded.
        message: Where it stands, for people.
        sync_result: What the sync has done so far.
        started_at: When it started.
        finished_at: When it ended, or when the last try ended while it waits for the next.
        retry_count: Tries after the first.
    """

    operation: Operation
    phase: OperationPhase
    message: str = ""
    sync_result: SyncOperationResult | None = None
    started_at: str
    finished_at: str | None = None
    retry_count: int = 0


class ComparedTo(Fields, frozen=True, kw_only=True):
    """What the comparison was made with.

    Attributes:
        source: Source compared.
        destination: Destination compared.
        sources: Sources compared.
        ignore_differences: Fields that were allowed to differ.
    """

    source: Source | None = None
    destination: Destination = msgspec.field(default_factory=Destination)
    sources: list[Source] = []
    ignore_differences: list[IgnoreDifference] = []


class SyncStatus(Fields, frozen=True, kw_only=True):
    """Whether the cluster is as Git declares.

    Attributes:
        status: Synced, OutOfSync or Unknown.
        compared_to: What the comparison was made with.
        revision: Revision compared.
        revisions: Revisions compared, one for each source.
    """

    status: SyncCode
    compared_to: ComparedTo | None = None
    revision: str = ""
    revisions: list[str] = []


class HealthStatus(Fields, frozen=True, kw_only=True):
    """Whether things work.

    Attributes:
        status: Healthy, Progressing, Suspended, Missing, Degraded or Unknown.
        message: Why, for people.
        last_transition_time: When the status last changed.
    """

    status: str = ""
    message: str = ""
    last_transition_time: str | None = None


class ResourceStatus(Fields, frozen=True, kw_only=True):
    """One object of the application.

    Attributes:
        group: API group.
        version: API version.
        kind: Kind.
        namespace: Namespace.
        name: Name.
        status: Synced, OutOfSync or Unknown.
        health: Whether the object works.
        hook: The object is a hook.
        requires_pruning: The object left Git and is to be deleted.
        sync_wave: Wave in which the object is applied.
        requires_deletion_confirmation: The object is deleted only after somebody confirms it.
    """

    group: str = ""
    version: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    status: str = ""
    health: HealthStatus | None = None
    hook: bool = False
    requires_pruning: bool = False
    sync_wave: int = 0
    requires_deletion_confirmation: bool = False


class Condition(Fields, frozen=True, kw_only=True):
    """Something the user should know about the application.

    Attributes:
        type: Kind of condition, such as ComparisonError or SyncError.
        message: What is the matter, for people.
        last_transition_time: When it was first seen.
    """

    type: str = written_text()
    message: str = written_text()
    last_transition_time: str | None = None


class RevisionHistory(Fields, frozen=True, kw_only=True):
    """One past deployment.

    Attributes:
        revision: Revision deployed.
        deployed_at: When the sync ended.
        id: Number of the deployment, growing.
        source: Source deployed.
        deploy_started_at: When the sync started.
        sources: Sources deployed.
        revisions: Revisions deployed, one for each source.
        initiated_by: Who asked for it.
    """

    revision: str = ""
    deployed_at: str
    id: int
    source: Source | None = None
    deploy_started_at: str | None = None
    sources: list[Source] = []
    revisions: list[str] = []
    initiated_by: OperationInitiator | None = None


class Summary(Fields, frozen=True, kw_only=True):
    """What the application's objects have to show.

    Attributes:
        external_urls: Addresses the objects can be reached at.
        images: Container images in use.
        is_app_of_apps: The application declares other applications.
    """

    external_urls: list[str] = msgspec.field(default_factory=list, name="externalURLs")
    images: list[str] = []
    is_app_of_apps: bool = False


class Status(Fields, frozen=True, kw_only=True):
    """What is known about the application; written by the controller.

    Attributes:
        resources: The application's objects. Stored as they are, without a schema, because checking thousands is dear.
        sync: Whether the cluster is as Git declares.
        health: Whether the application works.
        history: Past deployments, oldest first.
        conditions: What the user should know.
        reconciled_at: When the application was last compared, if anything changed.
        operation_state: The running or last operation.
        observed_at: Older name of reconciledAt.
        source_type: Tool that rendered the source: Helm, Kustomize, Directory or Plugin.
        summary: What the objects have to show.
        resource_health_source: Where the health of single objects is kept: inline, or appTree.
        source_types: Tools that rendered the sources.
        controller_namespace: Namespace of the controller that wrote this.
        source_hydrator: State of the hydration of manifests.
    """

    resources: list[ResourceStatus] = []
    sync: SyncStatus | None = None
    health: HealthStatus | None = None
    history: list[RevisionHistory] = []
    conditions: list[Condition] = []
    reconciled_at: str | None = None
    operation_state: OperationState | None = None
    observed_at: str | None = None
    source_type: str = ""
    summary: Summary | None = None
    resource_health_source: str = ""
    source_types: list[str] = []
    controller_namespace: str = ""
    source_hydrator: dict[str, Any] | None = None
