"""What the reconcilers of applications work with: each port a Protocol, filled by the composition root."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import msgspec

from trueup import policy
from trueup.apply.perform import Performed
from trueup.controllers.looks import RepositoryLooks
from trueup.controllers.noticing import Describe
from trueup.controllers.telling.audit import Audit
from trueup.controllers.woken import Woken
from trueup.model.application import Application, Destination, Source
from trueup.model.errors import InvalidSpec
from trueup.model.health import Health
from trueup.model.live import LiveObject
from trueup.model.manifest import Manifest
from trueup.model.project import Project
from trueup.model.repository import RepositoryOf
from trueup.model.resource import GroupKind, ResourceKey
from trueup.model.status import OperationState
from trueup.observe.observation import Observation
from trueup.plan.delete_hooks import HookStep
from trueup.plan.deletion import DeletionStep
from trueup.plan.options import Options as SyncOptions
from trueup.plan.task import Step
from trueup.runtime.clock import Clock
from trueup.store.applications import Applications, StoredApplication
from trueup.store.settings import Settings
from trueup.store.writing import Writes

# Argo CD's words for a destination to which nobody's rights are named.
SYNCING_AS = "failed to find a matching service account to impersonate"
DELETING_AS = "error deriving service account to impersonate"

LONGEST_REST = 3600.0
"""Seconds after which an application is looked at again though nothing woke it and polling is off."""

SHORTEST_REST = 60.0
"""The same where polling is on, however short its interval."""

REST_OF_EACH = 0.2
"""Seconds by which the same is longer for each application that there is, so that what nothing woke takes some
hundredths of a core at any size."""


class Observing(Protocol):
    """Facts about Applications: :class:`trueup.observe.observer.Observer`."""

    async def observe(
        self,
        stored: StoredApplication,
        project: Project,
        *,
        sources: Sequence[Source] = (),
        revisions: Sequence[str] = (),
        fresh: bool = False,
        options: SyncOptions | None = None,
    ) -> Observation: ...

    async def brought(
        self, stored: StoredApplication, project: Project, manifests: Sequence[str], options: SyncOptions
    ) -> Observation: ...

    async def content(self, stored: StoredApplication, project: Project, revisions: Sequence[str]) -> str: ...

    async def delete_hooks(self, stored: StoredApplication, project: Project) -> list[Manifest]: ...

    def resolve(self, app: Application, sources: Sequence[Source], revisions: Sequence[str]) -> tuple[str, ...]: ...

    def made_of(self, stored: StoredApplication, revisions: Sequence[str]) -> tuple[str, ...]: ...

    def elsewhere(self, key: str, *, moving: bool) -> list[RepositoryOf]: ...

    def with_hooks(self, seen: Observation, state: OperationState) -> Observation: ...

    def forget(self, key: str) -> None: ...


class Belongings(Protocol):
    """The objects of an application: :class:`trueup.observe.inventory.Inventory`."""

    async def watch_known(self, stored: StoredApplication) -> None: ...

    def seen(
        self, keys: Sequence[ResourceKey]
    ) -> tuple[dict[ResourceKey, LiveObject], dict[ResourceKey, Health | None]]: ...

    def managed(self, stored: StoredApplication) -> Mapping[ResourceKey, LiveObject]: ...

    def marked(self, key: str) -> Mapping[ResourceKey, LiveObject]: ...

    def forbidden(
        self, app: Application, project: Project | None, keys: Iterable[ResourceKey]
    ) -> dict[ResourceKey, str]: ...


class DestinationCluster(Protocol):
    """What is asked of a destination beside its objects: :class:`trueup.clusters.managed.ManagedCluster`."""

    @property
    def server(self) -> str: ...

    @property
    def confined(self) -> bool: ...

    def serves(self, api_version: str, kind: str) -> bool: ...

    def unwatched(self) -> frozenset[GroupKind]: ...


class Performing(Protocol):
    """Carries steps out: :class:`trueup.controllers.performing.Performer`."""

    async def __call__(self, step: Step | DeletionStep | HookStep, account: str = "") -> Performed: ...


class Ports(msgspec.Struct, frozen=True, kw_only=True):
    """Filled by the composition root, for one destination.

    Attributes:
        cluster: the destination.
        place: where an application goes, by server and name both; raises InvalidSpec where no cluster is known that it
            means.
        reach: raises where an application's cluster cannot be used now, or is not this destination any more.
    """

    clock: Clock
    settings: Callable[[], Settings]
    applications: Applications
    writes: Writes
    repositories: RepositoryLooks
    observer: Observing
    inventory: Belongings
    cluster: DestinationCluster
    place: Callable[[Application], Destination]
    reach: Callable[[Application], None]
    perform: Performing
    audit: Audit
    describe: Describe
    woken: Woken
    wave_delay: float = 2.0

    def rest(self) -> float:
        """Seconds after which an application is looked at though nothing woke it.

        Watches and the repositories' polls wake it; this only catches what they cannot tell. A short polling interval
        is no reason to compare a fleet that often, and of a large fleet no more are compared in a second than of one of
        hundreds.
        """
        polling = self.settings().resync_seconds
        net = max(polling, SHORTEST_REST, self.applications.decoded * REST_OF_EACH) if polling else LONGEST_REST
        return min(net, LONGEST_REST)

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
