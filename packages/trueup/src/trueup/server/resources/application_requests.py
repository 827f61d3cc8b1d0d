"""What can be asked of an Application that is there: to sync, to go back, to end that, to be deleted."""

from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from trueup.model.application import Operation, OperationInitiator, SyncOperation
from trueup.model.live import LiveObject
from trueup.model.status import RevisionHistory
from trueup.policy.local import automated
from trueup.policy.requests import Cascade, Ending, rollback_to
from trueup.server.errors import Code, Fault
from trueup.server.gate import require
from trueup.server.request import Functions, Json, Request
from trueup.server.resources.applications import RESOURCE, ApplicationReading, ApplicationReads, body_of, named
from trueup.store.applications import StoredApplication

_POLICIES: dict[str, Cascade] = {"": "foreground", "foreground": "foreground", "background": "background"}


class AsksOfApplications(Protocol):
    """Guarded writes: :class:`trueup.store.requests.Requests`."""

    async def sync(self, key: str, ask: Callable[[StoredApplication], Operation]) -> LiveObject: ...

    async def roll_back(
        self, key: str, choose: Callable[[StoredApplication], RevisionHistory], *, prune: bool, username: str
    ) -> tuple[LiveObject, RevisionHistory]: ...

    async def terminate(self, key: str) -> Ending: ...

    async def delete(self, key: str, cascade: Cascade) -> None: ...


def application_requests(reads: ApplicationReads, requests: AsksOfApplications) -> Functions:
    """Sync, Rollback, TerminateOperation and Delete."""
    finding = ApplicationReading(reads)

    async def sync(request: Request) -> Json:
        stored, message = finding.find(request, "sync"), request.message
        if message.get("manifests"):
            # What is brought along takes the place of what is declared.
            require(request.caller, RESOURCE, "override", named(stored.live, reads.control_namespace).of)
            if automated(stored.app) and not message.get("dryRun"):
                raise Fault(
                    Code.FAILED_PRECONDITION,
                    "cannot use local sync when Automatic Sync Policy is enabled unless for dry run",
                )
        return body_of(await requests.sync(stored.key, lambda now: operation_of(message, now, request.caller.name)))

    async def roll_back(request: Request) -> Json:
        stored, message = finding.find(request, "sync"), request.message

        def choose(now: StoredApplication) -> RevisionHistory:
            return deployment(now, message.get("id", 0))

        prune, name = message.get("prune", False), request.caller.name
        if not message.get("dryRun"):
            live, _ = await requests.roll_back(stored.key, choose, prune=prune, username=name)
            return body_of(live)

        def trial(now: StoredApplication) -> Operation:
            operation = rollback_to(now.app, choose(now), prune=prune, username=name)
            sync = msgspec.structs.replace(operation.sync or SyncOperation(), dry_run=True)
            return msgspec.structs.replace(operation, sync=sync)

        return body_of(await requests.sync(stored.key, trial))

    async def terminate(request: Request) -> Json:
        await requests.terminate(finding.find(request, "sync").key)
        return {}

    async def delete(request: Request) -> Json:
        stored, message = finding.find(request, "delete"), request.message
        await requests.delete(stored.key, cascade_of(message))
        return {}

    return {
        "ApplicationService.Sync": sync,
        "ApplicationService.Rollback": roll_back,
        "ApplicationService.TerminateOperation": terminate,
        "ApplicationService.Delete": delete,
    }


def cascade_of(message: Json) -> Cascade:
    """What becomes of the objects of an Application that is deleted.

    Raises:
        Fault: it is said in a way that nobody knows.
    """
    policy = message.get("propagationPolicy", "")
    if not message.get("cascade", True):
        if policy:
            raise Fault(Code.INVALID_ARGUMENT, "cannot set propagation policy when cascading is disabled")
        return "none"
    if policy not in _POLICIES:
        raise Fault(Code.INVALID_ARGUMENT, f"invalid propagation policy: {policy[:80]}")
    return _POLICIES[policy]


def deployment(stored: StoredApplication, number: int) -> RevisionHistory:
    """One of an Application's history.

    Raises:
        Fault: there is none with this number.
    """
    for entry in stored.status.history:
        if entry.id == number:
            return entry
    name = stored.app.metadata.name
    raise Fault(Code.INVALID_ARGUMENT, f"application {name} does not have deployment with id {number}")


def operation_of(message: Json, stored: StoredApplication, username: str) -> Operation:
    """The operation that a request for a sync asks for, with what the Application says of its own where it does not.

    Raises:
        Fault: it cannot be one.
    """
    policy = stored.app.spec.sync_policy
    options = (message.get("syncOptions") or {}).get("items")
    retry = message.get("retryStrategy") or (msgspec.to_builtins(policy.retry) if policy and policy.retry else None)
    sync: dict[str, Any] = {
        "revision": message.get("revision", ""),
        "revisions": _revisions(message, stored),
        "prune": message.get("prune", False),
        "dryRun": message.get("dryRun", False),
        "syncStrategy": message.get("strategy"),
        "resources": message.get("resources") or [],
        "manifests": message.get("manifests") or [],
        "syncOptions": options if options is not None else list(policy.sync_options) if policy else [],
    }
    body = {"sync": sync, "info": message.get("infos") or [], "retry": retry}
    try:
        operation = msgspec.convert({key: value for key, value in body.items() if value}, type=Operation)
    except msgspec.ValidationError as error:
        raise Fault(Code.INVALID_ARGUMENT, f"the operation is not valid: {error}") from error
    return msgspec.structs.replace(operation, initiated_by=OperationInitiator(username=username))


def _revisions(message: Json, stored: StoredApplication) -> list[str]:
    """Of each source, where some are named by their positions."""
    revisions, positions = message.get("revisions") or [], message.get("sourcePositions") or []
    if not positions:
        return list(revisions)
    found = [source.target_revision for source in stored.app.spec.all_sources()]
    if len(revisions) != len(positions):
        raise Fault(Code.INVALID_ARGUMENT, "revisions and sourcePositions have to be as many")
    for revision, position in zip(revisions, positions, strict=True):
        if not 1 <= position <= len(found):
            raise Fault(Code.INVALID_ARGUMENT, f"source position {position} is out of range")
        found[position - 1] = revision
    return found
