"""The watch cache: live objects of one cluster, kept current by one watch per kind and by our own writes."""

import asyncio
import random
from collections.abc import Callable, Iterable, Iterator
from contextlib import aclosing
from itertools import chain

import structlog

from trueup.kube.client import Client
from trueup.kube.discovery import Discovery, ResourceType
from trueup.kube.errors import ApiError, NotFound
from trueup.kube.index import Change, Classify, Index, Keep
from trueup.kube.node import Brief
from trueup.kube.reflector import PAUSES, Reflector, Served, Timing
from trueup.kube.room import Room
from trueup.model.errors import Waiting
from trueup.model.live import LiveObject, Node, Seen, Shown
from trueup.model.resource import GroupKind, ResourceKey, version_of

log = structlog.get_logger(__name__)

Subscriber = Callable[[Seen | None, Seen | None], None]
"""Called with an object before and after each change, in the event loop; it must not block."""


class BodyUnread(Waiting):
    """An object is there, and what it holds is still being read."""

    reason = "ObjectUnread"


CRD = GroupKind("apiextensions.k8s.io", "CustomResourceDefinition")
SETTLE_SECONDS = 0.1
"""Definitions come in bursts; discovery is asked once for a burst."""
CRD_RETRY_SECONDS = 5.0
UNREAD_SECONDS = 0.25
"""Until an object is looked for again whose body is being read."""


