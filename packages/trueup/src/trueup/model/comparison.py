"""What is wanted against what is there."""

from typing import Any

import msgspec

from trueup.model.live import LiveObject
from trueup.model.manifest import Manifest
from trueup.model.resource import ResourceKey
from trueup.model.status import SyncCode


class ComparedResource(msgspec.Struct, frozen=True, kw_only=True):
    """One pair. At least one of ``target`` and ``live`` is there.

    Attributes:
        status: Synced, OutOfSync, or Unknown where the project forbids the kind or nothing could be asked.
        requires_pruning: live belongs to the application and Git no longer has it.
        hook: a hook object; it counts neither for sync status nor for health nor for pruning.
        message: why OutOfSync or Unknown, for people: the differing fields, or the server's refusal.
        becomes: JSON of the object as a sync would leave it; empty where that was not asked or is not known.
    """

    key: ResourceKey
    target: Manifest | None
    live: LiveObject | None
    status: SyncCode
    requires_pruning: bool = False
    hook: bool = False
    message: str = ""
    becomes: bytes = b""

    def becoming(self) -> dict[str, Any] | None:
        """What the object becomes by an apply: the server's answer where there is one, else what Git declares."""
        if self.becomes:
            found: dict[str, Any] = msgspec.json.decode(self.becomes)
            return found
        return self.target.object() if self.target else None


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """All pairs of an application, sorted by key, and the verdict over them.

    Attributes:
        hooks: the hook manifests of the target: not compared, run by operations.
        namespace: the destination namespace, where ``managedNamespaceMetadata`` keeps its labels and annotations. It
            counts for the verdict and for nothing else: it is no object of the application's.
    """

    status: SyncCode
    resources: tuple[ComparedResource, ...] = ()
    hooks: tuple[Manifest, ...] = ()
    revisions: tuple[str, ...] = ()
    source_types: tuple[str, ...] = ()
    namespace: ComparedResource | None = None

    @property
    def compared(self) -> tuple[ComparedResource, ...]:
        """Everything that a sync may put right."""
        return (*self.resources, self.namespace) if self.namespace else self.resources
