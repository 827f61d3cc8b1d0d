"""Runs the controllers of stage files: wakes them, shows them what is there, makes the writes they decide."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby

from pocketkube.cluster.failure import Failure
from pocketkube.player.lifecycle import Lifecycle
from pocketkube.player.objects import FollowedObjects, Key, Kind, SeenObject, kind_of
from pocketkube.player.port import MERGE_PATCH, FollowedCluster, ServedKind
from pocketkube.player.relations import Relations
from pocketkube.queue import WorkQueue
from pocketkube.workloads import DECISIONS, Create, DeleteObject, PatchObject, Write

log = logging.getLogger(__name__)

FIELD_MANAGER = "kube-controller-manager"
RETRY_SECONDS = 1.0
"""Pause after a write that was refused."""
AGAIN_SECONDS = 0.05
"""The soonest that an object is looked at again by itself."""
DONE = (404, 409)
"""Codes of what is there already, has gone, or has changed: the watch tells of it."""
AT_ONCE = 16
"""Objects worked on at a time, and writes of one kind in flight for each."""


class Controllers:
    """Has the controllers of life-cycles decide.

    Args:
        lifecycles: those with a controller count.
        now: the time.
    """

    def __init__(
        self,
        cluster: FollowedCluster,
        objects: FollowedObjects,
        lifecycles: Mapping[Kind, Lifecycle],
        now: Callable[[], datetime],
    ) -> None:
        self._cluster, self._objects, self._now = cluster, objects, now
        self._controllers = {
            kind: lifecycle.controller for kind, lifecycle in lifecycles.items() if lifecycle.controller is not None
        }
        self._relations = Relations(self._controllers, objects)
        self._served: Mapping[Kind, ServedKind] = {}
        self._keys: dict[str, Key] = {}
        self._queue = WorkQueue("controllers", self._reconcile, workers=AT_ONCE)
        self._running: asyncio.Task[None] | None = None

    @property
    def kinds(self) -> set[Kind]:
        """What must be followed for it."""
        related = {related.of for controller in self._controllers.values() for related in controller.relates}
        return related | set(self._controllers)

    def start(self, served: Mapping[Kind, ServedKind]) -> None:
        """Begins to work on what changed; every kind must have been listed."""
        self._served = served
        self._running = asyncio.create_task(self._queue.run(), name="controllers")

    async def close(self) -> None:
        """Stops; writes in flight are dropped."""
        if self._running:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    def changed(self, old: SeenObject | None, new: SeenObject | None) -> None:
        """Takes a change: wakes the controller of the object, and those it is related to."""
        for key in self._relations.changed(old, new):
            self._wake(key)
        if new is None and old is not None:
            self._queue.forget(str(old.key))
            self._keys.pop(str(old.key), None)

    def _wake(self, key: Key) -> None:
        self._keys[str(key)] = key
        self._queue.add(str(key))

    async def _reconcile(self, text: str) -> float | None:
        key = self._keys.get(text)
        live = self._objects.get(key) if key else None
        if key is None or live is None:
            self._keys.pop(text, None)
            return None
        controller = self._controllers[live.kind]
        related = self._relations.of(live, controller)
        decision = DECISIONS[controller.decides](self._relations.decoded(live), related, self._now())
        try:
            for batch in _batches(decision.writes):
                await self._write_all(batch)
        except Failure as failure:
            log.info("%s: write refused: %s", text, failure)
            return RETRY_SECONDS
        return None if decision.again is None else max(decision.again, AGAIN_SECONDS)

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
        """Makes a write. What it finds done, or gone, is well: changes are told anyway."""
        target = write.object if isinstance(write, Create) else write.target
        kind = kind_of(target["apiVersion"], target["kind"])
        served = self._served.get(kind)
        if served is None:
            return
        metadata = target["metadata"]
        namespace, name = metadata.get("namespace", ""), metadata.get("name", "")
        try:
            match write:
                case Create():
                    answer = await self._cluster.call("POST", served.path(namespace), target, manager=FIELD_MANAGER)
                    self._objects.answered(kind, answer)
                case PatchObject():
                    # The uid refuses a namesake that came after it. A Scale has the uid of its object.
                    given = {**(write.body.get("metadata") or {}), "uid": metadata["uid"]}
                    answer = await self._cluster.call(
                        "PATCH",
                        served.path(namespace, name, write.subresource),
                        {**write.body, "metadata": given},
                        manager=FIELD_MANAGER,
                        content_type=MERGE_PATCH,
                    )
                    self._objects.answered(kind, answer)
                case DeleteObject():
                    options = {"propagationPolicy": write.propagation, "preconditions": {"uid": metadata["uid"]}}
                    answer = await self._cluster.call(
                        "DELETE",
                        served.path(namespace, name),
                        {"apiVersion": "v1", "kind": "DeleteOptions", **options},
                        manager=FIELD_MANAGER,
                    )
                    if answer.get("kind") == "Status":
                        self._objects.drop(Key(kind, namespace, name), metadata["uid"])
        except Failure as failure:
            if failure.code not in DONE:
                raise
            log.debug("%s %s: write not needed: %s", kind, name, failure)


def _batches(writes: Iterable[Write]) -> Iterable[list[Write]]:
    """Writes of one sort to one kind together, which may be made at once; the batches in their order."""

    def sort_of(write: Write) -> tuple[type[Write], str]:
        target = write.object if isinstance(write, Create) else write.target
        return type(write), target["kind"]

    return ([*batch] for _, batch in groupby(writes, sort_of))
