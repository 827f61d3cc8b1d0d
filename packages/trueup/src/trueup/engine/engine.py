"""Settings and clusters in, a running engine out."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from types import TracebackType
from typing import Self

import structlog

from trueup.apply.confirm import Confirmer
from trueup.clusters.clusters import Clusters
from trueup.clusters.connection import Surroundings
from trueup.clusters.managed import ManagedCluster, Parts
from trueup.controllers.application import ApplicationReconciler
from trueup.controllers.journal import AuditJournal
from trueup.controllers.repository import Repositories
from trueup.engine import look
from trueup.engine.control import Control
from trueup.engine.git import GitMirrors
from trueup.engine.lasting import Lasting
from trueup.engine.look import Edit, Revisions, SourceInputs, declared_ones
from trueup.engine.options import EngineOptions
from trueup.engine.term import Term
from trueup.engine.tools import Tools
from trueup.kube.schemas import Schemas
from trueup.model.errors import InvalidSpec, TrueupError
from trueup.model.live import Seen
from trueup.model.manifest import Manifest
from trueup.model.repository_url import parse_repository_url
from trueup.model.share import Share
from trueup.observe.observation import Observation
from trueup.runtime import secrecy
from trueup.runtime.clock import SystemClock
from trueup.runtime.folder import claimed, own_folder
from trueup.runtime.freezing import freeze_later
from trueup.runtime.held import LIMIT, LoopWatch
from trueup.runtime.lease import Lease, new_identity
from trueup.runtime.metrics import Metrics
from trueup.runtime.tenure import Jobs, serve
from trueup.sources.registry import RegistryClient
from trueup.sources.shelf import Wished
from trueup.store.applications import StoredApplication
from trueup.store.audit import Trail
from trueup.store.audit.address import TRAIL
from trueup.store.audit.place import prepare
from trueup.store.clusters.secret import ClusterEntry
from trueup.store.lease import ControlLease

log = structlog.get_logger("trueup")


class Engine:
    """An engine, built on entry and taken down on exit."""

    def __init__(self, options: EngineOptions) -> None:
        self.options = options
        self.clock = SystemClock()
        self.identity = new_identity()
        self.metrics = Metrics()
        self.control = Control(options)
        self.elsewhere: list[Callable[[], None]] = []
        """Told of each change on another cluster."""
        self._stack = contextlib.AsyncExitStack()
        secrecy.EVERYWHERE.learn("cluster", self.control.client.secrets)

    async def __aenter__(self) -> Self:
        try:
            await self._open()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _open(self) -> None:
        options, control, stack = self.options, self.control, self._stack
        remedy = "choose a folder that you may write by --data"
        data = own_folder(options.data, remedy=remedy)
        # Before anything in the folder is touched: it may be another engine's.
        predecessor = stack.enter_context(claimed(data, self.identity, remedy=remedy))
        mirrors = own_folder(data / "mirrors", remedy=remedy)
        tools = Tools(options, mirrors, lambda: control.settings().jq_seconds, control.credentials.sops.keys)
        await control.connect(stack)
        registry = await stack.enter_async_context(RegistryClient())
        # A port of this machine is no identity: what lies under its name may be of a cluster that is gone.
        ours = options.data_named or not options.config.loopback
        place = await prepare(control.client, options.state, control.namespace, old=data / TRAIL, ours=ours)
        trail = Trail(place, self.clock.now)
        self.journal = AuditJournal(trail)
        self.lease = Lease(
            ControlLease(control.lease_client, control.namespace, self.clock.now, shard=options.sharding.shard),
            self.identity,
            predecessor=predecessor,
        )
        git = GitMirrors(
            options,
            control.credentials,
            wanted=self._wanted,
            wished=self._wished,
            known=self._known,
            preparer=tools.preparer,
            registry=registry,
            share=self._share,
            lease=self.lease,
            metrics=self.metrics,
        )
        for each in (trail, git.mirrors):
            stack.push_async_callback(each.close)
        tools.until_left(stack)
        warming = asyncio.create_task(tools.tell_isolation(), name="isolation")
        try:
            await control.start(stack)
        finally:
            await asyncio.wait([warming])
        warming.result()
        self._clusters = Clusters(_own(control), control.clusters, self._surroundings())
        stack.push_async_callback(self._clusters.close)
        self.lasting = Lasting(
            options=options,
            clock=self.clock,
            control=control,
            git=git,
            tools=tools,
            registry=registry,
            clusters=self._clusters,
            lease=self.lease,
            journal=self.journal,
            metrics=self.metrics,
        )
        self.renew()
        control.cache.subscribe(self._changed)
        control.told.append(self._clusters_changed)

    # What lasts asks the term that is on, whichever that is.

    def _wanted(self, repository: str) -> Iterator[str]:
        return self.term.wanted(repository)

    def _wished(self, repository: str) -> Iterator[Wished]:
        return self.term.wished(repository)

    def _known(self) -> set[str]:
        """The names of repositories that applications read, or that somebody has made known."""
        found = set(self.control.credentials.names)
        for repository in self.control.applications.readers():
            with contextlib.suppress(InvalidSpec):
                found.add(parse_repository_url(repository.url).name)
        return found

    def _share(self, repository: str) -> Share:
        return self.term.shares.of_repository(repository)

    def _changed(self, old: Seen | None, new: Seen | None) -> None:
        self.term.changed(old, new)

    def _changed_on(self, server: str, old: Seen | None, new: Seen | None) -> None:
        self.term.changed_on(server, old, new)
        for tell in self.elsewhere:
            tell()

    def _turned(self, entry: ClusterEntry) -> None:
        self.term.turned(entry.server)

    def _clusters_changed(self) -> None:
        self._clusters.reconsider()
        self._clusters.unwatch()
        self.term.wake_all()

    def _surroundings(self) -> Surroundings:
        return Surroundings(
            clock=self.clock,
            plugins=self.options.plugins,
            excluded=self.control.excluded,
            changed=self._changed_on,
            turned=self._turned,
            fence=self._fence,
            memory=self.options.cluster_memory,
        )

    def _fence(self) -> None:
        """Whoever may not write here may not write elsewhere."""
        if self.control.client.fence is not None:
            self.control.client.fence()

    def renew(self) -> None:
        """Forget all that is remembered of what was seen: another engine may have acted since."""
        self.term = Term(self.lasting)

    @property
    def clusters(self) -> Clusters:
        """Where applications go."""
        return self._clusters

    @property
    def repositories(self) -> Repositories:
        """Those of the present term."""
        return self.term.repositories

    @property
    def reconciler(self) -> ApplicationReconciler:
        """That of the present term, for the engine's own cluster."""
        return self.term.sites.own.reconciler

    async def observe(self, key: str, revisions: Revisions = declared_ones, edit: Edit | None = None) -> Observation:
        """Look at one application once, without reconciling it; see :func:`trueup.engine.look.observe`."""
        return await look.observe(self.control, self.term, self.clock, key, revisions, edit)

    async def declared(
        self, key: str, revisions: Revisions = declared_ones, edit: Edit | None = None
    ) -> tuple[Manifest, ...]:
        """What one application declares; see :func:`trueup.engine.look.declared`."""
        return await look.declared(self.control, self.term, self.clock, key, revisions, edit)

    async def inputs(
        self, key: str, revisions: Revisions = declared_ones, edit: Edit | None = None
    ) -> list[SourceInputs]:
        """What one application is made of; see :func:`trueup.engine.look.inputs`."""
        return await look.inputs(self.control, self.term, self.clock, key, revisions, edit)

    async def run(self, stop: asyncio.Event) -> None:
        """Reconcile while no other engine does, until told to stop."""
        sharding = self.options.sharding
        log.info(
            "engine started",
            cluster=self.options.config.server,
            kubernetes=self.control.discovery.server_version,
            namespace=self.control.namespace,
            identity=self.identity,
            **({"shard": sharding.shard, "of": sharding.replicas} if sharding.replicas > 1 else {}),
        )
        # Whatever writes, and however late it gets to it: this is asked first.
        self.control.client.fence = self.lease.require
        beside = [
            asyncio.create_task(freeze_later(), name="freeze"),
            asyncio.create_task(self._follow_known(), name="follow known kinds"),
        ]
        try:
            with LoopWatch(_held):
                await serve(self.lease, self._begin, stop=stop)
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
        log.info("engine stopped")

    async def _follow_known(self) -> None:
        """Who waits for its turn has the caches warm when it comes."""
        for stored in filter(self._is_mine, self.control.applications.readable()):
            with contextlib.suppress(TrueupError):
                await self.term.sites.of(stored.app).observer.inventory.watch_known(stored)

    def _is_mine(self, stored: StoredApplication) -> bool:
        return self._clusters.mine(stored.app)

    def _begin(self) -> Jobs:
        self.renew()
        return self.term.jobs()


def _held(stack: Sequence[str]) -> None:
    log.warning("the event loop is held", seconds=LIMIT, stack=list(stack))


def _own(control: Control) -> ManagedCluster:
    schemas = Schemas(control.client)
    parts = Parts(client=control.client, discovery=control.discovery, cache=control.cache, schemas=schemas)
    return ManagedCluster(
        client=control.client,
        discovery=control.discovery,
        cache=control.cache,
        schemas=schemas,
        excluded=control.excluded,
        confirmer=Confirmer(parts),
    )
