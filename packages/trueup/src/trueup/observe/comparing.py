"""An application compared: what is wanted beside what is there."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from kubegrammar.hidden import secret_values
from trueup import diff, health, policy
from trueup.clusters.managed import ManagedCluster
from trueup.diff import JqFacts
from trueup.model.annotations import GROUP
from trueup.model.application import Application, Destination
from trueup.model.hooks import is_hook
from trueup.model.live import LiveObject
from trueup.model.manifest import Manifest
from trueup.model.project import Project
from trueup.model.resource import SECRET, ResourceKey, names
from trueup.observe.ignoring import Ignoring
from trueup.observe.inventory import Inventory
from trueup.observe.namespace import Namespaces
from trueup.observe.observation import Observation
from trueup.observe.questions import Questions, documents
from trueup.observe.respecting import declared, respecting
from trueup.observe.sharing import Sharing
from trueup.observe.target import Target
from trueup.observe.verdicts import Verdicts
from trueup.plan.held import HELD, held, told
from trueup.plan.namespace import namespace_key
from trueup.plan.options import RESPECT_IGNORED
from trueup.plan.options import Options as SyncOptions
from trueup.policy import marks, pruning
from trueup.runtime import secrecy
from trueup.runtime.clock import Clock
from trueup.store.applications import Applications, StoredApplication
from trueup.store.definers import Definers
from trueup.store.settings import Settings


class Comparing:
    """Compares applications on one cluster."""

    def __init__(
        self,
        applications: Applications,
        definers: Definers,
        cluster: ManagedCluster,
        inventory: Inventory,
        ignoring: Ignoring,
        settings: Callable[[], Settings],
        clock: Clock,
        verdicts: Verdicts,
        here: Callable[[Application], Destination | None],
    ) -> None:
        self._applications, self._cluster, self._inventory = applications, cluster, inventory
        self._ignoring, self._settings, self._clock, self._verdicts = ignoring, settings, clock, verdicts
        self._sharing = Sharing(applications, definers, clock, inventory.forbids, here)
        self._namespaces = Namespaces(applications, cluster, here)
        self._questions = Questions(cluster, settings)

    async def observation(
        self,
        stored: StoredApplication,
        project: Project,
        target: Target,
        options: SyncOptions,
        *,
        own_alone: bool = False,
    ) -> Observation:
        """What is there beside what is wanted.

        Args:
            own_alone: look at the application's own objects alone, and at no Secret: all else counts as not there.

        Raises:
            ApiError: the cluster cannot be asked.
        """
        cluster, app = self._cluster, stored.app
        wanted, warnings = self._inventory.included(target.manifests)
        await self._inventory.watch(stored, wanted)
        kept = self._namespaces.of(stored, project, wanted)
        marked = self._inventory.marked(stored.key)
        strange = policy.unrecorded(stored.status, marked.keys() - {manifest.key for manifest in wanted})
        believed = {key: live for key, live in marked.items() if key not in strange} if strange else marked
        find: Callable[[ResourceKey], LiveObject | None] = cluster.cache.get
        if own_alone:
            believed = {key: live for key, live in believed.items() if live.group_kind != SECRET}
            find = believed.get
        pairs = diff.pair(wanted, believed, find, kept.pair)
        namespace = namespace_key(app.spec.destination.namespace)
        keys = [namespace, *(item.key for item in pairs.pairs), *(hook.key for hook in pairs.hooks)]
        rules = self._ignoring.rules(app, keys)
        respected: Mapping[ResourceKey, JqFacts] = {}
        if RESPECT_IGNORED in options.texts:
            respected = await self._ignoring.facts(rules, declared(pairs))
            pairs = respecting(pairs, rules.rules, respected, options)
        refused = self._inventory.forbidden(app, project, keys)
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
        if message := policy.unrecorded_message(beside - self._inventory.forbidden(app, project, beside).keys()):
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
            forbids=self._inventory.forbids(app, project),
            warnings=(*target.warnings, *warnings, *kept.warnings),
            namespace_metadata=kept.metadata,
            namespace_mark=kept.mark,
            shared=shared.marked,
            taken=shared.taken,
            respectful=RESPECT_IGNORED in options.texts,
            unbuilt=tuple(unbuilt),
            unseen=self._inventory.unseen(stored, comparison),
            leaving=len(leaving) > len(overdue),
            withheld=withheld,
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


def _learn(live: Mapping[ResourceKey, LiveObject]) -> None:
    """The Secrets that run are not told either: what Git no longer declares is a secret still."""

    def values() -> Iterator[str]:
        for found in live.values():
            if found.group_kind == SECRET:
                yield from secret_values(found.object())

    secrecy.learn("live", values, lambda: names(live))


def _top_level(wanted: Sequence[Manifest]) -> set[str]:
    return {name for manifest in wanted for name in manifest.object()}
