"""What a controller decides: writes, and when to look again, by plain functions of what is there and the time."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

import msgspec

Object = dict[str, Any]
"""A Kubernetes object as decoded JSON. Decisions never change one they were given."""


class Create(msgspec.Struct, frozen=True, tag=True):
    """Create an object; one of that name that is there already counts as done."""

    object: Object


class PatchObject(msgspec.Struct, frozen=True, tag=True):
    """Merge a patch into an object of this uid, or into one of its subresources.

    Attributes:
        target: the object as seen, of which its identity counts.
        body: a JSON merge patch (RFC 7386).
    """

    target: Object
    body: Object
    subresource: str = ""


class DeleteObject(msgspec.Struct, frozen=True, tag=True):
    """Delete an object of this uid."""

    target: Object
    propagation: Literal["Background", "Foreground"] = "Background"


Write = Create | PatchObject | DeleteObject


class WorkloadDecision(msgspec.Struct, frozen=True):
    """What to do now.

    Attributes:
        writes: in the order they are made.
        again: seconds after which to look again although nothing changed; None for never.
    """

    writes: tuple[Write, ...] = ()
    again: float | None = None


Decide = Callable[[Object, Sequence[Object], datetime], WorkloadDecision]
"""Called with an object, what is related to it, and the time."""


def decided(writes: Iterable[Write | None], again: float | None = None) -> WorkloadDecision:
    """A decision of the writes that there are."""
    return WorkloadDecision(tuple(write for write in writes if write is not None), again)


def status_patch(
    live: Object, status: Mapping[str, Any], annotations: Mapping[str, str] | None = None
) -> PatchObject | None:
    """A patch of the status keys that differ; None when none does.

    Args:
        status: the wanted value of each key this controller writes; None, and what the API leaves out when empty, for
            a key that shall be absent.
        annotations: to be set with it.
    """
    current = live.get("status") or {}
    changed = {key: value for key, value in status.items() if not _same(current.get(key), value)}
    seen = live["metadata"].get("annotations") or {}
    noted = {key: value for key, value in (annotations or {}).items() if seen.get(key) != value}
    if not changed and not noted:
        return None
    body: Object = {"status": changed} if changed else {}
    if noted:
        body["metadata"] = {"annotations": noted}
    return PatchObject(live, body, "status")


def earliest(*moments: float | None) -> float | None:
    """The first of several times to look again."""
    known = [moment for moment in moments if moment is not None]
    return min(known) if known else None


def _same(current: Any, wanted: Any) -> bool:
    """Absent and empty are the same, as the API stores them; zero and an empty object are not absent."""
    if wanted in (None, [], ""):
        return current in (None, [], "")
    return bool(current == wanted)
