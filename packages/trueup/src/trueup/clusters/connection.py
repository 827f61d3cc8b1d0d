"""The way to one cluster: opened, looked after, and opened anew when another cluster answers."""

import asyncio
import random
from collections.abc import Callable
from datetime import datetime
from functools import partial

import msgspec

from trueup.apply.confirm import Confirmer
from trueup.clusters.managed import ManagedCluster, Parts, instance_of, kept
from trueup.clusters.shown import shown
from trueup.kube.cache import WatchCache
from trueup.kube.client import Client
from trueup.kube.discovery import Discovery, ResourceType
from trueup.kube.errors import Forbidden, NotFound, Unreachable
from trueup.kube.plugin import RunPlugin
from trueup.kube.room import SHARE, Pace, Room
from trueup.kube.schemas import Schemas
from trueup.model.errors import TrueupError, Waiting
from trueup.model.live import Seen
from trueup.runtime.clock import Clock
from trueup.runtime.logger import Logger
from trueup.store.clusters.secret import ClusterEntry

log = Logger("trueup.clusters")

LOOK_SECONDS = 10.0
"""How often a cluster is asked whether it is there."""
AGAIN_SECONDS = 2.0
"""How often, while it does not answer: what waits for it is caught up with soon after it is back."""
ANSWER_SECONDS = 5.0
"""In which it answers a small question, or counts as out of reach."""
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0
"""Before an opening that failed is tried again."""
IN_FLIGHT = 12
"""Requests to one cluster at a time: its own, so that a slow one takes nothing from another."""
MEMORY = 1 << 30
"""Bytes that the objects of one cluster may take, unless somebody says otherwise."""
_NAMESPACES = ResourceType(group="", version="v1", kind="Namespace", plural="namespaces", namespaced=False)
_IDENTITY = "kube-system"


class ClusterOpening(Waiting):
    """A destination is being read for the first time."""

    reason = "ClusterOpening"


class ClusterOutOfReach(Waiting):
    """A destination does not answer. What it holds is unknown, so nothing is concluded from it."""

    reason = "ClusterOutOfReach"


class Trouble(msgspec.Struct, frozen=True):
    """Why a cluster cannot be used, and since when."""

    text: str
    since: datetime


class Surroundings(msgspec.Struct, frozen=True, kw_only=True):
    """What a connection needs of whoever holds it.

    Attributes:
        excluded: whether a kind (group, kind) of a server is left alone.
        changed: told of every change on the cluster of a server.
        turned: told that a cluster can be used from now on, or cannot any more.
        fence: asked before each write to it.
        memory: bytes that the objects of one cluster may take.
    """

    clock: Clock
    plugins: RunPlugin
    excluded: Callable[[str, str, str], bool]
    changed: Callable[[str, Seen | None, Seen | None], None]
    turned: Callable[[ClusterEntry], None]
    fence: Callable[[], None] | None = None
    memory: int = MEMORY


