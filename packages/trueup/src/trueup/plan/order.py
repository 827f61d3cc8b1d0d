"""Where a task stands: prune waves mirrored, definitions pulled ahead of what needs them."""

from collections.abc import Iterable, Sequence
from typing import TypeVar

import msgspec

from trueup.model.resource import GroupKind
from trueup.model.status import SyncPhase
from trueup.plan.kinds import CRD, NAMESPACE
from trueup.plan.task import AnyTask, ApplyTask, PruneTask, RunHookTask, Task

Place = tuple[SyncPhase, int]
_T = TypeVar("_T", bound=Task)
_K = TypeVar("_K")


def place_key(place: Place) -> tuple[int, int]:
    """Orders (phase, wave) pairs."""
    return place[0].rank, place[1]


def placed(task: _T, place: Place) -> _T:
    """The task at another phase and wave."""
    return msgspec.structs.replace(task, phase=place[0], wave=place[1])


def mirrored(prunes: Sequence[PruneTask]) -> list[PruneTask]:
    """Prune tasks with their waves swapped symmetrically among the set of waves that have any.

    Waves {0, 2, 5} become {5, 2, 0}: what was built last goes first. A wave emptied by an earlier pass leaves the
    set, which keeps the order among the remaining ones.
    """
    waves = sorted({task.wave for task in prunes})
    mirror = dict(zip(waves, reversed(waves), strict=True))
    return [msgspec.structs.replace(task, wave=mirror[task.wave]) for task in prunes]


def last_prune_wave(tasks: Iterable[AnyTask]) -> int:
    """The wave of ``PruneLast=true``: one past the highest of the Sync phase, which counts as 0 at least."""
    return max([0, *(task.wave for task in tasks if task.phase is SyncPhase.SYNC)]) + 1


def pulled_ahead(tasks: Iterable[AnyTask]) -> list[AnyTask]:
    """Namespaces and CRDs at the phase and wave of the first task that needs them, where that comes earlier.

    Inside the wave the kind order already puts them first.
    """
    tasks = list(tasks)
    first_in: dict[str, Place] = {}
    first_of: dict[GroupKind, Place] = {}
    for task in tasks:
        if isinstance(task, ApplyTask | RunHookTask):
            _earliest(first_in, task.key.namespace, (task.phase, task.wave))
            _earliest(first_of, task.manifest.group_kind, (task.phase, task.wave))
    moved: list[AnyTask] = []
    for task in tasks:
        needed: Place | None = None
        if isinstance(task, ApplyTask) and task.manifest.group_kind == NAMESPACE:
            needed = first_in.get(task.key.name)
        elif isinstance(task, ApplyTask) and (defined := defined_kind(task)):
            needed = first_of.get(defined)
        if needed and place_key(needed) < place_key((task.phase, task.wave)):
            task = placed(task, needed)
        moved.append(task)
    return moved


def defined_kind(task: ApplyTask | RunHookTask) -> GroupKind | None:
    """The kind that a CustomResourceDefinition defines; None for anything else, or where it is malformed."""
    if task.manifest.group_kind != CRD:
        return None
    spec = task.manifest.object().get("spec")
    names = spec.get("names") if isinstance(spec, dict) else None
    if not isinstance(spec, dict) or not isinstance(names, dict):
        return None
    group, kind = spec.get("group"), names.get("kind")
    return GroupKind(group, kind) if isinstance(group, str) and isinstance(kind, str) else None


def _earliest(known: dict[_K, Place], key: _K, place: Place) -> None:
    if key not in known or place_key(place) < place_key(known[key]):
        known[key] = place
