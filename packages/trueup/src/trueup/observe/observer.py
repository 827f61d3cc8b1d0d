"""Every fact of one pass, gathered before anything is decided."""

import contextlib
from collections.abc import Callable, Sequence
from functools import partial

import msgspec

from trueup import policy
from trueup.clusters.managed import ManagedCluster
from trueup.diff.literal import Literals
from trueup.model.application import Application, Destination, Operation, Source
from trueup.model.errors import InvalidSpec, RenderFailed, TrueupError
from trueup.model.hooks import delete_phases
from trueup.model.manifest import Manifest
from trueup.model.project import Project
from trueup.model.repository import RepositoryOf
from trueup.model.status import OperationState
from trueup.observe.changing import Changing
from trueup.observe.comparing import Comparing
from trueup.observe.ignoring import Ignoring
from trueup.observe.integrity import Integrity
from trueup.observe.inventory import Inventory
from trueup.observe.lending import Lending
from trueup.observe.observation import Observation
from trueup.observe.target import Target
from trueup.observe.targets import Targets
from trueup.observe.verdicts import Verdicts
from trueup.plan.facts import options_for
from trueup.plan.hooks import hook_keys
from trueup.plan.kinds import NAMESPACE
from trueup.plan.options import Options as SyncOptions
from trueup.policy.generate_paths import generate_paths
from trueup.policy.integrity import asks
from trueup.render.continuity import synced_before
from trueup.render.environment import RenderContext
from trueup.render.job import Recipe
from trueup.runtime.clock import Clock
from trueup.store.applications import Applications, StoredApplication
from trueup.store.definers import Definers
from trueup.store.settings import Settings


