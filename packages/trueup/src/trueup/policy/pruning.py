"""Pruning that automation holds back: where the files that were synced last cannot be read any more, nothing tells an
object that was taken out from one whose file was damaged.

Such objects are noted in the operations that leave them, so that they are not pruned by the next one either: by then
the damaged commit is the one that was synced last. A sync with pruning that somebody asks for ends it.
"""

from collections.abc import Collection, Sequence

import msgspec

from trueup.model.application import Application, Operation
from trueup.model.comparison import Comparison
from trueup.model.fields import NameValue
from trueup.model.status import Status

CONDITION = "PruningHeldWarning"
"""Type of the condition; ours, for Argo CD has no such case."""
NOTE = "trueup.dev/pruning-held"
"""Name of the operation's note (``info``) with the objects that it leaves."""
_NOTED = 200
_SHOWN = 5
_OTHERS = "others"


def withheld(status: Status, comparison: Comparison, unread: Sequence[str]) -> tuple[str, ...]:
    """The objects that automation must not prune; empty where it may.

    Args:
        status: as last written, with the last operation.
        unread: commits that were synced last and are not to be had.
    """
    extra = sorted(str(each.key) for each in comparison.resources if each.requires_pruning and each.live is not None)
    known = noted(status)
    return tuple(extra) if unread or _OTHERS in known or not known.isdisjoint(extra) else ()


def noted(status: Status) -> frozenset[str]:
    """The objects that the last operation left for this reason."""
    state = status.operation_state
    notes = [note.value for note in state.operation.info if note.name == NOTE] if state else []
    return frozenset(text for note in notes for text in note.split(", "))


def noting(operation: Operation, left: Collection[str]) -> Operation:
    """The operation with a note of the objects that must not be pruned by itself, unless it prunes everything."""
    sync = operation.sync
    if not left or sync is None or (sync.prune and not sync.dry_run and not sync.resources):
        return operation
    names = sorted(left)
    value = ", ".join([*names[:_NOTED], *([_OTHERS] if len(names) > _NOTED else [])])
    kept = [note for note in operation.info if note.name != NOTE]
    return msgspec.structs.replace(operation, info=[*kept, NameValue(name=NOTE, value=value)])


def withheld_message(app: Application, left: Sequence[str], unread: Sequence[str]) -> str:
    """What to say of objects that automation does not prune; empty where it would not anyway."""
    automated = app.spec.sync_policy.automated if app.spec.sync_policy else None
    if not left or automated is None or not automated.prune or automated.enabled is False:
        return ""
    names = ", ".join(left[:_SHOWN]) + (f" and {len(left) - _SHOWN} more" if len(left) > _SHOWN else "")
    commits = f" ({', '.join(unread)})" if unread else ""
    return (
        f"not pruned by automation: {names}; the commit that was synced before{commits} is not to be had from the "
        "repository, so that nothing tells what was taken out from what was lost; look at them, and sync with prune "
        f"where they should go (trueup app sync {app.metadata.name} --prune)"
    )
