"""What the next step of an operation is decided from."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from kubegrammar.time import parse_time, past_time
from trueup import policy
from trueup.controllers.ports import Ports
from trueup.model.annotations import DELETION_APPROVED, FIELD_MANAGER
from trueup.model.application import Application
from trueup.model.live import LiveObject
from trueup.model.resource import ResourceKey
from trueup.model.status import OperationState
from trueup.observe.observation import Observation
from trueup.plan.facts import Facts, options_for
from trueup.plan.options import CREATE_NAMESPACE
from trueup.plan.options import Options as SyncOptions
from trueup.store.applications import StoredApplication


def facts_of(
    ports: Ports, stored: StoredApplication, seen: Observation, state: OperationState, acted: datetime | None
) -> Facts:
    """All that the next step of an operation is decided from.

    Args:
        acted: when it took a step last, where that is known to the second's fraction.
    """
    cluster, app, sync_policy = ports.cluster, stored.app, stored.app.spec.sync_policy
    return Facts(
        comparison=seen.comparison,
        live=seen.live,
        health=seen.health,
        serves=cluster.serves,
        options=_options(ports, stored, state),
        destination_namespace=app.spec.destination.namespace,
        namespace_metadata=seen.namespace_metadata,
        namespace_mark=seen.namespace_mark,
        refused=seen.refused,
        forbids=seen.forbids,
        shared=seen.shared,
        unwatched=cluster.unwatched(),
        wave_delay=ports.wave_delay,
        acted_at=acted or last_write(seen.live, state, ports.clock.now()),
        approved_at=approved(app),
        retry=sync_policy.retry if sync_policy else None,
    )


def _options(ports: Ports, stored: StoredApplication, state: OperationState) -> SyncOptions:
    options = options_for(state.operation, stored.app.spec.sync_policy)
    if not ports.cluster.confined:
        return options
    # A namespace that is managed by a role in it is there, and may be invisible all the same.
    return msgspec.structs.replace(options, texts=options.texts - {CREATE_NAMESPACE})


def last_write(live: Mapping[ResourceKey, LiveObject], state: OperationState, now: datetime) -> datetime | None:
    """When this operation last changed something, by what the API server keeps of it; whole seconds, rounded up."""
    results = state.sync_result.resources if state.sync_result else []
    keys = {ResourceKey(result.group, result.kind, result.namespace, result.name) for result in results}
    times = [written_at(live[key].object(), FIELD_MANAGER) for key in keys & live.keys()]
    latest = max((time for time in times if time is not None), default=None)
    started = past_time(state.started_at, now)
    if latest is None or started is None or not started <= latest <= now:
        return None
    return latest + timedelta(seconds=1)


def written_at(body: Mapping[str, Any], manager: str) -> datetime | None:
    """When a manager last changed an object, its status aside."""
    entries = (body.get("metadata") or {}).get("managedFields") or []
    return policy.last_write_by((entry for entry in entries if entry.get("subresource") != "status"), manager)


def approved(app: Application) -> datetime | None:
    text = app.metadata.annotations.get(DELETION_APPROVED, "")
    try:
        return parse_time(text) if text else None
    except ValueError:
        return None