class Connection:
    """One destination, kept open.

    Attributes:
        entry: the Secret that it was made of.
    """

    def __init__(self, entry: ClusterEntry, surroundings: Surroundings) -> None:
        self.entry = entry
        assert entry.config is not None, "the cluster of the engine has a client already"
        self._config = entry.config
        self._around = surroundings
        self._cluster: ManagedCluster | None = None
        self._trouble: Trouble | None = None
        self._settled = asyncio.Event()

    @property
    def trouble(self) -> Trouble | None:
        """Why it cannot be used at present; None where it can."""
        return self._trouble

    @property
    def version(self) -> str:
        """Of its Kubernetes; empty where it has never answered."""
        return self._cluster.discovery.server_version if self._cluster else ""

    def usable(self) -> ManagedCluster:
        """The cluster.

        Raises:
            ClusterOpening: it has not been asked yet.
            ClusterOutOfReach: it does not answer at present.
        """
        if (trouble := self._trouble) is not None:
            raise ClusterOutOfReach(
                f"cluster {self.entry.name} cannot be used since {trouble.since:%Y-%m-%d %H:%M:%S} UTC: {trouble.text}",
                after=LOOK_SECONDS,
                hint="what was known of the application is kept, and nothing is changed, until it answers",
            )
        if self._cluster is None:
            raise ClusterOpening(f"cluster {self.entry.name} is being opened", after=FIRST_PAUSE)
        return self._cluster

    def unwatch(self) -> None:
        """What is excluded has changed."""
        if self._cluster is not None:
            self._cluster.cache.reconsider()

    async def settled(self) -> None:
        """Wait until it has answered, or has failed to, for the first time."""
        await self._settled.wait()

    async def run(self) -> None:
        """Keep it open until cancelled."""
        failures = 0
        while True:
            try:
                async with Client(
                    self._config, in_flight=IN_FLIGHT, plugins=self._around.plugins, pace=Pace(SHARE)
                ) as client:
                    client.fence = self._around.fence
                    await self._held_open(client)
                failures = 0
            except Exception as error:  # whatever it answered, the other clusters are none the worse for it
                self._failed(error)
                failures += 1
            pause = min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(failures, 10))
            await asyncio.sleep(pause * random.uniform(0.75, 1.25))  # noqa: S311 - jitter is no secret

    async def _held_open(self, client: Client) -> None:
        """Open the caches, and look after the cluster until it is another one."""
        cluster = self._made(client)
        try:
            async with asyncio.timeout(LONGEST_PAUSE):
                identity = await _identity(client)
                await cluster.cache.start()
            if cluster.discovery.find("", "Namespace") is None:
                raise Unreachable("what it answers is no Kubernetes API")
            self._cluster = cluster
            cluster.cache.subscribe(partial(self._around.changed, self.entry.server))
            self._well()
            await self._looked_after(client, identity)
            log.warning("another cluster answers", cluster=self.entry.name, server=self.entry.server)
            self._ill("another cluster answers at its address; it is read anew")
        except TimeoutError:
            raise Unreachable(f"no answer in {LONGEST_PAUSE:g} s") from None
        finally:
            self._cluster = None
            await cluster.cache.close()

    async def _looked_after(self, client: Client, identity: str) -> None:
        """Look again and again whether the cluster is there, until another one is."""
        while True:
            await asyncio.sleep(LOOK_SECONDS if self._trouble is None else min(LOOK_SECONDS, AGAIN_SECONDS))
            if not await self._same(client, identity):
                return

    async def _same(self, client: Client, identity: str) -> bool:
        """Look whether the cluster is there; false when another one is."""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                now = await _identity(client)
        except TimeoutError:
            self._ill(f"no answer in {ANSWER_SECONDS:g} s")
        except TrueupError as error:
            self._ill(error.message)
        else:
            if identity and now and now != identity:
                return False
            self._well()
        return True

    def _failed(self, error: Exception) -> None:
        text = error.message if isinstance(error, TrueupError) else "what it answers cannot be read"
        if not isinstance(error, TrueupError | msgspec.DecodeError) and (
            self._trouble is None or self._trouble.text != text
        ):
            log.error("cluster not opened", cluster=self.entry.name, exc_info=error)
        self._ill(text)

    def _ill(self, text: str) -> None:
        since = self._trouble.since if self._trouble else self._around.clock.now()
        new, self._trouble = self._trouble is None, Trouble(text, since)
        self._settled.set()
        if new:
            log.warning("cluster out of reach", cluster=self.entry.name, problem=text)
            self._around.turned(self.entry)

    def _well(self) -> None:
        if self._trouble is not None or not self._settled.is_set():
            self._trouble = None
            self._settled.set()
            log.info("cluster answers", cluster=self.entry.name, kubernetes=self.version)
            self._around.turned(self.entry)

    def _made(self, client: Client) -> ManagedCluster:
        entry = self.entry

        def excluded(group: str, kind: str) -> bool:
            return self._around.excluded(group, kind, entry.server)

        def unwatched(type_: ResourceType) -> bool:
            beyond = bool(entry.namespaces) and not type_.namespaced and not entry.cluster_resources
            return beyond or excluded(type_.group, type_.kind)

        discovery = Discovery(client)
        cache = WatchCache(
            client,
            discovery,
            classify=instance_of,
            excluded=unwatched,
            namespaces=entry.namespaces,
            room=Room(self._around.memory),
            keep=kept,
            brief=shown,
        )
        parts = Parts(client=client, discovery=discovery, cache=cache, schemas=Schemas(client))
        return ManagedCluster(
            client=client,
            discovery=discovery,
            cache=cache,
            schemas=parts.schemas,
            excluded=excluded,
            server=entry.server,
            name=entry.name,
            secret=entry.secret,
            cluster_resources=not entry.namespaces or entry.cluster_resources,
            confirmer=Confirmer(parts),
        )


async def _identity(client: Client) -> str:
    """What tells a cluster from another at the same address; empty where it may not be asked.

    Raises:
        ApiError: it does not answer.
    """
    try:
        return (await client.get(_NAMESPACES, "", _IDENTITY)).uid
    except (Forbidden, NotFound):
        return ""
