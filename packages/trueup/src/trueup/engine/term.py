"""What runs while this engine is the one that acts, with memories of its own: an earlier term's may be of the past."""

import asyncio
from collections.abc import Iterator
from functools import partial

import structlog

from trueup import policy
from trueup.clusters.managed import ManagedCluster
from trueup.controllers.application import ApplicationReconciler
from trueup.controllers.begin import named_revisions
from trueup.controllers.performing import Performer
from trueup.controllers.ports import Ports
from trueup.controllers.project import ProjectReconciler
from trueup.controllers.repository import Repositories
from trueup.controllers.telling.audit import Audit
from trueup.controllers.telling.events import EventReader
from trueup.controllers.telling.log import LogReader
from trueup.controllers.telling.metrics import MetricsReader
from trueup.controllers.telling.notes import NoteReader
from trueup.controllers.telling.stream import ChangeStream
from trueup.controllers.wake import Wakes
from trueup.controllers.woken import Woken
from trueup.engine import images
from trueup.engine.lasting import Lasting
from trueup.engine.measuring import measured_passes
from trueup.engine.shares import Shares
from trueup.engine.sites import Sites
from trueup.model.application import Application, Destination
from trueup.model.errors import TrueupError
from trueup.model.live import Seen
from trueup.model.repository import RepositoryOf
from trueup.model.share import Share, Urgency
from trueup.model.status import OperationState
from trueup.observe.ignoring import Ignoring
from trueup.observe.integrity import Integrity
from trueup.observe.observer import Observer
from trueup.observe.remotes import Remotes
from trueup.observe.targets import Targets
from trueup.runtime.outcome import Outcome
from trueup.runtime.queue import Queue
from trueup.runtime.tenure import Jobs
from trueup.sources.shelf import Wished
from trueup.store.applications import StoredApplication
from trueup.store.events import Recorder
from trueup.store.notes import Notes
from trueup.store.projects import orphaned_tokens
from trueup.store.writing import ControlCluster, Writes

log = structlog.get_logger("trueup")

PASSES, PASSES_BESIDE = 16, 48
"""Passes over applications at a time, and places for those that last while others wait."""
LEISURE = 0.3
"""Seconds for what a commit changes, before it is put on record for all that it leaves alone: hundreds of writes would
be in the way. Commits in that time are put on record together."""
TIDY_SECONDS, UNUSED_SECONDS = 600.0, 3600.0
"""How often mirrors are looked through, and when one goes that no application reads."""


