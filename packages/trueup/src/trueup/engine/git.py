"""Mirrors of repositories and shelves of charts: whose turn it is to be fetched, with which credential, and what may be
pushed."""

from collections.abc import Callable, Coroutine, Iterator, Set
from functools import partial
from typing import Any

from trueup.engine.measuring import measured_git
from trueup.engine.options import EngineOptions
from trueup.model.repository import RepositoryOf
from trueup.model.share import Share
from trueup.runtime import secrecy
from trueup.runtime.fair import Fair
from trueup.runtime.lease import Lease
from trueup.runtime.metrics import Metrics
from trueup.sources.credential import Credential
from trueup.sources.download import downloading
from trueup.sources.helm_repository import HelmRepositories
from trueup.sources.identity.exchange import Exchange
from trueup.sources.mirrors import Charts, Mirrors
from trueup.sources.registry import RegistryClient
from trueup.sources.registry.library import Registries
from trueup.sources.shelf import Wished
from trueup.store.credentials import Credentials
from trueup.store.preparing import Preparer
from trueup.workers.git import run_git

GIT_SLOTS, GIT_BESIDE = 4, 32
"""Git's processes at a time, and places beside them for those that wait for a server which is slow to answer."""


class GitMirrors:
    """The mirrors, and who may have git run.

    Args:
        wanted: revisions that a repository (its identity) is asked for, should they be neither branch nor tag.
        share: whose work a repository (its identity) is.
        wished: charts that a repository (its identity) is asked for, with their versions.
        preparer: reads indexes and archives.
        lease: held by who may push.
        known: names of the repositories that are somebody's.
        metrics: are told how long git takes.
    """

    def __init__(
        self,
        options: EngineOptions,
        credentials: Credentials,
        *,
        wanted: Callable[[str], Iterator[str]],
        wished: Callable[[str], Iterator[Wished]],
        known: Callable[[], Set[str]],
        preparer: Preparer,
        registry: RegistryClient,
        share: Callable[[str], Share],
        lease: Lease,
        metrics: Metrics,
    ) -> None:
        self.slots = Fair(GIT_SLOTS, GIT_BESIDE)
        self._credentials, self._share, self._lease = credentials, share, lease
        self._registry, self._find_charts = registry, preparer.find_charts
        # Beside a cluster on this machine, servers of this machine are asked as well.
        self.guarded = not options.config.loopback
        self.download = downloading(guarded=self.guarded)
        self._exchange = exchange = Exchange(
            guarded=self.guarded, learn=partial(secrecy.EVERYWHERE.learn, "identities")
        )
        self._root, self._allowed_local = options.data / "mirrors", options.local_repositories
        self.charts = HelmRepositories(
            self.download, preparer.find_charts, lambda each: credentials.of(each.url, each.project), exchange
        )
        self.registries = Registries(
            registry,
            lambda each: credentials.of(each.url, each.project),
            guarded=self.guarded,
            exchange=exchange,
        )
        self._git = measured_git(run_git, metrics, known)
        self.mirrors = Mirrors(
            self._root,
            self._git,
            allowed_local=self._allowed_local,
            credential=lambda each: credentials.of(each.url, each.project),
            scope=lambda each: credentials.scope(each.url, each.project),
            turns=self._turn,
            allowance=options.mirrors,
            wanted=wanted,
            exchange=exchange,
            guarded=self.guarded,
            charts=Charts(
                self.charts,
                self.registries,
                preparer.check_archive,
                wished,
            ),
        )

    async def reach(self, repository: RepositoryOf, credential: Credential, *, index: bool) -> None:
        """See that a repository answers, and lets in who shows a credential that nobody has kept yet.

        Args:
            index: it is a Helm repository over HTTP.

        Raises:
            TrueupError: it does not.
        """

        def lend(_: RepositoryOf) -> Credential:
            return credential

        if repository.packed:
            await Registries(self._registry, lend, guarded=self.guarded, exchange=self._exchange).look(repository)
        elif index:
            await HelmRepositories(self.download, self._find_charts, lend, self._exchange).look(repository)
        else:
            once = Mirrors(
                self._root,
                self._git,
                allowed_local=self._allowed_local,
                credential=lend,
                turns=self._turn,
                exchange=self._exchange,
            )
            await once.get(repository).remote_refs()

    async def _turn(
        self, repository: str, work: Callable[[], Coroutine[Any, Any, bytes]], *, again: bool = True
    ) -> bytes:
        return await self.slots.run(self._share(repository), lambda _: work(), again=again)

    def for_writing(self, repository: RepositoryOf) -> Credential | None:
        """What to show a Git server for a push, which is a write as well.

        Raises:
            NotHeld: another engine may be the one that writes.
        """
        self._lease.require()
        return self._credentials.for_writing(repository.url, repository.project)

    def named(self, name: str, repository: RepositoryOf) -> Credential:
        """The same of one Secret.

        Raises:
            InvalidSpec: it has none for this repository and project.
            NotHeld: another engine may be the one that writes.
        """
        self._lease.require()
        return self._credentials.named(name, repository.url, repository.project)
