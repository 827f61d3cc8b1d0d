"""What a sync would do, before anybody asks for it."""

from collections.abc import Awaitable, Callable

import msgspec

from trueup.model.resource import ResourceKey
from trueup.server.request import Functions, Json, Request
from trueup.server.resources.applications import ApplicationReading, ApplicationReads
from trueup.store.applications import StoredApplication


class PlannedChange(msgspec.Struct, frozen=True):
    """A field that becomes another; what is secret is masked."""

    path: str
    before: str
    after: str


class PlannedStep(msgspec.Struct, frozen=True, kw_only=True):
    """One object's part.

    Attributes:
        action: ``create``, ``change``, ``replace``, ``unchanged``, ``prune``, ``hook`` or ``namespace``.
        because: why it comes when it does.
        origin: the file that declares it; empty where nobody knows.
        blocked: why it may not be done; empty where it may.
        changes: of an object that is there.
    """

    action: str
    key: ResourceKey
    phase: str
    wave: int
    because: str
    origin: str = ""
    blocked: str = ""
    changes: tuple[PlannedChange, ...] = ()


class SyncPreview(msgspec.Struct, frozen=True):
    """The steps in their order.

    Attributes:
        left_alone: objects that are not touched, with the reason.
        problems: why the sync would not begin.
    """

    revision: str
    steps: tuple[PlannedStep, ...]
    left_alone: tuple[tuple[ResourceKey, str], ...] = ()
    problems: tuple[str, ...] = ()


Planning = Callable[[StoredApplication, bool], Awaitable[SyncPreview]]
"""From an application, and whether objects are pruned."""


def plan_functions(reads: ApplicationReads, planning: Planning) -> Functions:
    """Plan."""
    finding = ApplicationReading(reads)

    async def plan(request: Request) -> Json:
        stored = finding.find(request, "get")
        return told_plan(await planning(stored, bool(request.message.get("prune"))))

    return {"TrueupService.Plan": plan}


def told_plan(found: SyncPreview) -> Json:
    """A plan as it is answered."""
    return {
        "revision": found.revision,
        "steps": [
            {
                "action": each.action,
                **_of(each.key),
                "phase": each.phase,
                "wave": each.wave,
                "because": each.because,
                "origin": each.origin,
                "blocked": each.blocked,
                "changes": [msgspec.to_builtins(change) for change in each.changes],
            }
            for each in found.steps
        ],
        "leftAlone": [{**_of(key), "reason": reason} for key, reason in found.left_alone],
        "problems": list(found.problems),
    }


def _of(key: ResourceKey) -> Json:
    return {"group": key.group, "kind": key.kind, "namespace": key.namespace, "name": key.name}
