"""One kind of one cluster, kept as the server has it: list, watch, begin again where that is needed."""

import asyncio
import random
from collections.abc import Callable, Sequence
from contextlib import aclosing

import structlog

from trueup.kube.client import Client
from trueup.kube.discovery import Discovery, ResourceType
from trueup.kube.errors import (
    ApiError,
    BadRequest,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    ServerError,
    Silent,
    Unreachable,
)
from trueup.kube.index import Change, Index
from trueup.kube.room import Room, weight
from trueup.kube.watch import READ_SECONDS, WatchEvent
from trueup.model.live import Seen
from trueup.model.resource import GroupKind

log = structlog.get_logger(__name__)

RESYNC_SECONDS = 600.0
"""A kind is listed afresh about this often, in case an event was lost."""
INITIAL_SECONDS = 10.0
"""Silence after which a server is taken not to send the initial state of a watch."""
FIRST_PAUSE = 0.25
PAUSES: dict[type[ApiError], float] = {Unreachable: 4.0, Forbidden: 60.0}
"""Longest pause between tries, by what went wrong. A server that comes back is noticed within seconds."""
LONGEST_PAUSE = 30.0
RELIST_JITTER = 0.5


class Timing:
    """Seconds that tests shorten."""

    def __init__(self, resync: float = RESYNC_SECONDS, read: float = READ_SECONDS, initial: float = INITIAL_SECONDS):
        self.resync, self.read, self.initial = resync, read, initial


class Served:
    """What the reflectors of one cluster learn about it for each other."""

    initial_events = True
    """Whether the server sends the initial state of a watch."""


