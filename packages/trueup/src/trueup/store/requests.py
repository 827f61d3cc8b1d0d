"""What people ask of one Application, as guarded writes through the API server.

Each reads the application, asks policy, and writes one patch that counts for just what was read. Where somebody else
has written meanwhile (an engine writes its status at any time), it looks and decides again.
"""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from kubegrammar.time import format_exact_time, format_time
from trueup.kube.client import Client
from trueup.kube.errors import ApiError, Conflict
from trueup.model.annotations import DELETION_APPROVED, PUSHED, REFRESH, REFRESH_TIMESTAMP
from trueup.model.application import DEFAULT_PROJECT, Application, Operation
from trueup.model.errors import InvalidSpec
from trueup.model.live import LiveObject
from trueup.model.project import Project
from trueup.model.status import OperationPhase, RevisionHistory
from trueup.policy import requests
from trueup.policy.requests import Cascade, Ending, Refusal, RequestRefused
from trueup.store.applications import StoredApplication, decode
from trueup.store.kinds import APPLICATION, PROJECT
from trueup.store.projects import read_project

TRIES = 10
"""Times that a request is decided anew when somebody else has written meanwhile."""
Patch = dict[str, Any]
"""A JSON merge patch of an Application."""
Told = TypeVar("Told")


class Requests:
    """What people ask of Applications.

    Every method takes the key of one, ``namespace/name``.

    Args:
        client: of the control cluster, with the rights of who asks.
        namespace: the control namespace, where projects are.
        now: the time.

    Raises:
        NotFound: there is no such application, or no such kind.
        ApiError: the server refuses.
        Refused: policy does, or the application changes too fast to be decided about.
    """

    def __init__(self, client: Client, namespace: str, now: Callable[[], datetime]) -> None:
        self._client = client
        self._namespace = namespace
        self._now = now

    async def read(self, key: str) -> StoredApplication:
        """The application as it is stored now, however much of it can be read."""
        namespace, _, name = key.partition("/")
        return decode(key, await self._client.get(APPLICATION, namespace, name))

    async def project(self, app: Application) -> Project | None:
        """The project of an application; None where it is not there, or may not or cannot be read."""
        with suppress(ApiError, InvalidSpec):
            name = app.spec.project or DEFAULT_PROJECT
            return read_project(await self._client.get(PROJECT, self._namespace, name))
        return None

    async def sync(self, key: str, ask: Callable[[StoredApplication], Operation]) -> LiveObject:
        """Ask for a sync.

        Args:
            ask: the operation for the application as it is; called anew when it has changed.

        Returns:
            The application with the operation, which the engine has yet to take up.

        Raises:
            InvalidSpec: the application cannot be read, or what the operation brings is not permitted.
        """

        async def decide(stored: StoredApplication) -> tuple[Patch, None]:
            operation, project = ask(_readable(stored)), await self.project(stored.app)
            requests.admit_sync(stored.app, stored.status, project, operation, self._now())
            return asking(operation), None

        live, _ = await self._guarded(key, decide)
        return live

    async def roll_back(
        self, key: str, choose: Callable[[StoredApplication], RevisionHistory], *, prune: bool, username: str
    ) -> tuple[LiveObject, RevisionHistory]:
        """Ask for a sync to an earlier deployment.

        Args:
            choose: the deployment of the application as it is; called anew when it has changed.

        Returns:
            The application with the operation, and the deployment.

        Raises:
            InvalidSpec: the application cannot be read.
        """

        async def decide(stored: StoredApplication) -> tuple[Patch, RevisionHistory]:
            project = await self.project(_readable(stored).app)
            requests.admit_rollback(stored.app, stored.status, project, self._now())
            chosen = choose(stored)
            return asking(requests.rollback_to(stored.app, chosen, prune=prune, username=username)), chosen

        return await self._guarded(key, decide)

    async def terminate(self, key: str) -> Ending:
        """Ask for the end of the operation that runs, or take back one that no engine has taken up yet."""

        async def decide(stored: StoredApplication) -> tuple[Patch, Ending]:
            asked = stored.app.operation is not None or bool(stored.operation_fault)
            ending = requests.termination(stored.app, stored.status, asked=asked)
            return ending_by(ending), ending

        _, ending = await self._guarded(key, decide)
        return ending

    async def refresh(self, key: str, *, hard: bool = False, pushed: str = "") -> LiveObject:
        """Ask the engine to look again.

        Args:
            hard: and to render anew what it knows.
            pushed: the commit whose push is the reason.
        """
        return await self._patch(key, refreshing(self._now(), hard=hard, pushed=pushed))

    async def confirm_deletion(self, key: str) -> datetime:
        """Let objects go that ask to be confirmed: those that wait now. Returns the time that is on record."""
        now = self._now()
        await self._patch(key, confirming(now))
        return now

    async def delete(self, key: str, cascade: Cascade) -> None:
        """Delete this very application and, with a cascade, have the engine delete its objects first."""
        uid = (await self.read(key)).app.metadata.uid

        async def decide(stored: StoredApplication) -> tuple[Patch, None]:
            if stored.app.metadata.uid != uid:
                raise RequestRefused(
                    Refusal.CHANGING, stored.app, f"application {key} was made anew meanwhile", hint="look at it first"
                )
            kept = requests.finalizers(stored.app, cascade)
            return {} if kept == stored.app.metadata.finalizers else {"metadata": {"finalizers": kept}}, None

        await self._guarded(key, decide)
        namespace, _, name = key.partition("/")
        await self._client.delete(APPLICATION, namespace, name, propagation="Background", uid=uid)

    async def _guarded(
        self, key: str, decide: Callable[[StoredApplication], Awaitable[tuple[Patch, Told]]]
    ) -> tuple[LiveObject, Told]:
        """Writes what is decided of an application as it is, nothing where that is empty; with what is told of it."""
        for _ in range(TRIES):
            stored = await self.read(key)
            patch, told = await decide(stored)
            if not patch:
                return stored.live, told
            version = {"resourceVersion": stored.live.resource_version}
            with suppress(Conflict):
                return await self._patch(key, patch | {"metadata": patch.get("metadata", {}) | version}), told
        raise RequestRefused(Refusal.CHANGING, stored.app, f"application {key} changes too fast", hint="ask again")

    async def _patch(self, key: str, patch: Patch) -> LiveObject:
        namespace, _, name = key.partition("/")
        return await self._client.patch(APPLICATION, namespace, name, msgspec.json.encode(patch), kind="merge")


def asking(operation: Operation) -> Patch:
    """Asks for an operation."""
    return {"operation": msgspec.to_builtins(operation)}


def ending_by(ending: Ending) -> Patch:
    """Ends an operation. What an engine carries out it ends itself, by its phase."""
    if ending is Ending.TAKEN_BACK:
        return {"operation": None}
    return {"status": {"operationState": {"phase": str(OperationPhase.TERMINATING)}}}


def refreshing(now: datetime, *, hard: bool = False, pushed: str = "") -> Patch:
    """Asks for a refresh. The time makes it a change, whatever is asked for already: one that changed nothing would be
    heard by nobody."""
    asked = {REFRESH: "hard" if hard else "normal", REFRESH_TIMESTAMP: format_exact_time(now)}
    return {"metadata": {"annotations": asked | ({PUSHED: pushed} if pushed else {})}}


def confirming(now: datetime) -> Patch:
    """Confirms the deletions that wait."""
    return {"metadata": {"annotations": {DELETION_APPROVED: format_time(now)}}}


def _readable(stored: StoredApplication) -> StoredApplication:
    if stored.fault is not None:
        raise stored.fault
    return stored
