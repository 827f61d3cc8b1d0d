"""The whole plan of an operation: every task, in order. Pure: the same facts give the same plan."""

import msgspec

from trueup.model.comparison import ComparedResource
from trueup.model.hooks import delete_policies, wave_of
from trueup.model.live import LiveObject
from trueup.model.manifest import Manifest
from trueup.model.resource import ResourceKey
from trueup.model.status import OperationState, SyncCode, SyncPhase
from trueup.plan.facts import Facts, sync_of
from trueup.plan.hooks import armed, phased_hooks, run_of, runs_hooks
from trueup.plan.kinds import kind_rank
from trueup.plan.namespace import WRITING, namespace_key, namespace_manifest
from trueup.plan.options import (
    CREATE_NAMESPACE,
    FORCE,
    NO_MIGRATION,
    NO_VALIDATION,
    OUT_OF_SYNC_ONLY,
    PRUNE_LAST,
    REPLACE,
    Options,
)
from trueup.plan.order import last_prune_wave, mirrored, place_key, pulled_ahead
from trueup.plan.results import recorded
from trueup.plan.task import (
    AnyTask,
    ApplyTask,
    CreateNamespaceTask,
    PruneTask,
    RunHookTask,
    SkipPruneTask,
    Writing,
)

NOT_REQUESTED = "ignored (requires pruning)"
NOT_ALLOWED = "ignored (no prune)"


class SyncPlan(msgspec.Struct, frozen=True, kw_only=True):
    """Tasks in their total order; ``skipped`` are prunes that will not be, recorded without holding up a wave."""

    tasks: tuple[AnyTask, ...]
    skipped: tuple[SkipPruneTask, ...] = ()

    @property
    def has_hooks(self) -> bool:
        return any(isinstance(task, RunHookTask) for task in self.tasks)


def build(state: OperationState, facts: Facts) -> SyncPlan:
    """Every task of the operation, done or not, sorted."""
    chosen = [pair for pair in facts.comparison.resources if not pair.hook and selected(state, pair.key)]
    tasks: list[AnyTask] = pulled_ahead([*_applies(state, facts, chosen), *_hooks(state, facts)])
    prunes, skipped = _prunes(state, facts, chosen)
    last = last_prune_wave([*tasks, *prunes])
    for prune in prunes:
        options = facts.live.get(prune.key)
        late = facts.options.on(PRUNE_LAST, options.annotations if options else {})
        tasks.append(msgspec.structs.replace(prune, wave=last) if late else prune)
    tasks.extend(_namespace(state, facts, tasks))
    return SyncPlan(tasks=tuple(sorted(tasks, key=lambda task: task.order)), skipped=tuple(skipped))


def selected(state: OperationState, key: ResourceKey) -> bool:
    """Whether a selective sync names the object; every object when it names none."""
    entries = sync_of(state).resources
    return not entries or any(
        (entry.group, entry.kind, entry.name) == (key.group, key.kind, key.name)
        and entry.namespace in ("", key.namespace)
        for entry in entries
    )


def _applies(state: OperationState, facts: Facts, chosen: list[ComparedResource]) -> list[ApplyTask]:
    done = recorded(state)
    only_drifted = OUT_OF_SYNC_ONLY in facts.options.texts
    tasks = []
    for pair in chosen:
        if pair.target is None:
            continue
        # An object this very operation made Synced stays in the plan, for its wave to be gated on.
        in_sync = pair.status is SyncCode.SYNCED
        if only_drifted and in_sync and (pair.key, SyncPhase.SYNC.value) not in done:
            continue
        manifest = pair.target
        tasks.append(
            ApplyTask(
                key=manifest.key,
                phase=SyncPhase.SYNC,
                wave=wave_of(manifest.annotations),
                rank=kind_rank(manifest.key.group, manifest.key.kind),
                manifest=manifest,
                writing=writing(state, facts.options, manifest, pair.live, synced=in_sync),
            )
        )
    return tasks