class Reflector:
    """Keeps one kind in an index, or its objects in one namespace. The old view is served until a new one is complete.

    Attributes:
        answered: set when the first list is complete, or has failed.
        synced: a list has been complete once.
        error: why the kind cannot be followed now; None while it is.
    """

    def __init__(
        self,
        kind: GroupKind,
        client: Client,
        discovery: Discovery,
        index: Index,
        *,
        publish: Callable[[list[Change]], None],
        excluded: Callable[[ResourceType], bool],
        served: Served,
        timing: Timing,
        room: Room,
        namespace: str = "",
    ) -> None:
        self.kind, self.namespace = kind, namespace
        self.answered = asyncio.Event()
        self.synced = False
        self.error: ApiError | None = None
        self._client, self._discovery, self._index = client, discovery, index
        self._publish, self._excluded = publish, excluded
        self._served, self._timing, self._room = served, timing, room
        self._version = ""
        self._resync_at = 0.0
        self._failures = 0
        self._trouble: type[ApiError] | None = None
        self._type: ResourceType | None = None
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Ends a pause: something changed that may help, such as the kinds a cluster serves."""
        self._wake.set()

    async def run(self) -> None:
        """Follows the kind until cancelled, or until the kind turns out to be excluded."""
        while True:
            try:
                versions = await self._versions()
                if self._excluded(versions[0]):
                    self._succeeded()
                    self.answered.set()
                    return
                await self._follow(versions)
            except Gone:
                log.info("watch expired, listing again", kind=str(self.kind))
                self._version = ""
                await asyncio.sleep(random.uniform(0, RELIST_JITTER))  # noqa: S311
            except ApiError as error:
                await self._failed(error)
            except Exception as error:
                log.exception("watch failed", kind=str(self.kind))
                await self._failed(ApiError(f"{self.kind}: {error}"))

    async def _versions(self) -> list[ResourceType]:
        """The served versions that can be watched, the preferred first; at least one."""
        versions = self._watchable()
        if not versions:
            await self._discovery.refresh()
            versions = self._watchable()
        if not versions:
            self._forget_if_unserved()
            raise NotFound(f"{self.kind}: the server has no such kind that can be watched", code=404)
        return versions

    def _watchable(self) -> list[ResourceType]:
        return [type_ for type_ in self._discovery.served(self.kind) if {"list", "watch"} <= type_.verbs]

    def _forget_if_unserved(self) -> None:
        """A kind that went with its definition has no objects; one whose API service is down keeps them."""
        if not any(name.startswith(f"{self.kind.group}/") for name in self._discovery.unavailable):
            self._version = ""
            self._publish(self._index.replaced(self.kind, (), "", self.namespace))

    async def _follow(self, versions: list[ResourceType]) -> None:
        if asyncio.get_running_loop().time() >= self._resync_at:
            self._version = ""
        if self._version and self._type is not None:
            await self._watch(self._type)
            return
        for type_ in versions:
            self._type = type_
            try:
                await self._begin(type_)
                return
            except ServerError as error:
                # With a dead conversion webhook the version that is stored still lists (cluster-truths 14).
                if error.code != 500 or self._version or type_ is versions[-1]:
                    raise

    async def _begin(self, type_: ResourceType) -> None:
        if self._served.initial_events:
            try:
                await self._watch_from_start(type_)
                return
            except ServerError:
                # A version that cannot be read answers a watch with "Too large resource version" (504): the list
                # says what is wrong. One that began and broke later is resumed.
                if self._version:
                    raise
        listing = await self._client.list(type_, self.namespace, attempts=1, room=self._room)
        self._complete(listing.objects, listing.resource_version)

    async def _watch_from_start(self, type_: ResourceType) -> None:
        """List and watch in one stream, where the server does that (Kubernetes 1.34 and later by default)."""
        seconds = self._next_resync()
        collected: list[Seen] = []
        complete = False
        try:
            with self._room.gathering() as gathering:
                async with asyncio.timeout(self._timing.initial) as limit:
                    events = self._client.watch(
                        type_,
                        "",
                        namespace=self.namespace,
                        initial_events=True,
                        timeout=seconds,
                        read_seconds=self._timing.read,
                    )
                    async with aclosing(events):
                        async for event in events:
                            if complete:
                                self._heard(event)
                            elif event.initial_events_end:
                                complete = True
                                limit.reschedule(None)
                                self._complete(collected, event.resource_version, seconds)
                                collected = []
                            else:
                                limit.reschedule(asyncio.get_running_loop().time() + self._timing.initial)
                                found = self._index.reduced(event.object)
                                gathering.take(found)
                                collected.append(found)
        except (BadRequest, Invalid, TimeoutError):
            # Old servers refuse the parameters; newer ones on an old etcd take them and never send the last bookmark.
            self._served.initial_events = False

    async def _watch(self, type_: ResourceType) -> None:
        loop = asyncio.get_running_loop()
        begun, heard = loop.time(), False
        events = self._client.watch(
            type_,
            self._version,
            namespace=self.namespace,
            timeout=max(1.0, self._resync_at - begun),
            read_seconds=self._timing.read,
            opened=self._succeeded,
        )
        try:
            async with aclosing(events):
                async for event in events:
                    heard = True
                    self._heard(event)
        except Silent:
            if not heard:
                # A watch from a version that the storage has not reached (it was restored) stays silent for ever.
                self._version = ""
        except NotFound:
            self._version = ""
            raise
        if not heard and loop.time() - begun < 1.0:
            await asyncio.sleep(random.uniform(0.2, 1.0))  # noqa: S311

    def _heard(self, event: WatchEvent) -> None:
        self._version = event.resource_version
        match event.type:
            case "ADDED" | "MODIFIED":
                self._room.check(weight(event.object))
                self._publish(self._index.appeared(event.object))
            case "DELETED":
                self._publish(self._index.disappeared(event.object))
            case "BOOKMARK":
                self._index.progressed(self.kind, event.resource_version, self.namespace)

    def _next_resync(self) -> float:
        seconds = self._timing.resync * random.uniform(0.8, 1.2)  # noqa: S311
        return max(1.0, seconds)

    def _complete(self, objects: Sequence[Seen], resource_version: str, seconds: float = 0.0) -> None:
        self._version = resource_version
        self._resync_at = asyncio.get_running_loop().time() + (seconds or self._next_resync())
        changes = self._index.replaced(self.kind, objects, resource_version, self.namespace)
        self.synced = True
        self._succeeded()
        self._publish(changes)
        self.answered.set()

    def _succeeded(self) -> None:
        self._failures = 0
        self._trouble = None
        self.error = None

    async def _failed(self, error: ApiError) -> None:
        # Another trouble is counted anew: a server that has come back serves its kinds a moment later.
        self._failures = self._failures + 1 if type(error) is self._trouble else 1
        self._trouble = type(error)
        # A stream that breaks once is no failure of the kind: the next one goes on where it ended.
        if self._failures > 1 or not self.synced or not isinstance(error, Unreachable):
            self.error = error
            self.answered.set()
        if isinstance(error, NotFound) and self._version == "":
            await self._refresh_quietly()
        longest = next((pause for kind, pause in PAUSES.items() if isinstance(error, kind)), LONGEST_PAUSE)
        pause = min(longest, FIRST_PAUSE * 2 ** min(self._failures - 1, 10)) * random.uniform(0.5, 1.0)  # noqa: S311
        self._wake.clear()
        try:
            async with asyncio.timeout(max(pause, min(error.retry_after, LONGEST_PAUSE))):
                await self._wake.wait()
        except TimeoutError:
            return

    async def _refresh_quietly(self) -> None:
        try:
            await self._discovery.refresh()
        except ApiError as error:
            log.info("discovery failed", error=str(error))
