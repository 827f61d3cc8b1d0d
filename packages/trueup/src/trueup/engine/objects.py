"""The objects of an Application as the API sees them, from what an engine watches."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from typing import cast

import msgspec

from trueup import policy
from trueup.clusters.shown import shown
from trueup.diff.literal import Literals
from trueup.engine.engine import Engine
from trueup.engine.repository_reads import EngineRepositories
from trueup.engine.sites import Site
from trueup.kube.client import Client
from trueup.kube.discovery import ResourceType
from trueup.kube.object import read_object
from trueup.kube.parameters import PatchKind
from trueup.kube.wire import Lost
from trueup.model.application import Application, Operation, Source
from trueup.model.live import LiveObject, Seen, Shown
from trueup.model.manifest import Manifest
from trueup.model.project import Project
from trueup.model.repository import RepositoryOf
from trueup.model.resource import ResourceKey
from trueup.observe.observation import Observation
from trueup.observe.remotes import NotFetched
from trueup.plan.facts import options_for
from trueup.render.details import ChartOffer
from trueup.server.errors import Code, Fault
from trueup.server.request import Json
from trueup.server.resources.application_place import ObjectPlace, kinds_below
from trueup.sources.commit import CommitInfo
from trueup.sources.revision import UnknownRevision
from trueup.store.applications import StoredApplication

MANAGER = "argocd-server"
LONGEST_LINE = 1 << 20
"""Bytes of a line of a log; what is longer comes in pieces."""


class EngineLooks:
    """What an engine says of Applications; its present term is asked.

    Args:
        client: of the control cluster, which writes whether or not this engine is the one that acts.
    """

    def __init__(self, engine: Engine, client: Client, repositories: EngineRepositories) -> None:
        self._engine, self._client, self._repositories = engine, client, repositories

    async def place(self, stored: StoredApplication) -> ObjectPlace:
        """Where an Application's objects are.

        Raises:
            TrueupError: the Application cannot be read, its project does not permit it, or its cluster does not answer.
        """
        project = self._admitted(stored)
        site = await self._opened(stored)
        return EnginePlace(self._engine, self._client, site, stored, project)

    async def observe(self, stored: StoredApplication) -> Observation:
        """As it compares now, with the commits that it was compared with last."""
        project, sync = self._admitted(stored), stored.status.sync
        observer = (await self._opened(stored)).observer
        revisions = (sync.revisions or [sync.revision]) if sync and sync.revision + "".join(sync.revisions) else []
        try:
            return await observer.observe(stored, project, revisions=revisions)
        except (NotFetched, UnknownRevision):
            # Who only serves has no mirrors until somebody asks, and another engine may have come to a later commit.
            await self._look(stored.key, stored.app.spec.repositories())
            return await observer.observe(stored, project, revisions=revisions)

    async def declared(self, key: str, revisions: Sequence[str]) -> tuple[Manifest, ...]:
        """What it declares."""
        return await self._engine.declared(key, lambda _: revisions)

    async def lent(self, stored: StoredApplication) -> Literals:
        """Texts of Secrets that it is lent."""
        project = self._admitted(stored)
        return await (await self._opened(stored)).observer.lent(stored, project)

    async def commit(self, stored: StoredApplication, repository: RepositoryOf, revision: str) -> CommitInfo | None:
        """What a commit says."""
        # The status, where the revision comes from, may be anybody's word.
        self._admitted(stored)
        found = self._engine.repositories.commit(repository, revision)
        if found is None and not repository.packed:
            await self._look(stored.key, [repository])
            found = self._engine.repositories.commit(repository, revision)
        return found

    async def brought(self, stored: StoredApplication, manifests: Sequence[str]) -> Observation:
        """As it would compare with these manifests in the place of its own; with Secrets, and with what is not the
        Application's, nothing is compared."""
        project = self._admitted(stored)
        observer = (await self._opened(stored)).observer
        options = options_for(Operation(), stored.app.spec.sync_policy)
        return await observer.brought(stored, project, manifests, options, own_alone=True)

    async def chart(self, stored: StoredApplication, source: Source) -> ChartOffer:
        """What a chart says of itself."""
        policy.admit_sources(stored.app, self._admitted(stored), [source])
        return (await self._repositories.offer(stored.app, source)).chart

    async def artifact(self, stored: StoredApplication, repository: RepositoryOf, digest: str) -> Mapping[str, str]:
        """What an artifact says of itself."""
        self._admitted(stored)
        return await self._engine.lasting.git.registries.annotations(repository, digest)

    async def _look(self, key: str, repositories: Iterable[RepositoryOf]) -> None:
        for each in repositories:
            await self._engine.repositories.look(each, key)

    def project_of(self, app: Application) -> Project:
        """The project of an Application."""
        return self._engine.control.applications.project_of(app)

    def _admitted(self, stored: StoredApplication) -> Project:
        """The project of an Application, which permits it."""
        if stored.fault is not None:
            raise stored.fault
        project = self.project_of(stored.app)
        policy.admit(stored.app, project, self._engine.term.place(stored.app))
        return project

    async def _opened(self, stored: StoredApplication) -> Site:
        return await self._engine.term.sites.opened(stored.app)


