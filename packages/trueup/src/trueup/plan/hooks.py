"""Hook objects: their names, the run they belong to, and what becomes of them."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from kubegrammar.json import canonical, digest
from kubegrammar.time import parse_time
from trueup.model.annotations import HOOK_FINALIZER, OPERATION_ID, TRACKING_ID
from trueup.model.comparison import Comparison
from trueup.model.hooks import sync_phases
from trueup.model.live import LiveObject
from trueup.model.manifest import Manifest, generated_name
from trueup.model.resource import ResourceKey
from trueup.model.status import OperationState, SyncPhase
from trueup.plan.facts import revision_of, sync_of
from trueup.plan.kinds import CRD, NAMESPACE


def runs_hooks(state: OperationState) -> bool:
    """Whether an operation runs hooks: not with the Apply strategy, not when it names single objects."""
    sync = sync_of(state)
    return not sync.resources and not (sync.sync_strategy and sync.sync_strategy.apply)


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """What one run of hooks is known by, the same in every repetition of a pass.

    Attributes:
        revision: of the manifests.
        started_at: RFC 3339: the start of the operation, or the deletion of the application.
        attempt: counted from 0.
    """

    revision: str
    started_at: str
    attempt: int = 0

    def id(self, phase: str) -> str:
        """Identity of a run: an object that carries it was created by this very run, whoever recorded it or did not."""
        return f"{self.started_at}/{self.revision[:12]}/{self.attempt}/{phase}"

    def name(self, prefix: str, phase: str, place: int = 0) -> str:
        """``<generateName><rev7>-<phase>-<unix>`` as Argo CD's, of 63 characters at most.

        A further attempt appends its number: a failed object without BeforeHookCreation would stand in its way. So does
        a further hook with the same ``generateName`` its place among them.
        """
        numbers = f"-{self.attempt}-{place}" if place else f"-{self.attempt}" if self.attempt else ""
        return generated_name(prefix, f"{self._short()}-{phase}-{self._begun()}{numbers}".lower())

    def _short(self) -> str:
        """The beginning of a commit or of a digest, or of a version with what a name may have."""
        text = self.revision.partition(":")[2] or self.revision
        return "".join(each if each.isalnum() else "-" for each in text[:7]).strip("-")

    def _begun(self) -> int:
        try:
            return int(parse_time(self.started_at).timestamp())
        except ValueError:
            # Somebody else wrote it. The name need only be of this run.
            return int(digest(self.started_at.encode())[:8], 16)


def run_of(state: OperationState, comparison: Comparison) -> Run:
    """The run of an operation's hooks."""
    return Run(revision=revision_of(state, comparison), started_at=state.started_at, attempt=state.retry_count)


def named(manifests: Sequence[Manifest], run: Run, phase: str) -> list[Manifest]:
    """Hooks of one phase, each with a name of its own where it only has a ``generateName``.

    Two that would get the same name are told apart by their order, which is the render's and does not change.
    """
    taken = {manifest.key for manifest in manifests if manifest.key.name}
    return [manifest if manifest.key.name else _named(manifest, run, phase, taken) for manifest in manifests]


def _named(manifest: Manifest, run: Run, phase: str, taken: set[ResourceKey]) -> Manifest:
    key, place = manifest.key, 0
    while not key.name or key in taken:
        key, place = _called(manifest.key, run.name(manifest.generate_name, phase, place)), place + 1
    taken.add(key)
    wanted = manifest.object()
    metadata = wanted["metadata"]
    metadata.pop("generateName", None)
    metadata["name"] = key.name
    annotations = metadata.get("annotations") or {}
    if annotations.get(TRACKING_ID, "").endswith("/"):
        # Stamped before there was a name to end with.
        metadata["annotations"] = {**annotations, TRACKING_ID: annotations[TRACKING_ID] + key.name}
    return _rebuilt(msgspec.structs.replace(manifest, key=key), wanted)


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


def takes_along(live: LiveObject) -> bool:
    """Whether the deletion of an object in a hook's way takes others along that no hook made: a definition's or a
    namespace's, unless a hook made that."""
    return live.group_kind in (CRD, NAMESPACE) and OPERATION_ID not in live.annotations


def hook_keys(state: OperationState, comparison: Comparison) -> frozenset[ResourceKey]:
    """Keys of the objects an operation's hooks have or will have: what to look up for :class:`Facts`."""
    if not runs_hooks(state):
        return frozenset()
    return frozenset(manifest.key for manifest, _ in phased_hooks(state, comparison))


def phased_hooks(state: OperationState, comparison: Comparison) -> Iterable[tuple[Manifest, SyncPhase]]:
    """Every hook of the revision once for each phase of a sync it runs in, named."""
    run = run_of(state, comparison)
    for phase in SyncPhase:
        hooks = [manifest for manifest in comparison.hooks if phase in sync_phases(manifest.annotations)]
        for manifest in named(hooks, run, phase.value):
            yield manifest, phase


def _called(key: ResourceKey, name: str) -> ResourceKey:
    return ResourceKey(key.group, key.kind, key.namespace, name)


def _rebuilt(manifest: Manifest, wanted: dict[str, Any]) -> Manifest:
    body = canonical(wanted)
    annotations = wanted["metadata"].get("annotations") or {}
    return msgspec.structs.replace(manifest, body=body, digest=digest(body), annotations=annotations)
