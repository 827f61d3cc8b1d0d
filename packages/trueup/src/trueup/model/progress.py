"""What becomes of applications, as one stream of small values: told once, read by whoever wants to know."""

import msgspec

from trueup.model.audit import Actor, AuditRecord, FieldChange, Why
from trueup.model.changed import LastChange
from trueup.model.resource import ResourceKey
from trueup.model.status import OperationState


class SyncOf(msgspec.Struct, frozen=True, kw_only=True):
    """The operation that something belongs to.

    Attributes:
        started_at: RFC 3339; by it an operation is known again.
        revision: of its first source; empty where it has none yet.
        by: who asked for it.
        repository: of its first source; empty for manifests that came along.
        deployed: the revision that was deployed last.
        brought: what it says of manifests that came along; empty for none.
    """

    started_at: str
    revision: str = ""
    why: Why | None = None
    by: Actor = Actor()
    repository: str = ""
    deployed: str = ""
    brought: str = ""


class CommitSeen(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A source has a new commit.

    Attributes:
        before: the one that was seen last.
        committed_at: RFC 3339; empty where it is not known.
        subject: the first line of its message.
        pushed: somebody told of it, before it was looked for.
        changed: the last commit up to it that touched what the application is made of; None where it is not known.
    """

    repository: str
    revision: str
    before: str = ""
    by: Actor = Actor()
    committed_at: str = ""
    subject: str = ""
    pushed: bool = False
    changed: LastChange | None = None


class RolledBack(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A new commit takes a deployment back: that of ``bad``, to how it was at ``good``."""

    repository: str
    revision: str
    bad: str
    good: str
    by: Actor = Actor()


class Drifted(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An object is not as it was deployed any more.

    Attributes:
        changes: from what Git declares to what is there.
        gone: somebody deleted it.
    """

    key: ResourceKey
    by: Actor = Actor()
    changes: tuple[FieldChange, ...] = ()
    revision: str = ""
    gone: bool = False


class HealthChanged(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The application's health is another one."""

    before: str
    after: str
    message: str = ""
    revision: str = ""


class Started(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An operation is about to begin. ``found``: it was on record already, by somebody who is no engine."""

    state: OperationState
    sync: SyncOf
    found: bool = False


class Applied(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An object was created or changed, or was to be and was refused.

    Attributes:
        result: a ``ResultCode``.
        changes: from what was there to what Git declares.
    """

    key: ResourceKey
    sync: SyncOf
    result: str
    message: str = ""
    changes: tuple[FieldChange, ...] = ()


class Healed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A drift was undone."""

    key: ResourceKey
    sync: SyncOf
    result: str
    message: str = ""
    changes: tuple[FieldChange, ...] = ()


class Pruned(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An object was deleted, because Git no longer has it or, without ``sync``, with its application."""

    key: ResourceKey
    result: str
    message: str = ""
    sync: SyncOf | None = None
    changes: tuple[FieldChange, ...] = ()


class HookRan(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """A hook was started, refused, or has ended. ``result`` is its phase; without ``sync`` it is one of a deletion."""

    key: ResourceKey
    result: str
    message: str = ""
    sync: SyncOf | None = None
    changes: tuple[FieldChange, ...] = ()


class Resumed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """What an engine that is gone did, and could not say."""

    entry: AuditRecord


class Finished(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An operation has ended.

    Attributes:
        message: of its end, without where its manifests came from.
        health: of the application, where it succeeded.
    """

    state: OperationState
    sync: SyncOf
    message: str
    health: str = ""


class Deleted(msgspec.Struct, frozen=True, tag=True):
    """The application is gone."""


class VerdictChanged(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """``sync`` or ``health`` of the status is another one."""

    verdict: str
    before: str
    after: str
    message: str = ""


class ConditionBegan(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The status has a condition that it did not have, or one whose words are others."""

    kind: str
    message: str


class ConditionEnded(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The last condition of this kind has gone from the status."""

    kind: str


class Retried(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The running operation begins anew after an attempt that failed."""

    attempt: int
    message: str


class Warned(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Something that a person should know of. ``passing``: it is in order, and will be over by itself."""

    reason: str
    message: str
    passing: bool = False


Change = (
    CommitSeen
    | RolledBack
    | Drifted
    | HealthChanged
    | Started
    | Applied
    | Healed
    | Pruned
    | HookRan
    | Resumed
    | Finished
    | Deleted
    | VerdictChanged
    | ConditionBegan
    | ConditionEnded
    | Retried
    | Warned
)


class Told(msgspec.Struct, frozen=True):
    """A change.

    Attributes:
        application: ``namespace/name``.
        at: RFC 3339 with microseconds, UTC.
        project: of the application at that time; empty where it cannot be read.
    """

    application: str
    at: str
    change: Change
    project: str = ""
