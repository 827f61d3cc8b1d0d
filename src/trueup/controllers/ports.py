"""What the reconcilers of applications work with."""

from collections.abc import Callable

import msgspec
import structlog

from trueup import policy
from trueup.apply.cluster import acting_as
from trueup.apply.perform import Performed, perform
from trueup.controllers.chronicle import Chronicle
from trueup.controllers.repository import Repositories
from trueup.model.application import Application
from trueup.model.errors import InvalidSpec
from trueup.observe.cluster import ManagedCluster
from trueup.observe.observer import Observer
from trueup.plan.delete_hooks import HookStep
from trueup.plan.deletion import DeletionStep
from trueup.plan.task import Step
from trueup.runtime.clock import Clock
from trueup.store.applications import Applications
from trueup.store.events import Recorder
from trueup.store.settings import Settings
from trueup.store.write import ApplicationWrite

log = structlog.get_logger("trueup.cluster")

# Argo CD's words for a destination to which nobody's rights are named.
SYNCING_AS = "failed to find a matching service account to impersonate"
DELETING_AS = "error deriving service account to impersonate"

LONGEST_REST = 3600.0
"""Seconds after which an application is looked at again though nothing woke it and polling is off."""

SHORTEST_REST = 60.0
"""The same where polling is on, however short its interval."""


class Ports(msgspec.Struct, frozen=True, kw_only=True):
    """Filled by the composition root."""

    clock: Clock
    settings: Callable[[], Settings]
    applications: Applications
    repositories: Repositories
    observer: Observer
    cluster: ManagedCluster
    recorder: Recorder
    chronicle: Chronicle
    wave_delay: float = 2.0

    def rest(self) -> float:
        """Seconds after which an application is looked at though nothing woke it.

        Watches and the repositories' polls wake it; this only catches what they cannot tell. A short polling interval
        is no reason to compare a fleet that often.
        """
        polling = self.settings().resync_seconds
        return max(polling, SHORTEST_REST) if polling else LONGEST_REST

    def account(self, app: Application, failure: str) -> str:
        """The user as whom an application's objects are written and deleted; empty for the engine itself.

        Args:
            failure: opens the error's message.

        Raises:
            InvalidSpec: there is no project, it names none for the destination, or one that cannot be.
        """
        setting = self.settings().impersonation
        if not setting.enabled:
            return ""
        try:
            return policy.acting_account(app, self.applications.project_of(app), self.cluster.server, setting)
        except InvalidSpec as error:
            raise InvalidSpec(f"{failure}: {error.message}", hint=error.hint) from error

    async def perform(self, step: Step | DeletionStep | HookStep, account: str = "") -> Performed:
        """Carry a step out, and remember what it confirmed.

        Args:
            account: the user as whom; empty for the engine itself.
        """
        performed = await perform(step, acting_as(self.cluster, account))
        for manifest, answer, writing in performed.stored:
            self.cluster.confirmer.seed(manifest, answer, writing, account)
        if performed.interrupted is not None:
            log.warning("cluster not reached", cluster=self.cluster.name, error=str(performed.interrupted))
        return performed

    def tell(self, write: ApplicationWrite, reason: str, message: str, *, warning: bool = False) -> None:
        """Record an Event about an Application."""
        self.recorder.record(write.live, reason, message, now=self.clock.now(), warning=warning)
