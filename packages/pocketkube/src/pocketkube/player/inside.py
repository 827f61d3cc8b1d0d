"""The player's cluster where that is in the same process: no HTTP to itself."""

import logging
from collections.abc import Callable, Collection, Mapping

from pocketkube.cluster.api import KubernetesApi
from pocketkube.cluster.storage import Event, Storage
from pocketkube.player.objects import FollowedObjects, Kind, Object, seen
from pocketkube.player.port import ServedKind

log = logging.getLogger(__name__)


class Inside:
    """An embedded cluster, from within."""

    def __init__(self, api: KubernetesApi, storage: Storage) -> None:
        self._api, self._storage = api, storage
        self._kinds: dict[str, Kind] = {}
        self._objects = FollowedObjects()
        self._unsubscribe: Callable[[], None] = lambda: None

    async def follow(self, kinds: Collection[Kind], objects: FollowedObjects) -> Mapping[Kind, ServedKind]:
        """As :class:`~pocketkube.player.port.FollowedCluster`."""
        self._objects = objects
        served: dict[Kind, ServedKind] = {}
        for resource in self._api.registry.all():
            kind = Kind(resource.group, resource.kind)
            if kind in kinds and resource.api_version == resource.storage_version:
                served[kind] = ServedKind(resource.api_version, resource.plural, resource.namespaced)
                self._kinds[resource.stored_as] = kind
        self._unsubscribe = self._storage.subscribe(self._changed)
        for stored_as, kind in self._kinds.items():
            for entry in self._storage.list(stored_as).entries:
                objects.put(seen(kind, entry.body))
        return served

    async def call(
        self,
        method: str,
        path: str,
        body: Object | None = None,
        *,
        manager: str,
        content_type: str = "application/json",
    ) -> Object:
        """As :class:`~pocketkube.player.port.FollowedCluster`."""
        query = (("fieldManager", manager),) if method in ("POST", "PATCH") else ()
        return await self._api.call(method, path, body, query=query, manager=manager, content_type=content_type)

    async def close(self) -> None:
        """Follow no more."""
        self._unsubscribe()

    def _changed(self, stored_as: str, event: Event) -> None:
        try:
            self._take(stored_as, event)
        except Exception:  # the change was made: whoever made it must not hear that its player stumbled
            log.exception("%s %s/%s: not played", stored_as, event.entry.namespace, event.entry.name)

    def _take(self, stored_as: str, event: Event) -> None:
        kind = self._kinds.get(stored_as)
        if kind is None:
            return
        found = seen(kind, event.entry.body)
        if event.type == "DELETED":
            self._objects.drop(found.key, found.uid)
        else:
            self._objects.put(found)
