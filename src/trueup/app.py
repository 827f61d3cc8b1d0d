"""The composition root: settings and clusters in, a running engine out."""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
import structlog

from trueup import diff, policy
from trueup.apply.confirm import Confirmer
from trueup.controllers.application import ApplicationReconciler
from trueup.controllers.begin import named_revisions
from trueup.controllers.chronicle import Chronicle
from trueup.controllers.cluster import IN_CLUSTER_SERVER, ManagedCluster, Parts, excluded_type
from trueup.controllers.ignoring import Ignoring
from trueup.controllers.journal import Journal
from trueup.controllers.observe import Observation, Observer
from trueup.controllers.ports import Ports
from trueup.controllers.project import ProjectReconciler
from trueup.controllers.remotes import Remotes
from trueup.controllers.repository import Repositories
from trueup.controllers.target import Targets, urgency_of
from trueup.controllers.wake import CONFIG_MAPS, Wakes
from trueup.features.images.annotations import asks_for_images
from trueup.features.images.cluster import ImageCluster, running_images
from trueup.features.images.editing import Apart
from trueup.features.images.reconciler import ImageReconciler, Reports
from trueup.features.images.rounds import Rounds
from trueup.features.images.settings import CONFIG_MAP as IMAGE_SETTINGS
from trueup.features.images.survey import Survey
from trueup.features.images.work import Subject
from trueup.kube.cache import WatchCache
from trueup.kube.client import Client
from trueup.kube.config import ClusterConfig
from trueup.kube.discovery import Discovery
from trueup.kube.schemas import Schemas
from trueup.model.application import Application, Source
from trueup.model.comparison import ComparedResource
from trueup.model.errors import Stalled, TrueupError
from trueup.model.live import LiveObject
from trueup.model.repository import RepositoryOf
from trueup.model.resource import GroupKind, ResourceKey
from trueup.model.status import OperationState
from trueup.model.tracking import owner_instance
from trueup.model.tree import Tree
from trueup.runtime import secrecy
from trueup.runtime.clock import SystemClock
from trueup.runtime.fair import Fair, Share, Urgency, current_share, resting
from trueup.runtime.folder import claimed, own_folder
from trueup.runtime.lease import Lease, new_identity
from trueup.runtime.memory import freeze_later
from trueup.runtime.outcome import Outcome
from trueup.runtime.queue import Queue
from trueup.runtime.tenure import Jobs, serve
from trueup.sources.credential import Credential
from trueup.sources.download import downloading
from trueup.sources.mirrors import Mirrors
from trueup.sources.quota import Allowance
from trueup.sources.registry import RegistryClient
from trueup.sources.writer import Ask, Changes, commit
from trueup.store.applications import APPLICATION, KINDS, Applications, StoredApplication
from trueup.store.audit import Trail
from trueup.store.audit.place import TRAIL, prepare
from trueup.store.credentials import Credentials
from trueup.store.definers import Definers
from trueup.store.events import Recorder
from trueup.store.lease import ControlLease
from trueup.store.notes import Notes
from trueup.store.preparing import Preparer
from trueup.store.renders import PREPARED, Renders
from trueup.store.settings import CONFIG_MAP, PARAMETERS, Settings, read_settings
from trueup.workers.childprocess import NotIsolated
from trueup.workers.git import run_git
from trueup.workers.jq import Jq, JqAnswer
from trueup.workers.jq import Work as JqWork
from trueup.workers.pool import Pool, scratch

log = structlog.get_logger("trueup")