class WatchCache:
    """Live objects by key, by group and by owner.

    Args:
        classify: the group of an object (for us its application), or None.
        excluded: kinds never watched.
        namespaces: whose objects are watched, each by a watch of its own; empty for all by one. Kinds without a
            namespace are watched as far as rights allow.
        timing: how often kinds are listed afresh and when silence counts as failure.
        room: for its objects; without end by default.
        keep, brief: whose bodies are kept, and what is of the others, as :class:`trueup.kube.index.Index` has it.
    """

    def __init__(
        self,
        client: Client,
        discovery: Discovery,
        *,
        classify: Classify,
        excluded: Callable[[ResourceType], bool] = lambda _: False,
        namespaces: Iterable[str] = (),
        timing: Timing | None = None,
        room: Room | None = None,
        keep: Keep = lambda _: True,
        brief: Brief = lambda _: Shown(),
    ) -> None:
        self._client, self._discovery = client, discovery
        self._excluded = excluded
        self._timing = timing or Timing()
        self._namespaces = tuple(dict.fromkeys(namespaces))
        self._room = room or Room()
        self._index = Index(classify, by_namespace=bool(self._namespaces), room=self._room, keep=keep, brief=brief)
        self._reading: dict[ResourceKey, asyncio.Task[None]] = {}
        self._served = Served()
        self._subscribers: list[Subscriber] = []
        self._reflectors: dict[GroupKind, list[Reflector]] = {}
        self._tasks: dict[GroupKind, list[asyncio.Task[None]]] = {}
        self._definitions: asyncio.Task[None] | None = None
        self._generations: dict[str, str] = {}

    async def start(self) -> None:
        """Learns what the cluster serves and follows its custom resource definitions.

        Raises:
            ApiError: the cluster does not answer.
        """
        await self._discovery.refresh()
        self._definitions = asyncio.create_task(self._follow_definitions(), name="watch definitions")

    async def close(self) -> None:
        """Ends every watch."""
        tasks = [*chain.from_iterable(self._tasks.values()), *([self._definitions] if self._definitions else [])]
        tasks += self._reading.values()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks.clear()
        self._reflectors.clear()
        self._definitions = None

    async def ensure(self, kinds: Iterable[GroupKind]) -> None:
        """Follows these kinds from now on; returns when each has been listed once or has failed to be.

        A kind that fails, or that the cluster does not have yet, is tried again in the background.
        """
        wanted = set(kinds)
        if any(self._discovery.find(kind.group, kind.kind) is None for kind in wanted):
            try:
                await self._discovery.refresh()
            except ApiError as error:
                log.info("discovery failed", error=str(error))
        for kind in wanted:
            if kind not in self._reflectors:
                self._follow(kind)
                continue
            for reflector in self._reflectors[kind]:
                if reflector.error is not None:
                    reflector.wake()
        # Every reconcile comes here, and nearly always there is nothing to wait for: no task is made then.
        unanswered = [
            reflector
            for kind in wanted
            for reflector in self._reflectors.get(kind, ())
            if not reflector.answered.is_set()
        ]
        if unanswered:
            await asyncio.gather(*(reflector.answered.wait() for reflector in unanswered))

    def get(self, key: ResourceKey) -> LiveObject | None:
        """An object as last seen; None when there is none, or its kind is not followed.

        Raises:
            BodyUnread: it is there, nobody had asked for it, and its body is being read from now on (:meth:`whole`).
        """
        found = self._index.get(key)
        if not isinstance(found, Node):
            return found
        self._index.ask(key)
        self._read(found)
        raise BodyUnread(f"{key} is being read", after=UNREAD_SECONDS)

    def known(self, key: ResourceKey) -> Seen | None:
        """What is kept of an object, be it its whole body or not."""
        return self._index.get(key)

    async def whole(self, keys: Iterable[ResourceKey]) -> None:
        """Keep the bodies of these objects, and read those that are not there; kinds that are not followed are left.

        Raises:
            ApiError: one cannot be read.
        """
        unread = [found for key in keys if (found := self._index.ask(key)) is not None]
        if unread:
            answers = await asyncio.gather(*map(self._read, unread), return_exceptions=True)
            for answer in answers:
                if isinstance(answer, BaseException):
                    raise answer

    def group(self, owner: str) -> dict[ResourceKey, LiveObject]:
        """The objects that ``classify`` put into a group."""
        return self._index.group(owner)

    def children(self, uid: str) -> list[Seen]:
        """The objects with an owner reference to this uid, among the kinds that are followed."""
        return self._index.children(uid)

    def of_kind(self, kind: GroupKind) -> list[LiveObject]:
        """Every object of a kind whose bodies are kept."""
        return [found for found in self._index.of_kind(kind) if isinstance(found, LiveObject)]

    def nodes(self, kind: GroupKind) -> list[Seen]:
        """Every object of a kind, or what is kept of it."""
        return self._index.of_kind(kind)

    def counts(self) -> tuple[int, int]:
        """How many kinds are followed, and how many objects there are of them."""
        return self._index.counts()

    def stored(self, found: LiveObject) -> None:
        """Takes the response to a write, so that nobody decides on what was there before it.

        It is dropped where the kind is not followed: nothing would ever correct it.
        """
        if found.group_kind in self._reflectors:
            self._publish(self._index.written(found))

    def removed(self, key: ResourceKey, uid: str) -> None:
        """Takes the news that an object is gone, from a delete or a read of ours."""
        if GroupKind(key.group, key.kind) in self._reflectors:
            self._publish(self._index.removed(key, uid))

    def synced(self, kind: GroupKind) -> bool:
        """Whether a kind has been listed completely; only then does an absent object mean that there is none."""
        reflectors = self._reflectors.get(kind)
        return bool(reflectors) and all(reflector.synced for reflector in reflectors or ())

    def failed_kinds(self) -> dict[GroupKind, ApiError]:
        """Kinds that cannot be followed now, and why. What was known of them is still served."""
        return {reflector.kind: reflector.error for reflector in self._following() if reflector.error is not None}

    @property
    def namespaced(self) -> bool:
        """Whether some namespaces are watched, not the cluster."""
        return bool(self._namespaces)

    def covers(self, namespace: str) -> bool:
        """Whether objects of a namespace are watched at all."""
        return not self._namespaces or namespace in self._namespaces

    def definition(self, kind: GroupKind) -> str:
        """What a custom resource's definition is at, another text after each change; empty for kinds of the server."""
        return self._generations.get(kind.group, "")

    def reconsider(self) -> None:
        """What is excluded has changed: what is so now is forgotten, and what was so is followed when next asked for.

        What was seen of a kind before it was excluded would otherwise be served, when that ends, as if it were current.
        """
        for kind, tasks in list(self._tasks.items()):
            type_ = self._discovery.find(kind.group, kind.kind)
            if not all(task.done() for task in tasks) and (type_ is None or not self._excluded(type_)):
                continue
            for task in tasks:
                task.cancel()
            del self._tasks[kind]
            for reflector in self._reflectors.pop(kind):
                reflector.answered.set()
                self._publish(self._index.replaced(kind, (), "", reflector.namespace))

    def subscribe(self, callback: Subscriber) -> None:
        """Calls back on every change, in order, whether an event or a write of ours brought it."""
        self._subscribers.append(callback)

    def _follow(self, kind: GroupKind) -> None:
        type_ = self._discovery.find(kind.group, kind.kind)
        if self._namespaces and type_ is None:
            # Whether it has namespaces is not known before it is served: the next call looks again.
            return
        places = self._namespaces if type_ is not None and type_.namespaced and self._namespaces else ("",)
        self._reflectors[kind] = [
            Reflector(
                kind,
                self._client,
                self._discovery,
                self._index,
                publish=self._publish,
                excluded=self._excluded,
                served=self._served,
                timing=self._timing,
                room=self._room,
                namespace=namespace,
            )
            for namespace in places
        ]
        self._tasks[kind] = [
            asyncio.create_task(reflector.run(), name=f"watch {kind}") for reflector in self._reflectors[kind]
        ]

    def _read(self, node: Node) -> asyncio.Task[None]:
        """Reads a body, once at a time. A failure is told to who waits for it; who does not, tries again."""
        task = self._reading.get(node.key)
        if task is None:
            task = self._reading[node.key] = asyncio.create_task(self._complete(node), name=f"read {node.key}")
            task.add_done_callback(lambda done: self._has_read(node.key, done))
        return task

    def _has_read(self, key: ResourceKey, done: asyncio.Task[None]) -> None:
        self._reading.pop(key, None)
        if not done.cancelled() and (error := done.exception()) is not None:
            log.info("object not read", key=str(key), error=str(error))

    async def _complete(self, node: Node) -> None:
        key = node.key
        type_ = self._discovery.find(key.group, key.kind, version_of(node.api_version))
        if type_ is None:
            raise NotFound(f"{key}: the server has no such kind any more", code=404)
        self._room.check()
        try:
            found = await self._client.get(type_, key.namespace, key.name)
        except NotFound:
            self._publish(self._index.removed(key, node.uid))
        else:
            self._publish(self._index.completed(found))

    def _following(self) -> Iterator[Reflector]:
        return chain.from_iterable(self._reflectors.values())

    def _publish(self, changes: list[Change]) -> None:
        for old, new in changes:
            for callback in self._subscribers:
                try:
                    callback(old, new)
                except Exception:
                    # A subscriber's fault must not end the watch that feeds the others.
                    log.exception("subscriber failed")

    async def _follow_definitions(self) -> None:
        """Refreshes discovery when a definition changes. Without the right to watch them, kinds that are missing
        are still looked for in the background, only later.
        """
        dirty = asyncio.Event()
        refreshing = asyncio.create_task(self._refresh_when(dirty), name="refresh discovery")
        told = ""
        try:
            while True:
                pause = CRD_RETRY_SECONDS
                try:
                    await self._watch_definitions(dirty)
                    told = ""
                except ApiError as error:
                    if str(error) != told:
                        told = str(error)
                        log.info("definitions cannot be watched", error=told)
                    pause = PAUSES.get(type(error), pause)
                await asyncio.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311
        finally:
            refreshing.cancel()

    async def _watch_definitions(self, dirty: asyncio.Event) -> None:
        type_ = self._discovery.find(CRD.group, CRD.kind)
        if type_ is None:
            return
        # Without a version the watch begins with what is there: a change between two watches is not lost.
        events = self._client.watch(type_, "", metadata_only=True, read_seconds=self._timing.read)
        async with aclosing(events):
            async for event in events:
                if event.type != "BOOKMARK":
                    self._defined(event.object)
                    dirty.set()

    def _defined(self, definition: LiveObject) -> None:
        """Kinds of a group share one mark: what is kept by it is only asked for again."""
        group = definition.key.name.partition(".")[2]
        self._generations[group] = f"{definition.key.name} {definition.uid} {definition.generation}"

    async def _refresh_when(self, dirty: asyncio.Event) -> None:
        while True:
            await dirty.wait()
            await asyncio.sleep(SETTLE_SECONDS)
            dirty.clear()
            try:
                await self._discovery.refresh()
            except ApiError as error:
                log.info("discovery failed", error=str(error))
                continue
            for reflector in self._following():
                if reflector.error is not None:
                    reflector.wake()
