"""Plays what a control plane lacks: nodes, a cloud, on the embedded server controllers too. An ordinary client."""

import asyncio
from collections.abc import Mapping
from typing import Any

import msgspec
import structlog

from trueup.kube.cache import WatchCache
from trueup.kube.client import Client
from trueup.kube.config import ClusterConfig
from trueup.kube.discovery import Discovery
from trueup.kube.errors import ApiError, Conflict, NotFound
from trueup.model.live import LiveObject
from trueup.model.resource import GroupKind
from trueup.runtime.clock import SystemClock
from trueup.sandbox.lifecycle import Lifecycle, Transition, beside, next_status, read_lifecycles
from trueup.sandbox.pulling import POD, Pulling
from trueup.sandbox.reconciler import Reconciler
from trueup.sandbox.services import USER, Place
from trueup.sources.registry import Access, RegistryClient

log = structlog.get_logger(__name__)

CONTROLLER_MANAGER = "kube-controller-manager"
FIELD_MANAGER = "pod-simulator"
REPEAT_SECONDS = 1.0
"""Pause before an object is given the same stage again: after a refusal, or where the server stores it otherwise."""


async def run(
    config: ClusterConfig, lifecycles: Mapping[GroupKind, Lifecycle] | None = None, registry: Place | None = None
) -> None:
    """Moves the objects of a cluster through their stages until cancelled.

    Args:
        lifecycles: by kind. By default those for a control plane with its own kube-controller-manager;
            :func:`~trueup.sandbox.lifecycle.read_lifecycles` has all, for a server without.
        registry: asked for the images that lie in it.

    Raises:
        ApiError: the cluster does not answer at the start. Later it is waited for.
    """
    async with Client(config) as client, RegistryClient() as images:
        if lifecycles is None:
            lifecycles = beside(read_lifecycles(), CONTROLLER_MANAGER)
        simulator = Simulator(client, lifecycles)
        if registry is not None:
            access = Access(username=USER, password=registry.token, plain_http=True)
            simulator.pulling = Pulling(registry.host, access, images, simulator.look_again)
        try:
            await simulator.start()
            await asyncio.get_running_loop().create_future()
        finally:
            await simulator.close()


class Simulator:
    """Follows the kinds that have a life-cycle, writes each object's next status when it is due, runs controllers."""

    def __init__(self, client: Client, lifecycles: Mapping[GroupKind, Lifecycle]) -> None:
        self._client = client
        self._lifecycles = lifecycles
        self._discovery = Discovery(client)
        self._cache = WatchCache(client, self._discovery, classify=lambda _: None)
        self._clock = SystemClock()
        self._reconciler = Reconciler(client, self._discovery, self._cache, lifecycles, self._clock)
        self._pending: dict[str, tuple[str, asyncio.Task[None]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._last_stage: dict[str, str] = {}
        self.pulling: Pulling | None = None

    async def start(self) -> None:
        """Begins; every object that is there already is looked at."""
        self._cache.subscribe(self._changed)
        await self._cache.start()
        await self._cache.ensure({*self._lifecycles, *self._reconciler.kinds})
        # Before everything is listed, what is there would be made a second time.
        self._reconciler.start()

    async def close(self) -> None:
        """Ends the watches and drops what is due."""
        await self._reconciler.close()
        await self._cache.close()
        if self.pulling:
            await self.pulling.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def look_again(self) -> None:
        """Look at every Pod: something is known that was not."""
        for live in self._cache.of_kind(POD):
            self._changed(live, live)

    def _changed(self, old: LiveObject | None, new: LiveObject | None) -> None:
        self._reconciler.changed(old, new)
        if new is None:
            if old is not None:
                self._drop(old.uid)
                self._last_stage.pop(old.uid, None)
            return
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

    def _next(self, live: LiveObject) -> Transition | None:
        lifecycle = self._lifecycles.get(live.group_kind)
        if lifecycle is None or not lifecycle.stages:
            return None
        found: dict[str, Any] | None = live.object()
        if self.pulling and live.group_kind == POD:
            found = self.pulling.view(live.object())
        return next_status(lifecycle, found, self._clock.now()) if found is not None else None

    def _drop(self, uid: str) -> None:
        _, task = self._pending.pop(uid, ("", None))
        if task:
            task.cancel()

    async def _move(self, live: LiveObject, transition: Transition) -> None:
        again = self._last_stage.get(live.uid) == transition.stage
        await asyncio.sleep(max(transition.delay, REPEAT_SECONDS if again else 0.0))
        # From here on nobody cancels: the write's own event may come before its answer.
        self._pending.pop(live.uid, None)
        self._last_stage[live.uid] = transition.stage
        written = await self._write(live, transition.stage)
        while not written:
            await asyncio.sleep(REPEAT_SECONDS)
            written = await self._write(live, transition.stage)

    async def _write(self, live: LiveObject, stage: str) -> bool:
        """Writes the status of a stage, if the object still goes there. False: to be tried again."""
        current = self._cache.get(live.key)
        transition = self._next(current) if current and current.uid == live.uid else None
        type_ = self._discovery.find(live.key.group, live.key.kind)
        if transition is None or transition.stage != stage or type_ is None:
            return True
        # The uid refuses a namesake that came after it.
        body = msgspec.json.encode({"metadata": {"uid": live.uid}, "status": transition.status})
        try:
            await self._client.patch(
                type_,
                live.key.namespace,
                live.key.name,
                body,
                kind="merge",
                subresource="status",
                manager=FIELD_MANAGER,
            )
        except (NotFound, Conflict):
            return True
        except ApiError as error:
            log.warning("status not written", object=str(live.key), stage=stage, error=str(error))
            return False
        return True
