"""The status of an Application as Argo CD writes it."""

from enum import StrEnum

import msgspec

from trueup.model.application import (
    Destination,
    Fields,
    IgnoreDifference,
    Operation,
    OperationInitiator,
    Source,
)


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
    """What an operation did to one object. ``hook_phase`` is a hook's state, or a plain object's at its wave gate."""

    group: str = ""
    version: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    status: str = ""
    message: str = ""
    hook_type: str = ""
    hook_phase: str = ""
    sync_phase: str = ""
    images: list[str] = []


class SyncOperationResult(Fields, frozen=True, kw_only=True):
    resources: list[ResourceResult] = []
    revision: str = ""
    source: Source | None = None
    sources: list[Source] = []
    revisions: list[str] = []
    managed_namespace_metadata: dict[str, dict[str, str]] | None = None


class OperationState(Fields, frozen=True, kw_only=True):
    """A running or ended operation. Times are RFC 3339 UTC to the second."""

    operation: Operation
    phase: OperationPhase
    message: str = ""
    sync_result: SyncOperationResult | None = None
    started_at: str
    finished_at: str | None = None
    retry_count: int = 0


class ComparedTo(Fields, frozen=True, kw_only=True):
    source: Source | None = None
    destination: Destination = Destination()
    sources: list[Source] = []
    ignore_differences: list[IgnoreDifference] = []


class SyncStatus(Fields, frozen=True, kw_only=True):
    status: SyncCode
    compared_to: ComparedTo | None = None
    revision: str = ""
    revisions: list[str] = []


class HealthStatus(Fields, frozen=True, kw_only=True):
    status: str = ""
    message: str = ""
    last_transition_time: str | None = None


class ResourceStatus(Fields, frozen=True, kw_only=True):
    """One line of ``status.resources``."""

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
    type: str = ""
    message: str = ""
    last_transition_time: str | None = None


class RevisionHistory(Fields, frozen=True, kw_only=True):
    revision: str = ""
    deployed_at: str
    id: int
    source: Source | None = None
    deploy_started_at: str | None = None
    sources: list[Source] = []
    revisions: list[str] = []
    initiated_by: OperationInitiator | None = None


class Summary(Fields, frozen=True, kw_only=True):
    external_urls: list[str] = msgspec.field(default_factory=list, name="externalURLs")
    images: list[str] = []


class Status(Fields, frozen=True, kw_only=True):
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
    source_hydrator: dict[str, object] | None = None
