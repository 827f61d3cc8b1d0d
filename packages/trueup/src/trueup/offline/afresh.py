"""An estate on an empty cluster: what waits for what, and what nobody brings.

Every application is applied object by object, in the order of its sync. One that lacks the kind of an object, or its
namespace, stops there, as its sync would, and goes on when another one has brought that. What one application needs of
another is written nowhere, unless waves of the Applications themselves say it.
"""

import dataclasses
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator, Sequence

from kubegrammar.hidden import leaves
from trueup.model.annotations import GROUP
from trueup.model.hooks import is_hook, sync_phases, wave_of
from trueup.model.resource import GroupKind, ResourceKey
from trueup.model.status import SyncPhase
from trueup.offline.applications import CONTROL_NAMESPACE
from trueup.offline.check import BUILT_IN_NAMESPACES
from trueup.offline.definitions import defined_kind
from trueup.offline.kubernetes import Kubernetes
from trueup.offline.needed import needs
from trueup.offline.report import Problem, Report, told_once
from trueup.offline.trial import Trial, UnknownKind
from trueup.offline.wanted import WantedObject
from trueup.plan.kinds import CRD, NAMESPACE, kind_rank
from trueup.plan.options import CREATE_NAMESPACE, SKIP_MISSING_KIND, Options

Destination = tuple[str, str]
"""Server and name of a cluster."""


@dataclasses.dataclass(frozen=True)
class Need:
    """A kind, or a namespace, that a cluster has to have.

    Attributes:
        kind: None for a namespace.
    """

    name: str
    kind: GroupKind | None = None

    def __str__(self) -> str:
        if self.kind is None:
            return f"namespace {self.name}"
        return f"kind {self.kind.kind}{f' of {self.kind.group}' if self.kind.group else ''}"


class Afresh:
    """One try.

    Args:
        wanted: what all applications declare, named as it will be.
        known: kinds that every cluster has.
        namespaces: that it has as well.
        apply: puts an object into the empty cluster; what that has against it.
    """

    def __init__(
        self,
        wanted: Sequence[WantedObject],
        known: Collection[GroupKind],
        namespaces: Collection[str],
        apply: Callable[[WantedObject], Awaitable[Sequence[Problem]]],
    ) -> None:
        self._known, self._namespaces, self._apply = known, namespaces, apply
        self._wanted = wanted
        self._refused: list[Problem] = []
        self._left: dict[str, list[WantedObject]] = {}
        for item in wanted:
            if not is_hook(item.manifest.annotations) or sync_phases(item.manifest.annotations):
                self._left.setdefault(item.application, []).append(item)
        for objects in self._left.values():
            objects.sort(key=_order)
        self._brought: dict[tuple[Destination, Need], str] = {}
        self._own: set[tuple[str, Need]] = set()
        self._edges: dict[tuple[str, Need], WantedObject] = {}

    async def run(self) -> tuple[list[Problem], list[Problem]]:
        """What never works, and what works by luck or by trying again."""
        self._create_namespaces()
        moved = True
        while moved:
            moved = False
            for name in sorted(self._left, key=lambda name: (self._wave(name), name)):
                moved |= await self._advance(self._left[name])
        problems = [self._stuck(objects[0]) for objects in self._left.values() if objects]
        return [*problems, *self._refused], [*self._hidden(), *self._missing()]

    def _create_namespaces(self) -> None:
        for item in self._wanted:
            app = item.rendered.declared.app
            options = Options(frozenset(app.spec.sync_policy.sync_options if app.spec.sync_policy else ()))
            if options.on(CREATE_NAMESPACE, {}):
                need = Need(app.spec.destination.namespace)
                self._own.add((item.application, need))
                self._brought.setdefault((_destination(item), need), item.application)

    async def _advance(self, objects: list[WantedObject]) -> bool:
        """Apply as many objects as can be; whether any could."""
        count = len(objects)
        while objects:
            item = objects[0]
            lacking = [need for need in self._needs(item) if not self._has(item, need)]
            if lacking and not self._may_be_skipped(item):
                break
            if not lacking:
                self._refused += await self._apply(item)
                self._bring(item)
            objects.pop(0)
        return len(objects) < count

    def _needs(self, item: WantedObject) -> Iterator[Need]:
        manifest = item.manifest
        if manifest.group_kind not in self._known:
            yield Need("", manifest.group_kind)
        # Where a folder that no Application names would go, nobody knows.
        if manifest.key.namespace and manifest.key.namespace not in self._namespaces and not _assumed(item):
            yield Need(manifest.key.namespace)

    def _has(self, item: WantedObject, need: Need) -> bool:
        if (item.application, need) in self._own:
            return True
        owner = self._brought.get((_destination(item), need))
        if owner is not None and owner != item.application:
            self._edges.setdefault((item.application, need), item)
        return owner is not None

    def _bring(self, item: WantedObject) -> None:
        manifest = item.manifest
        if manifest.group_kind == NAMESPACE:
            self._brought.setdefault((_destination(item), Need(manifest.key.name)), item.application)
        if manifest.group_kind == CRD and (kind := defined_kind(manifest)) is not None:
            self._brought.setdefault((_destination(item), Need("", kind)), item.application)

    def _may_be_skipped(self, item: WantedObject) -> bool:
        app = item.rendered.declared.app
        options = Options(frozenset(app.spec.sync_policy.sync_options if app.spec.sync_policy else ()))
        return options.on(SKIP_MISSING_KIND, item.manifest.annotations) and self._has_namespace(item)

    def _has_namespace(self, item: WantedObject) -> bool:
        return all(self._has(item, need) for need in self._needs(item) if need.kind is None)

    # --- what is said of it --------------------------------------------------------------------------------------

    def _stuck(self, item: WantedObject) -> Problem:
        need = next(need for need in self._needs(item) if not self._has(item, need))
        bringing = next((each for each in self._wanted if _brings(each, need) and _together(each, item)), None)
        if bringing is None:
            text, hint = f"nothing brings {need}", "declare it, or say that clusters have it (--existing-namespace)"
            if need.kind is not None:
                hint = "declare its CustomResourceDefinition in an application of an earlier sync-wave"
        elif bringing.application == item.application:
            text = f"{need} is brought by a later wave of the same application"
            hint = "give what brings it an earlier argocd.argoproj.io/sync-wave than what needs it"
        else:
            text = f"{need} is brought by application {bringing.application}, which does not get that far either"
            hint = "one of the two waits for the other: take what brings it into an application of its own"
        return item.problem(f"from nothing: {text}", hint)

    def _hidden(self) -> Iterator[Problem]:
        for (name, need), item in self._edges.items():
            owner = self._brought[(_destination(item), need)]
            if self._wave(owner) < self._wave(name):
                continue
            yield item.problem(
                f"from nothing: {need} is brought by application {owner}, and nothing says that it comes first",
                f"give the Application {owner} an earlier argocd.argoproj.io/sync-wave than this one's",
            )

    def _missing(self) -> Iterator[Problem]:
        declared = {(_destination(item), item.manifest.key) for item in self._wanted}
        told: set[tuple[str, ResourceKey]] = set()
        for item in self._wanted:
            for field, key in needs(item.manifest):
                known = (_destination(item), key) in declared or (item.application, key) in told
                if known or self._is_made(item, key):
                    continue
                told.add((item.application, key))
                yield item.problem(
                    f"from nothing: {key.kind} {key.name} is declared by nobody, and its Pods do not start without",
                    "declare it, or what makes it; `optional: true` says that it may be missing",
                    field,
                )

    def _is_made(self, item: WantedObject, key: ResourceKey) -> bool:
        """Whether a controller may make an object: a custom resource beside it is called so, or names it."""
        return any(
            each.manifest.group_kind not in self._known
            and _together(each, item)
            and each.manifest.key.namespace in (key.namespace, "")
            and (each.manifest.key.name == key.name or key.name in leaves(each.manifest.object()))
            for each in self._wanted
        )

    def _wave(self, name: str) -> int:
        objects = next((item for item in self._wanted if item.application == name), None)
        return wave_of(objects.rendered.declared.app.metadata.annotations) if objects is not None else 0


