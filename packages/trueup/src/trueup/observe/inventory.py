"""What is an application's on the cluster, and what it may touch there."""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from trueup import policy
from trueup.clusters.managed import ManagedCluster
from trueup.model.application import Application
from trueup.model.comparison import Comparison
from trueup.model.health import Health
from trueup.model.live import LiveObject
from trueup.model.manifest import Manifest
from trueup.model.project import Project
from trueup.model.resource import GroupKind, ResourceKey
from trueup.model.status import ResourceStatus, SyncCode
from trueup.observe.verdicts import Verdicts
from trueup.plan.kinds import NAMESPACE
from trueup.plan.namespace import namespace_key
from trueup.store.applications import Applications, StoredApplication


class Inventory:
    """Reads the objects of applications on one cluster."""

    def __init__(self, applications: Applications, cluster: ManagedCluster, verdicts: Verdicts) -> None:
        self._applications, self._cluster, self._verdicts = applications, cluster, verdicts

    def managed(self, stored: StoredApplication) -> dict[ResourceKey, LiveObject]:
        """The live objects of an application, declared or not: those that say so and that it has deployed."""
        marked = self.marked(stored.key)
        strange = policy.unrecorded(stored.status, marked)
        return {key: live for key, live in marked.items() if key not in strange} if strange else marked

    def marked(self, key: str) -> dict[ResourceKey, LiveObject]:
        """Live objects that say they belong to an application, and are of kinds that are managed."""
        found = self._cluster.cache.group(self._applications.instance(key))
        return {key: live for key, live in found.items() if not self._cluster.excluded(key.group, key.kind)}

    async def watch_known(self, stored: StoredApplication) -> None:
        """Follow the kinds that the application's status names: what is there must be known before it is deleted."""
        state = stored.status.operation_state
        result = state.sync_result if state else None
        kinds = {GroupKind(line.group, line.kind) for line in stored.status.resources}
        # A hook that runs is no resource yet.
        kinds |= {GroupKind(line.group, line.kind) for line in (result.resources if result else [])}
        await self._cluster.cache.ensure(kind for kind in kinds if not self._cluster.excluded(kind.group, kind.kind))

    def forbids(self, app: Application, project: Project | None) -> Callable[[ResourceKey], str]:
        """Why an application may not write or delete an object of this cluster, or this engine may not; else empty."""

        def reason(key: ResourceKey) -> str:
            return self._cluster.unmanaged(key) or policy.refusal(project, app, self._cluster.change(key))

        return reason

    def forbidden(
        self, app: Application, project: Project | None, keys: Iterable[ResourceKey]
    ) -> dict[ResourceKey, str]:
        """Of these objects, the ones an application may not write or delete, with the reason."""
        forbids = self.forbids(app, project)
        return {key: reason for key in keys if (reason := forbids(key))}

    def seen(
        self, keys: Sequence[ResourceKey]
    ) -> tuple[dict[ResourceKey, LiveObject], dict[ResourceKey, Health | None]]:
        """Of these objects, the ones that are there, and their health."""
        found = {key: live for key in keys if (live := self._cluster.cache.get(key)) is not None}
        return found, {key: self._verdicts.of(live) for key, live in found.items()}

    async def watch(self, stored: StoredApplication, wanted: Sequence[Manifest]) -> None:
        """Follow the kinds of targets and of the inventory, so that what leaves Git is seen to be there still."""
        kinds = {manifest.group_kind for manifest in wanted} | {NAMESPACE}
        kinds |= {GroupKind(line.group, line.kind) for line in stored.status.resources}
        await self._cluster.cache.ensure(kind for kind in kinds if not self._cluster.excluded(kind.group, kind.kind))
        # What is compared is read, be it marked or not.
        home = namespace_key(stored.app.spec.destination.namespace)
        await self._cluster.cache.whole((home, *(manifest.key for manifest in wanted)))

    def included(self, manifests: Sequence[Manifest]) -> tuple[list[Manifest], list[tuple[str, str]]]:
        """The manifests without those of excluded kinds, which are named in a warning."""
        kept, warnings = [], []
        for manifest in manifests:
            if self._cluster.excluded(manifest.key.group, manifest.key.kind):
                message = f"Resource {manifest.key} is excluded in the settings"
                warnings.append(("ExcludedResourceWarning", message))
            else:
                kept.append(manifest)
        return kept, warnings

    def unseen(self, stored: StoredApplication, comparison: Comparison) -> tuple[ResourceStatus, ...]:
        """What the application has deployed, and may not be forgotten because its kind cannot be listed for a while."""
        unwatched = self._cluster.unwatched()
        if not unwatched:
            return ()
        known = {item.key for item in comparison.compared}
        return tuple(
            msgspec.structs.replace(line, status=str(SyncCode.UNKNOWN), health=None)
            for line in stored.status.resources
            if GroupKind(line.group, line.kind) in unwatched
            and ResourceKey(line.group, line.kind, line.namespace, line.name) not in known
        )
