"""Every fact of one pass, gathered before anything is decided."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial

import msgspec

from trueup import diff, health, policy
from trueup.clusters.managed import ManagedCluster
from trueup.diff import JqFacts
from trueup.formats.hidden import secret_values
from trueup.model.annotations import GROUP
from trueup.model.application import Application, Destination, Operation, Source
from trueup.model.comparison import Comparison
from trueup.model.errors import RenderFailed
from trueup.model.health import Health
from trueup.model.hooks import delete_phases, is_hook
from trueup.model.live import LiveObject
from trueup.model.manifest import Manifest
from trueup.model.project import Project
from trueup.model.repository import RepositoryOf
from trueup.model.resource import SECRET, GroupKind, ResourceKey, names
from trueup.model.status import OperationState, ResourceStatus, SyncCode
from trueup.observe.ignoring import Ignoring
from trueup.observe.namespace import Namespaces
from trueup.observe.observation import Observation
from trueup.observe.questions import Questions, documents
from trueup.observe.respecting import declared, respecting
from trueup.observe.sharing import Sharing
from trueup.observe.target import Target, Targets
from trueup.observe.verdicts import Verdicts
from trueup.plan.facts import options_for
from trueup.plan.held import HELD, held, told
from trueup.plan.hooks import hook_keys
from trueup.plan.kinds import NAMESPACE
from trueup.plan.namespace import namespace_key
from trueup.plan.options import RESPECT_IGNORED
from trueup.plan.options import Options as SyncOptions
from trueup.policy import marks, pruning
from trueup.render.continuity import synced_before
from trueup.render.environment import RenderContext
from trueup.runtime import secrecy
from trueup.runtime.clock import Clock
from trueup.store.applications import Applications, StoredApplication
from trueup.store.definers import Definers
from trueup.store.settings import Settings


def _learn(live: Mapping[ResourceKey, LiveObject]) -> None:
    """The Secrets that run are not told either: what Git no longer declares is a secret still."""

    def values() -> Iterator[str]:
        for found in live.values():
            if found.group_kind == SECRET:
                yield from secret_values(found.object())

    secrecy.learn("live", values, lambda: names(live))


class Observer:
    """Gathers facts of Applications on one cluster.

    Args:
        here: an application's destination, by server and name both, where it is this cluster.
    """

    def __init__(
        self,
        applications: Applications,
        definers: Definers,
        targets: Targets,
        cluster: ManagedCluster,
        ignoring: Ignoring,
        settings: Callable[[], Settings],
        clock: Clock,
        here: Callable[[Application], Destination | None],
    ) -> None:
        self._settings = settings
        self._applications = applications
        self._ignoring = ignoring
        self._targets = targets
        self._cluster = cluster
        self._clock = clock
        self._sharing = Sharing(applications, definers, clock, self.forbids, here)
        self._namespaces = Namespaces(applications, cluster, here)
        self._questions = Questions(cluster, settings)
        self._verdicts = Verdicts(settings)

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
        return await self._compared(stored, project, target, options or own)

    async def brought(
        self, stored: StoredApplication, project: Project, manifests: Sequence[str], options: SyncOptions
    ) -> Observation:
        """Compare what an operation brings along with what is live.

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
        return await self._compared(stored, project, target, options)

    def forget(self, key: str) -> None:
        """An application is gone: what was kept for it goes."""
        self._targets.forget(self._applications.instance(key))

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

    def resolve(self, app: Application, sources: Sequence[Source], revisions: Sequence[str]) -> tuple[str, ...]:
        """Commits for revisions somebody asked for, of sources that have been admitted.

        Raises:
            TrueupError: one is unknown.
        """
        return self._targets.resolve(app, sources, revisions)

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

    def seen(
        self, keys: Sequence[ResourceKey]
    ) -> tuple[dict[ResourceKey, LiveObject], dict[ResourceKey, Health | None]]:
        """Of these objects, the ones that are there, and their health."""
        found = {key: live for key in keys if (live := self._cluster.cache.get(key)) is not None}
        return found, {key: self._verdicts.of(live) for key, live in found.items()}

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
        hooks = [manifest for manifest in self._included(target)[0] if delete_phases(manifest.annotations)]
        await self._cluster.cache.ensure({NAMESPACE, *(hook.group_kind for hook in hooks)})
        return hooks

    def managed(self, stored: StoredApplication) -> dict[ResourceKey, LiveObject]:
        """The live objects of an application, declared or not: those that say so and that it has deployed."""
        marked = self.marked(stored.key)
        strange = policy.unrecorded(stored.status, marked)
        return {key: live for key, live in marked.items() if key not in strange} if strange else marked

    def marked(self, key: str) -> dict[ResourceKey, LiveObject]:
        """Live objects that say they belong to an application, and are of kinds that are managed."""
        found = self._cluster.cache.group(self._applications.instance(key))
        return {key: live for key, live in found.items() if not self._cluster.excluded(key.group, key.kind)}

    async def watch_known(self, stored: StoredApplication) -> None:
        """Follow the kinds that the application's status names: what is there must be known before it is deleted."""
        state = stored.status.operation_state
        result = state.sync_result if state else None
        kinds = {GroupKind(line.group, line.kind) for line in stored.status.resources}
        # A hook that runs is no resource yet.
        kinds |= {GroupKind(line.group, line.kind) for line in (result.resources if result else [])}
        await self._cluster.cache.ensure(kind for kind in kinds if not self._cluster.excluded(kind.group, kind.kind))

    def forbids(self, app: Application, project: Project | None) -> Callable[[ResourceKey], str]:
        """Why an application may not write or delete an object of this cluster, or this engine may not; else empty."""

        def reason(key: ResourceKey) -> str:
            return self._cluster.unmanaged(key) or policy.refusal(project, app, self._cluster.change(key))

        return reason

    def forbidden(
        self, app: Application, project: Project | None, keys: Iterable[ResourceKey]
    ) -> dict[ResourceKey, str]:
        """Of these objects, the ones an application may not write or delete, with the reason."""
        forbids = self.forbids(app, project)
        return {key: reason for key in keys if (reason := forbids(key))}

    async def _target(
        self,
        stored: StoredApplication,
        project: Project,
        sources: Sequence[Source],
        revisions: Sequence[str],
        *,
        fresh: bool = False,
    ) -> Target:
        # An operation may name any source, and so may a status, which whoever may write the application may write.
        policy.admit_sources(stored.app, project, sources)
        resolved = self._targets.resolve(stored.app, sources, revisions)
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

    def _context(self, stored: StoredApplication) -> RenderContext:
        app, discovery = stored.app, self._cluster.discovery
        return RenderContext(
            app_name=app.metadata.name,
            app_namespace=app.metadata.namespace,
            project=app.spec.project or "default",
            namespace=app.spec.destination.namespace,
            kube_version=discovery.server_version,
            api_versions=discovery.api_versions(),
            inflates=self._settings().inflates,
            instance=self._applications.instance(stored.key),
        )

    async def _compared(
        self, stored: StoredApplication, project: Project, target: Target, options: SyncOptions
    ) -> Observation:
        cluster, app = self._cluster, stored.app
        wanted, warnings = self._included(target)
        await self._watch(stored, wanted)
        kept = self._namespaces.of(stored, project, wanted)
        marked = self.marked(stored.key)
        strange = policy.unrecorded(stored.status, marked.keys() - {manifest.key for manifest in wanted})
        believed = {key: live for key, live in marked.items() if key not in strange} if strange else marked
        pairs = diff.pair(wanted, believed, cluster.cache.get, kept.pair)
        namespace = namespace_key(app.spec.destination.namespace)
        keys = [namespace, *(item.key for item in pairs.pairs), *(hook.key for hook in pairs.hooks)]
        rules = self._ignoring.rules(app, keys)
        respected: Mapping[ResourceKey, JqFacts] = {}
        if RESPECT_IGNORED in options.texts:
            respected = await self._ignoring.facts(rules, declared(pairs))
            pairs = respecting(pairs, rules.rules, respected, options)
        refused = self.forbidden(app, project, keys)
        questions = await self._questions.about(pairs, refused, options)
        answers = await self._questions.answers(app, project, questions)
        named = await self._ignoring.facts(rules, documents(questions, answers))
        comparison = diff.compare(
            pairs,
            answers,
            asked=[question.manifest.key for question in questions],
            forbidden=refused,
            ignored=rules.rules,
            jq=named,
            revisions=target.revisions,
            source_types=target.source_types,
        )
        live = {item.key: item.live for item in comparison.resources if item.live is not None}
        _learn(live)
        verdicts = {key: self._verdicts.of(found) for key, found in live.items()}
        shared = self._sharing.of(stored, pairs)
        warnings += [("SharedResourceWarning", text) for text in (*shared.marked, *shared.defined)]
        warnings += [("ExcludedResourceWarning", text) for text in diff.rule_warnings(rules.placed())]
        faults = await self._ignoring.faults(rules, (*named.values(), *respected.values()))
        warnings += [("ComparisonError", text) for text in faults]
        beside = {key for key in strange if not marked[key].owners}
        if message := policy.unrecorded_message(beside - self.forbidden(app, project, beside).keys()):
            warnings.append((marks.CONDITION, message))
        unbuilt = self._unbuilt(stored, project, wanted, target.source_types)
        warnings += policy.messages(unbuilt)
        warnings += [("SyncOptionWarning", text) for text in policy.odd_options(app)]
        leaving = [item for item in live.values() if item.deletion_timestamp and not is_hook(item.annotations)]
        overdue = held(leaving, self._clock.now())
        if overdue:
            warnings.append((HELD, told(overdue)))
        withheld = policy.withheld(stored.status, comparison, target.unread)
        if message := policy.withheld_message(app, withheld, target.unread):
            warnings.append((pruning.CONDITION, message))
        found = cluster.cache.get(namespace)
        vitals = health.roll_up(
            comparison,
            verdicts,
            own=ResourceKey(GROUP, "Application", app.metadata.namespace, app.metadata.name),
        )
        return Observation(
            comparison=comparison,
            live={**live, namespace: found} if found else live,
            health=verdicts,
            content=target.content,
            vitals=vitals,
            # What may not be overwritten, and cannot be told, is not written at all.
            refused=refused | {key: "; ".join(fact.faults) for key, fact in respected.items() if fact.faults},
            forbids=self.forbids(app, project),
            warnings=(*target.warnings, *warnings, *kept.warnings),
            namespace_metadata=kept.metadata,
            namespace_mark=kept.mark,
            shared=shared.marked,
            taken=shared.taken,
            respectful=RESPECT_IGNORED in options.texts,
            unbuilt=tuple(unbuilt),
            unseen=self._unseen(stored, comparison),
            leaving=len(leaving) > len(overdue),
            withheld=withheld,
        )

    def _unseen(self, stored: StoredApplication, comparison: Comparison) -> tuple[ResourceStatus, ...]:
        """What the application has deployed, and may not be forgotten because its kind cannot be listed for a while."""
        unwatched = self._cluster.unwatched()
        if not unwatched:
            return ()
        known = {item.key for item in comparison.compared}
        return tuple(
            msgspec.structs.replace(line, status=str(SyncCode.UNKNOWN), health=None)
            for line in stored.status.resources
            if GroupKind(line.group, line.kind) in unwatched
            and ResourceKey(line.group, line.kind, line.namespace, line.name) not in known
        )

    def _unbuilt(
        self, stored: StoredApplication, project: Project, wanted: Sequence[Manifest], tools: Sequence[str]
    ) -> list[policy.Unbuilt]:
        """What the application, its project and the settings ask for that is not done."""
        settings = self._settings().unbuilt
        subject = policy.Subject(
            project=project,
            keys=[manifest.key for manifest in wanted],
            tools=tools,
            declared=_top_level(wanted) if any(setting.declared for setting in settings) else (),
        )
        unknown = [place for place in stored.unknown if place.startswith("spec.")]
        unknown += self._applications.unknown_in_project(project.metadata.name)
        return [
            *policy.unbuilt_fields(stored.app, project),
            *(policy.Unbuilt(field=place, reason="is not known") for place in unknown),
            *policy.concerning(settings, subject),
        ]

    def _included(self, target: Target) -> tuple[list[Manifest], list[tuple[str, str]]]:
        """The manifests without those of excluded kinds, which are named in a warning."""
        kept, warnings = [], []
        for manifest in target.manifests:
            if self._cluster.excluded(manifest.key.group, manifest.key.kind):
                message = f"Resource {manifest.key} is excluded in the settings"
                warnings.append(("ExcludedResourceWarning", message))
            else:
                kept.append(manifest)
        return kept, warnings

    async def _watch(self, stored: StoredApplication, wanted: Sequence[Manifest]) -> None:
        """Follow the kinds of targets and of the inventory, so that what leaves Git is seen to be there still."""
        kinds = {manifest.group_kind for manifest in wanted} | {NAMESPACE}
        kinds |= {GroupKind(line.group, line.kind) for line in stored.status.resources}
        await self._cluster.cache.ensure(kind for kind in kinds if not self._cluster.excluded(kind.group, kind.kind))


def _top_level(wanted: Sequence[Manifest]) -> set[str]:
    return {name for manifest in wanted for name in manifest.object()}