def _order(item: WantedObject) -> tuple[int, int, int, str]:
    manifest = item.manifest
    phases = sync_phases(manifest.annotations) or (SyncPhase.SYNC,)
    rank = kind_rank(manifest.key.group, manifest.key.kind)
    return min(phase.rank for phase in phases), wave_of(manifest.annotations), rank, str(manifest.key)


def _brings(item: WantedObject, need: Need) -> bool:
    if need.kind is None:
        return item.manifest.group_kind == NAMESPACE and item.manifest.key.name == need.name
    return defined_kind(item.manifest) == need.kind


def _together(one: WantedObject, other: WantedObject) -> bool:
    return _destination(one) == _destination(other)


def _destination(item: WantedObject) -> Destination:
    destination = item.rendered.declared.app.spec.destination
    return destination.server, destination.name


def _assumed(item: WantedObject) -> bool:
    return item.rendered.declared.assumed


async def from_nothing(
    trial: Trial,
    wanted: Sequence[WantedObject],
    kubernetes: Kubernetes,
    namespaces: Iterable[str],
    report: Report,
) -> None:
    """Apply an estate to an empty cluster, and add what is found to a report of each object for itself.

    Args:
        trial: the cluster.
        namespaces: that exist on the real one though nobody declares them.
    """
    known = {*kubernetes.scopes, GroupKind(GROUP, "Application"), GroupKind(GROUP, "AppProject")}
    there = {*BUILT_IN_NAMESPACES, CONTROL_NAMESPACE, *namespaces}
    made = set(BUILT_IN_NAMESPACES)
    refused = {problem.object for problem in report.problems}

    async def apply(item: WantedObject) -> list[Problem]:
        manifest = item.manifest
        if manifest.key.namespace not in made | {""}:
            made.add(manifest.key.namespace)
            await trial.create_namespace(manifest.key.namespace)
        try:
            faults = await trial.create(manifest) if manifest.key.name else []
            if manifest.group_kind == CRD and not faults:
                await trial.serve([manifest.key.name])
        except UnknownKind:
            return []  # of another cluster, or a version that its definition does not serve, which is told
        found = [item.problem(f"from nothing: {each.message}", each.hint, each.field) for each in faults]
        return [each for each in found if each.object not in refused]

    problems, warnings = await Afresh(wanted, known, there, apply).run()
    report.problems += told_once(problems)
    report.warnings += told_once(warnings)
