"""Deployments recorded in Git itself: a note on the deployed commit, for applications that ask for it."""

import asyncio
from collections.abc import Callable
from datetime import datetime

import msgspec
import pygit2

from trueup import policy
from trueup.model.errors import TrueupError
from trueup.model.repository import RepositoryOf
from trueup.model.status import OperationState
from trueup.runtime.logger import Logger
from trueup.sources.credential import Credential
from trueup.sources.mirror import Mirror
from trueup.store.applications import StoredApplication

log = Logger("trueup.notes")

REF = "refs/notes/trueup"
ANNOTATION = "trueup.dev/git-notes"
"""On an Application: ``true`` for a note on each commit that was deployed."""
ATTEMPTS = 10
CAPACITY = 1000


class Deployed(msgspec.Struct, frozen=True):
    """A deployment.

    Attributes:
        line: what the note says of it.
    """

    repository: RepositoryOf
    revision: str
    line: str


class Notes:
    """Writes notes beside the work, one after the other; a note that cannot be written is logged and forgotten.

    Args:
        mirror: of a repository.
        credential: for pushing to it.
    """

    def __init__(
        self,
        mirror: Callable[[RepositoryOf], Mirror],
        credential: Callable[[RepositoryOf], Credential | None],
        now: Callable[[], datetime],
    ) -> None:
        self._mirror, self._credential, self._now = mirror, credential, now
        self._queue: asyncio.Queue[Deployed] = asyncio.Queue(CAPACITY)

    def add(self, deployed: Deployed) -> None:
        """Have a deployment noted."""
        try:
            self._queue.put_nowait(deployed)
        except asyncio.QueueFull:
            log.warning("deployment not noted", repository=deployed.repository.url, revision=deployed.revision)

    def deployed(self, stored: StoredApplication, state: OperationState) -> None:
        """A sync has succeeded: noted where the application asks for it."""
        if stored.app.metadata.annotations.get(ANNOTATION) != "true" or state.sync_result is None:
            return
        revisions = state.sync_result.revisions or [state.sync_result.revision]
        by = policy.initiator(state.operation)
        who = "automated" if by.automated else f"by {by.username}, as it was claimed"
        line = f"deployed {stored.key} at {state.finished_at} ({who})"
        for source, revision in zip(stored.app.spec.all_sources(), revisions, strict=False):
            if revision and not source.packed:
                self.add(Deployed(stored.app.spec.repository(source), revision, line))

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            deployed = await self._queue.get()
            try:
                await self.write(deployed)
            except TrueupError as error:
                log.warning("deployment not noted", repository=deployed.repository.url, error=str(error))

    async def write(self, deployed: Deployed) -> None:
        """Add a line to the note of a commit; again where somebody else was quicker.

        Raises:
            TrueupError: the server does not take it.
        """
        mirror = self._mirror(deployed.repository)
        reason = ""
        for _ in range(ATTEMPTS):
            by = pygit2.Signature("Trueup", "trueup@localhost", int(self._now().timestamp()), 0)
            credential = self._credential(deployed.repository)
            reason = await mirror.push_note(deployed.revision, deployed.line, REF, by, credential)
            if not reason:
                return
        raise TrueupError(
            f"repository {mirror.shown}: {REF} cannot be pushed: {reason}", hint="give write access by a Secret"
        )
