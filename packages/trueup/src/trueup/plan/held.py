"""What keeps objects that are being deleted, for people: its name and whose finalizers it waits for."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from kubegrammar.time import parse_time
from trueup.model.live import LiveObject
from trueup.model.resource import GroupKind, ResourceKey

HELD = "DeletionHeldWarning"
"""Condition of an application in which a deletion does not go on by itself."""
HELD_AFTER = 5.0
"""Seconds past its deletion (and grace period) after which an object counts as held."""
MOST_NAMED = 10
NAMESPACE = GroupKind("", "Namespace")
_OF_THE_SERVER = {
    "foregroundDeletion": "what it owns has to go first",
    "orphan": "what it owns is being released",
    "kubernetes": "its objects have to go first",
}


class Held(msgspec.Struct, frozen=True, gc=False):
    """An object that is still there, and its finalizers.

    Attributes:
        why: what the cluster says of it, where it does.
    """

    key: ResourceKey
    finalizers: tuple[str, ...]
    why: str = ""

    def __str__(self) -> str:
        place = f"{self.key.namespace}/{self.key.name}" if self.key.namespace else self.key.name
        names = ", ".join(self.finalizers) or "none"
        told = self.why or "; ".join(_OF_THE_SERVER[name] for name in self.finalizers if name in _OF_THE_SERVER)
        return f"{self.key.kind} {place} (finalizers: {names}{f': {told}' if told else ''})"


def held(leaving: Iterable[LiveObject], now: datetime) -> tuple[Held, ...]:
    """Of objects that are being deleted, those that should have been gone for a while."""
    return tuple(_held(live) for live in leaving if _overdue(live, now))


def told(kept: Iterable[Held]) -> str:
    """One text for all of them."""
    named = list(kept)
    more = f" and {len(named) - MOST_NAMED} more" if len(named) > MOST_NAMED else ""
    return (
        f"deletion is held by {', '.join(map(str, named[:MOST_NAMED]))}{more}"
        " (the controller that set a finalizer removes it; where there is none any more, remove it by hand)"
    )


def _overdue(live: LiveObject, now: datetime) -> bool:
    if not live.deletion_timestamp:
        return False
    since = (now - parse_time(live.deletion_timestamp)).total_seconds()
    if since >= 0:
        return since >= HELD_AFTER
    # Ahead by more than its grace period is a time of another clock.
    grace = (live.object().get("metadata") or {}).get("deletionGracePeriodSeconds") or 0
    return -since > grace + HELD_AFTER


def _held(live: LiveObject) -> Held:
    if live.group_kind != NAMESPACE:
        return Held(live.key, live.finalizers)
    body = live.object()
    spec, status = body.get("spec") or {}, body.get("status") or {}
    # Kubernetes says there what is left in a namespace, and whose finalizers that has.
    why = [c.get("message", "") for c in status.get("conditions") or [] if c.get("status") == "True"]
    return Held(live.key, (*live.finalizers, *(spec.get("finalizers") or ())), "; ".join(filter(None, why)))