def _hooks(state: OperationState, facts: Facts) -> list[RunHookTask]:
    if not runs_hooks(state):
        return []
    run = run_of(state, facts.comparison)
    tasks = []
    for manifest, phase in phased_hooks(state, facts.comparison):
        identity = run.id(phase.value)
        tasks.append(
            RunHookTask(
                key=manifest.key,
                phase=phase,
                wave=wave_of(manifest.annotations),
                rank=kind_rank(manifest.key.group, manifest.key.kind),
                manifest=armed(manifest, identity),
                run_id=identity,
                policies=delete_policies(manifest.annotations),
                writing=writing(state, facts.options, manifest, facts.live.get(manifest.key)),
            )
        )
    return tasks


def _prunes(
    state: OperationState, facts: Facts, chosen: list[ComparedResource]
) -> tuple[list[PruneTask], list[SkipPruneTask]]:
    prunes, skipped = [], []
    requested = sync_of(state).prune
    for pair in chosen:
        live = pair.live
        if not pair.requires_pruning or live is None or pair.target is not None:
            continue
        choice = facts.options.prune(live.annotations)
        wave, rank = wave_of(live.annotations), kind_rank(pair.key.group, pair.key.kind)
        if not requested or choice == "false":
            reason = NOT_ALLOWED if requested else NOT_REQUESTED
            skip = SkipPruneTask(
                key=pair.key,
                phase=SyncPhase.SYNC,
                wave=wave,
                rank=rank,
                api_version=live.api_version,
                reason=reason,
            )
            skipped.append(skip)
            continue
        prune = PruneTask(
            key=pair.key,
            phase=SyncPhase.SYNC,
            wave=wave,
            rank=rank,
            uid=live.uid,
            api_version=live.api_version,
            propagation=facts.options.propagation,
            confirm=choice == "confirm",
        )
        prunes.append(prune)
    return mirrored(prunes), skipped


def _namespace(state: OperationState, facts: Facts, tasks: list[AnyTask]) -> list[CreateNamespaceTask]:
    """``CreateNamespace=true``: before everything, unless Git declares the namespace or has nothing to put in it.

    An existing namespace is touched only for the sake of managed metadata, and for that alone where it is named or
    everything is synced.
    """
    name = facts.destination_namespace
    writes = [
        task for task in tasks if isinstance(task, ApplyTask | RunHookTask) and task.phase is not SyncPhase.SYNC_FAIL
    ]
    key = namespace_key(name)
    declared = any(pair.key == key and pair.target for pair in facts.comparison.resources)
    if CREATE_NAMESPACE not in facts.options.texts or not name or declared:
        return []
    wanted = facts.namespace_metadata
    kept = wanted is not None and key in facts.live and selected(state, key)
    if not writes and not kept:
        return []
    recorded_before = (key, SyncPhase.PRE_SYNC.value) in recorded(state)
    if key in facts.live and wanted is None and not recorded_before:
        return []
    # With the first wave, whichever that is: a wave of its own would only add a pause.
    phase, wave = min(((task.phase, task.wave) for task in writes), key=place_key, default=(SyncPhase.SYNC, 0))
    first = CreateNamespaceTask(
        key=key,
        phase=phase,
        wave=wave,
        rank=-1,
        manifest=namespace_manifest(name, wanted, facts.namespace_mark),
        writing=WRITING,
        new=key not in facts.live,
    )
    return [first]


def writing(
    state: OperationState, options: Options, manifest: Manifest, live: LiveObject | None, *, synced: bool = False
) -> Writing:
    """How an object is written. Replace and Force count from the target's or the live object's annotations.

    An object in sync is not migrated: taking over an estate writes nothing (cluster-truths 3).
    """
    strategy = sync_of(state).sync_strategy
    forced = bool(strategy and ((strategy.apply and strategy.apply.force) or (strategy.hook and strategy.hook.force)))
    before = live.annotations if live else {}
    own = Options()
    return Writing(
        server_side=options.server_side(manifest.annotations),
        replace=options.on(REPLACE, manifest.annotations) or own.on(REPLACE, before),
        force=forced or own.on(FORCE, manifest.annotations) or own.on(FORCE, before),
        validate=not options.on(NO_VALIDATION, manifest.annotations),
        migrate=NO_MIGRATION not in options.texts,
        in_sync=synced,
    )