class EnginePlace:
    """One Application's cluster, as its project permits it."""

    def __init__(self, engine: Engine, client: Client, site: Site, stored: StoredApplication, project: Project) -> None:
        self._engine, self._site, self._stored = engine, site, stored
        self._project = project
        self._forbids = site.observer.inventory.forbids(stored.app, project)
        self._forbidden: dict[object, bool] = {}
        self._cluster = site.cluster
        self._client = site.cluster.client if site.cluster.secret else client

    def managed(self) -> Mapping[ResourceKey, LiveObject]:
        """The objects that are the Application's."""
        return self._site.observer.inventory.managed(self._stored)

    def forbidden(self, key: ResourceKey) -> bool:
        """Whether the project lets the Application have no such object there."""
        # Thousands of objects are of a few kinds in a few namespaces; only what has none is permitted by its name.
        alike = (key.group, key.kind, key.namespace) if key.namespace else key
        found = self._forbidden.get(alike)
        if found is None:
            found = self._forbidden[alike] = bool(self._forbids(key))
        return found

    def children(self, uid: str) -> Iterable[Seen]:
        """What has this object as its owner."""
        return self._cluster.cache.children(uid)

    def shown(self, found: LiveObject) -> Shown:
        """What a tree shows of an object."""
        return shown(found)

    async def follow(self) -> None:
        """Follow the kinds that the Application's objects make, from the first look on."""
        await self._site.observer.inventory.watch_known(self._stored)
        kinds = kinds_below({live.group_kind for live in self.managed().values()})
        await self._cluster.cache.ensure(
            kind
            for kind in kinds
            if not self._cluster.excluded(kind.group, kind.kind) and self._cluster.discovery.find(kind.group, kind.kind)
        )

    async def lent(self) -> Literals:
        """Texts of Secrets that the Application is lent."""
        return await self._site.observer.lent(self._stored, self._project)

    async def whole(self, key: ResourceKey) -> LiveObject | None:
        """An object with all that is in it."""
        await self._cluster.cache.whole([key])
        return self._cluster.cache.get(key)

    def refusal(self, key: ResourceKey) -> str:
        """Why the Application may not write or delete an object."""
        if self._engine.control.settings().impersonation.enabled:
            return "objects are written by service accounts of projects alone, and the API does not do that yet"
        return self._forbids(key)

    async def patch(self, live: LiveObject, body: bytes, kind: str, *, subresource: str = "") -> LiveObject:
        """A changed object."""
        type_ = self._type(live.key)
        patched = await self._client.patch(
            type_,
            live.key.namespace,
            live.key.name,
            body,
            kind=cast(PatchKind, kind),
            subresource=subresource,
            manager=MANAGER,
        )
        self._cluster.cache.stored(patched)
        return patched

    async def create(self, body: Json) -> None:
        """Make another object."""
        made = read_object(msgspec.json.encode(body))
        self._cluster.cache.stored(
            await self._client.create(self._type(made.key), made.key.namespace, made.body, field_manager=MANAGER)
        )

    async def delete(self, live: LiveObject, *, orphan: bool) -> None:
        """Delete this very object, and what it owns or not."""
        await self._client.delete(
            self._type(live.key),
            live.key.namespace,
            live.key.name,
            propagation="Orphan" if orphan else "Foreground",
            uid=live.uid,
        )

    async def events(self, namespace: str) -> list[Json]:
        """The Events of a namespace, the oldest first."""
        events = self._cluster.discovery.find("", "Event")
        if events is None:
            return []
        found = [each.object() for each in (await self._client.list(events, namespace)).objects]
        return sorted(found, key=lambda each: str(each.get("lastTimestamp") or each.get("eventTime") or ""))

    async def log(self, key: ResourceKey, parameters: Mapping[str, str]) -> AsyncIterator[bytes]:
        """Lines of a container's log."""
        pods = self._cluster.discovery.find("", "Pod")
        if pods is None:
            return
        path = pods.path(key.namespace, key.name, "log")
        client, subject = self._cluster.client, f"log of {key}"
        stream = await client.open_stream(path, dict(parameters), subject)
        rest = b""
        try:
            while chunk := await stream.read():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in lines:
                    yield line
                if len(rest) > LONGEST_LINE:
                    yield rest
                    rest = b""
            if rest:
                yield rest
        except Lost as error:
            raise client.unreachable(error, subject) from error
        finally:
            stream.close()

    def _type(self, key: ResourceKey) -> ResourceType:
        found = self._cluster.discovery.find(key.group, key.kind)
        if found is None:
            raise Fault(Code.NOT_FOUND, f"the cluster does not know {key.kind[:80]} any more")
        return found
