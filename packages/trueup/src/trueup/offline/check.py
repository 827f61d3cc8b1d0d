"""Whether everything that a repository declares would be taken by a cluster."""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import msgspec

from trueup import policy
from trueup.model.annotations import GROUP
from trueup.model.application import Application
from trueup.model.manifest import Manifest
from trueup.model.project import Project
from trueup.model.resource import GroupKind, ResourceKey
from trueup.model.tracking import instance_name
from trueup.offline.applications import CONTROL_NAMESPACE, DeclaredFiles
from trueup.offline.definitions import defined_kind, is_namespaced
from trueup.offline.kubernetes import Kubernetes
from trueup.offline.rendered import Rendered, Telling
from trueup.offline.report import Checked, Problem, Report, Unverified, shown, told_once
from trueup.offline.trial import DEFINITION, NAMESPACE, Trial, TrialFault, UnknownKind
from trueup.offline.wanted import WantedObject
from trueup.plan.options import CREATE_NAMESPACE, SKIP_MISSING_KIND, Options
from trueup.render.stamp import stamp
from trueup.store.install import default_project

ASKED_AT_ONCE = 16
_NAMES = 5
BUILT_IN_NAMESPACES = ("default", "kube-node-lease", "kube-public", "kube-system")

# Looked up by the admission of Pods, and so stored for real.
_LOOKED_UP = (
    GroupKind("", "ServiceAccount"),
    GroupKind("scheduling.k8s.io", "PriorityClass"),
    GroupKind("node.k8s.io", "RuntimeClass"),
)
_NO_NAMESPACE = TrialFault(
    "metadata.namespace",
    "neither the object nor the application's destination names a namespace",
    "set spec.destination.namespace",
)
_SHARED = "several applications have this object: the last of them to sync wins"
_HINT_TWICE = "keep one of them"
_HINT_NAMESPACE = "declare it, set CreateNamespace=true, or name it in --existing-namespace"