PASSES, PASSES_BESIDE = 16, 48
"""Passes over applications at a time, and places for those that last while others wait."""
GIT_SLOTS, GIT_BESIDE = 4, 32
"""The same of git's processes: beside the slots is who waits for a server that is slow to answer."""
RENDER_MOMENT = 2.0
"""Seconds until a render that lasts steps aside."""
JQ_SLOTS, JQ_MOMENT = 2, 0.25
"""The same of jq's children; seconds until an expression that lasts steps aside."""
TIDY_SECONDS, UNUSED_SECONDS = 600.0, 3600.0
"""How often mirrors are looked through, and when one goes that no application reads."""


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine is told at its start.

    Attributes:
        config: the control cluster, which is also the destination ``https://kubernetes.default.svc``.
        data: folder for mirrors and renders, for this engine alone. It may be deleted.
        state: folder for what must last, shared by all engines of this machine: the audit trail.
        data_named: whether somebody chose the data folder for this engine, rather than its cluster's address.
        local_repositories: folders below which file:// repositories may lie; none by default.
        render_workers: processes that render.
        wave_delay: seconds between the waves of a sync.
        isolated: do no hostile work without a whole wall around it.
        namespaces: whose objects are watched and managed beside the control namespace's; empty for the whole cluster.
        mirrors: disk that mirrors may take.
    """

    config: ClusterConfig
    control_namespace: str
    data: Path
    state: Path
    local_repositories: tuple[Path, ...] = ()
    data_named: bool = False
    render_workers: int = 2
    wave_delay: float = 2.0
    isolated: bool = False
    namespaces: tuple[str, ...] = ()
    mirrors: Allowance = Allowance()


class Engine:
    """An engine, built on entry and taken down on exit."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.clock = SystemClock()
        self.identity = new_identity()
        secrecy.EVERYWHERE.learn("cluster", lambda: filter(None, (options.config.token,)))
        self.client = Client(options.config)
        # A renewal waits behind no other request.
        self._lease_client = Client(options.config, in_flight=1)
        self.discovery = Discovery(self.client)
        self._settings = Settings()
        self._settings_version = ""
        self._excluded_kinds: dict[tuple[str, str], bool] = {}
        self.cache = WatchCache(
            self.client,
            self.discovery,
            classify=_instance_of,
            excluded=excluded_type(self._unwatched),
            namespaces=(options.control_namespace, *options.namespaces) if options.namespaces else (),
        )
        self.applications = Applications(self.cache, options.control_namespace)
        self.definers = Definers(self.applications.stored)
        self.registry = RegistryClient()
        self.git_slots = Fair(GIT_SLOTS, GIT_BESIDE)
        self._jq_slots = Fair(JQ_SLOTS, JQ_SLOTS, moment=JQ_MOMENT)
        self.credentials = Credentials(self.client, options.control_namespace)
        self.mirrors = Mirrors(
            options.data / "mirrors",
            run_git,
            allowed_local=options.local_repositories,
            credential=lambda each: self.credentials.of(each.url, each.project),
            scope=lambda each: self.credentials.scope(each.url, each.project),
            turns=self._git_turn,
            allowance=options.mirrors,
            wanted=self._wanted,
        )
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        try:
            await self._open()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def _open(self) -> None:
        remedy = "choose a folder that you may write by --data"
        data = own_folder(self.options.data, remedy=remedy)
        enter, defer = self._stack.enter_async_context, self._stack.push_async_callback
        # Before anything in the folder is touched: it may be another engine's.
        predecessor = self._stack.enter_context(claimed(data, self.identity, remedy=remedy))
        work = scratch(data / "render")
        renderers, isolated = self.options.render_workers, self.options.isolated
        self.pool = Pool(2 * renderers + 1, root=work, isolated=isolated)
        mirrors = own_folder(data / "mirrors", remedy=remedy)
        self.preparer = Preparer(mirrors, 2 * PREPARED, root=work, isolated=isolated)
        self.jq = Jq(
            lambda: self.settings().jq_seconds, root=work, isolated=isolated, size=2 * JQ_SLOTS, turns=self._jq_turn
        )
        for client in (self.client, self._lease_client, self.registry):
            await enter(client)
        # A port of this machine is no identity: what lies under its name may be of a cluster that is gone.
        ours = self.options.data_named or not self.options.config.loopback
        state, namespace = self.options.state, self.options.control_namespace
        trail = await prepare(self.client, state, namespace, old=data / TRAIL, ours=ours)
        self.trail = Trail(trail, self.clock.now)
        self.journal = Journal(self.trail)
        self.editing = Apart(mirrors, root=work, isolated=isolated)
        children = (self.pool, self.preparer, self.editing, self.jq)
        for each in (self.trail, self.mirrors, *children, self.cache):
            defer(each.close)
        await asyncio.gather(self.cache.start(), self._tell_isolation())
        await asyncio.gather(self.cache.ensure([*KINDS, CONFIG_MAPS]), self.credentials.load())
        events = self.discovery.find("", "Event")
        if self.discovery.find(APPLICATION.group, APPLICATION.kind) is None or events is None:
            raise Stalled("this cluster does not know Applications", hint="run `trueup install` first")
        record = ControlLease(self._lease_client, self.options.control_namespace, self.clock.now)
        self.lease = Lease(record, self.identity, predecessor=predecessor)
        # A render that lasts goes on beside the others, at a low priority.
        self.renders = Renders(self.pool, self.preparer, slots=Fair(renderers, renderers, moment=RENDER_MOMENT))
        schemas = Schemas(self.client)
        parts = Parts(client=self.client, discovery=self.discovery, cache=self.cache, schemas=schemas)
        self.confirmer = Confirmer(parts)
        self.cluster = ManagedCluster(
            client=self.client,
            discovery=self.discovery,
            cache=self.cache,
            schemas=schemas,
            excluded=self._excluded,
            confirmer=self.confirmer,
        )
        self._events = events
        self._assemble()
        self.cache.subscribe(self._changed)
        self.cache.subscribe(self._image_settings_changed)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _tell_isolation(self) -> None:
        """Say once what stands around the processes that do hostile work.

        Raises:
            NotIsolated: a whole wall was asked for, and the kernel has none.
        """
        try:
            isolation = await self.pool.warm()
        except NotIsolated:
            raise
        except TrueupError as error:
            log.error("no worker process starts", problem=error.message, hint=error.hint)
            return
        if isolation.whole:
            log.info("worker processes are isolated", by=str(isolation))
        else:
            log.warning("worker processes are not isolated", by=str(isolation), lacking="; ".join(isolation.lacking))

    def settings(self) -> Settings:
        """Settings as the ConfigMap has them now; read anew only when it has changed."""
        found = [self._config_map(name) for name in (CONFIG_MAP, PARAMETERS)]
        version = " ".join(live.resource_version if live else "-" for live in found)
        if version != self._settings_version:
            self._settings_version = version
            self._settings = read_settings(*((live.object().get("data") or {}) if live else {} for live in found))
            self._excluded_kinds.clear()
            self.cache.reconsider()
            for warning in self._settings.warnings:
                log.warning("setting not read", problem=warning)
        return self._settings

    def _config_map(self, name: str) -> LiveObject | None:
        return self.cache.get(ResourceKey("", "ConfigMap", self.options.control_namespace, name))

    async def observe(
        self, key: str, revision: str = "", edit: Callable[[Tree, str], Changes] | None = None
    ) -> Observation:
        """Look at one application once, without reconciling it.

        Args:
            edit: what is to be looked at instead of the revision's own files, given those and the source's path. The
                commit that is made of it stays in this engine's mirror.

        Raises:
            TrueupError: there is no such application, or it cannot be compared.
        """
        stored = self.applications.get(key)
        if stored is None:
            raise TrueupError(f"application {key} does not exist", hint="`trueup app list` shows those that do")
        if stored.fault is not None:
            raise stored.fault
        project = self.applications.project_of(stored.app)
        policy.admit(stored.app, project)
        for repository in stored.app.spec.repositories():
            await self.repositories.look(repository, key)
        revisions = [revision] if revision else []
        if edit is not None:
            revisions = [await self._edited(stored.app, revision, edit)]
        return await self.observer.observe(stored, project, revisions=revisions)

    async def _edited(self, app: Application, revision: str, edit: Callable[[Tree, str], Changes]) -> str:
        sources = app.spec.all_sources()
        mirror = self.repositories.mirror(app.spec.repository(sources[0]))
        if len(sources) > 1 or mirror is None:
            raise TrueupError(
                f"application {app.key} has {len(sources)} sources, and a folder takes the place of one",
                hint="push to a branch, and name it by --revision",
            )
        sha = await mirror.locate(revision or sources[0].target_revision, sources[0].tag_prefix)
        changes = edit(mirror.tree(sha), sources[0].path)
        ask = Ask(branch="", message=lambda _: "files of a disk")
        return commit(mirror.repository(), sha, changes, ask, self.clock.now())

    def sides(self, resource: ComparedResource) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
        """An object as it is and as a sync would make it, Secrets as they are; None where there is none."""
        before = resource.live.object() if resource.live else None
        after = self._answer(resource)
        return diff.comparable(before) if before else None, diff.comparable(after) if after else None

    def change(self, resource: ComparedResource) -> str:
        """What a sync would change in one object, as text."""
        before, after = self.sides(resource)
        return diff.render(before, after, left="live", right="git")

    async def run(self, stop: asyncio.Event) -> None:
        """Reconcile while no other engine does, until told to stop."""
        log.info(
            "engine started",
            cluster=self.options.config.server,
            kubernetes=self.discovery.server_version,
            namespace=self.options.control_namespace,
            identity=self.identity,
        )
        # Whatever writes, and however late it gets to it: this is asked first.
        self.client.fence = self.lease.require
        beside = [
            asyncio.create_task(freeze_later(), name="freeze"),
            asyncio.create_task(self._follow_known(), name="follow known kinds"),
        ]
        try:
            await serve(self.lease, self._begin, stop=stop)
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
        log.info("engine stopped")

    async def _follow_known(self) -> None:
        """Who waits for its turn has the caches warm when it comes."""
        for stored in self.applications.readable():
            await self.observer.watch_known(stored)

    def _begin(self) -> Jobs:
        """What a term runs. Memories of an earlier one may be of the past; those keyed by content stay."""
        self._assemble()
        for key in self.applications.names():
            self.queue.add(key)
        for name in self.applications.leaving_projects():
            self.projects.add(name)
        return {
            "applications": self.queue.run(),
            "projects": self.projects.run(),
            "repositories": self.repositories.queue.run(),
            "events": self.recorder.run(),
            "credentials": self.credentials.run(),
            "repositories with new credentials": self._look_again(),
            "images": self.images.run(),
            "notes": self.notes.run(),
            "mirrors": self._tidy_mirrors(),
        }

    def _assemble(self) -> None:
        self.recorder = recorder = Recorder(self.client, self._events)
        self.repositories = Repositories(
            self.mirrors,
            users=self._users,
            wake=self._news,
            settings=self.settings,
            share=self._share_of_repository,
            may=self.applications.may_fetch,
        )
        self.notes = Notes(self.mirrors.get, self._for_writing, self.clock.now)
        # Beside a cluster on this machine, servers of this machine are asked as well.
        guarded = not self.options.config.loopback
        self.remotes = Remotes(self.repositories, downloading(guarded=guarded), guarded=guarded)
        targets = Targets(self.repositories, self.renders, self.settings, self.remotes)
        self.observer = Observer(
            self.applications,
            self.definers,
            targets,
            self.cluster,
            Ignoring(self.jq, self.settings),
            self.settings,
            self.clock,
        )
        ports = Ports(
            clock=self.clock,
            settings=self.settings,
            applications=self.applications,
            repositories=self.repositories,
            observer=self.observer,
            cluster=self.cluster,
            recorder=recorder,
            chronicle=Chronicle(
                self.journal,
                self.clock,
                commit=self.repositories.commit,
                answer=self._answer,
                deployed=self._deployed,
            ),
            wave_delay=self.options.wave_delay,
        )
        self.reconciler = ApplicationReconciler(ports)
        self.queue = Queue(
            "applications",
            self.reconciler.reconcile,
            subject="application",
            failed=self._failed,
            workers=PASSES,
            beside=PASSES_BESIDE,
            share=self._share_of_application,
        )
        self.images = self._image_automation(recorder)
        projects = ProjectReconciler(self.applications, self.client, self.cache, recorder, self.clock)
        self.projects = Queue("projects", projects.reconcile, failed=self._project_failed, workers=1)
        self._wakes = Wakes(self.applications, self.definers, add=self._wake, add_project=self.projects.add)

    def _for_writing(self, repository: RepositoryOf) -> Credential | None:
        """What to show a Git server for a push, which is a write as well."""
        self.lease.require()
        return self.credentials.for_writing(repository.url, repository.project)

    def _deployed(self, stored: StoredApplication, state: OperationState) -> None:
        """A note on a deployment is a push: to a repository that the project permits now, whatever it permitted."""
        try:
            for source in stored.app.spec.all_sources():
                policy.admit_repository(stored.app, self.applications.project_of(stored.app), source.repo_url)
        except TrueupError as error:
            log.info("deployment not noted", application=stored.key, error=str(error))
            return
        self.notes.deployed(stored, state)

    def _named(self, name: str, repository: RepositoryOf) -> Credential:
        """The same of one Secret."""
        self.lease.require()
        return self.credentials.named(name, repository.url, repository.project)

    def _image_automation(self, recorder: Recorder) -> ImageReconciler:
        cluster = ImageCluster(self.client, self.discovery, self.options.control_namespace)

        async def tree(app: Application, source: Source) -> Tree | None:
            mirror = self.repositories.mirror(app.spec.repository(source))
            return mirror.tree(mirror.resolve(source.target_revision, source.tag_prefix)) if mirror else None

        def admit(app: Application, url: str) -> None:
            self.lease.require()
            policy.admit_repository(app, self.applications.project_of(app), url)

        ports = cluster.ports(
            subjects=self._subjects,
            tree=tree,
            mirror=self.mirrors.get,
            writing=self._for_writing,
            named=self._named,
            admit=admit,
            now=self.clock.now,
        )
        reports = Reports(
            live=self.applications.live,
            patch=cluster.patch,
            event=lambda live, reason, message, warning: recorder.record(
                live, reason, message, now=self.clock.now(), warning=warning
            ),
            pushed=self._pushed,
            audit=self.journal.write,
            settings=cluster.settings,
            now=self.clock.now,
        )
        survey = Survey(
            self.registry,
            cluster.secret,
            self.credentials.certificates,
            control_namespace=self.options.control_namespace,
            local=self.options.config.loopback,
        )
        return ImageReconciler(Rounds(survey, ports, self.editing), reports)

    def _changed(self, old: LiveObject | None, new: LiveObject | None) -> None:
        self._wakes.changed(old, new)

    def _image_settings_changed(self, old: LiveObject | None, new: LiveObject | None) -> None:
        """Who has just asked for image updates, or set them otherwise, need not wait for the next round."""
        if new is None or new.key.namespace != self.options.control_namespace:
            return
        settings = new.group_kind == CONFIG_MAPS and new.key.name == IMAGE_SETTINGS
        asked = new.group_kind == APPLICATION and asks_for_images(new.annotations)
        if settings or (asked and (old is None or old.annotations != new.annotations)):
            self.images.wake()

    def _subjects(self) -> list[Subject]:
        return [
            Subject(
                key=stored.key,
                instance=self.applications.instance(stored.key),
                app=stored.app,
                running=running_images(stored.status),
            )
            for stored in self.applications.readable()
            if not stored.app.metadata.deletion_timestamp
        ]

    def _pushed(self, repository: RepositoryOf) -> None:
        """A commit of our own need not wait for the next poll, whoever reads that repository."""
        url = repository.url
        for each, keys in self.applications.readers().items():
            if self.mirrors.identity(each.url) == self.mirrors.identity(url):
                for key in sorted(keys):
                    self.repositories.request(each, key)

    async def _tidy_mirrors(self) -> None:
        """Mirrors of repositories that no application reads any more go after a while."""
        while True:
            await asyncio.sleep(TIDY_SECONDS)
            read = {each for stored in self.applications.readable() for each in stored.app.spec.repositories()}
            try:
                await self.mirrors.keep_only(read | self.remotes.repositories(), after=UNUSED_SECONDS)
            except (OSError, TrueupError) as error:
                log.warning("mirrors not tidied", error=str(error))

    async def _look_again(self) -> None:
        """A repository that could not be read is looked at as soon as a credential changes, and each application
        anew when it is another project's repository from now on."""
        known = self.credentials.projects
        while True:
            await self.credentials.changed.wait()
            self.credentials.changed.clear()
            self.repositories.retry_failed()
            if self.credentials.projects != known:
                known = self.credentials.projects
                for key in self.applications.names():
                    self._wake(key)

    def _wake(self, key: str) -> None:
        self.queue.add(key)

    def _news(self, key: str) -> None:
        """A repository that the application reads has something new, or could not be read."""
        self.queue.add(key, urgency=Urgency.NEWS)

    def _share_of_application(self, key: str) -> Share:
        stored = self.applications.get(key)
        if stored is None:
            return Share(repository=key, urgency=Urgency.NEWS)
        app = stored.app
        repositories = app.spec.repositories()
        repository = self.mirrors.identity(repositories[0]) if repositories else key
        return Share(app.spec.project or "default", repository, urgency_of(app), key)

    def _share_of_repository(self, repository: str) -> Share:
        """A repository that several projects read is looked at on behalf of the one that has the least under way."""
        found = [self.applications.get(key) for key in self.repositories.readers(repository)]
        projects = {stored.app.spec.project or "default" for stored in found if stored is not None}
        project = min(projects, key=lambda name: (self.git_slots.load(name), name), default="")
        return Share(project, repository, self.repositories.urgency(repository))

    async def _git_turn(
        self, repository: str, work: Callable[[], Coroutine[Any, Any, bytes]], *, again: bool = True
    ) -> bytes:
        return await self.git_slots.run(self._share_of_repository(repository), lambda _: work(), again=again)

    async def _jq_turn(self, work: JqWork) -> JqAnswer:
        share = current_share()
        async with resting():
            return await self._jq_slots.run(share, lambda turn: work(turn.yielding))

    def _answer(self, resource: ComparedResource) -> dict[str, Any] | None:
        """What an object becomes by an apply: the server's answer where there is one, else what Git declares."""
        if resource.becomes:
            becomes: dict[str, Any] = msgspec.json.decode(resource.becomes)
            return becomes
        return resource.target.object() if resource.target else None

    def _users(self, repository: str) -> list[str]:
        def is_it(each: RepositoryOf) -> bool:
            return self.mirrors.identity(each) == repository

        return sorted({*self.applications.reading(is_it), *self.remotes.followers(is_it)})

    def _wanted(self, repository: str) -> Iterator[str]:
        for key in self._users(repository):
            stored = self.applications.get(key)
            if stored is not None:
                yield from named_revisions(stored)

    def _unwatched(self, group: str, kind: str) -> bool:
        """What settings exclude is not watched; but our own objects and the settings themselves are."""
        return GroupKind(group, kind) not in (*KINDS, CONFIG_MAPS) and self._excluded(group, kind)

    def _excluded(self, group: str, kind: str) -> bool:
        settings = self.settings()  # clears the memory when they changed
        known = self._excluded_kinds.get((group, kind))
        if known is None:
            known = self._excluded_kinds[(group, kind)] = settings.excludes(group, kind, IN_CLUSTER_SERVER)
        return known

    def _failed(self, key: str, error: Exception, outcome: Outcome) -> None:
        message = str(error) if isinstance(error, TrueupError) else type(error).__name__
        log.warning("application not reconciled", application=key, error=message, again=outcome.requeue.seconds)
        live = self.applications.live(key)
        if live is not None and isinstance(error, TrueupError):
            self.recorder.record(live, outcome.reason, message, now=self.clock.now(), warning=True)

    def _project_failed(self, name: str, error: Exception, outcome: Outcome) -> None:
        message = str(error) if isinstance(error, TrueupError) else type(error).__name__
        log.warning("project not reconciled", project=name, error=message, again=outcome.requeue.seconds)


def _instance_of(live: LiveObject) -> str | None:
    return owner_instance(live.annotations, live.key) or None