class Observer:
    """Gathers facts of Applications on one cluster.

    Args:
        here: an application's destination, by server and name both, where it is this cluster.
        sops: names the keys that a project's encrypted files are opened by; empty for none.
    """

    def __init__(
        self,
        applications: Applications,
        definers: Definers,
        targets: Targets,
        integrity: Integrity,
        cluster: ManagedCluster,
        ignoring: Ignoring,
        settings: Callable[[], Settings],
        clock: Clock,
        here: Callable[[Application], Destination | None],
        sops: Callable[[Project], str],
    ) -> None:
        self._sops = sops
        self._applications, self._targets, self._cluster, self._settings = applications, targets, cluster, settings
        self._integrity = integrity
        self._verdicts = Verdicts(settings)
        self._changing = Changing(targets)
        self._lending = Lending(cluster, applications.control_namespace, lambda: settings().impersonation.enabled)
        self.inventory = Inventory(applications, cluster, self._verdicts)
        self._comparing = Comparing(
            applications, definers, cluster, self.inventory, ignoring, settings, clock, self._verdicts, here
        )

    async def observe(
        self,
        stored: StoredApplication,
        project: Project,
        *,
        sources: Sequence[Source] = (),
        revisions: Sequence[str] = (),
        fresh: bool = False,
        options: SyncOptions | None = None,
    ) -> Observation:
        """Compare what these sources (the application's own, unless others are named) declare with what is live.

        Args:
            options: of the operation that is going to write; the specification's where there is none.

        Raises:
            NotFetched: a repository is not mirrored yet.
            RenderFailed, SourceUnavailable, Stalled: there are no manifests.
            ApiError: the cluster cannot be asked.
        """
        chosen = list(sources) or stored.app.spec.all_sources()
        target = await self._target(stored, project, chosen, revisions, fresh=fresh)
        own = options_for(Operation(), stored.app.spec.sync_policy)
        seen = await self._comparing.observation(stored, project, target, options or own)
        seen = msgspec.structs.replace(seen, lent=self._lending.literals(stored.app))
        if sources or revisions:
            return seen
        changed = await self._changing.of(stored, target, self._context(stored))
        return msgspec.structs.replace(seen, changed=changed)

    async def brought(
        self,
        stored: StoredApplication,
        project: Project,
        manifests: Sequence[str],
        options: SyncOptions,
        *,
        own_alone: bool = False,
    ) -> Observation:
        """Compare what an operation brings along with what is live.

        Args:
            own_alone: as of :meth:`Comparing.observation`, for who may read and not write.

        Raises:
            RenderFailed: these are no manifests.
            ApiError: the cluster cannot be asked.
        """
        target = await self._targets.given(
            stored.app,
            manifests,
            instance=self._applications.instance(stored.key),
            namespaced=self._cluster.namespaced,
        )
        seen = await self._comparing.observation(stored, project, target, options, own_alone=own_alone)
        return msgspec.structs.replace(seen, lent=await self.lent(stored, project))

    async def lent(self, stored: StoredApplication, project: Project) -> Literals:
        """What of Secrets the application is lent now, and was before: nobody is shown it.

        Raises:
            ApiError: a Secret cannot be read.
            BodyUnread: one is being read.
        """
        # What it may not be lent, or is not there, is in none of its objects; or was, and is known from then.
        with contextlib.suppress(InvalidSpec, RenderFailed):
            await self._lending.ready(stored.app, self.inventory.forbids(stored.app, project))
            self._lending.of(stored.app)
        return self._lending.literals(stored.app)

    def forget(self, key: str) -> None:
        """An application is gone: what was kept for it goes."""
        self._targets.forget(self._applications.instance(key))
        self._changing.forget(key)

    async def declared(
        self, stored: StoredApplication, project: Project, revisions: Sequence[str]
    ) -> tuple[Manifest, ...]:
        """The manifests that the application's sources declare at these revisions, hooks among them.

        Raises:
            NotFetched, RenderFailed, SourceUnavailable, Stalled: as :meth:`observe`.
        """
        return (await self._target(stored, project, stored.app.spec.all_sources(), revisions)).manifests

    async def content(self, stored: StoredApplication, project: Project, revisions: Sequence[str]) -> str:
        """Digest of all manifests that the application's sources declare at these revisions.

        Raises:
            NotFetched, RenderFailed, SourceUnavailable, Stalled: as :meth:`observe`.
        """
        return (await self._target(stored, project, stored.app.spec.all_sources(), revisions)).content

    async def inputs(
        self, stored: StoredApplication, project: Project, revisions: Sequence[str]
    ) -> list[tuple[str, Recipe]]:
        """For each of the application's sources the revision, and what it is made of there.

        Raises:
            NotFetched, RenderFailed, SourceUnavailable, Stalled: as :meth:`observe`.
        """
        sources = stored.app.spec.all_sources()
        resolved = await self._admitted(stored, project, sources, revisions)
        recipes = await self._targets.inputs(
            stored.app,
            sources,
            resolved,
            instance=self._applications.instance(stored.key),
            context=self._context(stored),
            admit=partial(policy.admit_elsewhere, stored.app, project),
        )
        return list(zip(resolved, recipes, strict=True))

    def resolve(self, app: Application, sources: Sequence[Source], revisions: Sequence[str]) -> tuple[str, ...]:
        """Commits for revisions somebody asked for, of sources that have been admitted.

        Raises:
            TrueupError: one is unknown.
        """
        return self._targets.resolve(app, sources, revisions)

    def made_of(self, stored: StoredApplication, revisions: Sequence[str]) -> tuple[str, ...]:
        """As :meth:`trueup.observe.target.Targets.made_of`, of the application's own sources; empty where each commit
        has to be signed."""
        if asks(self._applications.project_of_stored(stored)):
            return ()
        try:
            context = self._context(stored)
        except TrueupError:
            return ()  # something that it is lent has gone meanwhile
        return self._targets.made_of(stored.app, stored.app.spec.all_sources(), revisions, context=context)

    def elsewhere(self, key: str, *, moving: bool) -> list[RepositoryOf]:
        """Repositories that an application's kustomizations name: all, or those alone whose refs may move."""
        return self._targets.elsewhere(self._applications.instance(key), moving=moving)

    def with_hooks(self, seen: Observation, state: OperationState) -> Observation:
        """The same, with the objects of an operation's hooks."""
        live = dict(seen.live)
        verdicts = dict(seen.health)
        for key in hook_keys(state, seen.comparison):
            found = self._cluster.cache.get(key)
            if found is not None:
                live[key] = found
                verdicts[key] = self._verdicts.of(found)
        return msgspec.structs.replace(seen, live=live, health=verdicts)

    async def delete_hooks(self, stored: StoredApplication, project: Project) -> list[Manifest]:
        """The hooks that run when the application is deleted, as Git declares them now or, where that cannot be
        rendered, as it did when the application was last compared.

        Raises:
            NotFetched, RenderFailed, SourceUnavailable, Stalled: as :meth:`observe`.
            ApiError: the cluster cannot be asked.
        """
        sources, sync = stored.app.spec.all_sources(), stored.status.sync
        compared = (sync.revisions or ([sync.revision] if sync.revision else [])) if sync else []
        try:
            target = await self._target(stored, project, sources, ())
        except RenderFailed:
            if not compared:
                raise
            target = await self._target(stored, project, sources, compared)
        hooks = [
            manifest for manifest in self.inventory.included(target.manifests)[0] if delete_phases(manifest.annotations)
        ]
        await self._cluster.cache.ensure({NAMESPACE, *(hook.group_kind for hook in hooks)})
        await self._cluster.cache.whole([hook.key for hook in hooks])
        return hooks

    async def _target(
        self,
        stored: StoredApplication,
        project: Project,
        sources: Sequence[Source],
        revisions: Sequence[str],
        *,
        fresh: bool = False,
    ) -> Target:
        resolved = await self._admitted(stored, project, sources, revisions)
        return await self._targets.build(
            stored.app,
            sources,
            resolved,
            instance=self._applications.instance(stored.key),
            context=self._context(stored),
            namespaced=self._cluster.namespaced,
            admit=partial(policy.admit_elsewhere, stored.app, project),
            before=synced_before(stored.status, sources, resolved),
            fresh=fresh,
        )

    async def _admitted(
        self, stored: StoredApplication, project: Project, sources: Sequence[Source], revisions: Sequence[str]
    ) -> tuple[str, ...]:
        """The commits of revisions, of sources that may be read."""
        # An operation may name any source, and so may a status, which whoever may write the application may write.
        policy.admit_sources(stored.app, project, sources)
        resolved = self._targets.resolve(stored.app, sources, revisions)
        await self._integrity.check(stored.app, project, sources, resolved)
        await self._lending.ready(stored.app, self.inventory.forbids(stored.app, project))
        return resolved

    def _context(self, stored: StoredApplication) -> RenderContext:
        app, discovery = stored.app, self._cluster.discovery
        return RenderContext(
            app_name=app.metadata.name,
            app_namespace=app.metadata.namespace,
            project=app.spec.project or "default",
            namespace=app.spec.destination.namespace,
            kube_version=discovery.server_version,
            api_versions=discovery.api_versions(),
            submodules=self._settings().submodules,
            sops=self._sops(self._applications.project_of_stored(stored)),
            inflates=self._settings().inflates,
            lent=self._lending.of(app),
            reads=generate_paths(app),
            instance=self._applications.instance(stored.key),
        )