class Term:
    """The reconcilers, their queues, and what they remember."""

    def __init__(self, lasting: Lasting) -> None:
        clock, control, git = lasting.clock, lasting.control, lasting.git
        self._lasting = lasting
        self._applications = applications = control.applications
        self._clock = clock
        self.recorder = Recorder(control.client, control.events)
        self.repositories = Repositories(
            git.mirrors,
            users=self._users,
            wake=self._news,
            settings=control.settings,
            share=self._share,
            may=applications.may_fetch,
        )
        self.shares = Shares(applications, self.repositories, git)
        self.notes = Notes(git.mirrors.get, git.for_writing, clock.now)
        self.remotes = Remotes(self.repositories, git.download, git.charts, guarded=git.guarded)
        self._targets = Targets(self.repositories, lasting.tools.renders, control.settings, self.remotes)
        self._ignoring = Ignoring(lasting.tools.jq, control.settings)
        self._audit = Audit(lasting.journal)
        # One entry for each who reads what becomes of applications.
        telling = ChangeStream(
            self._audit,
            LogReader(),
            EventReader(self.recorder, clock.now),
            NoteReader(self._deployed),
            MetricsReader(lasting.metrics),
        )
        self._woken = Woken()
        self._writes = Writes(ControlCluster(control.client, control.cache), clock, telling)
        self._integrity = Integrity(self.repositories, lasting.tools.preparer, lambda: control.credentials.keyring)
        self.sites = Sites(applications, lasting.clusters, self._made, shared=lasting.options.sharding.replicas > 1)
        self.queue = Queue(
            "applications",
            measured_passes(self.sites.reconcile, lasting.metrics),
            subject="application",
            failed=self._failed,
            workers=PASSES,
            beside=PASSES_BESIDE,
            share=self.shares.of_application,
        )
        self.images = images.part(lasting, self.repositories, self.recorder)
        projects = ProjectReconciler(applications, control.client, control.cache, self.recorder, clock)
        self.projects = Queue("projects", projects.reconcile, failed=self._project_failed, workers=1)
        self._wakes = Wakes(
            applications, control.definers, add=self._wake, add_project=self.projects.add, leaves=self._leaves
        )

    def _made(self, cluster: ManagedCluster) -> tuple[Observer, ApplicationReconciler]:
        """Who works on what goes to a cluster."""
        lasting, control, applications = self._lasting, self._lasting.control, self._applications
        observer = Observer(
            applications,
            control.definers,
            self._targets,
            self._integrity,
            cluster,
            self._ignoring,
            control.settings,
            self._clock,
            partial(lasting.clusters.place_on, cluster.server),
            control.credentials.sops.name_for,
        )
        ports = Ports(
            clock=self._clock,
            settings=control.settings,
            applications=applications,
            writes=self._writes,
            repositories=self.repositories,
            observer=observer,
            inventory=observer.inventory,
            cluster=cluster,
            place=lasting.clusters.place,
            reach=partial(self.sites.reach, cluster),
            perform=Performer(cluster),
            audit=self._audit,
            describe=self.repositories.commit,
            woken=self._woken,
            wave_delay=lasting.options.wave_delay,
        )
        return observer, ApplicationReconciler(ports)

    def jobs(self) -> Jobs:
        """What runs side by side, with all that there is to be looked at in the queues."""
        for key in self._applications.names():
            self.queue.add(key)
        if not self._lasting.options.sharding.shard:
            # Projects are of no cluster.
            for live in self._applications.live_projects():
                if live.deletion_timestamp or orphaned_tokens(live):
                    self.projects.add(live.key.name)
        return {
            "applications": self.queue.run(),
            "projects": self.projects.run(),
            "repositories": self.repositories.queue.run(),
            "events": self.recorder.run(),
            "credentials": self._lasting.control.credentials.run(),
            "clusters": self._lasting.control.clusters.followed.run(),
            "repositories with new credentials": self._look_again(),
            "images": self.images.run(),
            "notes": self.notes.run(),
            "mirrors": self._tidy_mirrors(),
        }

    def queues(self) -> list[Queue]:
        """What keys wait in."""
        return [self.queue, self.projects, self.repositories.queue]

    def _leaves(self, key: str) -> None:
        self._targets.abandon(self._applications.instance(key))

    def changed(self, old: Seen | None, new: Seen | None) -> None:
        """Something on the cluster is other than it was."""
        self._wakes.changed(old, new)
        if images.wakes(self._applications.control_namespace, old, new):
            self.images.wake()

    def place(self, app: Application) -> Destination:
        """Where an application goes, by server and name both.

        Raises:
            InvalidSpec: no cluster is known that it means.
        """
        return self._lasting.clusters.place(app)

    def changed_on(self, server: str, old: Seen | None, new: Seen | None) -> None:
        """Something on another cluster is other than it was."""
        for key in self._wakes.of_object(old, new):
            stored = self._applications.get(key)
            if stored is not None and self._lasting.clusters.place_on(server, stored.app) is not None:
                self._wake(key)

    def turned(self, server: str) -> None:
        """Another cluster can be used from now on, or cannot any more."""
        for stored in self._applications.readable():
            if self._lasting.clusters.place_on(server, stored.app) is not None:
                self._wake(stored.key)

    def wake_all(self) -> None:
        """What every application depends on has changed."""
        for key in self._applications.names():
            self._wake(key)

    def wanted(self, repository: str) -> Iterator[str]:
        """Revisions that the applications which read a repository (its identity) name."""
        for key in self._users(repository):
            stored = self._applications.get(key)
            if stored is not None:
                yield from (each for source, each in named_revisions(stored) if not source.packed)

    def wished(self, repository: str) -> Iterator[Wished]:
        """Charts and versions that the applications which read a repository of them (its identity) name."""
        identity = self._lasting.git.mirrors.identity
        for key in self._users(repository):
            stored = self._applications.get(key)
            if stored is None:
                continue
            for source, revision in named_revisions(stored):
                reached = stored.app.spec.repository(source)
                if source.packed and identity(reached) == repository and self._applications.may_fetch(key, reached):
                    passing = source.helm is not None and source.helm.pass_credentials
                    yield Wished(source.chart, revision, passing)

    def _users(self, repository: str) -> list[str]:
        identity = self._lasting.git.mirrors.identity

        def is_it(each: RepositoryOf) -> bool:
            return identity(each) == repository

        return sorted(filter(self._is_mine, {*self._applications.reading(is_it), *self.remotes.followers(is_it)}))

    def _is_mine(self, key: str) -> bool:
        """Who shares the clusters with others fetches for its own applications alone."""
        if self._lasting.options.sharding.replicas <= 1:
            return True
        stored = self._applications.get(key)
        return stored is not None and self._lasting.clusters.mine(stored.app)

    def _share(self, repository: str) -> Share:
        return self.shares.of_repository(repository)

    def _wake(self, key: str) -> None:
        self._woken.by_change(key)
        self.queue.add(key)

    def _news(self, key: str) -> None:
        """A repository that the application reads has something new, or could not be read."""
        self._woken.by_news(key)
        if self.sites.leaves_alone(key):
            self.queue.add(key, after=LEISURE)
        else:
            self.queue.add(key, urgency=Urgency.NEWS)

    def _deployed(self, stored: StoredApplication, state: OperationState) -> None:
        """A note on a deployment is a push: to a repository that the project permits now, whatever it permitted."""
        try:
            for source in stored.app.spec.all_sources():
                project, place = self._applications.project_of(stored.app), self._lasting.clusters.place(stored.app)
                policy.admit_repository(stored.app, project, source.address, place)
        except TrueupError as error:
            log.info("deployment not noted", application=stored.key, error=str(error))
            return
        self.notes.deployed(stored, state)

    async def _tidy_mirrors(self) -> None:
        """Mirrors of repositories that no application reads any more go after a while."""
        while True:
            await asyncio.sleep(TIDY_SECONDS)
            read = {each for stored in self._applications.readable() for each in stored.app.spec.repositories()}
            try:
                await self._lasting.git.mirrors.keep_only(read | self.remotes.repositories(), after=UNUSED_SECONDS)
            except (OSError, TrueupError) as error:
                log.warning("mirrors not tidied", error=str(error))

    async def _look_again(self) -> None:
        """A repository that could not be read is looked at as soon as a credential changes, and so is one of charts;
        and each application anew when it is another project's repository from now on, there are other keys, or
        large files are fetched from now on."""
        credentials = self._lasting.control.credentials
        known = credentials.projects, credentials.keyring, credentials.large, credentials.sops.version
        while True:
            await credentials.changed.wait()
            credentials.changed.clear()
            self.repositories.retry_failed()
            for key in self.remotes.lacking():
                self._wake(key)
            now = credentials.projects, credentials.keyring, credentials.large, credentials.sops.version
            if now != known:
                known = now
                self._targets.reopen()
                self.wake_all()

    def _failed(self, key: str, error: Exception, outcome: Outcome) -> None:
        # What a pass ends in is told by the pass: this is a fault in telling it.
        message = str(error) if isinstance(error, TrueupError) else type(error).__name__
        log.error("application not reconciled", application=key, error=message, again=outcome.requeue.seconds)

    def _project_failed(self, name: str, error: Exception, outcome: Outcome) -> None:
        message = str(error) if isinstance(error, TrueupError) else type(error).__name__
        log.warning("project not reconciled", project=name, error=message, again=outcome.requeue.seconds)