class Check:
    """One check.

    Args:
        trial: a fresh cluster that knows Applications.
        definitions: of kinds that the cluster does not know, where the repository has them outside of applications.
        namespaces: that exist on the real one though nobody declares them.
        progress: told what was done, how many of how many.

    Attributes:
        wanted: what all applications declare, once it has run.
    """

    def __init__(
        self,
        trial: Trial,
        kubernetes: Kubernetes,
        definitions: Callable[[Collection[GroupKind]], list[Manifest]],
        namespaces: Iterable[str] = (),
        progress: Telling = lambda what, done, total: None,
    ) -> None:
        self._trial, self._kubernetes, self._definitions = trial, kubernetes, definitions
        self._existing = {*BUILT_IN_NAMESPACES, CONTROL_NAMESPACE, *namespaces}
        self._report = Report()
        self._progress = progress
        self._asked = self._total = 0
        self._places = asyncio.Semaphore(ASKED_AT_ONCE)
        self.wanted: list[WantedObject] = []

    async def run(self, found: DeclaredFiles, rendered: Sequence[Rendered]) -> Report:
        """What is wrong with all of them."""
        report = self._report
        report.problems += found.problems
        report.unverified += found.unverified
        for each in rendered:
            declared = each.declared
            paths = tuple(source.path or "." for source in declared.app.spec.all_sources() if source.path)
            report.applications.append(
                Checked(name=declared.name, file=declared.file, paths=paths, objects=len(each.manifests))
            )
            report.problems += self._of_application(declared.app, declared.file, found.projects)
            report.problems += each.problems
            report.warnings += each.warnings
            report.unverified += each.unverified
        scopes, elsewhere = self._scopes(rendered)
        wanted = self.wanted = self._stamped(rendered, scopes)
        self._total = len(wanted)
        self._shared(wanted)
        await self._define([item for item in wanted if item.manifest.group_kind == DEFINITION], elsewhere)
        await self._make_namespaces(wanted, rendered)
        for kind in _LOOKED_UP:
            await self._all([item for item in wanted if item.manifest.group_kind == kind], real=True)
        done = {DEFINITION, NAMESPACE, *_LOOKED_UP}
        await self._all([item for item in wanted if item.manifest.group_kind not in done], real=False)
        report.problems = told_once(sorted(report.problems, key=lambda problem: problem.application))
        report.warnings = told_once(report.warnings)
        return report

    def _of_application(self, app: Application, file: str, projects: dict[str, Project]) -> list[Problem]:
        """What the engine would refuse before it fetches anything."""
        if not file:
            return []
        name = app.spec.project or "default"
        project = projects.get(name)
        if project is None:
            assumed = default_project(app.metadata.namespace)
            assumed["metadata"]["name"] = name
            project = msgspec.convert(assumed, type=Project)
            if name != "default":
                what = f"project {name}"
                self._report.unverified.append(
                    Unverified(application=app.key, what=what, why="the repository does not declare it")
                )
        return [
            Problem(application=app.key, file=file, object=str(_own_key(app)), message=text)
            for text in policy.problems(app, project)
        ]

    def _scopes(self, rendered: Sequence[Rendered]) -> tuple[dict[GroupKind, bool], list[Manifest]]:
        """Of each kind, whether it is namespaced; and the definitions of kinds in use that no application brings."""
        scopes = dict(self._kubernetes.scopes)
        scopes[GroupKind(GROUP, "Application")] = scopes[GroupKind(GROUP, "AppProject")] = True
        manifests = [manifest for each in rendered for manifest in each.manifests]
        scopes |= _defined(manifests)
        elsewhere = self._definitions({manifest.group_kind for manifest in manifests} - set(scopes))
        return scopes | _defined(elsewhere), elsewhere

    def _stamped(self, rendered: Sequence[Rendered], scopes: Mapping[GroupKind, bool]) -> list[WantedObject]:
        wanted = []
        for each in rendered:
            app = each.declared.app
            for manifests in _together(each):
                result = stamp(
                    manifests,
                    instance=instance_name(app.metadata.namespace, app.metadata.name, CONTROL_NAMESPACE),
                    namespace=app.spec.destination.namespace,
                    namespaced=lambda group, kind: scopes.get(GroupKind(group, kind)),
                )
                self._report.warnings += [
                    WantedObject(each, twice.latter).problem(str(twice), _HINT_TWICE) for twice in result.repeated
                ]
                self._report.warnings += [Problem(application=app.key, message=text) for text in result.notes]
                wanted += [WantedObject(each, manifest) for manifest in result.manifests]
        return wanted

    def _shared(self, wanted: Sequence[WantedObject]) -> None:
        """Objects of several applications. Where a folder that none names would go, nobody knows."""
        owners: dict[tuple[str, str, ResourceKey], dict[str, WantedObject]] = {}
        for item in wanted:
            if item.manifest.key.name and not item.rendered.declared.assumed:
                destination = item.rendered.declared.app.spec.destination
                slot = (destination.server, destination.name, item.manifest.key)
                # Of two with one name, each is for a cluster of its own.
                owners.setdefault(slot, {}).setdefault(item.rendered.declared.app.key, item)
        for sharing in owners.values():
            if len(sharing) > 1:
                problem = next(iter(sharing.values())).problem(_SHARED, "")
                self._report.warnings.append(msgspec.structs.replace(problem, others=tuple(sharing)[1:]))

    async def _define(self, definitions: Sequence[WantedObject], elsewhere: Sequence[Manifest]) -> None:
        await self._all(definitions, real=True)
        refused = {problem.object for problem in self._report.problems}
        names = {item.manifest.key.name: item for item in definitions if str(item.manifest.key) not in refused}
        # What is wrong with one that no application brings is nobody's fault here; its kind stays unknown.
        others = [each.key.name for each in elsewhere if not await self._trial.create(each)]
        for name in await self._trial.serve([*names, *others]):
            if name in names:
                fault = TrialFault(
                    "", "the definition is stored, but not established", "look at its names and versions"
                )
                self._report.problems.append(names[name].problem(fault.message, fault.hint))

    async def _make_namespaces(self, wanted: Sequence[WantedObject], rendered: Sequence[Rendered]) -> None:
        """Those that are declared; the others an object is in are missing, and made all the same to go on."""
        declared = [item for item in wanted if item.manifest.group_kind == NAMESPACE]
        await self._all(declared, real=True)
        known = self._existing | {item.manifest.key.name for item in declared}
        created = {each.declared.app.metadata.namespace for each in rendered}
        for each in rendered:
            app = each.declared.app
            if _options(app).on(CREATE_NAMESPACE, {}):
                created.add(app.spec.destination.namespace)
        there = known | created
        missing: dict[tuple[str, str], WantedObject] = {}
        for item in wanted:
            namespace = item.manifest.key.namespace
            if namespace and namespace not in there:
                missing.setdefault((item.application, namespace), item)
        # Whoever deploys a folder that no application names makes its namespace, or does not.
        open_ = sorted({name for (_, name), item in missing.items() if item.rendered.declared.assumed})
        if open_:
            more = f" and {len(open_) - _NAMES} more" if len(open_) > _NAMES else ""
            what = f"namespaces {', '.join(open_[:_NAMES])}{more}"
            why = "the repository does not declare them"
            self._report.unverified.append(Unverified(application="", what=what, why=why))
        for (_, namespace), item in missing.items():
            if item.rendered.declared.assumed:
                continue
            text = f'namespaces "{namespace}" not found'
            self._report.problems.append(item.problem(text, _HINT_NAMESPACE, "metadata.namespace"))
        made = {*known, *created, *(namespace for _, namespace in missing)} - {""}
        for name in sorted(made - set(BUILT_IN_NAMESPACES) - {item.manifest.key.name for item in declared}):
            for fault in await self._trial.create_namespace(name):
                self._report.problems.append(
                    Problem(object=f"Namespace {name}", field=fault.field, message=fault.message, hint=fault.hint)
                )

    async def _all(self, wanted: Sequence[WantedObject], *, real: bool) -> None:
        faults = await asyncio.gather(*(self._ask(item, real=real) for item in wanted))
        for item, found in zip(wanted, faults, strict=True):
            self._report.problems += [item.problem(fault.message, fault.hint, fault.field) for fault in found]

    async def _ask(self, item: WantedObject, *, real: bool) -> list[TrialFault]:
        manifest = item.manifest
        if not manifest.key.namespace and self._namespaced(manifest):
            return [_NO_NAMESPACE]
        try:
            async with self._places:
                self._asked += 1
                self._progress("objects judged", self._asked, self._total)
                return await (self._trial.create(manifest) if real else self._trial.ask(manifest))
        except UnknownKind as error:
            if error.certain:
                return [TrialFault("apiVersion", error.message, error.hint)]
            if not _options(item.rendered.declared.app).on(SKIP_MISSING_KIND, manifest.annotations):
                why = f"{error.message}: the repository has no definition of it"
                self._report.unverified.append(
                    Unverified(application=item.application, what=shown(manifest.key, manifest.generate_name), why=why)
                )
            return []

    def _namespaced(self, manifest: Manifest) -> bool:
        return bool(self._kubernetes.namespaced(manifest.key.group, manifest.key.kind))


def _options(app: Application) -> Options:
    return Options(frozenset(app.spec.sync_policy.sync_options if app.spec.sync_policy else ()))


def _own_key(app: Application) -> ResourceKey:
    return ResourceKey(GROUP, "Application", app.metadata.namespace, app.metadata.name)


def _defined(manifests: Iterable[Manifest]) -> dict[GroupKind, bool]:
    """Scopes of the kinds that manifests define."""
    return {kind: is_namespaced(each) for each in manifests if (kind := defined_kind(each)) is not None}


def _together(rendered: Rendered) -> list[list[Manifest]]:
    """Manifests that go to one cluster together: all of an application. Files in a folder that none names may be
    alternatives, each of them for a cluster of its own."""
    if not rendered.declared.plain:
        return [rendered.manifests]
    files: dict[str, list[Manifest]] = {}
    for manifest in rendered.manifests:
        files.setdefault(manifest.origin.rpartition(":")[0], []).append(manifest)
    return list(files.values())
