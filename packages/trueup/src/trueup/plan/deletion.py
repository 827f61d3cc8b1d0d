"""The cascade that deletes what an application owns: from the highest wave down, one wave at a time."""

from collections.abc import Iterable, Mapping, Set
from datetime import datetime

import msgspec

from trueup.model.annotations import (
    GROUP,
    HOOK_FINALIZER,
    OPERATION_ID,
    RESOURCES_FINALIZER,
    RESOURCES_FINALIZER_BACKGROUND,
    RESOURCES_FINALIZER_FOREGROUND,
)
from trueup.model.application import Application
from trueup.model.hooks import wave_of
from trueup.model.live import LiveObject
from trueup.model.resource import GroupKind, ResourceKey
from trueup.model.status import SyncPhase
from trueup.plan.consent import consents
from trueup.plan.held import HELD_AFTER, Held, held
from trueup.plan.kinds import CRD, kind_rank
from trueup.plan.options import Options
from trueup.plan.step import RECHECK, waiting_for
from trueup.plan.task import DeleteHookTask, PruneTask, ReleaseHookTask

_PROJECT = GroupKind(GROUP, "AppProject")
_PROPAGATIONS = {
    RESOURCES_FINALIZER: "Foreground",
    RESOURCES_FINALIZER_FOREGROUND: "Foreground",
    RESOURCES_FINALIZER_BACKGROUND: "Background",
}


class Delete(msgspec.Struct, frozen=True, kw_only=True, tag="delete"):
    """Delete these objects, then come back after ``settles_in`` seconds or with the next watch event."""

    wave: int
    tasks: tuple[PruneTask | DeleteHookTask | ReleaseHookTask, ...]
    message: str
    settles_in: float = RECHECK


class DeletionWait(msgspec.Struct, frozen=True, kw_only=True, tag="deletion-wait"):
    """The cluster still deletes, or a person has to consent.

    Attributes:
        held: what keeps objects that should have been gone for a while.
        consent: a person has to approve the deletion.
    """

    message: str
    after: float
    held: tuple[Held, ...] = ()
    consent: bool = False


class AllGone(msgspec.Struct, frozen=True, tag="gone"):
    """Nothing of the application's is left that should go: its finalizer may be removed."""


DeletionStep = Delete | DeletionWait | AllGone


def propagation_of(finalizers: Iterable[str]) -> str:
    """``Foreground``, ``Background``, or empty where no finalizer asks for a cascade and the objects stay."""
    return next((_PROPAGATIONS[name] for name in finalizers if name in _PROPAGATIONS), "")


def deletion_step(
    app: Application,
    managed: Mapping[ResourceKey, LiveObject],
    now: datetime,
    *,
    forbidden: Set[ResourceKey] = frozenset(),
    approved_at: datetime | None = None,
) -> DeletionStep:
    """What to do next for an application that is being deleted.

    Args:
        app: with its ``deletionTimestamp``, finalizers and sync options.
        managed: the live objects that belong to it, hooks among them.
        now: the time, aware.
        forbidden: of those, the ones its project does not permit: they stay.
        approved_at: the ``deletion-approved`` annotation.

    Definitions of custom resources, the application itself, what has an owner of its own, ``Delete=false`` and Helm's
    ``keep`` stay (Argo CD). Nothing that stays keeps our finalizer: nobody would take it off any more.
    Projects go last, for they permit the deletion of the rest.
    """
    propagation = propagation_of(app.metadata.finalizers)
    if not propagation:
        return release(managed.values()) or AllGone()
    policy = app.spec.sync_policy
    options = Options(frozenset(policy.sync_options if policy else ()))
    own = ResourceKey(GROUP, "Application", app.metadata.namespace, app.metadata.name)
    going = [
        live
        for key, live in managed.items()
        if live.group_kind != CRD
        and key != own
        and key not in forbidden
        and not live.owners
        and options.delete(live.annotations) != "false"
    ]
    going = [live for live in going if live.group_kind != _PROJECT] or going
    if not going:
        return release(managed.values()) or AllGone()
    if unconfirmed := _unconfirmed(app, going, options, approved_at, now):
        return DeletionWait(message=waiting_for(unconfirmed, "deletion confirmation of"), after=RECHECK, consent=True)
    wave = max(wave_of(live.annotations) for live in going)
    layer = sorted((live for live in going if wave_of(live.annotations) == wave), key=_order)
    message = waiting_for([live.key for live in layer], "deletion of")
    tasks = tuple(_task(live, wave, propagation) for live in layer if not _leaving(live))
    if tasks:
        return Delete(wave=wave, tasks=tasks, message=message)
    kept = held(layer, now)
    return DeletionWait(message=message, after=RECHECK if kept else HELD_AFTER, held=kept)


def release(managed: Iterable[LiveObject]) -> Delete | None:
    """Takes our finalizer off the hooks among these objects; None where none has it.

    Only hooks of ours: another engine's are for it to end.
    """
    tasks = tuple(
        ReleaseHookTask(
            key=live.key,
            phase=SyncPhase.SYNC,
            wave=0,
            rank=kind_rank(live.key.group, live.key.kind),
            uid=live.uid,
            api_version=live.api_version,
        )
        for live in sorted(managed, key=_order)
        if HOOK_FINALIZER in live.finalizers and OPERATION_ID in live.annotations
    )
    return Delete(wave=0, tasks=tasks, message="releasing hooks", settles_in=0.0) if tasks else None


def _unconfirmed(
    app: Application, going: list[LiveObject], options: Options, approved_at: datetime | None, now: datetime
) -> list[ResourceKey]:
    asked = sorted(live.key for live in going if options.delete(live.annotations) == "confirm")
    return [] if consents(approved_at, app.metadata.deletion_timestamp, now) else asked


def _leaving(live: LiveObject) -> bool:
    return bool(live.deletion_timestamp) and HOOK_FINALIZER not in live.finalizers


def _task(live: LiveObject, wave: int, propagation: str) -> PruneTask | DeleteHookTask:
    rank = kind_rank(live.key.group, live.key.kind)
    if HOOK_FINALIZER in live.finalizers:
        return DeleteHookTask(
            key=live.key, phase=SyncPhase.SYNC, wave=wave, rank=rank, uid=live.uid, api_version=live.api_version
        )
    return PruneTask(
        key=live.key,
        phase=SyncPhase.SYNC,
        wave=wave,
        rank=rank,
        uid=live.uid,
        api_version=live.api_version,
        propagation=propagation,
    )


def _order(live: LiveObject) -> tuple[int, ResourceKey]:
    # What was built last goes first inside a wave, too.
    return -kind_rank(live.key.group, live.key.kind), live.key
