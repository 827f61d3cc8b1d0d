"""Our own objects, and what the settings among them say of all others, on one watch cache."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

import structlog

from trueup.clusters.managed import excluded_type, instance_of, kept
from trueup.clusters.shown import shown
from trueup.controllers.wake import CONFIG_MAPS
from trueup.engine.options import EngineOptions
from trueup.kube.cache import WatchCache
from trueup.kube.client import Client
from trueup.kube.discovery import Discovery, ResourceType
from trueup.model.application import IN_CLUSTER_SERVER
from trueup.model.errors import Stalled
from trueup.model.live import LiveObject, Seen
from trueup.model.resource import GroupKind, ResourceKey
from trueup.policy.settings import CONFIG_MAP, PARAMETERS
from trueup.store.applications import APPLICATION, KINDS, Applications
from trueup.store.clusters.known import KnownClusters
from trueup.store.credentials import Credentials
from trueup.store.definers import Definers
from trueup.store.settings import Settings, read_settings

log = structlog.get_logger("trueup")


class Control:
    """The control cluster: its clients, its cache, and the typed reads of what is ours there.

    Attributes:
        clusters: Secrets that say to which clusters applications can go.
        told: asked when settings, or those Secrets, have changed.
        events: the type of Kubernetes Events, once it has started.
    """

    events: ResourceType

    def __init__(self, options: EngineOptions) -> None:
        self.namespace = options.control_namespace
        self.client = Client(options.config, plugins=options.plugins)
        # A renewal waits behind no other request.
        self.lease_client = Client(options.config, in_flight=1, plugins=options.plugins)
        self.discovery = Discovery(self.client)
        self.cache = WatchCache(
            self.client,
            self.discovery,
            classify=instance_of,
            excluded=excluded_type(self._unwatched),
            namespaces=(self.namespace, *options.namespaces) if options.namespaces else (),
            keep=self._keeps,
            brief=shown,
        )
        self.applications = Applications(self.cache, self.namespace)
        self.definers = Definers(self.applications.stored)
        self.credentials = Credentials(self.client, self.namespace)
        self.clusters = KnownClusters(
            self.client, self.namespace, settings=self.settings, sharding=options.sharding, changed=self._tell
        )
        self.told: list[Callable[[], None]] = []
        self._settings = Settings()
        self._settings_version, self._doubtful = "", True
        self.cache.subscribe(self._heard)
        self._excluded_kinds: dict[tuple[str, str, str], bool] = {}

    async def connect(self, stack: AsyncExitStack) -> None:
        """Open the clients, until the stack is left."""
        for client in (self.client, self.lease_client):
            await stack.enter_async_context(client)

    async def start(self, stack: AsyncExitStack) -> None:
        """Follow our own objects, until the stack is left.

        Raises:
            Stalled: the cluster does not know Applications.
            TrueupError: it cannot be asked.
        """
        stack.push_async_callback(self.cache.close)
        await self.cache.start()
        await asyncio.gather(self.cache.ensure([*KINDS, CONFIG_MAPS]), self.credentials.load())
        await self.clusters.followed.load()
        events = self.discovery.find("", "Event")
        if self.discovery.find(APPLICATION.group, APPLICATION.kind) is None or events is None:
            raise Stalled("this cluster does not know Applications", hint="run `trueup install` first")
        self.events = events

    def settings(self) -> Settings:
        """Settings as the ConfigMaps have them now; looked at only when one has changed: each pass asks many times."""
        if self._doubtful:
            self._doubtful = False
            found = [self.config_map(name) for name in (CONFIG_MAP, PARAMETERS)]
            version = " ".join(live.resource_version if live else "-" for live in found)
            if version == self._settings_version:
                return self._settings
            self._settings_version = version
            self._settings = read_settings(*((live.object().get("data") or {}) if live else {} for live in found))
            self._excluded_kinds.clear()
            self.cache.reconsider()
            self.clusters.reread()
            self._tell()
            for warning in self._settings.warnings:
                log.warning("setting not read", problem=warning)
        return self._settings

    def excluded(self, group: str, kind: str, server: str = IN_CLUSTER_SERVER) -> bool:
        """Whether the settings exclude a kind on a cluster."""
        settings = self.settings()  # clears the memory when they changed
        known = self._excluded_kinds.get((group, kind, server))
        if known is None:
            known = self._excluded_kinds[(group, kind, server)] = settings.excludes(group, kind, server)
        return known

    def _heard(self, old: Seen | None, new: Seen | None) -> None:
        found = new or old
        assert found is not None
        self._doubtful = self._doubtful or (found.group_kind == CONFIG_MAPS and found.key.namespace == self.namespace)

    def _tell(self) -> None:
        for tell in self.told:
            tell()

    def _keeps(self, live: LiveObject) -> bool:
        """Settings are read from their bodies."""
        return kept(live) or (live.group_kind == CONFIG_MAPS and live.key.namespace == self.namespace)

    def config_map(self, name: str) -> LiveObject | None:
        """A ConfigMap of the control namespace, as it is now; None where there is none."""
        return self.cache.get(ResourceKey("", "ConfigMap", self.namespace, name))

    def _unwatched(self, group: str, kind: str) -> bool:
        """What settings exclude is not watched; but our own objects and the settings themselves are."""
        return GroupKind(group, kind) not in (*KINDS, CONFIG_MAPS) and self.excluded(group, kind)
