"""The status of an Application, built from what a pass saw, field for field as Argo CD writes it."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from trueup import policy
from trueup.model.application import Application
from trueup.model.comparison import ComparedResource, Comparison
from trueup.model.health import Health
from trueup.model.hooks import wave_of
from trueup.model.live import LiveObject
from trueup.model.resource import ResourceKey, version_of
from trueup.model.status import (
    ComparedTo,
    HealthStatus,
    OperationState,
    ResourceStatus,
    RevisionHistory,
    Status,
    Summary,
    SyncCode,
    SyncStatus,
)

DEFAULT_HISTORY = 10
_MOST_IDS = 2**53
MESSAGE_LIMIT = 1024


def compared_to(app: Application) -> ComparedTo:
    """What the comparison was made against."""
    spec = app.spec
    return ComparedTo(
        source=None if spec.sources else spec.source,
        sources=spec.sources,
        destination=spec.destination,
        ignore_differences=spec.ignore_differences,
    )


def sync_status(app: Application, comparison: Comparison) -> SyncStatus:
    """``status.sync``."""
    return synced_to(app, SyncStatus(status=comparison.status, compared_to=compared_to(app)), comparison.revisions)


def synced_to(app: Application, before: SyncStatus, revisions: Sequence[str]) -> SyncStatus:
    """The same of these commits, which declare the same."""
    several = bool(app.spec.sources)
    return msgspec.structs.replace(
        before, revision="" if several else "".join(revisions[:1]), revisions=list(revisions) if several else []
    )


def unknown_sync(app: Application, before: SyncStatus | None) -> SyncStatus:
    """``status.sync`` where nothing could be compared: the last known revision stays, for people to see."""
    return SyncStatus(
        status=SyncCode.UNKNOWN,
        compared_to=compared_to(app),
        revision=before.revision if before else "",
        revisions=before.revisions if before else [],
    )


def resources(comparison: Comparison, health: Mapping[ResourceKey, Health | None]) -> list[ResourceStatus]:
    """``status.resources``, in the comparison's order."""
    return [_resource(pair, health.get(pair.key)) for pair in comparison.compared]


def _resource(pair: ComparedResource, health: Health | None) -> ResourceStatus:
    known = pair.target or pair.live
    annotations = pair.target.annotations if pair.target else pair.live.annotations if pair.live else {}
    return ResourceStatus(
        group=pair.key.group,
        version=version_of(known.api_version) if known else "",
        kind=pair.key.kind,
        namespace=pair.key.namespace,
        name=pair.key.name,
        status="" if pair.hook else str(pair.status),
        health=HealthStatus(status=str(health.status), message=health.message[:MESSAGE_LIMIT]) if health else None,
        hook=pair.hook,
        requires_pruning=pair.requires_pruning,
        sync_wave=wave_of(annotations),
    )


def source_types(app: Application, comparison: Comparison) -> dict[str, Any]:
    """``sourceType`` for one source, ``sourceTypes`` for several."""
    types = list(comparison.source_types)
    return {"sourceTypes": types} if app.spec.sources else {"sourceType": types[0] if types else None}


def summary(live: Mapping[ResourceKey, LiveObject]) -> Summary:
    """``status.summary``: the images that the application's own workloads name."""
    images: set[str] = set()
    for key, found in live.items():
        if key.kind in _WORKLOADS:
            images.update(_images(found.object()))
    return Summary(images=sorted(images))


_WORKLOADS = frozenset({"Pod", "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob"})


def _images(manifest: dict[str, Any]) -> set[str]:
    spec = manifest.get("spec") or {}
    spec = (spec.get("jobTemplate") or {}).get("spec") or spec
    pod = (spec.get("template") or {}).get("spec") or spec
    containers = [*(pod.get("containers") or []), *(pod.get("initContainers") or [])]
    return {c["image"] for c in containers if isinstance(c, dict) and isinstance(c.get("image"), str)}


def history(app: Application, status: Status, state: OperationState) -> list[RevisionHistory]:
    """``status.history`` with one more entry, cut to the application's limit."""
    result = state.sync_result
    # An id that is not ours may be the last that fits into the field.
    last = max((past.id for past in status.history if 0 <= past.id < _MOST_IDS), default=-1) + 1
    several = bool(app.spec.sources)
    entry = RevisionHistory(
        id=last,
        revision=result.revision if result else "",
        revisions=result.revisions if result else [],
        source=None if several else app.spec.source,
        sources=app.spec.sources,
        deployed_at=state.finished_at or state.started_at,
        deploy_started_at=state.started_at,
        initiated_by=policy.initiator(state.operation),
    )
    limit = app.spec.revision_history_limit
    keep = DEFAULT_HISTORY if limit is None else max(0, limit)
    return [*status.history, entry][-keep:] if keep else []
