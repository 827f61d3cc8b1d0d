"""Trueup's own paths of the API, over what an engine has."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from kubegrammar.time import format_time
from trueup.clusters.managed import instance_of
from trueup.controllers.begin import pinned
from trueup.controllers.facts import facts_of
from trueup.controllers.noticing import changes_of
from trueup.diff.literal import Literals
from trueup.engine.engine import Engine
from trueup.engine.objects import EngineLooks
from trueup.model.application import Operation, SyncOperation
from trueup.model.audit import AuditRecord
from trueup.model.comparison import ComparedResource
from trueup.model.errors import TrueupError
from trueup.model.live import LiveObject
from trueup.model.resource import ResourceKey, group_of
from trueup.model.status import OperationPhase, OperationState, SyncCode
from trueup.observe.observation import Observation
from trueup.plan.build import build
from trueup.plan.task import AnyTask, ApplyTask, CreateNamespaceTask, PruneTask, RunHookTask
from trueup.plan.validate import validate
from trueup.server.request import Functions
from trueup.server.resources.explaining import explain_functions
from trueup.server.resources.owned import ObjectOwner, find_functions
from trueup.server.resources.planned import PlannedChange, PlannedStep, SyncPreview, plan_functions
from trueup.server.resources.trail import trail_functions
from trueup.store.applications import StoredApplication
from trueup.store.audit.search import Filter, query

_DEEPEST = 12
"""Owners of owners that are followed."""
_HIDDEN = "++++++++"


def own_functions(engine: Engine, looks: EngineLooks, masked: Callable[[], Sequence[str]]) -> list[Functions]:
    """Find, Images, Timeline, Audit, Explain and Plan.

    Args:
        masked: annotations whose values are shown to nobody.
    """
    reads = engine.control.applications

    def owners(key: ResourceKey) -> Iterator[ObjectOwner]:
        for site in engine.term.sites.all():
            found = site.cluster.cache.known(key)
            for _ in range(_DEEPEST):
                if found is None:
                    break
                instance = instance_of(found) if isinstance(found, LiveObject) else None
                if instance is not None:
                    yield ObjectOwner(reads.key_of_instance(instance), found.key)
                    break
                by = next((each for each in found.owners if each.controller), None)
                above = ResourceKey(group_of(by.api_version), by.kind, found.key.namespace, by.name) if by else None
                found = site.cluster.cache.known(above) if above is not None else None
                found = found if found is not None and by is not None and found.uid == by.uid else None

    def entries(wanted: Filter) -> Iterable[AuditRecord]:
        path = engine.journal.path
        if not path.exists():
            return ()
        try:
            return query(path, wanted)
        except TrueupError:
            # Where it lies is nobody's business who asks from elsewhere.
            raise TrueupError("the audit trail cannot be read", hint="the log of the server says why") from None

    async def plan(stored: StoredApplication, prune: bool) -> SyncPreview:
        return await preview(engine, stored, await looks.observe(stored), prune=prune, masked=masked())

    return [
        find_functions(reads, owners),
        trail_functions(reads, entries),
        explain_functions(reads, looks.commit, looks.place),
        plan_functions(reads, plan),
    ]


async def preview(
    engine: Engine, stored: StoredApplication, seen: Observation, *, prune: bool, masked: Sequence[str]
) -> SyncPreview:
    """What a sync of an application would do now.

    Args:
        seen: how it compares.
        masked: annotations whose values are shown to nobody.
    """
    site = await engine.term.sites.opened(stored.app)
    begun = OperationState(
        operation=Operation(sync=SyncOperation(prune=prune)),
        phase=OperationPhase.RUNNING,
        message="",
        started_at=format_time(engine.clock.now()),
    )
    state = pinned(stored, begun, seen.comparison.revisions)
    seen = site.observer.with_hooks(seen, state)
    facts = facts_of(site.reconciler.ports, stored, seen, state, None)
    built = build(state, facts)
    compared = {each.key: each for each in seen.comparison.resources}

    def step(task: AnyTask) -> PlannedStep:
        pair = compared.get(task.key)
        changes: tuple[PlannedChange, ...] = ()
        live = facts.live.get(task.key)
        action, place = _action(task, live is not None), f"phase {task.phase.value}, wave {task.wave}"
        if pair is not None and isinstance(task, ApplyTask) and live is not None:
            if pair.status is SyncCode.SYNCED:
                action = "unchanged"
            else:
                changes = _changes(pair, masked, seen.lent)
        return PlannedStep(
            action=action,
            key=task.key,
            phase=task.phase.value,
            wave=task.wave,
            because=_because(task, place),
            origin=str(task.manifest.origin or "") if isinstance(task, ApplyTask) else "",
            blocked=facts.refusal(task.key),
            changes=changes,
        )

    return SyncPreview(
        revision=next(iter(seen.comparison.revisions), ""),
        steps=tuple(map(step, built.tasks)),
        left_alone=tuple((each.key, each.reason) for each in built.skipped),
        problems=tuple(f"{each.kind} {each.name}: {each.message}" for each in validate(state, facts, built)),
    )


def _changes(pair: ComparedResource, masked: Sequence[str], lent: Literals) -> tuple[PlannedChange, ...]:
    """From what is there to what is declared."""

    def shown(path: str, value: str) -> str:
        return _HIDDEN if value and any(name in path for name in masked) else value

    return tuple(
        PlannedChange(each.path, shown(each.path, each.after), shown(each.path, each.before))
        for each in changes_of(pair, lent)
    )


def _action(task: AnyTask, is_there: bool) -> str:
    match task:
        case CreateNamespaceTask():
            return "namespace"
        case RunHookTask():
            return "hook"
        case PruneTask():
            return "prune"
        case ApplyTask() if not is_there:
            return "create"
        case ApplyTask() if task.writing.replace:
            return "replace"
        case _:
            return "change"


def _because(task: AnyTask, place: str) -> str:
    """The reason of a step's place."""
    match task:
        case CreateNamespaceTask():
            return f"{place}: the destination namespace comes before what lies in it"
        case RunHookTask():
            return f"{place}: a hook, deleted on {', '.join(sorted(task.policies))}"
        case PruneTask():
            return f"{place}: not declared any more" + (", deleted once that is confirmed" if task.confirm else "")
        case _:
            return f"{place}: {'by its sync-wave' if task.wave else 'no sync-wave'}, then by its kind"
