"""Whether a tracking mark is believed. Anybody who may write an object may write on it whose it is, and as which field
manager: neither tells an application's object from one that somebody has put beside it.

What an application has been seen to deploy stands in its status, which only the control namespace's writers reach. An
application that has no such record yet (it is new, or was restored or made anew over objects that run) believes the
marks, as Argo CD does; from then on it has one.
"""

from collections.abc import Collection, Iterable, Sequence

from trueup.model.resource import ResourceKey
from trueup.model.status import ResultCode, Status

CONDITION = "TrackingMarkWarning"
"""Type of the condition; ours, for Argo CD believes every mark."""
_SHOWN = 5


def unrecorded(status: Status, marked: Iterable[ResourceKey]) -> frozenset[ResourceKey]:
    """Of the objects that name an application and are not declared by it, those that it has never deployed.

    They are none of its business: they are not pruned or deleted with it, and what is written on them, or who holds
    them, stops nothing.

    Args:
        status: the application's, as stored.
        marked: keys of live objects whose mark names it.
    """
    asked = frozenset(marked)
    if not asked or not (status.resources or status.history):
        return frozenset()
    return asked - recorded(status)


def unrecorded_message(keys: Collection[ResourceKey]) -> str:
    """What to say of such objects; empty where there are none."""
    if not keys:
        return ""
    return (
        f"{named(sorted(keys))}: the tracking annotation names this application, which has never deployed that; it is "
        "neither pruned nor counted (delete it by hand, or take the annotation off)"
    )


def named(keys: Sequence[ResourceKey]) -> str:
    """A few objects by name, and how many more there are."""
    more = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
    return ", ".join(map(str, keys[:_SHOWN])) + more


def recorded(status: Status) -> frozenset[ResourceKey]:
    """What an application declares or has deployed: the last comparison and the last operation had to do with it."""
    state = status.operation_state
    results = state.sync_result.resources if state and state.sync_result else []
    lines = {ResourceKey(line.group, line.kind, line.namespace, line.name) for line in status.resources}
    # What was pruned is gone: another one of its name is not the application's.
    done = {
        ResourceKey(line.group, line.kind, line.namespace, line.name)
        for line in results
        if line.status != ResultCode.PRUNED.value
    }
    return frozenset(lines | done)
