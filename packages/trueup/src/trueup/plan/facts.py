"""Everything the planner knows, gathered before it is asked."""

from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec

from trueup.model.application import NamespaceMetadata, Operation, Retry, SyncOperation, SyncPolicy
from trueup.model.comparison import Comparison
from trueup.model.health import Health
from trueup.model.live import LiveObject
from trueup.model.resource import GroupKind, ResourceKey
from trueup.model.status import OperationState
from trueup.plan.options import Options


def _nothing(_: ResourceKey) -> str:
    return ""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Observations of one pass.

    Attributes:
        comparison: of the revision the operation runs, with the hook manifests of that revision.
        live: targets, prune candidates, hook objects (:func:`trueup.plan.hooks.hook_keys`) and the destination
            namespace, by key.
        health: verdicts over ``live``; None or absent where the kind has no check. A hook object that carries our
            finalizer is assessed as if nobody were deleting it, or one with a TTL would never be seen to end.
        serves: whether the cluster serves an (apiVersion, kind).
        destination_namespace: of the application.
        namespace_metadata: ``spec.syncPolicy.managedNamespaceMetadata``, where it is this application's to apply.
        namespace_mark: the application that the namespace says it was made for, once written; empty for none.
        refused: objects that may not be written or deleted, with the reason.
        forbids: why the project does not permit an object to be written or deleted, whatever its name is by now.
        shared: objects that are part of another application too, one text for each.
        unwatched: kinds whose absence from ``live`` says nothing; their objects pass health gates.
        written: resource version of our latest write to an object, where it is known; older live objects do not
            count for health. Empty after a restart, when a fresh list has seen every earlier write anyway.
        acted_at: when a step of this operation last changed something; None when none has (then no pause).
        wave_delay: seconds between waves, for other controllers to react to the earlier one.
        approved_at: the application's ``deletion-approved`` annotation.
        retry: ``spec.syncPolicy.retry``, for operations that bring none.
    """

    comparison: Comparison
    live: Mapping[ResourceKey, LiveObject]
    health: Mapping[ResourceKey, Health | None]
    serves: Callable[[str, str], bool]
    options: Options = Options()
    destination_namespace: str = ""
    namespace_metadata: NamespaceMetadata | None = None
    namespace_mark: str = ""
    refused: Mapping[ResourceKey, str] = {}
    forbids: Callable[[ResourceKey], str] = _nothing
    shared: tuple[str, ...] = ()
    unwatched: frozenset[GroupKind] = frozenset()
    written: Mapping[ResourceKey, str] = {}
    acted_at: datetime | None = None
    wave_delay: float = 2.0
    approved_at: datetime | None = None
    retry: Retry | None = None

    def refusal(self, key: ResourceKey) -> str:
        """Why an object may be neither written nor deleted; empty where it may."""
        return self.refused.get(key, "") or self.forbids(key)


def options_for(operation: Operation, policy: SyncPolicy | None) -> Options:
    """The sync options in force: the operation's own when it brings any, else the specification's (Argo CD)."""
    own = operation.sync.sync_options if operation.sync else []
    return Options(frozenset(own or (policy.sync_options if policy else [])))


def sync_of(state: OperationState) -> SyncOperation:
    """The sync an operation asks for; an empty one where it names none."""
    return state.operation.sync or SyncOperation()


def revision_of(state: OperationState, comparison: Comparison) -> str:
    """The revision an operation runs: the recorded one, so that it cannot move while the operation lasts."""
    recorded = state.sync_result
    if recorded and (recorded.revision or recorded.revisions):
        return recorded.revision or recorded.revisions[0]
    return comparison.revisions[0] if comparison.revisions else ""
