"""Hook objects: their names, the run they belong to, and what becomes of them."""

from collections.abc import Iterable
from typing import Any

import msgspec

from trueup.formats.json import canonical, digest
from trueup.formats.time import parse_time
from trueup.model.annotations import HOOK_FINALIZER, OPERATION_ID
from trueup.model.comparison import Comparison
from trueup.model.hooks import sync_phases
from trueup.model.live import LiveObject
from trueup.model.manifest import Manifest
from trueup.model.resource import ResourceKey
from trueup.model.status import OperationState, SyncPhase
from trueup.plan.facts import revision_of, sync_of


def runs_hooks(state: OperationState) -> bool:
    """Whether an operation runs hooks: not with the Apply strategy, not when it names single objects."""
    sync = sync_of(state)
    return not sync.resources and not (sync.sync_strategy and sync.sync_strategy.apply)


def run_id(state: OperationState, revision: str, phase: SyncPhase) -> str:
    """Identity of one run of a hook: the operation's start and revision, the attempt, the phase.

    An object that carries it was created by this very run, whoever recorded it or failed to.
    """
    return f"{state.started_at}/{revision[:12]}/{state.retry_count}/{phase.value}"


def generated_name(prefix: str, state: OperationState, revision: str, phase: SyncPhase) -> str:
    """``<generateName><rev7>-<phase>-<unix>`` as Argo CD's, the same in every repetition of a pass.

    A further attempt appends its number: a failed object without BeforeHookCreation would stand in its way.
    """
    started = int(parse_time(state.started_at).timestamp())
    attempt = f"-{state.retry_count}" if state.retry_count else ""
    return f"{prefix}{revision[:7]}-{phase.value.lower()}-{started}{attempt}".lower()


def named(manifest: Manifest, state: OperationState, revision: str, phase: SyncPhase) -> Manifest:
    """The manifest with a name of its own where it only has a ``generateName``."""
    if manifest.key.name or not manifest.generate_name:
        return manifest
    name = generated_name(manifest.generate_name, state, revision, phase)
    wanted = manifest.object()
    wanted["metadata"].pop("generateName", None)
    wanted["metadata"]["name"] = name
    return _rebuilt(msgspec.structs.replace(manifest, key=hook_key(manifest, name)), wanted)


def armed(manifest: Manifest, identity: str) -> Manifest:
    """The manifest as it is created: with our finalizer, so that its end cannot be missed, and its run's identity."""
    wanted = manifest.object()
    metadata = wanted["metadata"]
    metadata["annotations"] = {**(metadata.get("annotations") or {}), OPERATION_ID: identity}
    finalizers = list(metadata.get("finalizers") or [])
    metadata["finalizers"] = finalizers if HOOK_FINALIZER in finalizers else [*finalizers, HOOK_FINALIZER]
    return _rebuilt(manifest, wanted)


def belongs(live: LiveObject, identity: str) -> bool:
    """Whether a live object is of this run."""
    return live.annotations.get(OPERATION_ID) == identity


def hook_key(manifest: Manifest, name: str) -> ResourceKey:
    """The manifest's key with another name."""
    key = manifest.key
    return ResourceKey(key.group, key.kind, key.namespace, name)


def hook_keys(state: OperationState, comparison: Comparison) -> frozenset[ResourceKey]:
    """Keys of the objects an operation's hooks have or will have: what to look up for :class:`Facts`."""
    if not runs_hooks(state):
        return frozenset()
    return frozenset(manifest.key for manifest, _ in phased_hooks(state, comparison))


def phased_hooks(state: OperationState, comparison: Comparison) -> Iterable[tuple[Manifest, SyncPhase]]:
    """Every hook of the revision once for each phase of a sync it runs in, named."""
    revision = revision_of(state, comparison)
    for manifest in comparison.hooks:
        for phase in sync_phases(manifest.annotations):
            yield named(manifest, state, revision, phase), phase


def _rebuilt(manifest: Manifest, wanted: dict[str, Any]) -> Manifest:
    body = canonical(wanted)
    annotations = wanted["metadata"].get("annotations") or {}
    return msgspec.structs.replace(manifest, body=body, digest=digest(body), annotations=annotations)
