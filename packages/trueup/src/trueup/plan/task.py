"""The units of work of a sync, and the steps they are handed out in."""

import msgspec

from trueup.model.hooks import HookDeletePolicy
from trueup.model.manifest import Manifest
from trueup.model.resource import ResourceKey
from trueup.model.status import OperationPhase, ResourceResult, SyncPhase

Order = tuple[int, int, int, str, str, str, str, int]


Way = tuple[str, bool, bool]


class Writing(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """How an object is written.

    Attributes:
        server_side: ``default``, ``asked`` or ``off``; only ``default`` may fall back to a client-side merge.
        replace: PUT the manifest instead of merging it.
        force: delete and create again where the write is refused as impossible.
        validate: unknown fields of a client-side write are refused rather than dropped.
        migrate: take over fields of client-side managers (cluster-truths 3).
        in_sync: the object is as declared: it is not written for the sake of ownership alone.
    """

    server_side: str = "default"
    replace: bool = False
    force: bool = False
    validate: bool = True
    migrate: bool = True
    in_sync: bool = False

    @property
    def way(self) -> Way:
        """What of it decides whether a write would change anything: server side, replace, migrate."""
        return (self.server_side, self.replace, self.migrate)


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One thing to do with one object.

    Attributes:
        phase, wave: when.
        rank: place of the kind inside the wave; tasks of one rank run in parallel, ranks in series.
        stage: inside a wave 0 prunes, 1 deletes old hooks, 2 creates and applies.
    """

    key: ResourceKey
    phase: SyncPhase
    wave: int
    rank: int

    stage = 2

    @property
    def order(self) -> Order:
        """The total order of a plan: phase, wave, kind, name; the rest settles ties."""
        key = self.key
        return (self.phase.rank, self.wave, self.rank, key.name, key.namespace, key.group, key.kind, self.stage)


class ApplyTask(Task, frozen=True, kw_only=True, tag="apply"):
    """Make the live object as Git declares it."""

    manifest: Manifest
    writing: Writing = Writing()


class CreateNamespaceTask(Task, frozen=True, kw_only=True, tag="namespace"):
    """Create the destination namespace, or keep its managed metadata; not tracked, never pruned.

    ``new``: it is not there. One that has come meanwhile is somebody else's, and left alone.
    """

    manifest: Manifest
    writing: Writing = Writing()
    new: bool = False


class RunHookTask(Task, frozen=True, kw_only=True, tag="hook"):
    """Create a hook object. ``manifest`` carries its name, its finalizer and ``run_id``.

    Attributes:
        types: Argo CD's hook types, for the result.
        run_id: value of the ``trueup.dev/operation-id`` annotation; an object that has it is this run.
        policies: when the object goes.
    """

    manifest: Manifest
    run_id: str
    policies: frozenset[HookDeletePolicy]
    writing: Writing = Writing()


class PruneTask(Task, frozen=True, kw_only=True, tag="prune"):
    """Delete an object that Git no longer has, and no other of its name (``uid``); ``confirm`` waits for a person."""

    uid: str
    api_version: str
    propagation: str = "Foreground"
    confirm: bool = False

    stage = 0


class SkipPruneTask(Task, frozen=True, kw_only=True, tag="skip-prune"):
    """Record that an object was left alone, and why."""

    api_version: str
    reason: str

    stage = 0


class DeleteHookTask(Task, frozen=True, kw_only=True, tag="delete-hook"):
    """Take our finalizer off a hook object and delete it."""

    uid: str
    api_version: str

    stage = 1


class ReleaseHookTask(Task, frozen=True, kw_only=True, tag="release-hook"):
    """Take our finalizer off a hook object that has ended and stays."""

    uid: str
    api_version: str

    stage = 1


AnyTask = ApplyTask | CreateNamespaceTask | RunHookTask | PruneTask | SkipPruneTask | DeleteHookTask | ReleaseHookTask


class Act(msgspec.Struct, frozen=True, kw_only=True, tag="act"):
    """Do these tasks, record what came of them; while the operation goes on, come back after ``settles_in`` seconds
    or with the next watch event.

    Attributes:
        results: everything recorded so far, with what this pass observed; to be recorded with the outcome.
        final: nothing follows; success of all tasks ends the operation.
        closes: no hook waits for anything, so a failed task ends the operation in this very pass.
        dry_run: ask the server, store nothing.
    """

    phase: SyncPhase
    wave: int
    tasks: tuple[AnyTask, ...]
    results: tuple[ResourceResult, ...]
    message: str
    final: bool = False
    closes: bool = False
    dry_run: bool = False
    settles_in: float = 0.0


class Wait(msgspec.Struct, frozen=True, kw_only=True, tag="wait"):
    """Nothing to do now. Come back with the next watch event, at the latest after ``after`` seconds.

    ``retrying``: the operation waits for its next attempt, and its state is left as it is.
    """

    message: str
    after: float
    results: tuple[ResourceResult, ...]
    retrying: bool = False


class Finish(msgspec.Struct, frozen=True, kw_only=True, tag="finish"):
    """The attempt is over, once the clean-up tasks are done.

    ``retry``: a failure may be followed by another attempt, if the operation has any left.
    """

    phase: OperationPhase
    message: str
    results: tuple[ResourceResult, ...]
    cleanup: tuple[DeleteHookTask | ReleaseHookTask, ...] = ()
    retry: bool = True


Step = Act | Wait | Finish
