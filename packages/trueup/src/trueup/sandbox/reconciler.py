"""Runs the controllers of stage files: wakes them, shows them what is there, makes the writes they decide."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

import msgspec
import structlog

from pocketkube.workloads import DECISIONS, Create, Delete, Object, Patch, Write
from trueup.kube.cache import WatchCache
from trueup.kube.client import Client
from trueup.kube.discovery import Discovery, ResourceType
from trueup.kube.errors import AlreadyExists, ApiError, Conflict, NotFound
from trueup.model.live import LiveObject
from trueup.model.resource import GroupKind, ResourceKey, group_of
from trueup.runtime.clock import Clock
from trueup.runtime.outcome import Requeue
from trueup.runtime.queue import Queue
from trueup.sandbox.lifecycle import Lifecycle
from trueup.sandbox.relations import Relations

log = structlog.get_logger(__name__)

FIELD_MANAGER = "kube-controller-manager"
RETRY_SECONDS = 1.0
"""Pause after a write that was refused."""
UNLISTED_SECONDS = 0.05
AT_ONCE = 16
"""Objects worked on at a time, and writes of one kind in flight for each."""


class Reconciler:
    """Has the controllers of life-cycles decide.

    Args:
        lifecycles: those with a controller count.
    """

    def __init__(
        self,
        client: Client,
        discovery: Discovery,
        cache: WatchCache,
        lifecycles: Mapping[GroupKind, Lifecycle],
        clock: Clock,
    ) -> None:
        self._client, self._discovery, self._cache, self._clock = client, discovery, cache, clock
        self._controllers = {
            kind: lifecycle.controller for kind, lifecycle in lifecycles.items() if lifecycle.controller is not None
        }
        self._relations = Relations(self._controllers, cache)
        self._keys: dict[str, ResourceKey] = {}
        self._queue = Queue("controllers", self._reconcile, workers=AT_ONCE)
        self._running: asyncio.Task[None] | None = None

    @property
    def kinds(self) -> set[GroupKind]:
        """What must be followed for it."""
        related = {related.group_kind for controller in self._controllers.values() for related in controller.relates}
        return related | set(self._controllers)

    def start(self) -> None:
        """Begins to work on what changed; every kind must have been listed."""
        self._running = asyncio.create_task(self._queue.run(), name="controllers")

    async def close(self) -> None:
        """Stops; writes in flight are dropped."""
        if self._running:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    def changed(self, old: LiveObject | None, new: LiveObject | None) -> None:
        """Takes a change of the cache: wakes the controller of the object, and those it is related to."""
        for key in self._relations.changed(old, new):
            self._wake(key)
        if new is None and old is not None:
            self._queue.forget(str(old.key))
            self._keys.pop(str(old.key), None)

    def _wake(self, key: ResourceKey) -> None:
        self._keys[str(key)] = key
        self._queue.add(str(key))

    async def _reconcile(self, text: str) -> Requeue:
        key = self._keys.get(text)
        live = self._cache.get(key) if key else None
        if key is None or live is None:
            self._keys.pop(text, None)
            return Requeue.never()
        controller = self._controllers[live.group_kind]
        if not all(self._cache.synced(related.group_kind) for related in controller.relates):
            return Requeue.after(UNLISTED_SECONDS)
        related = self._relations.of(live, controller)
        decision = DECISIONS[controller.decides](self._relations.decoded(live), related, self._clock.now())
        try:
            for batch in _batches(decision.writes):
                await self._write_all(batch)
        except ApiError as error:
            log.info("write refused", object=text, error=str(error))
            return Requeue.after(RETRY_SECONDS)
        return Requeue.never() if decision.again is None else Requeue.after(max(decision.again, UNLISTED_SECONDS))

    async def _write_all(self, writes: Sequence[Write]) -> None:
        if len(writes) == 1:
            await self._write(writes[0])
            return
        limit = asyncio.Semaphore(AT_ONCE)

        async def one(write: Write) -> None:
            async with limit:
                await self._write(write)

        results = await asyncio.gather(*(one(write) for write in writes), return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    async def _write(self, write: Write) -> None:
        """Makes a write. What it finds done, or gone, is well: the watch tells of it."""
        target = write.object if isinstance(write, Create) else write.target
        type_ = self._type_of(target)
        namespace, name = target["metadata"].get("namespace", ""), target["metadata"].get("name", "")
        try:
            match write:
                case Create():
                    body = msgspec.json.encode(write.object)
                    self._cache.stored(await self._client.create(type_, namespace, body, field_manager=FIELD_MANAGER))
                case Patch():
                    self._cache.stored(await self._patch(type_, write))
                case Delete():
                    uid = target["metadata"]["uid"]
                    left = await self._client.delete(type_, namespace, name, propagation=write.propagation, uid=uid)
                    if left is not None:
                        self._cache.stored(left)
                    else:
                        self._cache.removed(ResourceKey(type_.group, type_.kind, namespace, name), uid)
        except (AlreadyExists, Conflict, NotFound) as error:
            log.debug("write not needed", kind=type_.kind, name=name, error=str(error))

    async def _patch(self, type_: ResourceType, patch: Patch) -> LiveObject:
        metadata = patch.target["metadata"]
        # The uid refuses a namesake that came after it. A Scale has the uid of its object.
        given = {**(patch.body.get("metadata") or {}), "uid": metadata["uid"]}
        found = await self._client.patch(
            type_,
            metadata.get("namespace", ""),
            metadata["name"],
            msgspec.json.encode({**patch.body, "metadata": given}),
            kind="merge",
            subresource=patch.subresource,
            manager=FIELD_MANAGER,
        )
        return found

    def _type_of(self, target: Object) -> ResourceType:
        type_ = self._discovery.find(group_of(target["apiVersion"]), target["kind"])
        if type_ is None:
            raise NotFound(f"the server has no {target['kind']}")
        return type_


def _batches(writes: Iterable[Write]) -> Iterable[list[Write]]:
    """Writes of one sort to one kind together, which may be made at once; the batches in their order."""

    def sort_of(write: Write) -> tuple[type[Write], str]:
        target = write.object if isinstance(write, Create) else write.target
        return type(write), target["kind"]

    return ([*batch] for _, batch in groupby(writes, sort_of))
