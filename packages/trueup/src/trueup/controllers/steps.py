"""The steps of operations and deletions as changes: what is meant, and what came of it. Pure."""

from collections.abc import Callable, Iterator, Sequence

from trueup import policy
from trueup.controllers.entries import asked_by, field_changes
from trueup.controllers.telling.entries import ENGINE
from trueup.model.audit import FieldChange, Why
from trueup.model.comparison import ComparedResource
from trueup.model.progress import Applied, Change, Healed, HookRan, Pruned, SyncOf
from trueup.model.resource import ResourceKey
from trueup.model.status import OperationState, ResourceResult, SyncCode
from trueup.observe.observation import Observation
from trueup.plan.task import Act, ApplyTask, CreateNamespaceTask, PruneTask, RunHookTask
from trueup.store.applications import StoredApplication

Healing = Callable[[ResourceKey], tuple[FieldChange, ...] | None]
"""The drift of an object, from what is declared to what is there; None for none."""


def sync_of(stored: StoredApplication, state: OperationState) -> SyncOf:
    """An operation, as what belongs to it is told."""
    brought = policy.local_origin(state.operation)
    sources = [] if brought else stored.app.spec.all_sources()
    return SyncOf(
        started_at=state.started_at,
        revision=revision_of(state),
        why=_why(stored, state),
        by=asked_by(state),
        repository=next((source.repo_url for source in sources), ""),
        deployed=_deployed(stored),
        brought=brought,
    )


def revision_of(state: OperationState) -> str:
    """The revision of an operation's first source; empty where it has none yet."""
    result = state.sync_result
    return (result.revision or next(iter(result.revisions), "")) if result else ""


def meant(sync: SyncOf, seen: Observation, step: Act, healing: Healing) -> Iterator[Change]:
    """What a step will have done when all goes well, as :func:`outcomes` would tell it."""
    compared = {resource.key: resource for resource in seen.comparison.compared}
    for task in step.tasks:
        resource = compared.get(task.key)
        match task:
            case RunHookTask():
                yield HookRan(key=task.key, sync=sync, result="Running", changes=_reversed(resource))
            case PruneTask():
                yield Pruned(key=task.key, sync=sync, result="Pruned", changes=_reversed(resource))
            case ApplyTask() | CreateNamespaceTask() if resource is not None and resource.status is not SyncCode.SYNCED:
                yield _applied(task.key, sync, "Synced", "", resource, healing(task.key))
            case _:
                continue


def outcomes(sync: SyncOf, seen: Observation, results: Sequence[ResourceResult], healing: Healing) -> Iterator[Change]:
    """What a step has done."""
    compared = {resource.key: resource for resource in seen.comparison.compared}
    for result in results:
        key, status, message = key_of(result), str(result.status), result.message
        resource = compared.get(key)
        if result.hook_type:
            phase = str(result.hook_phase)
            yield HookRan(key=key, sync=sync, result=phase, message=message, changes=_reversed(resource))
        elif status == "Pruned":
            yield Pruned(key=key, sync=sync, result=status, message=message, changes=_reversed(resource))
        elif status != "PruneSkipped" and not (resource and resource.status is SyncCode.SYNCED):
            yield _applied(key, sync, status, message, resource, healing(key) if status == "Synced" else None)


def removed(results: Sequence[ResourceResult]) -> Iterator[Change]:
    """What the cascade of a deletion has done."""
    for result in results:
        yield Pruned(key=key_of(result), result=str(result.status), message=result.message)


def hooks_ran(phase: str, results: Sequence[ResourceResult]) -> Iterator[Change]:
    """What has become of hooks of a deletion."""
    for result in results:
        message = f"{phase}: {result.message}"
        yield HookRan(key=key_of(result), result=str(result.hook_phase), message=message)


def key_of(result: ResourceResult) -> ResourceKey:
    """The object of a result."""
    return ResourceKey(result.group, result.kind, result.namespace, result.name)


def _applied(
    key: ResourceKey,
    sync: SyncOf,
    result: str,
    message: str,
    resource: ComparedResource | None,
    drift: tuple[FieldChange, ...] | None,
) -> Applied | Healed:
    """What is done to one object; an apply that undoes a drift is a heal, and answers it."""
    if drift is None:
        return Applied(key=key, sync=sync, result=result, message=message, changes=_reversed(resource))
    back = tuple(FieldChange(each.path, each.after, each.before) for each in drift)
    return Healed(key=key, sync=sync, result=result, message=message, changes=back)


def _reversed(resource: ComparedResource | None) -> tuple[FieldChange, ...]:
    """From what is there to what Git declares."""
    if resource is None or resource.live is None:
        return ()
    wanted = resource.becoming()
    return field_changes(resource.live.object(), wanted) if wanted is not None else ()


def _why(stored: StoredApplication, state: OperationState) -> Why:
    if policy.is_local(state.operation):
        return Why.LOCAL
    if asked_by(state) != ENGINE:
        return Why.MANUAL
    last = _deployed(stored)
    return Why.SELF_HEAL if last and last == revision_of(state) else Why.AUTOMATED


def _deployed(stored: StoredApplication) -> str:
    """The commit that was deployed last, of the first source; empty before the first."""
    last = stored.status.history[-1] if stored.status.history else None
    return (last.revision or next(iter(last.revisions), "")) if last else ""
