"""What the server does of itself: first objects, garbage collection, namespaces, protected volumes, old Events."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Literal

from kubegrammar.yaml import load
from pocketkube.cluster.failure import Failure
from pocketkube.cluster.resource import Object
from pocketkube.cluster.upkeep.collector import Collector
from pocketkube.cluster.upkeep.events import EventExpiry
from pocketkube.cluster.upkeep.namespaces import NamespaceUpkeep
from pocketkube.cluster.upkeep.paths import path_of
from pocketkube.cluster.upkeep.ports import UpkeepApi, UpkeepEntry, UpkeepEvent, UpkeepStorage, stores_of
from pocketkube.cluster.upkeep.protection import Protection

INITIAL = Path(__file__).with_name("initial.yaml")


class Upkeep:
    """The chores of a server, for as long as it runs.

    Args:
        api: the API, used as the system itself.
        storage: where its objects are.
        now: the time.
        ca: the PEM certificates for ``kube-root-ca.crt``.
    """

    def __init__(self, api: UpkeepApi, storage: UpkeepStorage, *, now: Callable[[], datetime], ca: str = "") -> None:
        self._api, self._storage = api, storage
        self._collector = Collector(api, storage)
        self._namespaces = NamespaceUpkeep(api, storage, ca=ca, now=now)
        self._protection = Protection(api, storage)
        self._events = EventExpiry(api)
        self._tasks: list[asyncio.Task[None]] = []
        self._unsubscribe: Callable[[], None] = lambda: None

    async def start(self) -> None:
        """Makes what is missing of a new cluster, then follows every change. On return the cluster can be used.

        Raises:
            Failure: the API refuses what a cluster begins with.
        """
        for resource in stores_of(self._api.registry):
            for entry in self._storage.list(resource.stored_as).entries:
                self._changed(resource.stored_as, _Found(entry))
        self._unsubscribe = self._storage.subscribe(self._changed)
        runs = (self._collector.run, self._namespaces.run, self._protection.run, self._events.run)
        self._tasks = [asyncio.create_task(run(), name=f"upkeep: {run.__qualname__}") for run in runs]
        for obj in load(INITIAL.read_bytes(), INITIAL.name):
            await self._make(obj)
            if obj["kind"] == "Namespace":
                await self._namespaces.furnish(obj["metadata"]["name"])

    async def close(self) -> None:
        """Stops; what is due is taken up at the next start."""
        self._unsubscribe()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def idle(self) -> bool:
        """Whether nothing is due."""
        return self._collector.idle() and self._namespaces.idle() and self._protection.idle()

    def _changed(self, stored_as: str, event: UpkeepEvent) -> None:
        self._collector.changed(stored_as, event)
        self._namespaces.changed(stored_as, event)
        self._protection.changed(stored_as, event)
        self._events.changed(stored_as, event)

    async def _make(self, obj: Object) -> None:
        resource = self._api.registry.of_kind(obj["apiVersion"], obj["kind"])
        assert resource, f"no {obj['kind']} is served"
        metadata = obj["metadata"]
        namespace = metadata.get("namespace", "")
        if self._storage.get(resource.stored_as, namespace, metadata["name"]) is not None:
            return
        try:
            await self._api.call("POST", path_of(resource, namespace), obj)
        except Failure as failure:
            if failure.reason != "AlreadyExists":
                raise


class _Found:
    """An object that is there at the start, as if it had just come."""

    def __init__(self, entry: UpkeepEntry) -> None:
        self.type: Literal["ADDED", "MODIFIED", "DELETED"] = "ADDED"
        self.entry = entry
