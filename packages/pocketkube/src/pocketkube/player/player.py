"""Plays nodes and a cloud: gives each object its next status when it is due; has controllers decide."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime

from pocketkube.cluster.failure import Failure
from pocketkube.player.controllers import DONE, Controllers
from pocketkube.player.lifecycle import Lifecycle, Transition, next_status
from pocketkube.player.objects import FollowedObjects, Kind, SeenObject
from pocketkube.player.port import MERGE_PATCH, FollowedCluster, ServedKind
from pocketkube.player.pulling import POD, SECRET, Pulling
from pocketkube.player.registry import ImageRegistries

log = logging.getLogger(__name__)

CONTROLLER_MANAGER = "kube-controller-manager"
FIELD_MANAGER = "pod-simulator"
REPEAT_SECONDS = 1.0
"""Pause before an object is given the same stage again: after a refusal, or where the server stores it otherwise."""


class Player:
    """Follows the kinds that have a life-cycle, writes each object's next status when it is due, runs controllers.

    Args:
        lifecycles: by kind: :func:`~pocketkube.player.lifecycle.read_lifecycles` has all, for a server without
            controllers of its own; :func:`~pocketkube.player.lifecycle.beside` those for one with.
        now: the time.
    """

    def __init__(
        self, cluster: FollowedCluster, lifecycles: Mapping[Kind, Lifecycle], now: Callable[[], datetime]
    ) -> None:
        self._cluster, self._lifecycles, self._now = cluster, lifecycles, now
        self._objects = FollowedObjects()
        self._controllers = Controllers(cluster, self._objects, lifecycles, now)
        self._served: Mapping[Kind, ServedKind] = {}
        self._pending: dict[str, tuple[str, asyncio.Task[None]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._last_stage: dict[str, str] = {}
        self._begun = False
        self._pulling = Pulling(ImageRegistries(), self._look_again)

    async def __aenter__(self) -> "Player":
        """Begins; every object that is there already is looked at.

        Raises:
            ClusterError: the cluster does not answer.
        """
        self._objects.subscribe(self._changed)
        try:
            kinds = {*self._lifecycles, *self._controllers.kinds, SECRET}
            self._served = await self._cluster.follow(kinds, self._objects)
            # Before everything is listed, what is there would be made a second time.
            self._controllers.start(self._served)
            self._begun = True
            for kind in self._lifecycles:
                for live in self._objects.of_kind(kind):
                    self._consider(live)
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends the watches and drops what is due."""
        await self._controllers.close()
        await self._cluster.close()
        await self._pulling.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _look_again(self) -> None:
        """Look at every Pod: something is known that was not."""
        for live in self._objects.of_kind(POD):
            self._consider(live)

    def _changed(self, old: SeenObject | None, new: SeenObject | None) -> None:
        if (live := new or old) is not None and live.kind == SECRET:
            self._pulling.changed(old, new)
            return
        self._controllers.changed(old, new)
        if new is None:
            if old is not None:
                self._drop(old.uid)
                self._last_stage.pop(old.uid, None)
            return
        if self._begun:
            self._consider(new)

    def _consider(self, new: SeenObject) -> None:
        """Set out for the stage that an object goes to, if it is not on its way."""
        transition = self._next(new)
        stage, _ = self._pending.get(new.uid, ("", None))
        if transition is None:
            self._drop(new.uid)
        elif transition.stage != stage:
            # An event on the way to a stage does not start its delay again.
            self._drop(new.uid)
            task = asyncio.create_task(self._move(new, transition), name=f"{new.key}: {transition.stage}")
            self._pending[new.uid] = (transition.stage, task)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _next(self, live: SeenObject) -> Transition | None:
        lifecycle = self._lifecycles.get(live.kind)
        if lifecycle is None or not lifecycle.stages:
            return None
        found = self._pulling.view(live.object()) if live.kind == POD else live.object()
        return next_status(lifecycle, found, self._now()) if found is not None else None

    def _drop(self, uid: str) -> None:
        _, task = self._pending.pop(uid, ("", None))
        if task:
            task.cancel()

    async def _move(self, live: SeenObject, transition: Transition) -> None:
        again = self._last_stage.get(live.uid) == transition.stage
        await asyncio.sleep(max(transition.delay, REPEAT_SECONDS if again else 0.0))
        # From here on nobody cancels: the write's own event may come before its answer.
        self._pending.pop(live.uid, None)
        self._last_stage[live.uid] = transition.stage
        written = await self._write(live, transition.stage)
        while not written:
            await asyncio.sleep(REPEAT_SECONDS)
            written = await self._write(live, transition.stage)

    async def _write(self, live: SeenObject, stage: str) -> bool:
        """Writes the status of a stage, if the object still goes there. False: to be tried again."""
        current = self._objects.get(live.key)
        transition = self._next(current) if current and current.uid == live.uid else None
        served = self._served.get(live.kind)
        if transition is None or transition.stage != stage or served is None:
            return True
        try:
            await self._cluster.call(
                "PATCH",
                served.path(live.key.namespace, live.key.name, "status"),
                # The uid refuses a namesake that came after it.
                {"metadata": {"uid": live.uid}, "status": transition.status},
                manager=FIELD_MANAGER,
                content_type=MERGE_PATCH,
            )
        except Failure as failure:
            if failure.code in DONE:
                return True
            log.warning("%s: status of stage %s not written: %s", live.key, stage, failure)
            return False
        return True
